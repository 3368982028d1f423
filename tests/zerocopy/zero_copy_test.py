"""Myriad in zero-copy mode on two virtio NICs: runs inside the guest that guest.py boots.

Whatever a test does, it looks at every AF_XDP socket as the kernel describes it, and at the result: zero-copy throughout.
"""

import contextlib
import hashlib
import http.client
import json
import random
import signal
import socket

import echo
import frames
import lab
import nics

COUNT = 100  # hosts of a group
PATIENCE_SECONDS = 60  # of an emulated machine on busy cores, before something is called broken
LEAST, MOST = 60, 1514  # bytes of a frame without its check sequence

# Reasons to drop a frame that tell of the port, or of bytes that are not what was sent. None may occur.
OURS = ("rx_dropped", "rx_ring_full", "rx_fill_ring_empty", "no_room_to_answer", "no_socket", "tx_far_end_full", "tx_invalid",
        "truncated", "bad_version", "bad_header_length", "bad_ip_checksum", "bad_tcp_checksum", "bad_udp_checksum",
        "bad_icmp_checksum", "bad_arp", "bad_ndp")


def server4(index):
    return f"10.77.16.{1 + index}"


def server6(index):
    return f"fd77::2:{1 + index:x}"


def server_mac(index):
    return f"02:4d:00:00:10:{1 + index:02x}"


def servers_yaml(port):
    return f"""
  servers:
    port: {port}
    count: {COUNT}
    mac: 02:4d:00:00:10:01
    ipv4: 10.77.16.1/16
    ipv6: fd77::2:1/64

services:
  web: {{on: servers, port: 80, http: {{body: 1KiB}}}}
"""


def fetch(name, to, path, sha):
    return (f"  {name}: {{from: clients, to: {to}, http: {{get: {path}, verify: {{sha256: {sha}}}}}, "
            f"load: {{concurrent: 20, total: {COUNT}}}}}\n")


def pings(name, to, sizes):
    return "".join(f'  {name}_{size}: {{from: clients, to: "{to}", icmp_echo: {{size: {size}B}}, '
                   f"load: {{concurrent: 20, total: {COUNT}}}}}\n" for size in sizes)


class ZeroCopy(nics.Case):
    """A port, and what must be true of it whatever is done with it."""

    SHARDS = 1

    def port(self, interface="port", name="lan"):
        return f"  {name}: {{interface: {interface}, mode: zero-copy, queues: {self.QUEUES}, shards: {self.SHARDS}}}"

    def clients(self, ports=None, extra=""):
        # Each host asks for the peer's address, and so the peer knows it: else Linux drops some of the first replies.
        return lab.hosts_yaml(COUNT, ports=ports or self.port(), extra="    resolve: each\n" + extra)

    def check_port(self, document, name="lan"):
        port = document["ports"][name]
        self.assertEqual((port["mode"], port["xdp"], port["queues"]), ("zero-copy", "native", self.QUEUES))
        self.assertEqual({reason: port["drops"][reason] for reason in OURS if port["drops"][reason]}, {})
        self.say(f"{name} {port['frames_rx']:,} in, {port['frames_tx']:,} out")

    def check_sockets(self, space=None):
        """A socket for every pair of queue and shard, in zero-copy as the kernel describes them."""
        expected = [(queue, True) for queue in range(self.QUEUES) for _ in range(self.SHARDS)]
        self.assertEqual(sorted(self.net.xdp_sockets(space)), expected)

    def check_sessions(self, document):
        total = 0
        for name, work in document["workloads"].items():
            self.assertEqual((work["sessions_succeeded"], work["sessions_failed"]), (COUNT, 0), (name, work["failures"]))
            total += work["sessions_succeeded"]
        self.say(f"{total:,} sessions succeeded")

    @contextlib.contextmanager
    def served(self, space=None, interface="port"):
        """The servers are there; at the end they are interrupted, and their result is as it should be."""
        space = space or self.net.here
        result = self.net.folder / f"{self.id()}-{interface}.json"
        text = f"version: 1\nseed: {lab.SCENARIO_SEED}\nports:\n{self.port(interface)}\nhosts:{servers_yaml('lan')}"
        scenario = self.net.scenario(text, f"{self.id()}-{interface}.yaml")
        process = self.net.start_myriad("run", scenario, "--json", result, space=space)
        try:
            self.wait_for_port(process, interface)
            self.check_sockets(space)
            yield
            self.assertEqual(lab.interrupt(process), 130, process.log.read_text())
        finally:
            lab.end(process)
        self.check_port(json.loads(result.read_text()))

    def wait_for_port(self, process, interface):
        def ready():
            if process.poll() is not None:
                raise AssertionError(f"myriad ended with {process.returncode}:\n{process.log.read_text()}")
            return f"{interface} (virtio_net), zero-copy mode" in process.log.read_text()

        try:
            lab.wait_until(ready, PATIENCE_SECONDS, "the port is there")
        except TimeoutError as late:
            state = open(f"/proc/{process.pid}/status").read() + open(f"/proc/{process.pid}/wchan").read()
            raise AssertionError(f"{late}; it has said: {process.log.read_text()}\n{state}") from None


