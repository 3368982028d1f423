// The metrics of the result document: name, value, meaning; each written once. The JSON document, thresholds and
// `myriad list metrics` are three visitors of these lists.
//
// A visitor is called as visit(name, value, meaning) where value is a std::uint64_t, double, bool, std::string,
// Histogram, Reasons or TcpResult.
#pragma once

#include "report/result.h"

namespace myriad::report {

template <class V>
void visit_metrics(const PortResult& port, V&& visit) {
  visit("interface", port.interface, "name of the network interface");
  visit("driver", port.driver, "its driver");
  visit("mode", port.mode, "how frames cross to the kernel: zero-copy, copy or skb");
  visit("xdp", port.xdp, "how the steering program is attached: native or skb");
  visit("link", port.link, "up, down or gone");
  visit("queues", port.queues, "queues in use");
  visit("shards", port.shards, "threads that serve them");
  visit("frames_tx", port.frames_tx, "frames the kernel has completed");
  visit("frames_rx", port.frames_rx, "frames received for our hosts");
  visit("bytes_tx", port.bytes_tx, "their bytes, without FCS");
  visit("bytes_rx", port.bytes_rx, "their bytes, without FCS");
  visit("frames_passed", port.frames_passed, "frames that steering left to the kernel");
  visit("frames_inside", port.frames_inside, "frames between two hosts of this port, delivered without the wire");
  visit("drops", port.drops, "received frames that came to nothing, and frames lost on the way out, by reason");
}

template <class V>
void visit_metrics(const GroupResult& group, V&& visit) {
  visit("count", group.count, "hosts of the group");
  visit("arp_requests_tx", group.arp_requests_tx, "ARP requests sent");
  visit("arp_replies_tx", group.arp_replies_tx, "ARP requests answered");
  visit("echo_replies_tx", group.echo_replies_tx, "pings answered, of both families");
  visit("neighbour_solicitations_tx", group.neighbour_solicitations_tx, "IPv6 neighbour solicitations sent");
  visit("neighbour_advertisements_tx", group.neighbour_advertisements_tx, "IPv6 neighbour solicitations answered");
  visit("announcements_tx", group.announcements_tx, "gratuitous ARP and unsolicited advertisements sent");
  visit("echo_requests_tx", group.echo_requests_tx, "pings sent, of both families");
  visit("icmp_errors_tx", group.icmp_errors_tx, "ICMP errors sent, such as port unreachable");
  visit("icmp_errors_limited", group.icmp_errors_limited, "ICMP errors not sent, by the limits that hosts must keep");
  visit("resolved", group.resolved, "next hops whose MAC address was learned");
  visit("unresolved", group.unresolved, "next hops that never answered");
  visit("duplicate_address", group.duplicate_address, "times somebody else claimed an address of ours");
  visit("hosts_succeeded", group.hosts_succeeded, "hosts with a session that succeeded, known at the run's end");
  visit("hosts_failed", group.hosts_failed, "hosts with sessions, none of which succeeded, known at the run's end");
}

template <class V>
void visit_metrics(const TcpResult& tcp, V&& visit) {
  visit("segments_tx", tcp.segments_tx, "TCP segments sent");
  visit("segments_rx", tcp.segments_rx, "TCP segments received");
  visit("retransmits", tcp.retransmits, "segments sent again");
  visit("rto", tcp.rto, "retransmission timeouts");
  visit("fast_retransmits", tcp.fast_retransmits, "retransmissions that did not wait for the timeout");
  visit("resets_rx", tcp.resets_rx, "RST received");
  visit("out_of_order_rx", tcp.out_of_order_rx, "segments that came before their turn");
  visit("duplicate_rx", tcp.duplicate_rx, "segments that had come before");
  visit("bad_checksum_rx", tcp.bad_checksum_rx, "segments with a wrong checksum");
  visit("resets_tx", tcp.resets_tx, "RST sent for connections");
  visit("zero_window_probes_tx", tcp.zero_window_probes_tx, "probes of a window that the peer had closed");
  visit("tail_loss_probes_tx", tcp.tail_loss_probes_tx, "probes for a loss at the end of what was sent");
  visit("keep_alives_tx", tcp.keep_alives_tx, "probes of idle connections");
  visit("dsacks_rx", tcp.dsacks_rx, "acknowledgements that tell of segments received twice");
  visit("challenge_acks_tx", tcp.challenge_acks_tx, "answers to segments that may have been forged");
}

template <class V>
void visit_metrics(const WorkloadResult& workload, V&& visit) {
  visit("sessions_started", workload.sessions_started, "sessions begun");
  visit("sessions_succeeded", workload.sessions_succeeded, "sessions that did all they should");
  visit("sessions_failed", workload.sessions_failed, "sessions that did not");
  visit("sessions_open", workload.sessions_open, "sessions that had not ended when the run did");
  visit("sessions_warm_up", workload.sessions_warm_up, "sessions begun in the warm-up; in none of the other numbers");
  visit("sessions_verified", workload.sessions_verified, "sessions whose content was checked and right");
  visit("hosts_succeeded", workload.hosts_succeeded, "hosts with at least one session that succeeded");
  visit("hosts_failed", workload.hosts_failed, "hosts with sessions, none of which succeeded");
  visit("failures", workload.failures, "failed sessions by reason");
  visit("bytes_tx", workload.bytes_tx, "payload bytes sent");
  visit("bytes_rx", workload.bytes_rx, "payload bytes received");
  visit("concurrent_max", workload.concurrent_max, "most sessions open at a time");
  visit("generator_limited", workload.generator_limited, "the load asked for was not reached because of the generator");
  visit("connect_seconds", workload.connect, "from the first SYN to the handshake's end");
  visit("first_byte_seconds", workload.first_byte, "from the session's start to the first byte of the answer");
  visit("session_seconds", workload.session, "from the session's start to its end");
  visit("requests", workload.requests, "requests that were answered");
  visit("responses", workload.responses, "their answers by the class of the HTTP status");
  visit("request_seconds", workload.request, "from sending a request to the end of its answer");
  visit("tls_handshakes", workload.tls_handshakes, "TLS handshakes that came to their end");
  visit("tls_resumed", workload.tls_resumed, "of them, those that took up an earlier session");
  visit("tls_handshake_seconds", workload.tls_handshake, "from the connection's start to the end of the TLS handshake");
  visit("echo_tx", workload.echo_tx, "pings sent");
  visit("echo_rx", workload.echo_rx, "pings answered");
  visit("echo_lost", workload.echo_lost, "pings without an answer in time");
  visit("round_trip_seconds", workload.round_trip, "from a ping to its answer");
  visit("tcp", workload.tcp, "what TCP saw");
}

template <class V>
void visit_metrics(const ServiceResult& service, V&& visit) {
  visit("sessions", service.sessions, "sessions served");
  visit("bytes_tx", service.bytes_tx, "payload bytes sent");
  visit("bytes_rx", service.bytes_rx, "payload bytes received");
}

template <class V>
void visit_metrics(const FlowResult& flow, V&& visit) {
  visit("frames_tx", flow.frames_tx, "frames handed to the kernel; at the end it has completed them");
  visit("bytes_tx", flow.bytes_tx, "their bytes, without FCS");
  visit("unresolved", flow.unresolved, "frames not sent, since nobody answered for the next hop");
  visit("frames_rx", flow.frames_rx, "signed frames that arrived");
  visit("bytes_rx", flow.bytes_rx, "their bytes, without FCS");
  visit("lost", flow.lost, "signed frames that did not");
  visit("reordered", flow.reordered, "signed frames that came after a later one");
  visit("duplicated", flow.duplicated, "signed frames that came again");
  visit("rate_unit", flow.rate_unit, "of the rates: pps or bps");
  visit("rate_target", flow.rate_target, "the rate asked for; 0: as fast as possible");
  visit("rate_achieved", flow.rate_achieved, "the rate sent, over the time in which the flow was sent");
  visit("rate_error", flow.rate_error, "part of the target by which the rate was missed, either way");
  visit("generator_limited", flow.generator_limited, "the rate asked for was not reached because of the generator");
  visit("latency_seconds", flow.latency, "from sending to receiving a signed frame");
  visit("jitter_seconds", flow.jitter, "difference between the latencies of two signed frames in a row");
  visit("lateness_seconds", flow.lateness, "of the first frame of each batch behind its time");
}

template <class V>
void visit_metrics(const ReplayResult& replay, V&& visit) {
  visit("frames_read", replay.frames_read, "records of the capture, as often as they were read");
  visit("frames_tx", replay.frames_tx, "frames handed to the kernel; at the end it has completed them");
  visit("bytes_tx", replay.bytes_tx, "their bytes, without FCS");
  visit("frames_skipped", replay.frames_skipped, "records that were not sent, by reason");
  visit("loops", replay.loops, "times that the capture came to its end");
  visit("sources", replay.sources, "distinct sources in the capture that became hosts");
  visit("frames_late", replay.frames_late, "frames sent more than 10 ms after they were due");
  visit("generator_limited", replay.generator_limited, "more than 1 % of the frames were late");
  visit("lateness_seconds", replay.lateness, "of frames behind their time; none when sent as fast as possible");
}

}  // namespace myriad::report
