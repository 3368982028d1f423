#include "report/summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "report/format.h"

namespace myriad::report {
namespace {

constexpr std::size_t kNameColumns = 12;

class Text {
 public:
  template <class... Args>
  void line(fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(out_), format, std::forward<Args>(args)...);
    out_ += '\n';
  }
  // A line under the name of the part before it.
  template <class... Args>
  void under(fmt::format_string<Args...> format, Args&&... args) {
    out_.append(2 + kNameColumns + 1, ' ');
    line(format, std::forward<Args>(args)...);
  }
  [[nodiscard]] std::string take() { return std::move(out_); }

 private:
  std::string out_;
};

// "refused 3, reset 2", in the order of the document.
std::string nonzero(const Reasons& reasons) {
  std::string out;
  for (const auto& [reason, count] : reasons) {
    if (count == 0) continue;
    out += fmt::format("{}{} {}", out.empty() ? "" : ", ", reason, count_text(count));
  }
  return out;
}

std::string sessions_headline(const RunResult& result) {
  std::uint64_t started = 0;
  std::uint64_t succeeded = 0;
  std::uint64_t failed = 0;
  std::uint64_t verified = 0;
  bool verifies = false;
  for (const WorkloadResult& workload : result.workloads) {
    started += workload.sessions_started;
    succeeded += workload.sessions_succeeded;
    failed += workload.sessions_failed;
    if (workload.verifies) verified += workload.sessions_verified;
    verifies = verifies || workload.verifies;
  }
  std::string what = fmt::format("{} of {} sessions succeeded", count_text(succeeded), count_text(started));
  if (verifies) what += fmt::format(", {} verified", count_text(verified));
  if (failed != 0) what += fmt::format(", {} failed", count_text(failed));
  return what;
}

const char* verdict_word(Verdict verdict) {
  switch (verdict) {
    case Verdict::kPass:
      return "PASS";
    case Verdict::kFail:
      return "FAIL";
    case Verdict::kNoAnswer:
      return "NO ANSWER";
    case Verdict::kInterrupted:
      return "INTERRUPTED";
    case Verdict::kError:
      return "ERROR";
  }
  return "ERROR";
}

void latency_row(Text& text, const char* what, const Histogram& histogram) {
  if (histogram.empty()) return;
  const auto at = [&](double percent) { return right(seconds_text(histogram.percentile(percent) * 1e-9), 9); };
  text.under("{} {} {} {} {}", left(what, 11), at(50), at(90), at(99), at(100));
}

// The hosts that never succeeded, each in a line.
void troubled_lines(Text& text, const std::vector<HostTrouble>& troubled, std::uint64_t all) {
  std::size_t widest_name = 0;
  std::size_t widest_address = 0;
  for (const HostTrouble& host : troubled) {
    widest_name = std::max(widest_name, columns(host.host));
    widest_address = std::max(widest_address, columns(host.address));
  }
  for (const HostTrouble& host : troubled) {
    text.under("  {}  {}  {}{}", left(host.host, widest_name), left(host.address, widest_address), host.reason,
               host.sessions_failed > 1 ? fmt::format(", {} sessions failed", count_text(host.sessions_failed)) : "");
  }
  if (all > troubled.size())
    text.under("  and {} more; --hosts-json FILE names all", count_text(all - troubled.size()));
}

void workload_part(Text& text, const WorkloadResult& w) {
  text.line("");
  text.line("  {} {} sessions started, {} succeeded, {} failed{}{}", left(w.name, kNameColumns),
            count_text(w.sessions_started), count_text(w.sessions_succeeded), count_text(w.sessions_failed),
            w.sessions_open != 0 ? fmt::format(", {} still open", count_text(w.sessions_open)) : "",
            w.verifies ? fmt::format(", {} verified", count_text(w.sessions_verified)) : "");
  text.under("{} hosts of {} succeeded, {} failed; at most {} sessions at a time", count_text(w.hosts_succeeded),
             w.group, count_text(w.hosts_failed), count_text(w.concurrent_max));
  if (!w.troubled.empty()) troubled_lines(text, w.troubled, w.hosts_failed);
  if (const std::string failures = nonzero(w.failures); !failures.empty()) text.under("failures: {}", failures);
  if (!w.connect.empty() || !w.first_byte.empty() || !w.session.empty()) {
    text.under("{} {} {} {} {}", left("", 11), right("p50", 9), right("p90", 9), right("p99", 9), right("max", 9));
    latency_row(text, "connect", w.connect);
    latency_row(text, "tls", w.tls_handshake);
    latency_row(text, "first byte", w.first_byte);
    if (w.request.count() > w.session.count()) latency_row(text, "request", w.request);
    latency_row(text, "session", w.session);
    latency_row(text, "round trip", w.round_trip);
  }
  if (w.echo_lost != 0) text.under("{} of {} pings lost", count_text(w.echo_lost), count_text(w.echo_tx));
  text.under("{} received, {} sent", bytes_text(w.bytes_rx), bytes_text(w.bytes_tx));
  if (w.request.count() > w.session.count()) {
    text.under("{} requests answered: {}", count_text(w.requests), nonzero(w.responses));
  }
  if (w.tls_handshakes != 0) {
    text.under("{} TLS handshakes, {} of them resumed", count_text(w.tls_handshakes), count_text(w.tls_resumed));
  }
  if (w.has_tcp && (w.tcp.retransmits | w.tcp.rto | w.tcp.resets_rx | w.tcp.bad_checksum_rx) != 0) {
    text.under("tcp: {} of {} segments sent again ({} timeouts), {} resets received, {} bad checksums",
               count_text(w.tcp.retransmits), count_text(w.tcp.segments_tx), count_text(w.tcp.rto),
               count_text(w.tcp.resets_rx), count_text(w.tcp.bad_checksum_rx));
  }
  if (w.generator_limited) text.under("generator-limited: the load asked for was not reached because of this machine");
}

// What was asked for most often.
void asked_lines(Text& text, const ServiceResult& service) {
  constexpr std::size_t kLines = 10;
  constexpr std::size_t kColumns = 48;
  std::vector<const AskedResult*> most;
  for (const AskedResult& one : service.asked) most.push_back(&one);
  std::stable_sort(most.begin(), most.end(), [](const auto* a, const auto* b) { return a->times > b->times; });
  const std::size_t shown = std::min(most.size(), kLines);
  std::size_t widest = 0;
  for (std::size_t i = 0; i < shown; ++i) widest = std::max(widest, columns(most[i]->address));
  for (std::size_t i = 0; i < shown; ++i) {
    const AskedResult& one = *most[i];
    const std::string said = escaped(one.first_bytes);
    text.under("{} {} {} {} times  {}", left(one.address, widest), one.tcp ? "tcp" : "udp",
               left(std::to_string(one.port), 5), right(count_text(one.times), 7), cut(said, kColumns));
  }
  if (most.size() > shown) text.under("and {} more; --json FILE names them", count_text(most.size() - shown));
  if (service.asked_unlisted != 0) text.under("and {} times what is not listed", count_text(service.asked_unlisted));
}

void flow_part(Text& text, const FlowResult& f) {
  text.line("");
  text.line("  {} {} frames sent ({}){}", left(f.name, kNameColumns), count_text(f.frames_tx), bytes_text(f.bytes_tx),
            f.unresolved != 0 ? fmt::format(", {} not: no next hop answered", count_text(f.unresolved)) : "");
  if (f.rate_achieved > 0) {
    text.under("{}{}", rate_in(f.rate_achieved, f.rate_unit),
               f.rate_target > 0 ? fmt::format(" of {} asked, error {:.3g} %", rate_in(f.rate_target, f.rate_unit),
                                               f.rate_error * 100)
                                 : ", as fast as possible");
  }
  if (f.frames_rx != 0 || f.lost != 0) {
    text.under("{} arrived, {} lost, {} reordered, {} duplicated", count_text(f.frames_rx), count_text(f.lost),
               count_text(f.reordered), count_text(f.duplicated));
  }
  if (!f.latency.empty() || !f.jitter.empty()) {
    text.under("{} {} {} {} {}", left("", 11), right("p50", 9), right("p90", 9), right("p99", 9), right("max", 9));
    latency_row(text, "latency", f.latency);
    latency_row(text, "jitter", f.jitter);
  }
  if (f.generator_limited) text.under("generator-limited: the rate asked for was not reached because of this machine");
}

void replay_part(Text& text, const ReplayResult& r) {
  text.line("");
  text.line("  {} {} frames sent ({}) of {} read{}", left(r.name, kNameColumns), count_text(r.frames_tx),
            bytes_text(r.bytes_tx), count_text(r.frames_read),
            r.sources != 0 ? fmt::format(", {} sources on hosts", count_text(r.sources)) : "");
  if (r.seconds > 0) {
    text.under("in {:.3f} s, {}, {}", r.seconds, rate_in(static_cast<double>(r.frames_tx) / r.seconds, "pps"),
               rate_in(8 * static_cast<double>(r.bytes_tx) / r.seconds, "bps"));
  }
  if (total(r.frames_skipped) != 0) text.under("not sent: {}", nonzero(r.frames_skipped));
  if (!r.lateness.empty()) {
    text.under("{} {} {} {} {}", left("", 11), right("p50", 9), right("p90", 9), right("p99", 9), right("max", 9));
    latency_row(text, "lateness", r.lateness);
  }
  if (r.generator_limited) text.under("generator-limited: frames were late because of this machine");
}

void group_part(Text& text, const GroupResult& g) {
  text.line(
      "  {} {} hosts; ARP/ND {} asked, {} answered; {} pings answered{}{}", left(g.name, kNameColumns),
      count_text(g.count), count_text(g.arp_requests_tx + g.neighbour_solicitations_tx),
      count_text(g.arp_replies_tx + g.neighbour_advertisements_tx), count_text(g.echo_replies_tx),
      g.unresolved != 0 ? fmt::format("; {} next hops never answered", count_text(g.unresolved)) : "",
      g.duplicate_address != 0 ? fmt::format("; {} DUPLICATE ADDRESSES seen", count_text(g.duplicate_address)) : "");
  if (g.hosts_succeeded + g.hosts_failed == 0) return;
  text.under("{} of {} with sessions succeeded{}", count_text(g.hosts_succeeded),
             count_text(g.hosts_succeeded + g.hosts_failed),
             g.hosts_failed != 0 ? fmt::format("; {} never did:", count_text(g.hosts_failed)) : "");
  troubled_lines(text, g.troubled, g.hosts_failed);
}

void port_part(Text& text, const PortResult& p) {
  text.line("  {} {} ({}), {} mode, {} XDP, {} {}, {} {}{}", left(p.name, kNameColumns), p.interface, p.driver, p.mode,
            p.xdp, p.queues, p.queues == 1 ? "queue" : "queues", p.shards, p.shards == 1 ? "shard" : "shards",
            p.link == "up" || p.link.empty() ? "" : ", link " + p.link);
  text.under("{} frames out ({}), {} in ({}), {} left to the kernel{}", count_text(p.frames_tx), bytes_text(p.bytes_tx),
             count_text(p.frames_rx), bytes_text(p.bytes_rx), count_text(p.frames_passed),
             p.frames_inside != 0 ? fmt::format(", {} inside", count_text(p.frames_inside)) : "");
  if (const std::string drops = nonzero(p.drops); !drops.empty()) text.under("drops: {}", drops);
}

}  // namespace