class Frames:
    def test_frames_of_every_size_come_back_unaltered(self):
        """Pings by a packet socket: the kernel has no part in the frames, neither of the request nor of the answer."""
        content = random.Random(11).randbytes(MOST)
        peer = (lab.THERE_MAC, lab.THERE4, lab.THERE6)
        hosts = [(server_mac(index), server4(index), server6(index)) for index in range(COUNT)]
        requests = [request(size, peer, hosts[size % COUNT], content) for size in range(LEAST, MOST + 1)
                    for request in (echo.Echo4, echo.Echo6) if size >= request.LEAST]
        wire = frames.Wire(self.net.there, "peer")
        self.addCleanup(wire.socket.close)
        before = self.net.queue_counts()
        with self.served():
            missing, wrong = echo.exchange(wire.socket, requests)
            counts = [(rx - rx0, tx - tx0) for (rx, tx), (rx0, tx0) in zip(self.net.queue_counts(), before)]
        self.say(f"{len(requests):,} frames of {LEAST} to {MOST} bytes, {len(missing)} lost, {len(wrong)} altered")
        self.say("in and out by queue " + " ".join(f"{rx:,}/{tx:,}" for rx, tx in counts))
        self.assertEqual((missing, wrong), ([], []))
        self.assertTrue(all(rx for rx, _ in counts), "frames came on every queue")
        self.assertEqual(sum(tx > 0 for _, tx in counts), min(self.QUEUES, self.SHARDS), "a shard sends on a queue of its own")


