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
"""


def server4(index):
    return f"10.77.16.{1 + index}"


class Served(case.Case):
    def setUp(self):
        super().setUp()
        self.net = self.lab()
        self.result = self.net.folder / "result.json"
        text = lab.hosts_yaml(1, extra=SERVICES) + "duration: 50s\n"
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

    def test_the_document_counts_them(self):
        self.assertEqual(len(self.body(f"http://{server4(8)}/bytes/3000")), 3000)
        self.assertEqual(lab.interrupt(self.process), 130)
        services = lab.json.loads(self.result.read_text())["services"]
        self.assertEqual(set(services), {"web", "echo", "sink"})
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
