"""Myriad against the kernel's TCP over a wire that loses, duplicates, delays and damages frames: every session completes,
and every byte is the right one."""

import asyncio
import hashlib
import json
import socket

import case
import lab
from trouble_box import Trouble, TroubledLab

SERVERS = """
  servers: {port: lan, count: 20, mac: 02:4d:00:00:10:01, ipv4: 10.77.16.1/16, ipv6: fd77::2:1/64}
services:
  web:  {on: servers, port: 80, http: {}}
  echo: {on: servers, port: 7, echo: {}}
  sink: {on: servers, port: 9, discard: {}}
"""
SERVER4, SERVER6 = "10.77.16.{}", "fd77::2:{:x}"  # from 1


class Troubled(case.Case):
    def troubled(self, trouble, **options):
        net = TroubledLab(trouble, **options)
        self.addCleanup(net.close)
        return net

    def assert_trouble_was_made(self, net):
        """Every kind of trouble that was asked for has met frames both ways, and no other kind has."""
        kinds = {"dropped": net.trouble.drop, "duplicated": net.trouble.duplicate, "delayed": net.trouble.delay,
                 "corrupted": net.trouble.corrupt}
        for direction, counters in net.counters().items():
            for kind, share in kinds.items():
                (self.assertGreater if share else self.assertEqual)(counters[kind], 0, f"{kind} {direction}: {counters}")


