"""What a run leaves in writing: the result document, events, captures; and the commands that only tell."""

import json
import os
import re
import struct

import case
import lab

WORK = lab.fetch_yaml("{total: 200}", servers=10) + f"""\
  ping: {{from: clients, to: {lab.THERE4}, icmp_echo: {{count: 3, interval: 1s}}}}
thresholds:
  fetch.sessions_failed: ["== 0"]
"""

SECONDS = {"count": int, "min": float, "mean": float, "p50": float, "p90": float, "p99": float, "p999": float, "max": float}
DOCUMENT = {
    "myriad": {"version": str, "command": list, "seed": int, "started": str, "seconds": float},
    "machine": {"kernel": str, "cpu": str, "cores": int},
    "ports": {"lan": {"interface": str, "driver": str, "mode": str, "xdp": str, "queues": int, "frames_tx": int,
                      "frames_rx": int, "bytes_tx": int, "bytes_rx": int, "frames_passed": int, "drops": dict}},
    "hosts": {"clients": {"count": int, "arp_requests_tx": int, "arp_replies_tx": int, "echo_replies_tx": int,
                          "resolved": int, "unresolved": int, "duplicate_address": int}},
    "workloads": {"fetch": {
        "sessions_started": int, "sessions_succeeded": int, "sessions_failed": int, "sessions_open": int,
        "sessions_verified": int, "hosts_succeeded": int, "hosts_failed": int, "failures": dict, "bytes_tx": int,
        "bytes_rx": int, "concurrent_max": int, "connect_seconds": SECONDS, "first_byte_seconds": SECONDS,
        "session_seconds": SECONDS, "echo_tx": int, "echo_rx": int, "echo_lost": int, "round_trip_seconds": SECONDS,
        "requests": int, "responses": dict, "request_seconds": SECONDS, "tls_handshakes": int,
        "tls_resumed": int, "tls_handshake_seconds": SECONDS,
        "tcp": {"segments_tx": int, "segments_rx": int, "retransmits": int, "rto": int, "fast_retransmits": int,
                "resets_rx": int, "out_of_order_rx": int, "duplicate_rx": int, "bad_checksum_rx": int,
                "resets_tx": int, "zero_window_probes_tx": int, "tail_loss_probes_tx": int, "keep_alives_tx": int,
                "dsacks_rx": int, "challenge_acks_tx": int}}},
    "services": {"web": {"sessions": int, "bytes_tx": int, "bytes_rx": int}},
    "thresholds": list,
    "verdict": str,
}


