"""Flows on a wire: every frame arrives as it was described, at its rate, whatever receives it."""

import json

import case
import frames
import lab

TWO_PORTS = """
version: 1
ports: {{a: {{interface: left{queues}}}, b: {{interface: right{queues}}}}}
hosts:
  senders: {{port: a, count: 100, ipv4: 10.0.1.1/16, mac: "02:4d:00:00:00:01"}}
  receivers: {{port: b, count: 20, ipv4: 10.0.9.1/16, mac: "02:4e:00:00:00:01"}}
flows:
  noise:
    from: senders
    packet:
      - ethernet: {{dst: resolve}}
      - ipv4: {{dst: {{increment: {{start: 10.0.9.1, count: 20}}}}}}
      - udp: {{src: 1000, dst: {{random: {{min: 1, max: 65535}}}}}}
      - payload: {{sequence: true}}
    size: {{imix: default}}
    rate: 5kpps
    duration: {{packets: 10000}}
"""


class Described(case.Case):
    def send(self, net, packet, *words):
        done = net.myriad("send", "-i", "port", "--packet", packet, "--json", "-", *words)
        self.assertExit(done, 0)
        return json.loads(done.stdout)["flows"]["send"]

    def received(self, packet, *words, count):
        """The frames that arrive at the far end, in order, and what the sender says."""
        net = self.lab(addresses=False)
        wire = frames.Wire(net.there, "peer")
        flow = self.send(net, packet, "--count", count, *words)
        seen = [frame.data for frame in wire.collect() if frame.data[12:14] == b"\x88\xb5" or frame.data[23:24] == b"\x11"]
        self.assertEqual(flow["frames_tx"], count)
        return seen

    def test_every_length_arrives_unaltered(self):
        packet = "ethernet: {dst: 02:00:00:00:00:01, src: 02:00:00:00:00:02, ethertype: 0x88b5}, payload: {fill: 00 01 02 03 04}"
        sizes = list(range(64, 1519, 7)) + [1518]
        given = "{values: [" + ", ".join(f"{size}B" for size in sizes) + "]}"
        seen = self.received(packet, "--size", given, "--rate", "2kpps", count=len(sizes))
        head = bytes.fromhex("02000000000102000000000288b5")
        pattern = bytes([0, 1, 2, 3, 4]) * 400
        self.assertEqual(seen, [head + pattern[: size - 18] for size in sizes])

    def test_fields_count_and_checksums_follow(self):
        packet = ("ethernet: {dst: 02:00:00:00:00:01}, ipv4: {src: 10.0.0.1, dst: {increment: {start: 10.0.0.2, count: 7}}}, "
                  "udp: {src: {increment: {start: 1000, step: 3, count: 100}}, dst: 9}, payload: {text: hello}")
        seen = self.received(packet, "--rate", "5kpps", count=700)
        self.assertEqual(len(seen), 700)
        for number, frame in enumerate(seen):
            self.assertEqual(frame[30:34], bytes([10, 0, 0, 2 + number % 7]))
            self.assertEqual(int.from_bytes(frame[34:36], "big"), 1000 + 3 * (number % 100))
            udp = frame[34 : 14 + int.from_bytes(frame[16:18], "big")]
            self.assertEqual(frames.checksum(frame[14:34]), 0)
            pseudo = frame[26:34] + b"\0\x11" + len(udp).to_bytes(2, "big")
            self.assertEqual(frames.checksum(pseudo, udp), 0)
            self.assertEqual(udp[8:], b"hello")

    def test_one_frame_for_each_row(self):
        net = self.lab(addresses=False)
        rows = net.file("rows.csv", b"port,word\n" + b"".join(b"%d,w%d\n" % (1 + n, n) for n in range(3000)))
        wire = frames.Wire(net.there, "peer")
        packet = ("ethernet: {dst: 02:00:00:00:00:01}, ipv4: {src: 10.0.0.1, dst: 10.0.0.2}, "
                  "udp: {src: {column: port}, dst: 9}, payload: {text: {column: word}}")
        flow = self.send(net, packet, "--data", rows, "--rate", "10kpps")
        self.assertEqual(flow["frames_tx"], 3000)
        seen = [frame.data for frame in wire.collect() if frame.data[23:24] == b"\x11"]
        self.assertEqual([int.from_bytes(frame[34:36], "big") for frame in seen], list(range(1, 3001)))
        self.assertEqual(seen[2999][42:47], b"w2999")

    def test_what_is_wrong_is_told_before_anything_is_sent(self):
        net = self.lab(addresses=False)
        done = net.myriad("send", "-i", "port", "--packet", "ethernet: {dst: 02:00:00:00:00:01}, ipv4: {tll: 9}")
        self.assertExit(done, 2)
        self.assertIn("ttl", done.stderr)


