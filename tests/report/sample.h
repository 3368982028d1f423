// A result with something in every part, for the tests of report/.
#pragma once

#include "report/result.h"

namespace myriad::report {

inline RunResult sample_result() {
  RunResult r;
  r.version = "0.1.0";
  r.command = {"myriad", "run", "a.yaml"};
  r.seed = 42;
  r.started = "2026-01-02T03:04:05Z";
  r.seconds = 2.5;
  r.machine = {"6.18.0", "A CPU", 2};
  PortResult port;
  port.name = "lan";
  port.interface = "eth1";
  port.driver = "veth";
  port.mode = "copy";
  port.xdp = "native";
  port.link = "up";
  port.queues = 1;
  port.shards = 2;
  port.frames_tx = 12345;
  port.frames_rx = 23456;
  port.bytes_tx = 1 << 20;
  port.bytes_rx = 3 << 20;
  port.frames_passed = 7;
  port.drops = {{"truncated", 0}, {"bad_tcp_checksum", 3}};
  r.ports = {port};
  r.hosts.resize(1);
  r.hosts[0].name = "clients";
  r.hosts[0].count = 1000;
  r.hosts[0].arp_requests_tx = 10;
  r.hosts[0].arp_replies_tx = 900;
  r.hosts[0].neighbour_advertisements_tx = 100;
  r.hosts[0].echo_replies_tx = 2000;
  r.hosts[0].resolved = 1;
  r.hosts[0].hosts_succeeded = 988;
  r.hosts[0].hosts_failed = 12;
  r.hosts[0].troubled = {{"clients[7]", "10.0.1.8", "refused", 1},
                         {"clients[170]", "10.0.1.171", "still_open", 0},
                         {"clients[171]", "10.0.1.172", "timeout", 3}};
  WorkloadResult fetch;
  fetch.name = "fetch";
  fetch.group = "clients";
  fetch.verifies = true;
  fetch.sessions_started = 5000;
  fetch.sessions_succeeded = 4990;
  fetch.sessions_failed = 8;
  fetch.sessions_open = 2;
  fetch.sessions_verified = 4990;
  fetch.hosts_succeeded = 988;
  fetch.hosts_failed = 12;
  fetch.failures = {{"refused", 5}, {"reset", 0}, {"timeout", 3}};
  fetch.bytes_tx = 500'000;
  fetch.bytes_rx = 5'000'000;
  fetch.concurrent_max = 1000;
  fetch.connect.record_n(1'000'000, 99);
  fetch.connect.record(3'000'000'000);
  fetch.session.record_n(200, 4);
  fetch.tcp.segments_tx = 20000;
  fetch.tcp.retransmits = 4;
  fetch.tcp.rto = 1;
  r.workloads = {fetch};
  ServiceResult& web = r.services.emplace_back();
  web.name = "web";
  web.sessions = 17;
  web.bytes_tx = 17000;
  web.bytes_rx = 1700;
  r.thresholds = {{"fetch.sessions_failed == 0", 8.0, false},
                  {"fetch.first_byte_seconds p(99) < 2s", std::nullopt, false}};
  r.verdict = Verdict::kFail;
  r.notes = {"something to know"};
  return r;
}

}  // namespace myriad::report
