"""What happens on the way between Myriad and the kernel's TCP: a router with a smaller MTU, a link that goes, a peer that
has forgotten its connections."""

import asyncio
import json
import socket

import case
import lab

FAR4, FAR6 = "10.88.0.2", "fd88::2"
BYTES = 300_000

SERVERS = f"""
  servers: {{port: lan, count: 20, mac: 02:4d:00:00:10:01, ipv4: 10.77.16.1/16, ipv6: fd77::2:1/64,
             gateway: {lab.THERE4}, gateway6: '{lab.THERE6}'}}
services:
  web: {{on: servers, port: 80, http: {{}}}}
"""


class SmallerMtu(case.Case):
    """The peer is behind a router that says by ICMP what does not fit. Both ends offer the MSS of their own link, so
    only the router's word can tell.

        here: port ──1500── peer  there  left ──1300 by the route── right :far
    """

    MTU = 1300

    def setUp(self):
        super().setUp()
        self.net = self.lab()
        self.far = lab.Namespace(self.net, "far")
        router = self.net.there
        self.net.pair(router, "left", self.far, "right")
        for space, name, number in ((router, "left", 1), (self.far, "right", 2)):
            self.net.address(space, name, f"10.88.0.{number}", f"fd88::{number}")
        router.sysctl("ipv4.ip_forward", 1)
        router.sysctl("ipv6.conf.all.forwarding", 1)
        for prefix in (("10.88.0.0/16",), ("fd88::/64", "metric", 256)):
            router.ip("route", "replace", *prefix, "dev", "left", "mtu", "lock", self.MTU)
        self.far.ip("route", "add", "default", "via", "10.88.0.1")
        self.far.ip("route", "add", "default", "via", "fd88::1")

    def assert_the_router_said_so(self, family):
        """Frames came that did not fit."""
        counter = "IpFragFails" if family == 4 else "Ip6InTooBigErrors"
        line = self.net.there.run("nstat", "-asz", counter).stdout.splitlines()[-1]
        self.assertGreater(int(line.split()[1]), 0, line)

    def upload(self, family, address):
        with self.far.entered():
            listener = socket.create_server((address, 9000), family=family, backlog=100)
        received = []

        async def take(stream, back):
            received.append(await stream.read())
            back.close()

        text = lab.hosts_yaml(20, extra=f"""    gateway: {lab.THERE4}
    gateway6: '{lab.THERE6}'
workloads:
  talk:
    from: clients
    to: '{address if family == socket.AF_INET else f"[{address}]"}:9000'
    tcp: {{script: [send_bytes: {BYTES}B, close]}}
    load: {{total: 40}}
""")

        async def serve():
            async with await asyncio.start_server(take, sock=listener):
                return await asyncio.to_thread(self.net.run_scenario, text)

        work = asyncio.run(serve())["workloads"]["talk"]
        self.assertEqual(work["sessions_succeeded"], 40, work["failures"])
        expected = lab.pattern(BYTES, lab.SCRIPT)
        self.assertEqual([body == expected for body in received], [True] * 40)

    def download(self, urls):
        process = self.net.start_myriad("run", self.net.scenario(lab.hosts_yaml(1, extra=SERVERS) + "duration: 50s\n"))
        self.net.wait_for_answer("10.77.16.1", process)
        files = [self.net.folder / f"body-{number}" for number in range(len(urls))]
        words = [word for url, file in zip(urls, files) for word in ("-o", file, url)]
        self.assertExit(self.far.run("curl", "-sS", "-Z", "--max-time", 40, *words), 0)
        expected = lab.pattern(BYTES, lab.BODY)
        self.assertEqual([file.read_bytes() == expected for file in files], [True] * len(files))

    def test_clients_send_what_fits_over_ipv4(self):
        self.upload(socket.AF_INET, FAR4)
        self.assert_the_router_said_so(4)

    def test_clients_send_what_fits_over_ipv6(self):
        self.upload(socket.AF_INET6, FAR6)
        self.assert_the_router_said_so(6)

    def test_servers_send_what_fits_over_ipv4(self):
        self.download([f"http://10.77.16.{host}/bytes/{BYTES}" for host in range(1, 21)])
        self.assert_the_router_said_so(4)

    def test_servers_send_what_fits_over_ipv6(self):
        self.download([f"http://[fd77::2:{host:x}]/bytes/{BYTES}" for host in range(1, 21)])
        self.assert_the_router_said_so(6)


class Accidents(case.Case):
    """Something on the peer's side goes while sessions are at work."""

    def setUp(self):
        super().setUp()
        self.net = self.lab()
        self.result = self.net.folder / "result.json"

    def work(self, process, name):
        process.wait(timeout=60)
        return json.loads(self.result.read_text())["workloads"][name]

    def test_sessions_outlive_the_link_of_the_peer(self):
        content, sha = lab.file_of(4 << 20)
        nginx = lab.Nginx(self.net, files={"file": content}, logged=True)
        text = lab.hosts_yaml(100, v6=False, extra=f"""
workloads:
  fetch:
    from: clients
    to: {lab.THERE4}
    http: {{get: /file, verify: {{sha256: {sha}}}}}
    load: {{concurrent: 30, total: 90, timeout: 40s}}
""")
        process = self.net.start_myriad("run", self.net.scenario(text), "--json", self.result)
        for done in (10, 20, 30):
            lab.wait_until(lambda: len(nginx.sent()) >= done, 20, f"{done} sessions have ended")
            self.net.there.ip("link", "set", "peer", "down")
            self.net.there.ip("link", "set", "peer", "up")
        work = self.work(process, "fetch")
        self.assertEqual((work["sessions_started"], work["sessions_verified"]), (90, 90), work["failures"])

    def test_a_peer_that_has_forgotten_its_connections_resets_them(self):
        # It goes while they still have much to send, and silently: the link is down. Then it comes back without memory.
        with self.net.there.entered():
            listener = socket.create_server((lab.THERE4, 9000), backlog=100)
        listener.settimeout(20)
        text = lab.hosts_yaml(50, v6=False, extra=f"""
workloads:
  talk: {{from: clients, to: '{lab.THERE4}:9000', tcp: {{script: [send_bytes: 16MiB, close]}}, load: {{timeout: 50s}}}}
""")
        process = self.net.start_myriad("run", self.net.scenario(text), "--json", self.result)
        streams = [listener.accept()[0] for _ in range(50)]
        for stream in streams:
            stream.settimeout(20)
            stream.recv(1, socket.MSG_PEEK)
        self.net.there.ip("link", "set", "peer", "down")
        for stream in (*streams, listener):
            stream.close()
        self.assertEqual(self.net.there.run("ss", "-Htn", "state", "connected").stdout, "", "nothing is left of them")
        self.net.there.ip("link", "set", "peer", "up")
        work = self.work(process, "talk")
        reasons = lab.reasons(work)
        self.assertEqual(sum(count for reason, count in reasons.items() if reason.startswith("reset")), 50, reasons)


if __name__ == "__main__":
    case.main()
