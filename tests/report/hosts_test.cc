#include "report/hosts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace myriad::report {
namespace {

using Json = nlohmann::ordered_json;
using ::testing::HasSubstr;
using ::testing::Not;

HostResult sample_host() {
  HostResult host;
  host.name = "clients[17]";
  host.group = "clients";
  host.index = 17;
  host.mac = "02:4d:00:00:00:12";
  host.ipv4 = "10.0.1.18";
  host.vlan = {100, 7};
  HostSessions fetch;
  fetch.workload = "fetch";
  fetch.started = 9;
  fetch.succeeded = 5;
  fetch.failed = 3;
  fetch.failures = {{"refused", 2}, {"timeout", 1}};
  fetch.connect = {5, 0.001, 0.002, 0.004};
  host.sessions = {fetch};
  return host;
}

TEST(HostLine, SaysWhoAndWhat) {
  EXPECT_EQ(Json::parse(host_line(sample_host())), Json::parse(R"({
    "host": "clients[17]", "group": "clients", "index": 17, "mac": "02:4d:00:00:00:12", "ipv4": "10.0.1.18",
    "ipv6": null, "vlan": [100, 7],
    "workloads": {"fetch": {
      "sessions_started": 9, "sessions_succeeded": 5, "sessions_failed": 3, "sessions_open": 1,
      "failures": {"refused": 2, "timeout": 1},
      "connect_seconds": {"count": 5, "min": 0.001, "mean": 0.002, "max": 0.004},
      "first_byte_seconds": {"count": 0, "min": 0.0, "mean": 0.0, "max": 0.0},
      "session_seconds": {"count": 0, "min": 0.0, "mean": 0.0, "max": 0.0}}}})"));
}

TEST(HostLine, IsOneLineWhateverTheNames) {
  HostResult host = sample_host();
  host.group = "a\nb\xff\"";
  EXPECT_THAT(host_line(host), Not(HasSubstr("\n")));
  EXPECT_TRUE(Json::accept(host_line(host)));
}

}  // namespace
}  // namespace myriad::report