class Clients(Troubled):
    """Myriad's hosts fetch from nginx."""

    def assert_all_fetched(self, trouble, size=200_000, total=200, concurrent=50):
        content, sha = lab.file_of(size)
        net = self.troubled(trouble)
        nginx = lab.Nginx(net, files={"file": content}, logged=True)
        load = f"load: {{concurrent: {concurrent}, total: {total}, timeout: 50s}}"
        fetch = f"http: {{get: /file, verify: {{sha256: {sha}}}}}, {load}"
        text = lab.hosts_yaml(100, extra=f"""
workloads:
  fetch4: {{from: clients, to: {lab.THERE4}, {fetch}}}
  fetch6: {{from: clients, to: '[{lab.THERE6}]:80', {fetch}}}
""")
        result = net.run_scenario(text, timeout=100)
        for name in ("fetch4", "fetch6"):
            work = result["workloads"][name]
            self.assertEqual((work["sessions_started"], work["sessions_verified"]), (total, total), work["failures"])
        self.assert_trouble_was_made(net)
        return result, nginx

    def assert_nginx_agrees(self, nginx, size, answers):
        """What it says to have sent, once it has noticed that the last connections are closed."""
        lab.wait_until(lambda: len(nginx.sent()) >= answers, 10, f"{answers} lines in the log of nginx")
        self.assertEqual(nginx.sent(), [(200, size)] * answers)

    def test_half_a_percent_lost(self):
        _, nginx = self.assert_all_fetched(Trouble(drop=0.005, duplicate=0.01, delay=0.02))
        self.assert_nginx_agrees(nginx, 200_000, 400)

    def test_two_percent_lost(self):
        _, nginx = self.assert_all_fetched(Trouble(drop=0.02, duplicate=0.01, delay=0.02))
        self.assert_nginx_agrees(nginx, 200_000, 400)

    @case.row(seconds=120)
    def test_five_percent_lost(self):
        _, nginx = self.assert_all_fetched(Trouble(drop=0.05, duplicate=0.01, delay=0.02))
        self.assert_nginx_agrees(nginx, 200_000, 400)

    def test_duplicates_and_late_frames_without_loss(self):
        _, nginx = self.assert_all_fetched(Trouble(duplicate=0.2, delay=0.2, delay_max_us=200))
        self.assert_nginx_agrees(nginx, 200_000, 400)

    def test_damaged_frames_are_seen_and_made_good(self):
        result, nginx = self.assert_all_fetched(Trouble(corrupt=0.02))
        self.assert_nginx_agrees(nginx, 200_000, 400)
        self.assertGreater(result["ports"]["lan"]["drops"]["bad_tcp_checksum"], 0)

    @case.row(seconds=120)
    def test_a_long_download(self):
        self.assert_all_fetched(Trouble(drop=0.01), size=64 << 20, total=1, concurrent=1)

    def assert_uploaded(self, bytes_, personality):
        """One host sends; what the kernel receives is what the seed says."""
        net = self.troubled(Trouble(drop=0.01))
        with net.there.entered():
            listener = socket.create_server((lab.THERE4, 9000))
        digest = hashlib.sha256()

        async def take(stream, back):
            while part := await stream.read(1 << 20):
                digest.update(part)
            back.close()

        text = lab.hosts_yaml(1, extra=f"""    tcp: {personality}
workloads:
  talk:
    from: clients
    to: '{lab.THERE4}:9000'
    tcp: {{script: [send_bytes: {bytes_}B, close]}}
    load: {{timeout: 100s}}
""")

        async def serve():
            async with await asyncio.start_server(take, sock=listener):
                return await asyncio.to_thread(net.run_scenario, text, timeout=110)

        work = asyncio.run(serve())["workloads"]["talk"]
        self.assertEqual((work["sessions_succeeded"], work["bytes_tx"]), (1, bytes_), work["failures"])
        self.assertGreater(work["tcp"]["retransmits"], 0)
        self.assertEqual(digest.digest(), hashlib.sha256(lab.pattern(bytes_, lab.SCRIPT)).digest())
        self.assert_trouble_was_made(net)

    @case.row(seconds=120)
    def test_a_long_upload_with_newreno(self):
        self.assert_uploaded(32 << 20, "{congestion: newreno}")

    @case.row(seconds=120)
    def test_a_long_upload_with_cubic(self):
        self.assert_uploaded(32 << 20, "{congestion: cubic}")

    @case.row(seconds=120)
    def test_an_upload_without_sack(self):
        self.assert_uploaded(8 << 20, "{sack: false, rack_tlp: false}")

    @case.row(seconds=120)
    def test_an_upload_without_timestamps_and_window_scale(self):
        self.assert_uploaded(8 << 20, "{timestamps: false, window_scale: none}")

    @case.row(seconds=120)
    def test_a_dialogue_both_ways(self):
        net = self.troubled(Trouble(drop=0.02, duplicate=0.01, delay=0.02))
        with net.there.entered():
            listeners = [socket.create_server((address, 9000), family=family, backlog=512)
                         for family, address in ((socket.AF_INET, lab.THERE4), (socket.AF_INET6, lab.THERE6))]
        script = "tcp: {script: [send_bytes: 200000B, expect_bytes: 200000B, close]}"
        load = "load: {concurrent: 50, total: 100, timeout: 50s}"
        text = lab.hosts_yaml(100, extra=f"""
workloads:
  talk4: {{from: clients, to: '{lab.THERE4}:9000', {script}, {load}}}
  talk6: {{from: clients, to: '[{lab.THERE6}]:9000', {script}, {load}}}
""")
        expected, received = lab.pattern(200_000, lab.SCRIPT), []

        async def talk(stream, back):
            received.append(await stream.readexactly(len(expected)))
            back.write(received[-1])
            await back.drain()
            await stream.read()
            back.close()

        async def serve():
            servers = [await asyncio.start_server(talk, sock=listener) for listener in listeners]
            try:
                return await asyncio.to_thread(net.run_scenario, text, timeout=100)
            finally:
                for server in servers:
                    server.close()

        result = asyncio.run(serve())
        for name in ("talk4", "talk6"):
            work = result["workloads"][name]
            self.assertEqual((work["sessions_succeeded"], work["bytes_tx"]), (100, 100 * len(expected)), work["failures"])
        self.assertEqual([body == expected for body in received], [True] * 200)
        self.assert_trouble_was_made(net)


