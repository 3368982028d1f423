"""Hosts as servers: the kernel's own clients use them; and hosts that talk to each other."""

import contextlib
import re
import socket

import case
import lab

SERVICES = """
  servers:
    port: lan
    count: 100
    mac: 02:4d:00:00:10:01
    ipv4: 10.77.16.1/16
    ipv6: fd77::2:1/64

services:
  web:  {on: servers, port: 80, http: {body: 1KiB}}
  echo: {on: servers, port: 7, echo: {}}
  sink: {on: servers, port: 9, discard: {}}
  lines: {on: servers, port: 19, chargen: {}}
"""

PAGES = """\
  page: {on: servers, port: 8080, http: {body: {text: "<p>hello</p>\\n"}, type: text/html; charset=utf-8}}
  file: {on: servers, port: 8081, http: {body: {file: page.bin}}}
"""
FILE = bytes(value * 7 % 256 for value in range(300_001))


def server4(index):
    return f"10.77.16.{1 + index}"


def chargen_line(number):
    return bytes(32 + (number + column) % 95 for column in range(72)) + b"\r\n"


class Served(case.Case):
    def setUp(self):
        super().setUp()
        self.net = self.lab()
        self.result = self.net.folder / "result.json"
        (self.net.folder / "page.bin").write_bytes(FILE)
        text = lab.hosts_yaml(1, extra=SERVICES + PAGES) + "duration: 50s\n"
        self.process = self.net.start_myriad("run", self.net.scenario(text), "--json", self.result)
        self.net.wait_for_answer(server4(0), self.process)

    def curl(self, *words):
        done = self.net.there.run("curl", "-sS", "--max-time", 20, *words)
        self.assertExit(done, 0)
        return done.stdout

    def body(self, url):
        file = self.net.folder / "body"
        self.curl("-o", file, url)
        return file.read_bytes()

    def test_curl_gets_the_body_over_both_families(self):
        for url in (f"http://{server4(0)}/", f"http://{server4(99)}/", "http://[fd77::2:1]/", "http://[fd77::2:64]/"):
            self.assertEqual(len(self.body(url)), 1024, url)

    def test_curl_gets_as_many_bytes_as_it_asks_for(self):
        for count in (0, 1, 1460, 100_000, 5_000_000):
            size = self.curl("-o", "/dev/null", "-w", "%{size_download} %{http_code}", f"http://{server4(1)}/bytes/{count}")
            self.assertEqual(size, f"{count} 200")

    def test_pages_are_sent_as_they_are(self):
        self.assertEqual(self.body(f"http://{server4(3)}:8080/any/path"), b"<p>hello</p>\n")
        self.assertEqual(self.body(f"http://{server4(3)}:8081/"), FILE)
        types = [self.curl("-o", "/dev/null", "-w", "%{content_type}", f"http://{server4(3)}:{port}/x")
                 for port in (80, 8080, 8081)]
        self.assertEqual(types, ["application/octet-stream", "text/html; charset=utf-8", "application/octet-stream"])

    def test_the_same_bytes_come_every_time(self):
        self.assertEqual(self.body(f"http://{server4(2)}/bytes/5000"), self.body(f"http://{server4(2)}/bytes/5000"))

    def test_one_connection_carries_many_requests(self):
        url = f"http://{server4(3)}/bytes/2000"
        opened = self.curl("-o", "/dev/null", "-o", "/dev/null", "-o", "/dev/null", "-w", "%{num_connects} ", url, url, url)
        self.assertEqual(opened.split(), ["1", "0", "0"])

    def test_any_other_path_has_the_size_of_the_service(self):
        for path in ("/bytes/x", "/bytes/-1", "/bytes/", "/index.html", "/?a=b"):
            size = self.curl("-o", "/dev/null", "-w", "%{size_download} %{http_code}", f"http://{server4(4)}{path}")
            self.assertEqual(size, "1024 200", path)

    def test_what_it_does_not_serve(self):
        for path in ("/bytes/99999999999999999999", "/bytes/9999999999999999999999999999999999999999"):
            self.assertEqual(self.curl("-o", "/dev/null", "-w", "%{http_code}", f"http://{server4(4)}{path}"), "400")
        self.assertEqual(self.curl("-o", "/dev/null", "-w", "%{http_code}", "-X", "DELETE", f"http://{server4(4)}/"), "405")
        self.assertIn("Content-Length: 1024", self.curl("-I", f"http://{server4(4)}/"))

    def test_echo_gives_back_every_byte(self):
        content, _ = lab.file_of(300_000)
        with self.net.there.entered():
            stream = socket.create_connection((server4(5), 7), timeout=20)
        with contextlib.closing(stream):
            back, sent = b"", 0
            while len(back) < len(content):  # no more on its way than the windows hold
                if sent - len(back) < 50_000 and sent < len(content):
                    sent += stream.send(content[sent : sent + 20_000])
                    continue
                part = stream.recv(65536)
                self.assertTrue(part, "closed early")
                back += part
            self.assertEqual(back, content)
            stream.shutdown(socket.SHUT_WR)
            self.assertEqual(stream.recv(1), b"", "it closes when we do")

    def test_nc_speaks_to_echo(self):
        done = self.net.there.run("nc", "-N", "-w", 10, server4(6), 7, input="a line\n")
        self.assertEqual(done.stdout, "a line\n")

    def test_discard_takes_everything_and_says_nothing(self):
        content, _ = lab.file_of(1_000_000)
        with self.net.there.entered():
            stream = socket.create_connection((server4(7), 9), timeout=20)
        with contextlib.closing(stream):
            stream.sendall(content)
            stream.shutdown(socket.SHUT_WR)
            self.assertEqual(stream.recv(1), b"")

    def test_chargen_says_lines_for_ever(self):
        with self.net.there.entered():
            stream = socket.create_connection((server4(3), 19), timeout=20)
        with contextlib.closing(stream):
            wanted = b"".join(chargen_line(number) for number in range(10_000))
            text = bytearray()
            while len(text) < len(wanted):
                part = stream.recv(65536)
                self.assertTrue(part, "it ended")
                text += part
            self.assertEqual(bytes(text[: len(wanted)]), wanted)

    def datagrams(self, family=socket.AF_INET, port=0):
        with self.net.there.entered():
            sock = socket.socket(family, socket.SOCK_DGRAM)
        self.addCleanup(sock.close)
        sock.settimeout(20)
        sock.bind((lab.THERE4 if family == socket.AF_INET else lab.THERE6, port))
        return sock

    def test_echo_gives_back_datagrams(self):
        for family, address in ((socket.AF_INET, server4(5)), (socket.AF_INET6, "fd77::2:64")):
            sock = self.datagrams(family)
            sock.connect((address, 7))  # hears from there alone
            for size in (1, 17, 1400, 1452, 0):
                content = lab.file_of(size)[0]
                sock.send(content)
                self.assertEqual(sock.recv(65536), content)

    def test_discard_takes_datagrams_and_says_nothing(self):
        sock = self.datagrams()
        for _ in range(3):
            sock.sendto(b"nobody hears this", (server4(6), 9))
        sock.sendto(b"but this", (server4(6), 7))
        self.assertEqual(sock.recvfrom(65536), (b"but this", (server4(6), 7)), "the first thing that comes")

    def test_chargen_answers_a_datagram_with_lines(self):
        sock = self.datagrams()
        text = b"".join(chargen_line(number) for number in range(7))
        lengths = set()
        for number in range(30):
            sock.sendto(b"%d" % number, (server4(4), 19))
            said, address = sock.recvfrom(65536)
            self.assertEqual(address, (server4(4), 19))
            self.assertEqual(said, text[: len(said)])
            self.assertLessEqual(len(said), 512)  # RFC 864
            lengths.add(len(said))
        self.assertGreater(len(lengths), 1, "of a length drawn by chance")

    def test_services_do_not_answer_each_other_for_ever(self):
        as_chargen, client = self.datagrams(port=19), self.datagrams()
        as_chargen.sendto(b"an echo of this would be answered, and that echoed", (server4(2), 7))
        as_chargen.sendto(b"the same", (server4(2), 19))
        client.sendto(b"afterwards", (server4(2), 7))
        self.assertEqual(client.recv(65536), b"afterwards")
        as_chargen.setblocking(False)
        with self.assertRaises(BlockingIOError):
            as_chargen.recv(65536)

    def test_the_document_counts_them(self):
        self.assertEqual(len(self.body(f"http://{server4(8)}/bytes/3000")), 3000)
        self.assertEqual(lab.interrupt(self.process), 130)
        services = lab.json.loads(self.result.read_text())["services"]
        self.assertEqual(set(services), {"web", "page", "file", "echo", "sink", "lines"})
        self.assertEqual(services["web"]["sessions"], 1)
        self.assertGreaterEqual(services["web"]["bytes_tx"], 3000)


