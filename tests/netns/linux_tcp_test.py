"""Thousands of connections between Myriad and the kernel's TCP on a wire that loses nothing, judged by a third party:
tshark's analysis finds nothing in them to remark on."""

import asyncio
import collections
import socket

import case
import lab

# A client that opens thousands of connections from an address meets its ports again while the server's end is still in
# TIME-WAIT: that is how it should be, and no remark about either stack.
ALLOWED = ("tcp.analysis.reused_ports",)

SIZES = (1024, 16384)
# Whether an end takes a segment for lost when this machine is slow to run the other end is a question of time. Neither
# shall send a tail again after some milliseconds, nor anything before a second has passed.
PATIENT = "    tcp: {rack_tlp: false, rto_min: 1s}\n"
SERVERS = f"""  servers:
    port: lan
    count: 100
    mac: 02:4d:00:00:10:01
    ipv4: 10.77.16.1/16
    ipv6: fd77::2:1/64
{PATIENT}
services:
  web: {{on: servers, port: 80, http: {{}}}}
duration: 110s
"""


class NothingToRemark(case.Case):
    def setUp(self):
        super().setUp()
        self.net = self.lab()
        self.net.there.sysctl("ipv4.tcp_early_retrans", 0)
        for prefix in (("10.77.0.0/16",), ("fd77::/64", "metric", 256)):
            self.net.there.ip("route", "replace", *prefix, "dev", "peer", "rto_min", "1s")
        self.end_of_capture = self.net.tcpdump(self.net.there, "peer", "tcp")

    def know_clients(self, count):
        """Makes the clients permanent neighbours of the kernel: it keeps 1,024 others for all namespaces of the machine
        together, and sends no SYN-ACK to whom it has no room for."""
        addresses = [(where(index), lab.host_mac(index)) for index in range(count) for where in (lab.host4, lab.host6)]
        self.net.there.batch(f"neigh replace {to} lladdr {mac} dev peer nud permanent" for to, mac in addresses)

    def tshark(self, capture, expression, *fields):
        words = [word for field in fields for word in ("-e", field)]
        done = self.net.there.run("tshark", "-r", capture, "-Y", expression, "-T", "fields", *words, timeout=100)
        self.assertExit(done, 0)
        return [line.split("\t") for line in done.stdout.splitlines()]

    def assert_nothing_to_remark(self, connections):
        capture = self.end_of_capture()
        opened = self.tshark(capture, "tcp.flags.syn == 1 && tcp.flags.ack == 1", "tcp.stream")
        self.assertEqual(len({stream for stream, in opened}), connections, "connections in the capture")
        remarked = self.tshark(capture, f"tcp.analysis.flags && !({' || '.join(ALLOWED)})", "_ws.expert.message",
                               "frame.number", "tcp.stream", "_ws.col.Info")
        kinds = collections.Counter(kind for kind, *_ in remarked)
        self.assertEqual(remarked[:20], [], f"{len(remarked)} remarks: {kinds}")

    @case.row(seconds=120)
    def test_ten_thousand_connections_of_a_thousand_clients(self):
        self.know_clients(1000)
        files = {str(size): lab.file_of(size) for size in SIZES}
        lab.Nginx(self.net, files={name: content for name, (content, _) in files.items()})
        text = lab.hosts_yaml(1000, extra=PATIENT) + "workloads:"
        for size in SIZES:
            for family, to in ((4, f"{lab.THERE4}:80"), (6, f"[{lab.THERE6}]:80")):
                text += f"""
  get{size}-{family}:
    from: clients
    to: '{to}'
    http: {{get: /{size}, verify: {{sha256: {files[str(size)][1]}}}}}
    load: {{concurrent: 20, total: 2500}}"""
        for name, work in self.net.run_scenario(text)["workloads"].items():
            self.assertEqual((work["sessions_verified"], work["hosts_succeeded"]), (2500, 1000), f"{name} {work['failures']}")
        self.assert_nothing_to_remark(10_000)

    @case.row(seconds=120)
    def test_four_thousand_connections_to_a_hundred_servers(self):
        process = self.net.start_myriad("run", self.net.scenario(lab.hosts_yaml(1, extra=SERVERS)))
        self.net.wait_for_answer("10.77.16.1", process)
        expected = {size: lab.pattern(size, lab.BODY) for size in (0, 1, 1460, *SIZES, 100_000)}
        numbers = iter(range(4000))

        async def one(number):
            size = list(expected)[number % len(expected)]
            address = f"10.77.16.{1 + number // 2 % 100}" if number % 2 else f"fd77::2:{1 + number // 2 % 100:x}"
            with self.net.there.entered():
                plain = socket.socket(socket.AF_INET if number % 2 else socket.AF_INET6)
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)  # a slow reader's window is not full either
            plain.setblocking(False)
            await asyncio.get_running_loop().sock_connect(plain, (address, 80))
            stream, back = await asyncio.open_connection(sock=plain)
            back.write(f"GET /bytes/{size} HTTP/1.1\r\nHost: web\r\nConnection: close\r\n\r\n".encode())
            answer = await stream.read()
            back.close()
            head, _, body = answer.partition(b"\r\n\r\n")
            self.assertTrue(head.startswith(b"HTTP/1.1 200 "), head)
            self.assertTrue(body == expected[size], f"{len(body)} bytes of /bytes/{size}")

        async def worker():
            for number in numbers:
                await one(number)

        async def everyone():
            await asyncio.wait_for(asyncio.gather(*(worker() for _ in range(20))), 100)

        asyncio.run(everyone())
        self.assert_nothing_to_remark(4000)


if __name__ == "__main__":
    case.main()