class Servers(Troubled):
    """The kernel's sockets as clients of Myriad's services."""

    def serve(self, trouble):
        self.net = self.troubled(trouble)
        self.result = self.net.folder / "result.json"
        text = lab.hosts_yaml(1, extra=SERVERS) + "duration: 110s\n"
        self.process = self.net.start_myriad("run", self.net.scenario(text), "--json", self.result)
        self.net.wait_for_answer(SERVER4.format(1), self.process)

    def services(self):
        """Of the result document, once Myriad was told to end."""
        self.assertEqual(lab.interrupt(self.process), 130)
        return json.loads(self.result.read_text())["services"]

    def fetch(self, bytes_, count, seconds=100):
        """curl fetches from `count` hosts over each family at once; every body is what the seed says."""
        urls = []
        for family in "46":
            for host in range(1, count + 1):
                where = SERVER4.format(host) if family == "4" else f"[{SERVER6.format(host)}]"
                urls += ["-o", self.net.folder / f"body-{family}-{host}", f"http://{where}/bytes/{bytes_}"]
        done = self.net.there.run("curl", "-sS", "-Z", "--parallel-max", 50, "--max-time", seconds, *urls, timeout=seconds + 5)
        self.assertExit(done, 0)
        expected = lab.pattern(bytes_, lab.BODY)
        for family in "46":
            for host in range(1, count + 1):
                body = (self.net.folder / f"body-{family}-{host}").read_bytes()
                self.assertTrue(body == expected, f"body {family}-{host}: {len(body)} bytes")

    def converse(self, port, content, returned):
        """On 100 connections at once, half of each family, sends `content` and expects `returned`, then the end."""

        async def one(number):
            address = (SERVER4 if number % 2 else SERVER6).format(1 + number % 20)
            with self.net.there.entered():
                plain = socket.socket(socket.AF_INET if number % 2 else socket.AF_INET6)
            plain.setblocking(False)
            await asyncio.get_running_loop().sock_connect(plain, (address, port))
            stream, back = await asyncio.open_connection(sock=plain)
            reading = asyncio.create_task(stream.readexactly(len(returned)))
            back.write(content)
            await back.drain()
            received = await reading
            back.write_eof()
            rest = await stream.read()  # it closes when we do
            back.close()
            return received + rest == returned

        async def everyone():
            return await asyncio.wait_for(asyncio.gather(*map(one, range(100))), 100)

        self.assertEqual(asyncio.run(everyone()), [True] * 100)

    def test_bodies_through_half_a_percent_of_loss(self):
        self.serve(Trouble(drop=0.005, duplicate=0.01, delay=0.02))
        self.fetch(200_000, 20)
        self.assert_trouble_was_made(self.net)

    def test_bodies_through_two_percent_of_loss(self):
        self.serve(Trouble(drop=0.02, duplicate=0.01, delay=0.02))
        self.fetch(200_000, 20)
        self.assert_trouble_was_made(self.net)

    @case.row(seconds=120)
    def test_bodies_through_five_percent_of_loss(self):
        self.serve(Trouble(drop=0.05, duplicate=0.01, delay=0.02))
        self.fetch(200_000, 20)
        self.assert_trouble_was_made(self.net)

    def test_bodies_through_duplicates_and_late_frames(self):
        self.serve(Trouble(duplicate=0.2, delay=0.2, delay_max_us=200))
        self.fetch(200_000, 20)
        self.assert_trouble_was_made(self.net)

    @case.row(seconds=120)
    def test_a_long_body(self):
        self.serve(Trouble(drop=0.01))
        self.fetch(16 << 20, 1)
        self.assert_trouble_was_made(self.net)

    @case.row(seconds=120)
    def test_echo_gives_back_every_byte(self):
        content, _ = lab.file_of(200_000)
        self.serve(Trouble(drop=0.02, duplicate=0.01, delay=0.02, corrupt=0.005))
        self.converse(7, content, content)
        self.assert_trouble_was_made(self.net)

    @case.row(seconds=120)
    def test_discard_takes_every_byte(self):
        content, _ = lab.file_of(200_000)
        self.serve(Trouble(drop=0.02, duplicate=0.01, delay=0.02))
        self.converse(9, content, b"")
        self.assert_trouble_was_made(self.net)
        sink = self.services()["sink"]
        self.assertEqual((sink["sessions"], sink["bytes_rx"]), (100, 100 * len(content)))


if __name__ == "__main__":
    case.main()