TALK = SERVICES + """
workloads:
  fetch:
    from: clients
    to: servers:80
    family: FAMILY
    http: {get: /bytes/20000, verify: {bytes: 20000}}
    load: {concurrent: 100, total: 500}
"""


class AmongThemselves(case.Case):
    def assert_fetched(self, result):
        work = result["workloads"]["fetch"]
        self.assertEqual((work["sessions_succeeded"], work["sessions_failed"]), (500, 0), work["failures"])
        self.assertEqual(result["services"]["web"]["sessions"], 500)

    @case.row(seconds=90)
    def test_on_one_port_nothing_goes_out(self):
        for family in ("ipv4", "ipv6"):
            for shards in (1, 2):
                net = self.lab(queues=2)
                end_of_capture = net.tcpdump(net.there, "peer", "tcp")
                ports = f"  lan: {{interface: port, queues: 2, shards: {shards}}}"
                extra = TALK.replace("FAMILY", family)
                self.assert_fetched(net.run_scenario(lab.hosts_yaml(100, ports=ports, extra=extra)))
                self.assertEqual(end_of_capture().stat().st_size, 24, "a switch does not send a frame back where it came from")
                net.close()

    @case.row(seconds=60)
    def test_on_two_ports_everything_goes_over_the_wire(self):
        net = self.lab(addresses=False)
        net.here.ip("link", "add", "left", "type", "veth", "peer", "name", "right")
        for name in ("left", "right"):
            net.here.ip("link", "set", name, "up")
        extra = TALK.replace("FAMILY", "ipv4").replace("port: lan", "port: wan")
        text = lab.hosts_yaml(100, ports="  lan: {interface: left}\n  wan: {interface: right}", extra=extra)
        result = net.run_scenario(text)
        self.assert_fetched(result)
        payload = 500 * 20_000
        self.assertGreater(result["ports"]["wan"]["bytes_tx"], payload)
        self.assertGreater(result["ports"]["lan"]["bytes_rx"], payload)
        received = int(re.search(r"RX:.*\n\s+(\d+)", net.here.ip("-s", "link", "show", "left"))[1])
        self.assertGreater(received, payload)


if __name__ == "__main__":
    case.main()