class Documents(case.Case):
    def setUp(self):
        super().setUp()
        self.net = self.lab()
        lab.Nginx(self.net)
        self.text = lab.hosts_yaml(200, extra=WORK)

    def assert_shape(self, value, shape, path="$"):
        if isinstance(shape, dict):
            self.assertIsInstance(value, dict, path)
            for key, inner in shape.items():
                self.assertIn(key, value, path)
                self.assert_shape(value[key], inner, f"{path}.{key}")
        else:
            self.assertIsInstance(value, (int, float) if shape is float else shape, path)

    def received(self):
        statistics = json.loads(self.net.there.ip("-s", "-j", "link", "show", "peer"))[0]["stats64"]["rx"]
        return statistics["packets"], statistics["bytes"]

    def test_the_result_document(self):
        frames_before, _ = self.received()
        done = self.net.myriad("run", self.net.scenario(self.text), "--json", "-")
        self.assertExit(done, 0)
        document = json.loads(done.stdout)  # exactly one document, nothing else
        self.assert_shape(document, DOCUMENT)
        self.assertEqual(document["myriad"]["seed"], 7)
        self.assertRegex(document["myriad"]["started"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")
        self.assertEqual(document["machine"]["kernel"], os.uname().release)
        port = document["ports"]["lan"]
        self.assertEqual((port["driver"], port["mode"], port["xdp"]), ("veth", "copy", "native"))
        self.assertEqual(document["thresholds"], [{"expression": "fetch.sessions_failed == 0", "observed": 0, "holds": True}])
        self.assertEqual(document["verdict"], "pass")
        fetch = document["workloads"]["fetch"]
        self.assertEqual(fetch["connect_seconds"]["count"], 200)
        self.assertLessEqual(fetch["connect_seconds"]["min"], fetch["connect_seconds"]["p50"])
        self.assertLessEqual(fetch["connect_seconds"]["p99"], fetch["connect_seconds"]["max"])
        # The counters tell what happened on the wire: the far end has seen those frames, and a few of the kernel's own.
        frames_after, _ = self.received()
        of_the_kernel = frames_after - frames_before - port["frames_tx"]
        self.assertGreaterEqual(of_the_kernel, 0)
        self.assertLess(of_the_kernel, 50)

    def test_the_same_seed_gives_the_same_document_but_for_time(self):
        documents = []
        for _ in range(2):
            document = self.net.run_scenario(self.text)
            documents.append({"hosts": document["workloads"]["fetch"]["hosts_succeeded"], "seed": document["myriad"]["seed"],
                              "bytes": document["workloads"]["fetch"]["bytes_rx"]})
        self.assertEqual(documents[0], documents[1])

    def test_events_are_lines_of_json_one_a_second(self):
        events = self.net.folder / "events.jsonl"
        self.net.run_scenario(self.text, "--events", events)
        lines = [json.loads(line) for line in events.read_text().splitlines()]
        self.assertGreaterEqual(len(lines), 2, "three pings take two seconds")
        self.assertTrue(all(isinstance(line, dict) for line in lines))
        self.assertTrue(any("fetch" in json.dumps(line) for line in lines))

    def test_a_capture_names_the_hosts(self):
        capture = self.net.folder / "run.pcapng"
        self.net.run_scenario(self.text, "--capture", capture)
        done = self.net.here.run("tshark", "-n", "-r", capture, "-T", "fields", "-e", "eth.src", "-e", "frame.comment", "-e",
                                 "tcp.flags.syn", "-e", "tcp.srcport", timeout=50)
        self.assertExit(done, 0)
        rows = [line.split("\t") for line in done.stdout.splitlines()]
        syn_of = {row[0] for row in rows if row[2] in ("1", "True") and row[3] != "80"}
        self.assertEqual(syn_of, {lab.host_mac(i) for i in range(200)}, "every host's SYN is in the capture")
        for mac, comment, *_ in rows:
            if mac == lab.host_mac(17):
                self.assertIn("clients[17]", comment)
        bad = self.net.here.run("tshark", "-n", "-r", capture, "-Y", "_ws.malformed", timeout=50)
        self.assertEqual(bad.stdout, "")

    def test_a_capture_has_what_the_filter_takes(self):
        capture = self.net.folder / "run.pcapng"
        document = self.net.run_scenario(self.text, "--capture", capture, "--capture-filter", "icmp[icmptype] == icmp-echo")
        done = self.net.here.run("tshark", "-n", "-r", capture, "-T", "fields", "-e", "icmp.type", timeout=50)
        self.assertExit(done, 0)
        self.assertEqual(done.stdout.split(), ["8"] * 600, "200 hosts ping three times")
        received, dropped, accepted = self.statistics(capture)
        self.assertEqual((dropped, accepted), (0, 600))
        port = document["ports"]["lan"]
        self.assertGreaterEqual(received, 600)
        self.assertLessEqual(received, port["frames_tx"] + port["frames_rx"])

    def test_a_killed_run_leaves_its_capture(self):
        capture = self.net.folder / "run.pcapng"
        process = self.net.start_myriad("hosts", "-i", "port", "--ipv4", "10.77.1.1/16", "--count", 10, "--capture", capture)
        self.net.wait_for_answer(lab.host4(0), process)
        lab.wait_until(lambda: self.statistics(capture)[2] >= 4, 20, "ARP and ping, both ways, are in the file")
        lab.end(process)
        done = self.net.here.run("tshark", "-n", "-r", capture, "-Y", "icmp", timeout=50)
        self.assertExit(done, 0)
        self.assertIn("Echo (ping) reply", done.stdout)
        self.assertNotIn("cut short", done.stderr)

    @staticmethod
    def statistics(capture):
        """(received, dropped, accepted) of the last statistics of a capture with one interface."""
        data, at, last = capture.read_bytes(), 0, (0, 0, 0)
        while at + 12 <= len(data):
            kind, length = struct.unpack_from("<II", data, at)
            if kind == 5:
                options = {code: value for code, _, value in struct.iter_unpack("<HHQ", data[at + 20:at + length - 8])}
                last = (options[4], options[5], options[6])
            at += length
        return last

    def test_quiet_says_nothing_on_stderr(self):
        done = self.net.myriad("run", self.net.scenario(self.text), "--quiet", "--json", "-")
        self.assertExit(done, 0)
        self.assertEqual(done.stderr, "")

    def test_keys_can_be_set_from_the_command_line(self):
        text = self.text.replace("interface: port", "interface: elsewhere")
        result = self.net.run_scenario(text, "-i", "lan=port", "--set", "workloads.fetch.load.total=7", "--set",
                                       "workloads.ping.icmp_echo.count=1", "--seed", "99")
        self.assertEqual(result["workloads"]["fetch"]["sessions_started"], 7)
        self.assertEqual(result["myriad"]["seed"], 99)


class Telling(case.Case):
    def test_validate_needs_no_device(self):
        net = self.lab()
        done = net.myriad("validate", net.scenario(lab.hosts_yaml(1000, ports="  lan: {interface: nowhere}")))
        self.assertExit(done, 0)
        self.assertIn("1,000", done.stdout.replace("1000", "1,000"))

    def test_doctor_of_a_veth(self):
        net = self.lab(queues=2)
        done = net.myriad("doctor", "port")
        self.assertExit(done, 0)
        for word in ("veth", "queues", "MTU", "zero-copy"):
            self.assertIn(word.lower(), done.stdout.lower())

    def test_doctor_of_nothing(self):
        net = self.lab()
        self.assertExit(net.myriad("doctor", "nowhere"), 3)

    def test_doctor_tells_of_the_default_route(self):
        net = self.lab()
        net.here.ip("route", "add", "default", "via", lab.THERE4)
        self.assertIn("default route", net.myriad("doctor", "port").stdout)

    def test_list_interfaces(self):
        net = self.lab()
        done = net.myriad("list", "interfaces")
        self.assertExit(done, 0)
        self.assertRegex(done.stdout, r"(?m)^\s*port\b")

    def test_version(self):
        net = self.lab()
        done = net.myriad("--version")
        self.assertExit(done, 0)
        self.assertRegex(done.stdout, r"\b\d+\.\d+\.\d+\b")


class Demo(case.Case):
    @case.row(seconds=90, alone=True)
    def test_passes_and_leaves_nothing_behind(self):
        """In a network namespace of its own, so that a leftover link shows whatever else the machine does."""
        net = self.lab(addresses=False)

        def left():
            names = lab.command("ip", "netns", "list").split("\n")
            links = [link["ifname"] for link in json.loads(net.here.ip("-j", "link", "show"))]
            return sorted(name.split()[0] for name in names if re.match(r"\S", name)), sorted(links)

        before = left()
        done = net.myriad("demo", timeout=80)
        self.assertExit(done, 0)
        self.assertIn("1,000", (done.stdout + done.stderr).replace("1000", "1,000"))
        self.assertEqual(left(), before)


if __name__ == "__main__":
    case.main()
