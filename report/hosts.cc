#include "report/hosts.h"

#include <nlohmann/json.hpp>

namespace myriad::report {
namespace {

using Json = nlohmann::ordered_json;

Json to_document(const TimesResult& times) {
  return {{"count", times.count}, {"min", times.min}, {"mean", times.mean}, {"max", times.max}};
}

Json to_document(const HostSessions& sessions) {
  Json failures = Json::object();
  for (const auto& [reason, count] : sessions.failures) failures[reason] = count;
  return {{"sessions_started", sessions.started},
          {"sessions_succeeded", sessions.succeeded},
          {"sessions_failed", sessions.failed},
          {"sessions_open", sessions.started - sessions.succeeded - sessions.failed},
          {"failures", std::move(failures)},
          {"connect_seconds", to_document(sessions.connect)},
          {"first_byte_seconds", to_document(sessions.first_byte)},
          {"session_seconds", to_document(sessions.session)}};
}

}  // namespace

std::string host_line(const HostResult& host) {
  Json json;
  json["host"] = host.name;
  json["group"] = host.group;
  json["index"] = host.index;
  json["mac"] = host.mac;
  json["ipv4"] = host.ipv4.empty() ? Json(nullptr) : Json(host.ipv4);
  json["ipv6"] = host.ipv6.empty() ? Json(nullptr) : Json(host.ipv6);
  json["vlan"] = host.vlan;
  json["workloads"] = Json::object();
  for (const HostSessions& sessions : host.sessions) json["workloads"][sessions.workload] = to_document(sessions);
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace myriad::report