class Talk(Frames):
    def test_the_kernel_gets_bodies_of_many_sizes(self):
        sizes = [0, 1, 2, 17, 100, 535, 536, *range(1440, 1464), 2920, 10_000, 65_536, 100_001]
        body = lab.pattern(max(sizes), lab.BODY)
        with self.served():
            for number, size in enumerate(sizes):
                expected = hashlib.sha256(body[:size]).hexdigest()
                for address in (server4(number), server6(number)):
                    self.assertEqual(hashlib.sha256(self.get(address, size)).hexdigest(), expected, (address, size))
        self.say(f"{2 * len(sizes)} bodies of 0 to {max(sizes):,} bytes")

    def get(self, address, size):
        with self.net.there.entered():
            stream = socket.create_connection((address, 80), timeout=PATIENCE_SECONDS)
        connection = http.client.HTTPConnection("server")
        connection.sock = stream
        with contextlib.closing(connection):
            connection.request("GET", f"/bytes/{size}")
            return connection.getresponse().read()

    def test_flows_of_every_size_arrive_unaltered(self):
        wire = frames.Wire(self.net.there, "peer")
        there = json.loads(self.net.there.run("ip", "-j", "link", "show", "peer").stdout)[0]["address"]
        sizes = [*range(LEAST, MOST, 5), MOST]
        given = ", ".join(f"{size + 4}B" for size in sizes)  # with FCS
        packet = f"ethernet: {{dst: {there}, src: 02:4d:00:00:00:09, ethertype: 0x88b5}}, payload: {{fill: 00 11 22 33 44}}"
        done = self.net.myriad("send", "-i", "port", "--mode", "zero-copy", "--packet", packet, "--size",
                               f"{{values: [{given}]}}", "--rate", "500pps", "--count", len(sizes), "--json", "-",
                               timeout=PATIENCE_SECONDS)
        self.assertExit(done, 0)
        document = json.loads(done.stdout)
        seen = [frame.data for frame in wire.collect(quiet_seconds=3) if frame.kind == 0x88B5]
        head = bytes.fromhex(there.replace(":", "")) + bytes.fromhex("024d0000000988b5")
        pattern = bytes([0x00, 0x11, 0x22, 0x33, 0x44]) * 400
        self.assertEqual(sorted(seen), sorted(head + pattern[: size - 14] for size in sizes))
        self.assertEqual(document["ports"]["send"]["mode"], "zero-copy")
        self.assertEqual(document["ports"]["send"]["frames_tx"], len(sizes))
        self.say(f"{len(sizes)} frames of flows of {LEAST} to {MOST} bytes")

    def test_hosts_ping_the_kernel_and_fetch_from_nginx(self):
        content, sha = lab.file_of(50_000)
        server = lab.Nginx(self.net, files={"file.bin": content})
        self.addCleanup(server.stop)
        document = self.net.run_scenario(self.clients() + "workloads:\n"
                                         + fetch("fetch_v4", f"{lab.THERE4}:80", "/file.bin", sha)
                                         + fetch("fetch_v6", f'"[{lab.THERE6}]:80"', "/file.bin", sha)
                                         + pings("ping_v4", lab.THERE4, (18, 1000, 1472))
                                         + pings("ping_v6", lab.THERE6, (0, 1000, 1452)))
        self.check_sessions(document)
        self.check_port(document)

    def test_hosts_on_one_nic_ping_and_fetch_from_those_on_the_other(self):
        sha = hashlib.sha256(lab.pattern(30_000, lab.BODY)).hexdigest()
        with self.served(self.net.there, "peer"):
            document = self.net.run_scenario(self.clients() + "workloads:\n"
                                             + fetch("fetch_v4", f"{server4(7)}:80", "/bytes/30000", sha)
                                             + fetch("fetch_v6", f'"[{server6(8)}]:80"', "/bytes/30000", sha)
                                             + pings("ping_v4", server4(9), (18, 1472))
                                             + pings("ping_v6", server6(9), (0, 1452)))
        self.check_sessions(document)
        self.check_port(document)


class OneQueue(Talk, ZeroCopy):
    QUEUES, SHARDS = 1, 1


class TwoQueues(Talk, ZeroCopy):
    QUEUES, SHARDS = 2, 2


class OneQueueOfTwoShards(Frames, ZeroCopy):
    QUEUES, SHARDS = 1, 2


class TwoQueuesOfOneShard(Frames, ZeroCopy):
    QUEUES, SHARDS = 2, 1


class TwoPorts(ZeroCopy):
    QUEUES, SHARDS = 2, 1

    def test_one_run_has_both_nics(self):
        self.net.there.ip("link", "set", "peer", "netns", self.net.here.name)
        self.net.here.ip("link", "set", "peer", "up")
        sha = hashlib.sha256(lab.pattern(30_000, lab.BODY)).hexdigest()
        try:
            ports = f"{self.port()}\n{self.port('peer', 'far')}"
            document = self.net.run_scenario(self.clients(ports=ports, extra=servers_yaml("far")) + "workloads:\n"
                                             + fetch("fetch_v4", f"{server4(7)}:80", "/bytes/30000", sha)
                                             + fetch("fetch_v6", f'"[{server6(8)}]:80"', "/bytes/30000", sha)
                                             + pings("ping_v4", server4(9), (18, 1472))
                                             + pings("ping_v6", server6(9), (0, 1452)))
        finally:
            self.net.here.ip("link", "set", "peer", "netns", self.net.there.name)
        self.check_sessions(document)
        self.check_port(document)
        self.check_port(document, "far")


