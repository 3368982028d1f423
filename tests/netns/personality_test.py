"""What a far end sees of a group's TCP, and the reasons of failure that a real server makes."""

import case
import lab

SCENARIO = f"""version: 1
ports: {{lan: {{interface: port}}}}
hosts:
  old:
    port: lan
    count: 5
    ipv4: 10.77.1.1/16
    ipv6: fd77::1:1/64
    tcp:
      mss: 1200
      window: 30000B
      window_scale: none
      timestamps: false
      sack: false
      ttl: 128
  modern:
    port: lan
    count: 5
    ipv4: 10.77.2.1/16
    ipv6: fd77::2:1/64
    tcp: {{window: 1MiB, window_scale: 7, ttl: 63}}
workloads:
  old4: {{from: old, to: "{lab.THERE4}:80", http: {{get: /s}}}}
  old6: {{from: old, to: "[{lab.THERE6}]:80", http: {{get: /s}}}}
  modern4: {{from: modern, to: "{lab.THERE4}:80", http: {{get: /s}}}}
  modern6: {{from: modern, to: "[{lab.THERE6}]:80", http: {{get: /s}}}}
"""

FIELDS = ("ip.src", "ipv6.src", "ip.ttl", "ipv6.hlim", "tcp.window_size_value", "tcp.options.mss_val",
          "tcp.options.wscale.shift", "tcp.options.timestamp.tsval", "tcp.options.sack_perm")

# What it does with a connection, by port.
SERVER = """
import selectors, socket, struct, sys
ANSWERS = {
    8001: b"HTTP/1.1 302 Found\\r\\nLocation: /x\\r\\nContent-Length: 0\\r\\n\\r\\n",
    8002: b"HTTP/1.1 404 Not Found\\r\\nContent-Length: 0\\r\\n\\r\\n",
    8003: b"HTTP/1.1 503 Service Unavailable\\r\\nContent-Length: 0\\r\\n\\r\\n",
    8004: b"this is no HTTP\\r\\n\\r\\n",
    8005: b"HTTP/1.1 200 OK\\r\\nContent-Length: 3\\r\\n\\r\\nbad",
    8006: b"HTTP/1.1 200 OK\\r\\nContent-Length: 100\\r\\n\\r\\nshort",
    8007: b"HTTP/1.1 200 OK\\r\\nContent-Length: 100\\r\\n\\r\\nshort",
    8008: b"",
    8009: None,
    8010: b"HTTP/1.1 200 OK\\r\\nContent-Length: 100\\r\\n\\r\\nshort",
}
RESETS, SILENT = {8007, 8008}, {8009, 8010}
waiting = selectors.DefaultSelector()
for port in ANSWERS:
    waiting.register(socket.create_server((sys.argv[1], port), backlog=64), selectors.EVENT_READ, port)
print("ready", flush=True)
kept = []
while True:
    for key, _ in waiting.select():
        stream = key.fileobj.accept()[0]
        stream.recv(4096)
        if ANSWERS[key.data]:
            stream.sendall(ANSWERS[key.data])
        if key.data in SILENT:
            kept.append(stream)
            continue
        if key.data in RESETS:
            if ANSWERS[key.data]:  # the peer must have the data before the reset throws the rest away
                while struct.unpack_from("I", stream.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104), 24)[0]:
                    pass
            stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        stream.close()
"""
REASONS = {8001: "http_status_3xx", 8002: "http_status_4xx", 8003: "http_status_5xx", 8004: "http_malformed",
           8005: "verify_mismatch", 8006: "closed_early", 8007: "reset_after_data", 8008: "reset",
           8009: "response_timeout", 8010: "timeout", 8011: "refused"}


class Personality(case.Case):
    @case.row(seconds=100)
    def test_the_far_end_sees_what_the_scenario_says(self):
        net = self.lab()
        lab.Nginx(net)
        finish = net.tcpdump(net.there, "peer", "tcp[tcpflags] & tcp-syn != 0 or ip6[53] & 2 != 0")
        result = net.run_scenario(SCENARIO)
        for name, work in result["workloads"].items():
            self.assertEqual((work["sessions_succeeded"], work["sessions_failed"]), (5, 0), name)
        words = [word for field in FIELDS for word in ("-e", field)]
        shown = lab.command("tshark", "-n", "-r", finish(), "-Y", "tcp.flags.syn == 1 and tcp.flags.ack == 0", "-T",
                            "fields", *words)
        syns = [dict(zip(FIELDS, line.split("\t"))) for line in shown.splitlines()]
        seen = {}
        for syn in syns:
            seen[syn["ip.src"] or syn["ipv6.src"]] = syn
        self.assertEqual(len(seen), 20, shown)
        for source, syn in seen.items():
            ttl = syn["ip.ttl"] or syn["ipv6.hlim"]
            old = source.startswith(("10.77.1.", "fd77::1:"))
            told = (ttl, syn["tcp.window_size_value"], syn["tcp.options.mss_val"], syn["tcp.options.wscale.shift"])
            mss = "1460" if syn["ip.src"] else "1440"
            self.assertEqual(told, ("128", "30000", "1200", "") if old else ("63", "65535", mss, "7"), source)
            self.assertEqual(syn["tcp.options.timestamp.tsval"] == "", old, source)
            self.assertEqual(syn["tcp.options.sack_perm"] == "", old, source)


class Reasons(case.Case):
    def workload(self, port):
        return (f"  w{port}: {{from: clients, to: {lab.THERE4}:{port}, http: {{get: /, verify: {{sha256: {'0' * 64}}}}}, "
                f"load: {{timeout: 2s}}}}\n")

    @case.row(seconds=100)
    def test_each_failure_has_its_reason(self):
        net = self.lab()
        server = net.there.start("python3", "-c", SERVER, lab.THERE4)
        self.assertEqual(server.stdout.readline(), b"ready\n")
        text = lab.hosts_yaml(4) + "workloads:\n" + "".join(self.workload(port) for port in REASONS)
        works = net.run_scenario(text)["workloads"]
        for port, reason in REASONS.items():
            found = lab.reasons(works[f"w{port}"])
            self.assertEqual(found, {reason: 4}, port)

    def test_a_router_that_knows_no_way_makes_it_unreachable(self):
        net = self.lab()
        net.there.sysctl("ipv4.ip_forward", 1)
        net.there.ip("route", "add", "unreachable", "192.0.2.0/24")
        text = lab.hosts_yaml(3, extra=f"    gateway: {lab.THERE4}\n") + """
workloads:
  far: {from: clients, to: 192.0.2.1:80, http: {get: /}, load: {timeout: 2s}}
"""
        works = net.run_scenario(text, expect=4)["workloads"]  # 4: nobody answered
        self.assertEqual(lab.reasons(works["far"]), {"unreachable": 3})


if __name__ == "__main__":
    case.main()