class Arrived(case.Case):
    def run_pair(self, queues=""):
        net = self.lab(addresses=False)
        words = ("numtxqueues", 2, "numrxqueues", 2) if queues else ()
        net.here.ip("link", "add", "left", *words, "type", "veth", "peer", "name", "right", *words)
        for name in ("left", "right"):
            net.here.ip("link", "set", name, "up")
        return net, net.run_scenario(TWO_PORTS.format(queues=queues))

    def check(self, result):
        flow = result["flows"]["noise"]
        self.assertEqual((flow["frames_tx"], flow["frames_rx"], flow["unresolved"]), (10000, 10000, 0), flow)
        self.assertEqual((flow["lost"], flow["duplicated"]), (0, 0))
        self.assertEqual(flow["latency_seconds"]["count"], 10000)
        self.assertGreater(flow["latency_seconds"]["max"], 0)
        self.assertEqual(flow["rate_target"], 5000)

    @case.row(seconds=60, alone=True)
    def test_at_the_other_port_of_the_run(self):
        self.check(self.run_pair()[1])

    @case.row(seconds=60, alone=True)
    def test_with_two_queues_and_two_shards(self):
        _, result = self.run_pair(queues=", queues: 2, shards: 2")
        self.check(result)

    @case.row(seconds=60, alone=True)
    def test_at_another_myriad(self):
        net = self.lab(addresses=False)
        heard = net.folder / "heard.json"
        listener = net.start_myriad("hosts", "-i", "peer", "--ipv4", "10.0.9.1/16", "--count", "20", "--mac",
                                    "02:4e:00:00:00:01", "--json", heard, space=net.there)
        net.here.ip("addr", "add", "10.0.0.1/16", "dev", "port")
        net.wait_for_answer("10.0.9.20", listener, space=net.here)
        text = TWO_PORTS.format(queues="").replace("left", "port")
        lines = [line for line in text.splitlines() if "receivers" not in line]
        text = "\n".join(lines).replace(", b: {interface: right}", "")
        sent = net.run_scenario(text)["flows"]["noise"]
        lab.interrupt(listener)
        flows = json.loads(heard.read_text())["flows"]
        self.assertEqual(len(flows), 1, flows)
        (flow,) = flows.values()
        self.assertEqual((sent["frames_tx"], flow["frames_rx"], flow["lost"], flow["duplicated"]), (10000, 10000, 0, 0))


class Ended(case.Case):
    """However a run ends, what its flows and replays have sent is what the kernel has completed."""

    SCENARIO = """
version: 1
ports: {{lan: {{interface: port, {port}}}}}
flows:
  constant: {{port: lan, rate: max, packet: [ethernet: {{dst: 02:00:00:00:00:01, src: 02:00:00:00:00:02}}, ipv4: {{src: 10.0.0.1, dst: 10.0.0.2}}, udp: {{dst: 9}}]}}
  varying: {{port: lan, rate: max, size: {{imix: default}}, packet: [ethernet: {{dst: 02:00:00:00:00:01, src: 02:00:00:00:00:02}}, ipv4: {{src: {{increment: {{start: 10.0.0.1, count: 9}}}}, dst: 10.0.0.2}}, udp: {{dst: 9}}]}}
replays:
  looped: {{port: lan, pcap: {samples}/http_us.pcap, speed: max, loop: forever}}
"""

    SENDERS = {"flow": ("constant", "varying"), "replay": ("looped",)}
    METRICS = "127.0.0.1:9478"

    def handed_over(self, net):
        """So many frames each of them has given to the kernel."""
        done = net.here.run("curl", "-sS", "--noproxy", "*", "--max-time", "10", f"http://{self.METRICS}/metrics")
        return [int(lab.sample(done.stdout, f'myriad_{kind}_frames_tx_total{{{kind}="{name}"}}') or 0)
                for kind, names in self.SENDERS.items() for name in names]

    def interrupted(self, port="queues: 1", before_end=lambda net: None):
        """Everything at full speed, and ^C in the middle. The port's part of the result, and the sum of all that sends."""
        net = self.lab(queues=2, addresses=False)

        def in_full_swing():
            self.assertIsNone(process.poll(), process.log.read_text())
            return min(self.handed_over(net)) > 10000

        result = net.folder / "result.json"
        text = self.SCENARIO.format(port=port, samples=lab.ROOT / "pcap_samples")
        process = net.start_myriad("run", net.scenario(text), "--json", result, "--metrics", self.METRICS)
        lab.wait_until(in_full_swing, 20, "all send")
        before_end(net)
        self.assertEqual(lab.interrupt(process), 130)
        document = json.loads(result.read_text())
        senders = {**document["flows"], **document["replays"]}
        self.assertEqual(len(senders), 3)
        port = document["ports"]["lan"]
        return port, *(sum(sender[what] for sender in senders.values()) for what in ("frames_tx", "bytes_tx"))

    def test_all_that_was_sent_has_left(self):
        for port in ("queues: 1", "queues: 2, shards: 2", "queues: 1, shards: 2"):
            with self.subTest(port):
                lan, frames_tx, bytes_tx = self.interrupted(port)
                self.assertEqual((lan["frames_tx"], lan["bytes_tx"]), (frames_tx, bytes_tx))
                self.assertEqual(lan["drops"]["tx_left_behind"], 0)

    def test_what_a_link_that_is_down_has_kept_is_told(self):
        def more_than_can_leave(net):
            net.here.ip("link", "set", "port", "down")
            counters = "/sys/class/net/port/statistics"
            left = net.here.run("cat", f"{counters}/tx_packets", f"{counters}/tx_dropped").stdout
            gone = sum(map(int, left.split()))
            lab.wait_until(lambda: sum(self.handed_over(net)) > gone, 20, "frames that cannot leave")

        lan, frames_tx, _ = self.interrupted(before_end=more_than_can_leave)
        self.assertGreater(lan["drops"]["tx_left_behind"], 0)
        self.assertEqual(lan["frames_tx"] + lan["drops"]["tx_left_behind"], frames_tx)


if __name__ == "__main__":
    case.main()
