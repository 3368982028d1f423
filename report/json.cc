#include "report/json.h"

#include <nlohmann/json.hpp>

#include "report/format.h"
#include "report/metrics.h"

namespace myriad::report {
namespace {

using Json = nlohmann::ordered_json;

constexpr double kSecondsPerNs = 1e-9;

Json to_document(const Histogram& histogram) {
  const auto percentile = [&](double percent) { return histogram.percentile(percent) * kSecondsPerNs; };
  return {{"count", histogram.count()},
          {"min", static_cast<double>(histogram.min()) * kSecondsPerNs},
          {"mean", histogram.mean() * kSecondsPerNs},
          {"p50", percentile(50)},
          {"p90", percentile(90)},
          {"p99", percentile(99)},
          {"p999", percentile(99.9)},
          {"max", static_cast<double>(histogram.max()) * kSecondsPerNs}};
}

Json to_document(const Reasons& reasons) {
  Json json = Json::object();
  for (const auto& [reason, count] : reasons) {
    if (is_told(reason, count)) json[reason] = count;
  }
  return json;
}

Json to_document(const TcpResult& tcp) {
  Json json = Json::object();
  visit_metrics(tcp, [&](const char* name, std::uint64_t value, const char*) { json[name] = value; });
  return json;
}

template <class Plain>
Json to_document(const Plain& value) {
  return value;
}

template <class Part>
Json metrics_of(const Part& part) {
  Json json = Json::object();
  visit_metrics(part, [&](const char* name, const auto& value, const char*) { json[name] = to_document(value); });
  return json;
}

template <class Parts>
Json by_name(const Parts& parts) {
  Json json = Json::object();
  for (const auto& part : parts) json[part.name] = metrics_of(part);
  return json;
}

Json to_document(const std::vector<AskedResult>& asked) {
  Json json = Json::array();
  for (const AskedResult& one : asked) {
    json.push_back({{"address", one.address},
                    {"protocol", one.tcp ? "tcp" : "udp"},
                    {"port", one.port},
                    {"times", one.times},
                    {"first_bytes", escaped(one.first_bytes)}});
  }
  return json;
}

Json to_document(const std::vector<HostTrouble>& troubled) {
  Json json = Json::array();
  for (const HostTrouble& host : troubled) {
    json.push_back({{"host", host.host},
                    {"address", host.address},
                    {"reason", host.reason},
                    {"sessions_failed", host.sessions_failed}});
  }
  return json;
}

std::string text(const Json& json, int indent) { return json.dump(indent, ' ', false, Json::error_handler_t::replace); }

double per_second(std::uint64_t now, std::uint64_t before, double interval) {
  return interval > 0 && now >= before ? static_cast<double>(now - before) / interval : 0.0;
}

}  // namespace

std::string to_json(const RunResult& result) {
  Json json;
  json["myriad"] = {{"version", result.version},
                    {"command", result.command},
                    {"seed", result.seed},
                    {"started", result.started},
                    {"seconds", result.seconds}};
  json["machine"] = {{"kernel", result.machine.kernel}, {"cpu", result.machine.cpu}, {"cores", result.machine.cores}};
  json["ports"] = by_name(result.ports);
  json["hosts"] = by_name(result.hosts);
  for (const GroupResult& group : result.hosts) json["hosts"][group.name]["troubled"] = to_document(group.troubled);
  json["workloads"] = by_name(result.workloads);
  json["services"] = by_name(result.services);
  for (const ServiceResult& service : result.services) {
    if (!service.on_every_port) continue;
    json["services"][service.name]["asked"] = to_document(service.asked);
    json["services"][service.name]["asked_unlisted"] = service.asked_unlisted;
  }
  json["flows"] = by_name(result.flows);
  json["replays"] = by_name(result.replays);
  json["thresholds"] = Json::array();
  for (const ThresholdResult& threshold : result.thresholds) {
    json["thresholds"].push_back({{"expression", threshold.expression},
                                  {"observed", threshold.observed ? Json(*threshold.observed) : Json(nullptr)},
                                  {"holds", threshold.holds}});
  }
  json["notes"] = result.notes;
  json["verdict"] = verdict_name(result.verdict);
  return text(json, 2) + "\n";
}

std::string progress_line(const RunResult& now, const RunResult& before, double interval) {
  Json json;
  json["event"] = "progress";
  json["seconds"] = now.seconds;
  json["ports"] = Json::object();
  for (std::size_t i = 0; i < now.ports.size() && i < before.ports.size(); ++i) {
    const PortResult& port = now.ports[i];
    const PortResult& then = before.ports[i];
    json["ports"][port.name] = {{"link", port.link},
                                {"frames_tx", port.frames_tx},
                                {"frames_rx", port.frames_rx},
                                {"frames_tx_per_second", per_second(port.frames_tx, then.frames_tx, interval)},
                                {"frames_rx_per_second", per_second(port.frames_rx, then.frames_rx, interval)},
                                {"bits_tx_per_second", 8 * per_second(port.bytes_tx, then.bytes_tx, interval)},
                                {"bits_rx_per_second", 8 * per_second(port.bytes_rx, then.bytes_rx, interval)},
                                {"dropped", total(port.drops)}};
  }
  json["workloads"] = Json::object();
  for (std::size_t i = 0; i < now.workloads.size() && i < before.workloads.size(); ++i) {
    const WorkloadResult& load = now.workloads[i];
    const std::uint64_t ended = load.sessions_succeeded + load.sessions_failed;
    const std::uint64_t ended_then = before.workloads[i].sessions_succeeded + before.workloads[i].sessions_failed;
    json["workloads"][load.name] = {{"sessions_started", load.sessions_started},
                                    {"sessions_open", load.sessions_open},
                                    {"sessions_succeeded", load.sessions_succeeded},
                                    {"sessions_failed", load.sessions_failed},
                                    {"sessions_verified", load.sessions_verified},
                                    {"sessions_per_second", per_second(ended, ended_then, interval)},
                                    {"bytes_rx", load.bytes_rx},
                                    {"bytes_tx", load.bytes_tx},
                                    {"session_seconds_p50", load.session.percentile(50) * kSecondsPerNs},
                                    {"session_seconds_p99", load.session.percentile(99) * kSecondsPerNs}};
  }
  json["services"] = by_name(now.services);
  json["flows"] = Json::object();
  for (std::size_t i = 0; i < now.flows.size() && i < before.flows.size(); ++i) {
    const FlowResult& flow = now.flows[i];
    const FlowResult& then = before.flows[i];
    json["flows"][flow.name] = {{"frames_tx", flow.frames_tx},
                                {"frames_rx", flow.frames_rx},
                                {"frames_tx_per_second", per_second(flow.frames_tx, then.frames_tx, interval)},
                                {"frames_rx_per_second", per_second(flow.frames_rx, then.frames_rx, interval)},
                                {"latency_seconds_p50", flow.latency.percentile(50) * kSecondsPerNs},
                                {"latency_seconds_p99", flow.latency.percentile(99) * kSecondsPerNs}};
  }
  json["replays"] = Json::object();
  for (std::size_t i = 0; i < now.replays.size() && i < before.replays.size(); ++i) {
    const ReplayResult& replay = now.replays[i];
    json["replays"][replay.name] = {
        {"frames_tx", replay.frames_tx},
        {"frames_tx_per_second", per_second(replay.frames_tx, before.replays[i].frames_tx, interval)},
        {"frames_skipped", total(replay.frames_skipped)}};
  }
  return text(json, -1);
}

std::string event_line(std::string_view event, double seconds, std::string_view detail,
                       std::optional<std::string_view> port) {
  Json json;
  json["event"] = event;
  json["seconds"] = seconds;
  if (port) json["port"] = *port;
  if (!detail.empty()) json["detail"] = detail;
  return text(json, -1);
}

}  // namespace myriad::report
