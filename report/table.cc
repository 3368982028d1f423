#include "report/table.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string_view>

#include "report/format.h"

namespace myriad::report {
namespace {

constexpr double kPlainEverySeconds = 5;

double rate(std::uint64_t now, std::uint64_t before, double interval) {
  return interval > 0 && now >= before ? static_cast<double>(now - before) / interval : 0;
}

std::string rate_text(double per_second) { return count_text(static_cast<std::uint64_t>(per_second + 0.5)); }

std::uint64_t ended(const WorkloadResult& w) { return w.sessions_succeeded + w.sessions_failed; }

std::string clock_text(double seconds) {
  const auto whole = static_cast<std::uint64_t>(seconds);
  return whole < 60 ? fmt::format("{}s", whole) : fmt::format("{}m{:02}s", whole / 60, whole % 60);
}

// The name column is as wide as the longest name, within reason.
template <class Parts>
std::size_t name_columns(const Parts& parts, std::size_t at_least) {
  for (const auto& part : parts) at_least = std::max(at_least, columns(part.name));
  return std::min<std::size_t>(at_least, 24);
}

std::string name_cell(std::string_view name, std::size_t width) { return left(cut(name, width), width); }

void port_rows(std::vector<std::string>& lines, const Moment& m) {
  const std::size_t name = name_columns(m.now.ports, 8);
  lines.push_back(fmt::format("{} {} {} {} {} {} {}", left("port", name), left("link", 4), right("frames/s out", 13),
                              right("in", 11), right("rate out", 11), right("in", 11), right("dropped", 10)));
  for (std::size_t i = 0; i < m.now.ports.size() && i < m.before.ports.size(); ++i) {
    const PortResult& p = m.now.ports[i];
    const PortResult& b = m.before.ports[i];
    lines.push_back(fmt::format("{} {} {} {} {} {} {}", name_cell(p.name, name), left(p.link, 4),
                                right(rate_text(rate(p.frames_tx, b.frames_tx, m.interval)), 13),
                                right(rate_text(rate(p.frames_rx, b.frames_rx, m.interval)), 11),
                                right(bits_rate_text(8 * rate(p.bytes_tx, b.bytes_tx, m.interval)), 11),
                                right(bits_rate_text(8 * rate(p.bytes_rx, b.bytes_rx, m.interval)), 11),
                                right(count_text(total(p.drops)), 10)));
  }
}

// What a workload is asked for at this moment: a rate, sessions at a time, both, or whatever comes.
std::string asked_text(const WorkloadResult& w) {
  std::string text;
  if (w.rate_target > 0) text = rate_text(w.rate_target) + "/s";
  if (w.concurrent_target > 0) text += (text.empty() ? "" : " ") + rate_text(w.concurrent_target) + " open";
  return text;
}

const char* limited_text(bool limited) { return limited ? "  generator-limited" : ""; }

void workload_rows(std::vector<std::string>& lines, const Moment& m) {
  if (m.now.workloads.empty()) return;
  const std::size_t name = name_columns(m.now.workloads, 8);
  lines.push_back(fmt::format("{} {} {} {} {} {} {} {} {}", left("workload", name), right("open", 8),
                              right("succeeded", 9), right("failed", 8), right("starts/s", 8), right("asked", 10),
                              right("ends/s", 7), right("p50", 7), right("p99", 7)));
  for (std::size_t i = 0; i < m.now.workloads.size() && i < m.before.workloads.size(); ++i) {
    const WorkloadResult& w = m.now.workloads[i];
    const WorkloadResult& b = m.before.workloads[i];
    lines.push_back(
        fmt::format("{} {} {} {} {} {} {} {} {}{}", name_cell(w.name, name), right(count_text(w.sessions_open), 8),
                    right(count_text(w.sessions_succeeded), 9), right(count_text(w.sessions_failed), 8),
                    right(rate_text(rate(w.sessions_started, b.sessions_started, m.interval)), 8),
                    right(asked_text(w), 10), right(rate_text(rate(ended(w), ended(b), m.interval)), 7),
                    right(seconds_text(w.session.percentile(50) * 1e-9), 7),
                    right(seconds_text(w.session.percentile(99) * 1e-9), 7), limited_text(w.generator_limited)));
  }
}

void flow_rows(std::vector<std::string>& lines, const Moment& m) {
  if (m.now.flows.empty()) return;
  const std::size_t name = name_columns(m.now.flows, 8);
  lines.push_back(fmt::format("{} {} {} {} {} {} {}", left("flow", name), right("frames/s", 11), right("achieved", 12),
                              right("of asked", 12), right("arrived", 11), right("lost", 9), right("p99", 7)));
  for (std::size_t i = 0; i < m.now.flows.size() && i < m.before.flows.size(); ++i) {
    const FlowResult& f = m.now.flows[i];
    lines.push_back(fmt::format("{} {} {} {} {} {} {}{}", name_cell(f.name, name),
                                right(rate_text(rate(f.frames_tx, m.before.flows[i].frames_tx, m.interval)), 11),
                                right(rate_in(f.rate_achieved, f.rate_unit), 12),
                                right(f.rate_target > 0 ? rate_in(f.rate_target, f.rate_unit) : "", 12),
                                right(count_text(f.frames_rx), 11), right(count_text(f.lost), 9),
                                right(seconds_text(f.latency.percentile(99) * 1e-9), 7),
                                limited_text(f.generator_limited)));
  }
}

void replay_rows(std::vector<std::string>& lines, const Moment& m) {
  if (m.now.replays.empty()) return;
  const std::size_t name = name_columns(m.now.replays, 8);
  lines.push_back(fmt::format("{} {} {} {} {} {} {}", left("replay", name), right("frames/s", 11), right("sent", 12),
                              right("of read", 12), right("skipped", 11), right("late", 9), right("p99", 7)));
  for (std::size_t i = 0; i < m.now.replays.size() && i < m.before.replays.size(); ++i) {
    const ReplayResult& r = m.now.replays[i];
    lines.push_back(fmt::format("{} {} {} {} {} {} {}{}", name_cell(r.name, name),
                                right(rate_text(rate(r.frames_tx, m.before.replays[i].frames_tx, m.interval)), 11),
                                right(count_text(r.frames_tx), 12), right(count_text(r.frames_read), 12),
                                right(count_text(total(r.frames_skipped)), 11), right(count_text(r.frames_late), 9),
                                right(seconds_text(r.lateness.percentile(99) * 1e-9), 7),
                                limited_text(r.generator_limited)));
  }
}

void service_rows(std::vector<std::string>& lines, const Moment& m) {
  if (m.now.services.empty()) return;
  const std::size_t name = name_columns(m.now.services, 8);
  lines.push_back(fmt::format("{} {} {} {} {}", left("service", name), right("sessions", 11), right("per second", 10),
                              right("sent", 11), right("received", 11)));
  for (std::size_t i = 0; i < m.now.services.size() && i < m.before.services.size(); ++i) {
    const ServiceResult& s = m.now.services[i];
    lines.push_back(fmt::format("{} {} {} {} {}", name_cell(s.name, name), right(count_text(s.sessions), 11),
                                right(rate_text(rate(s.sessions, m.before.services[i].sessions, m.interval)), 10),
                                right(bytes_text(s.bytes_tx), 11), right(bytes_text(s.bytes_rx), 11)));
  }
}

void group_rows(std::vector<std::string>& lines, const Moment& m) {
  if (m.now.hosts.empty()) return;
  const std::size_t name = name_columns(m.now.hosts, 8);
  lines.push_back(fmt::format("{} {} {} {} {}", left("hosts", name), right("count", 11), right("ARP/ND asked", 13),
                              right("answered", 11), right("pings", 11)));
  for (const GroupResult& g : m.now.hosts) {
    lines.push_back(fmt::format("{} {} {} {} {}", name_cell(g.name, name), right(count_text(g.count), 11),
                                right(count_text(g.arp_requests_tx + g.neighbour_solicitations_tx), 13),
                                right(count_text(g.arp_replies_tx + g.neighbour_advertisements_tx), 11),
                                right(count_text(g.echo_replies_tx), 11)));
  }
}

struct TerminalSize {
  std::size_t width = 80;
  std::size_t height = 24;
};

TerminalSize terminal_size(std::FILE* stream) {
  winsize size{};
  if (::ioctl(::fileno(stream), TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0) return {};
  return {size.ws_col, size.ws_row};
}

}  // namespace

std::vector<std::string> table_lines(const Moment& m, std::size_t width, std::size_t height) {
  std::vector<std::string> lines;
  lines.push_back(fmt::format("myriad  {}{}  seed {}", clock_text(m.now.seconds),
                              m.duration ? " of " + clock_text(*m.duration) : "", m.now.seed));
  port_rows(lines, m);
  workload_rows(lines, m);
  flow_rows(lines, m);
  replay_rows(lines, m);
  service_rows(lines, m);
  group_rows(lines, m);
  if (lines.size() > height) lines.resize(height);
  for (std::string& line : lines) line = std::string(cut(line, width));
  return lines;
}

std::string plain_line(const Moment& m) {
  std::string line = clock_text(m.now.seconds);
  for (std::size_t i = 0; i < m.now.ports.size() && i < m.before.ports.size(); ++i) {
    const PortResult& p = m.now.ports[i];
    const PortResult& b = m.before.ports[i];
    line += fmt::format("  {}: {} out/s, {} in/s", p.name, rate_text(rate(p.frames_tx, b.frames_tx, m.interval)),
                        rate_text(rate(p.frames_rx, b.frames_rx, m.interval)));
    if (const std::uint64_t drops = total(p.drops); drops != 0) line += fmt::format(", {} dropped", count_text(drops));
    if (p.link != "up" && !p.link.empty()) line += ", link " + p.link;
  }
  for (std::size_t i = 0; i < m.now.workloads.size() && i < m.before.workloads.size(); ++i) {
    const WorkloadResult& w = m.now.workloads[i];
    const std::string asked = asked_text(w);
    line += fmt::format("  {}: {} open, {} ok, {} failed, {} started/s{}", w.name, count_text(w.sessions_open),
                        count_text(w.sessions_succeeded), count_text(w.sessions_failed),
                        rate_text(rate(w.sessions_started, m.before.workloads[i].sessions_started, m.interval)),
                        asked.empty() ? "" : " of " + asked);
  }
  for (const FlowResult& f : m.now.flows) {
    line += fmt::format("  {}: {}{}", f.name, rate_in(f.rate_achieved, f.rate_unit),
                        f.rate_target > 0 ? " of " + rate_in(f.rate_target, f.rate_unit) : "");
    if (f.lost != 0) line += fmt::format(", {} lost", count_text(f.lost));
  }
  for (const ReplayResult& r : m.now.replays) {
    line += fmt::format("  {}: {} of {} frames sent", r.name, count_text(r.frames_tx), count_text(r.frames_read));
    if (r.frames_late != 0) line += fmt::format(", {} late", count_text(r.frames_late));
  }
  for (const ServiceResult& s : m.now.services) line += fmt::format("  {}: {} served", s.name, count_text(s.sessions));
  return line;
}

Progress::Style Progress::style_for(std::FILE* stream) {
  if (::isatty(::fileno(stream)) == 0) return Style::kPlain;
  const char* const terminal = std::getenv("TERM");
  const bool can_move = terminal != nullptr && std::string_view(terminal) != "dumb" && *terminal != '\0';
  return can_move ? Style::kTable : Style::kPlain;
}

// Up to the table's first line and everything below it cleared.
void Progress::rewind_over_table(std::string& out) {
  if (drawn_lines_ > 0) out += fmt::format("\x1b[{}A", drawn_lines_);
  out += "\r\x1b[J";
  drawn_lines_ = 0;
}

void Progress::draw(const Moment& moment) {
  if (style_ == Style::kPlain) {
    if (moment.now.seconds < next_plain_) return;
    while (next_plain_ <= moment.now.seconds) next_plain_ += kPlainEverySeconds;
    std::fputs((plain_line(moment) + "\n").c_str(), stream_);
    std::fflush(stream_);
  }
  if (style_ != Style::kTable) return;
  const TerminalSize size = terminal_size(stream_);
  std::string out;
  if (!cursor_hidden_) out += "\x1b[?25l";
  cursor_hidden_ = true;
  rewind_over_table(out);
  // One line less than the screen has: the cursor rests below the table.
  const auto lines = table_lines(moment, size.width, std::max<std::size_t>(size.height, 2) - 1);
  for (const std::string& line : lines) out += line + "\n";
  drawn_lines_ = lines.size();
  std::fputs(out.c_str(), stream_);
  std::fflush(stream_);
}

void Progress::say(const std::string& line) {
  std::string out;
  if (style_ == Style::kTable) rewind_over_table(out);
  std::fputs((out + line + "\n").c_str(), stream_);
  std::fflush(stream_);
}

void Progress::finish() {
  if (cursor_hidden_) std::fputs("\x1b[?25h", stream_);
  if (cursor_hidden_) std::fflush(stream_);
  cursor_hidden_ = false;
  drawn_lines_ = 0;
}

}  // namespace myriad::report
