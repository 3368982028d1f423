"""Hosts as clients: a thousand of them fetch a file from a real nginx, and every byte is verified."""

import struct
import time

import case
import lab

FETCH = """
workloads:
  fetch:
    from: clients
    to: {to}
    http: {{get: /{name}, verify: {{sha256: {sha}}}}}
    load: {{{load}}}
"""


def fetch(to, name, sha, load="concurrent: 1000, total: 1000"):
    return FETCH.format(to=to, name=name, sha=sha, load=load)


def source_macs(capture, port):
    """Distinct source MACs of TCP frames to `port` in a classic pcap file of Ethernet frames."""
    data = capture.read_bytes()
    order = "<" if data[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1") else ">"
    at, found = 24, set()
    while at + 16 <= len(data):
        length = struct.unpack_from(order + "I", data, at + 8)[0]
        frame = data[at + 16 : at + 16 + length]
        at += 16 + length
        head = {b"\x08\x00": 34, b"\x86\xdd": 54}.get(frame[12:14])
        if head and len(frame) >= head + 4 and frame[head + 2 : head + 4] == struct.pack("!H", port):
            found.add(frame[6:12].hex(":"))
    return found


class ThousandHosts(case.Case):
    def setUp(self):
        super().setUp()
        self.content, self.sha = lab.file_of(64 * 1024)
        self.net = self.lab()
        lab.Nginx(self.net, files={"file.bin": self.content})

    def run_fetch(self, to, count=1000, load="concurrent: 1000, total: 1000"):
        return self.net.run_scenario(lab.hosts_yaml(count) + fetch(to, "file.bin", self.sha, load), timeout=100)

    def assert_all_fetched(self, result, sessions=1000, hosts=1000):
        work = result["workloads"]["fetch"]
        self.assertEqual(work["sessions_succeeded"], sessions, work)
        self.assertEqual(work["sessions_verified"], sessions)
        self.assertEqual(work["sessions_failed"], 0, work["failures"])
        self.assertEqual(work["sessions_open"], 0)
        self.assertEqual(work["hosts_succeeded"], hosts)
        self.assertGreaterEqual(work["bytes_rx"], sessions * len(self.content))
        self.assertEqual(result["verdict"], "pass")

    @case.row(seconds=120, alone=True)
    def test_fetch_over_ipv4_from_a_thousand_macs(self):
        end_of_capture = self.net.tcpdump(self.net.there, "peer", "tcp", "port", 80)
        self.assert_all_fetched(self.run_fetch(f"{lab.THERE4}:80"))
        self.assertEqual(source_macs(end_of_capture(), 80), {lab.host_mac(i) for i in range(1000)})

    @case.row(seconds=120, alone=True)
    def test_fetch_over_ipv6(self):
        self.assert_all_fetched(self.run_fetch(f"'[{lab.THERE6}]:80'"))

    @case.row(seconds=120)
    def test_a_mebibyte_each(self):
        content, sha = lab.file_of(1 << 20)
        for folder in self.net.folder.glob("nginx-*/www"):
            (folder / "big.bin").write_bytes(content)
        text = lab.hosts_yaml(100) + fetch(f"{lab.THERE4}:80", "big.bin", sha, "concurrent: 100, total: 200")
        work = self.net.run_scenario(text, timeout=100)["workloads"]["fetch"]
        self.assertEqual((work["sessions_verified"], work["sessions_failed"]), (200, 0), work["failures"])

    def test_a_file_that_differs_is_no_success(self):
        text = lab.hosts_yaml(10) + fetch(f"{lab.THERE4}:80", "file.bin", "0" * 64, "total: 10")
        done = self.net.myriad("run", self.net.scenario(text), "--json", "-", timeout=50)
        self.assertIn('"sessions_verified": 0', done.stdout)
        self.assertIn('"sessions_succeeded": 0', done.stdout)

    def test_a_missing_file_is_no_success(self):
        text = lab.hosts_yaml(10) + fetch(f"{lab.THERE4}:80", "nothing.bin", self.sha, "total: 10")
        work = self.net.run_scenario(text)["workloads"]["fetch"]
        self.assertEqual((work["sessions_succeeded"], work["sessions_failed"]), (0, 10))

    @case.row(seconds=90)
    def test_the_kernel_goes_on_using_the_interface(self):
        text = lab.hosts_yaml(200) + fetch(f"{lab.THERE4}:80", "file.bin", self.sha, "concurrent: 100") + "duration: 6s\n"
        result = self.net.folder / "result.json"
        process = self.net.start_myriad("run", self.net.scenario(text), "--json", result)
        self.net.wait_for_answer(lab.host4(0), process)
        for address in (lab.THERE4, lab.THERE6):
            pinged = self.net.here.run("ping", "-n", "-c", 5, "-i", 0.2, "-W", 2, address)
            self.assertIn("5 received", pinged.stdout)
        for url in (f"http://{lab.THERE4}/file.bin", f"http://[{lab.THERE6}]/file.bin"):
            got = self.net.here.run("curl", "-sS", "--max-time", 10, "-o", self.net.folder / "got", url)
            self.assertExit(got, 0)
            self.assertEqual((self.net.folder / "got").read_bytes(), self.content)
        self.assertIsNone(process.poll(), "the run was still going on")
        self.assertEqual(process.wait(timeout=30), 0, process.log.read_text())

    def test_a_dead_server_refuses_every_session(self):
        text = lab.hosts_yaml(50) + fetch(f"{lab.THERE4}:8080", "file.bin", self.sha, "total: 50")
        done = self.net.myriad("run", self.net.scenario(text), "--json", "-")
        self.assertIn('"refused": 50', done.stdout)

    @case.row(seconds=60)
    def test_every_host_pings_the_peer(self):
        # 50 at a time: the kernel holds the replies to hosts that it has yet to resolve in one small socket buffer.
        for to in (lab.THERE4, f"'{lab.THERE6}'"):
            text = lab.hosts_yaml(500) + f"""
workloads:
  ping: {{from: clients, to: {to}, icmp_echo: {{count: 3, interval: 50ms, size: 120B}}, load: {{concurrent: 50, total: 500}}}}
"""
            work = self.net.run_scenario(text)["workloads"]["ping"]
            self.assertEqual((work["sessions_succeeded"], work["sessions_failed"]), (500, 0), work["failures"])


class Script(case.Case):
    """The `tcp` workload against a plain server of Python on kernel sockets."""

    SERVER = """
import socket, threading, sys
server = socket.create_server((sys.argv[1], 9000), family=socket.AF_INET, backlog=512)
print("ready", flush=True)
def serve(stream):
    with stream:
        assert stream.recv(7, socket.MSG_WAITALL) == b"hello\\r\\n"
        stream.sendall(b"noise 250 welcome")
        left = 100_000
        while left:
            left -= len(stream.recv(min(left, 65536)) or exit())
        stream.sendall(bytes(50_000))
        assert stream.recv(1) == b""
while True:
    threading.Thread(target=serve, args=(server.accept()[0],), daemon=True).start()
"""

    def test_a_dialogue_both_ways(self):
        net = self.lab()
        server = net.there.start("python3", "-c", self.SERVER, lab.THERE4)
        self.assertEqual(server.stdout.readline(), b"ready\n")
        text = lab.hosts_yaml(100) + f"""
workloads:
  talk:
    from: clients
    to: {lab.THERE4}:9000
    tcp: {{script: [send: "hello\\r\\n", expect: "250 welcome", send_bytes: 100000B, expect_bytes: 50000B, close]}}
"""
        result = net.run_scenario(text)
        work = result["workloads"]["talk"]
        self.assertEqual((work["sessions_succeeded"], work["sessions_failed"]), (100, 0), work["failures"])
        self.assertEqual(work["bytes_tx"], 100 * 100_007)


class Load(case.Case):
    @case.row(seconds=60)
    def test_a_rate_is_kept_and_a_total_ends_the_run(self):
        net = self.lab()
        lab.Nginx(net)
        text = lab.hosts_yaml(100) + f"""
workloads:
  steady:
    from: clients
    to: {lab.THERE4}:80
    http: {{get: /s, verify: {{bytes: 64}}}}
    load: {{rate: 200/s, total: 400}}
"""
        started = time.monotonic()
        work = net.run_scenario(text)["workloads"]["steady"]
        self.assertEqual((work["sessions_started"], work["sessions_succeeded"]), (400, 400), work["failures"])
        self.assertGreater(time.monotonic() - started, 1.8, "400 sessions at 200/s cannot be done sooner")


if __name__ == "__main__":
    case.main()