class Life(ZeroCopy):
    QUEUES, SHARDS = 2, 2

    def hosts(self, interface="port", mode="zero-copy"):
        return ("hosts", "-i", interface, "--ipv4", f"{lab.host4(0)}/16", "--mac", lab.FIRST_MAC, "--count", COUNT, "--mode", mode)

    def start(self, *words):
        process = self.net.start_myriad(*(words or self.hosts()))
        self.addCleanup(lab.end, process)
        self.net.wait_for_answer(lab.host4(0), process, PATIENCE_SECONDS)
        return process

    def start_zero_copy(self):
        process = self.start()
        self.check_sockets()
        return process

    def check_nothing_is_left(self):
        lab.wait_until(lambda: self.net.xdp_sockets() == [], 5, "the sockets are gone")
        facts = json.loads(self.net.here.run("ip", "--json", "--details", "link", "show", "port").stdout)[0]
        self.assertNotIn("xdp", facts)
        self.assertEqual(facts["promiscuity"], 0)

    def test_killed_and_at_once_run_again(self):
        for _ in range(3):
            process = self.start_zero_copy()
            process.send_signal(signal.SIGKILL)
            process.wait(timeout=10)
        self.check_nothing_is_left()
        self.say("3 times")

    def test_interrupted_it_leaves_nothing(self):
        self.assertEqual(lab.interrupt(self.start_zero_copy()), 130)
        self.check_nothing_is_left()
        self.assertEqual(self.net.there.run("ping", "-n", "-c1", "-W5", lab.HERE4).returncode, 0, "the kernel has its port")

    def test_the_kernel_keeps_its_own_addresses(self):
        self.start_zero_copy()
        for space, address in ((self.net.there, lab.HERE4), (self.net.there, lab.HERE6), (self.net.here, lab.THERE4)):
            self.assertEqual(space.run("ping", "-n", "-c1", "-W5", address).returncode, 0, address)

    def test_link_down_and_up(self):
        process = self.start_zero_copy()
        for space, interface in ((self.net.here, "port"), (self.net.there, "peer")):
            space.ip("link", "set", interface, "down")
            self.assertNotEqual(self.net.there.run("ping", "-n", "-c1", "-W1", lab.host4(1)).returncode, 0)
            space.ip("link", "set", interface, "up")
            self.net.wait_for_answer(lab.host4(1), process, PATIENCE_SECONDS)
        self.check_sockets()
        self.assertEqual(lab.interrupt(process), 130)

    def test_a_driver_without_it_is_refused(self):
        self.net.here.ip("link", "add", "veth0", "type", "veth", "peer", "name", "veth1")
        self.addCleanup(self.net.here.ip, "link", "del", "veth0")
        for interface in ("veth0", "veth1"):
            self.net.here.ip("link", "set", interface, "up")
        done = self.net.myriad(*self.hosts("veth0"))
        self.assertExit(done, 3)
        self.assertRegex(done.stderr, "veth0 in mode zero-copy")
        self.assertRegex(done.stderr, "use mode copy, or auto")
        self.say(done.stderr.strip().replace("\n", " "))

    def test_what_is_left_to_it_takes_no_risk(self):
        """virtio_net is a module here: auto says why it does not trust its zero-copy, and so does doctor."""
        process = self.start(*self.hosts(mode="auto"), "-v")
        self.assertEqual({zero_copy for _, zero_copy in self.net.xdp_sockets()}, {False})
        said = process.log.read_text()
        self.assertRegex(said, r"copy mode, since virtio_net, loaded as a module, .*--mode zero-copy insists")
        self.assertEqual(lab.interrupt(process), 130)
        self.assertRegex(self.net.myriad("doctor", "port").stdout, "! native XDP with zero-copy, but virtio_net")


if __name__ == "__main__":
    nics.main()