std::string headline(const RunResult& result) {
  std::uint64_t frames = 0;
  for (const FlowResult& flow : result.flows) frames += flow.frames_tx;
  for (const ReplayResult& replay : result.replays) frames += replay.frames_tx;
  std::string what;
  if (!result.workloads.empty()) {
    what = sessions_headline(result);
  } else if (frames != 0 || !result.replays.empty()) {
    std::string of;
    if (!result.flows.empty())
      of = result.flows.size() == 1 ? "one flow" : fmt::format("{} flows", result.flows.size());
    if (!result.flows.empty() && !result.replays.empty()) of += " and ";
    if (!result.replays.empty())
      of += result.replays.size() == 1 ? "one replay" : fmt::format("{} replays", result.replays.size());
    what = fmt::format("{} frames of {} sent", count_text(frames), of);
  } else {
    std::uint64_t hosts = 0;
    for (const GroupResult& group : result.hosts) hosts += group.count;
    what = fmt::format("{} hosts were there", count_text(hosts));
  }
  return fmt::format("{}, in {}", what, seconds_text(result.seconds));
}

std::string summary_text(const RunResult& result) {
  Text text;
  text.line("{}  {}", verdict_word(result.verdict), headline(result));
  for (const WorkloadResult& workload : result.workloads) workload_part(text, workload);
  for (const FlowResult& flow : result.flows) flow_part(text, flow);
  for (const ReplayResult& replay : result.replays) replay_part(text, replay);
  if (!result.services.empty()) text.line("");
  for (const ServiceResult& service : result.services) {
    text.line("  {} {} sessions served, {} sent, {} received", left(service.name, kNameColumns),
              count_text(service.sessions), bytes_text(service.bytes_tx), bytes_text(service.bytes_rx));
    asked_lines(text, service);
  }
  if (!result.hosts.empty()) text.line("");
  for (const GroupResult& group : result.hosts) group_part(text, group);
  if (!result.ports.empty()) text.line("");
  for (const PortResult& port : result.ports) port_part(text, port);
  if (!result.thresholds.empty()) text.line("");
  for (const ThresholdResult& threshold : result.thresholds) {
    text.line("  {} {}  (observed {})", threshold.holds ? "✓" : "✗", threshold.expression,
              threshold.observed ? fmt::format("{:.6g}", *threshold.observed) : "nothing");
  }
  if (!result.notes.empty()) text.line("");
  for (const std::string& note : result.notes) text.line("  ! {}", note);
  return text.take();
}

}  // namespace myriad::report
