"""Hosts on which every port answers: clients of the kernel ask for anything, and the document says what it was."""

import contextlib
import json
import socket

import case
import lab

TRAP = """
  decoys: {{port: lan, count: 200, mac: 02:4d:00:00:10:01, ipv4: 10.77.16.1/16, ipv6: fd77::2:1/64}}
services:
  web: {{on: decoys, port: 80, http: {{body: 1KiB}}}}
  trap: {{on: decoys, catch_all: {{{trap}}}}}
"""


def decoy4(index):
    return f"10.77.16.{1 + index}"


class CatchAll(case.Case):
    def setUp(self):
        super().setUp()
        self.net = self.lab()

    def begin(self, trap="", queues=1):
        self.result = self.net.folder / "result.json"
        ports = f"  lan: {{interface: port, queues: {queues}, shards: {queues}}}"
        text = lab.hosts_yaml(1, ports=ports, extra=TRAP.format(trap=trap)) + "duration: 50s\n"
        self.process = self.net.start_myriad("run", self.net.scenario(text), "--json", self.result)
        self.net.wait_for_answer(decoy4(0), self.process)

    def end(self):
        self.assertEqual(lab.interrupt(self.process), 130)
        return json.loads(self.result.read_text())["services"]["trap"]

    def connect(self, address, port):
        with self.net.there.entered():
            stream = socket.create_connection((address, port), timeout=20)
        self.addCleanup(stream.close)
        return stream

    def say(self, address, port, data):
        """Says it on a connection of its own, and waits until the other side has closed as well."""
        with contextlib.closing(self.connect(address, port)) as stream:
            stream.sendall(data)
            stream.shutdown(socket.SHUT_WR)
            heard = b""
            while part := stream.recv(65536):
                heard += part
            return heard

    def datagrams(self, family=socket.AF_INET):
        with self.net.there.entered():
            sock = socket.socket(family, socket.SOCK_DGRAM)
        self.addCleanup(sock.close)
        sock.settimeout(20)
        return sock

    def test_what_is_asked_for_is_listed_in_order(self):
        self.begin()
        for port in (1, 22, 8080, 65535):
            self.assertEqual(self.say(decoy4(port % 200), port, b"to %d" % port), b"")
        self.assertEqual(self.say("fd77::2:64", 22, b"\x00\xff\\ \r\n"), b"")
        self.assertEqual(self.say(decoy4(22), 22, b"again"), b"")
        self.assertEqual(self.net.there.run("nc", "-N", "-w", 20, decoy4(199), 31337, input="a line\n").returncode, 0)
        self.assertEqual(self.net.there.run("curl", "-sS", "-o", "/dev/null", "-w", "%{size_download}",
                                            f"http://{decoy4(5)}/").stdout, "1024")
        found = self.end()
        self.assertEqual(found["asked"], [
            {"address": address, "protocol": "tcp", "port": port, "times": times, "first_bytes": first}
            for address, port, times, first in ((decoy4(1), 1, 1, "to 1"), (decoy4(22), 22, 2, "to 22"),
                                                (decoy4(80), 8080, 1, "to 8080"), (decoy4(135), 65535, 1, "to 65535"),
                                                ("fd77::2:64", 22, 1, "\\x00\\xff\\\\ \\r\\n"),
                                                (decoy4(199), 31337, 1, "a line\\n"))])
        self.assertEqual((found["asked_unlisted"], found["sessions"]), (0, 7))

    def test_a_banner_comes_first_and_from_the_address_that_was_asked(self):
        self.begin('banner: "220 ready\\r\\n"')
        for address in (decoy4(3), decoy4(150), "fd77::2:c8"):
            stream = self.connect(address, 2525)
            self.assertEqual(stream.getpeername()[:2], (address, 2525))
            self.assertEqual(stream.recv(100), b"220 ready\r\n", "before anything was said")
            stream.sendall(b"HELO\r\n")
            stream.shutdown(socket.SHUT_WR)
            self.assertEqual(stream.recv(1), b"")
        self.assertEqual([(one["address"], one["first_bytes"]) for one in self.end()["asked"]],
                         [(address, "HELO\\r\\n") for address in (decoy4(3), decoy4(150), "fd77::2:c8")])

    def test_it_closes_and_refuses(self):
        self.begin("answer: close")
        self.assertEqual(self.connect(decoy4(9), 443).recv(1), b"")
        for family, address in ((socket.AF_INET, decoy4(9)), (socket.AF_INET6, "fd77::2:a")):
            sock = self.datagrams(family)
            sock.connect((address, 161))
            sock.send(b"public")
            with self.assertRaises(ConnectionRefusedError):
                sock.recv(1)
        self.assertEqual([(one["protocol"], one["address"], one["port"], one["first_bytes"]) for one in self.end()["asked"]],
                         [("tcp", decoy4(9), 443, ""), ("udp", decoy4(9), 161, "public"), ("udp", "fd77::2:a", 161, "public")])

    def test_a_scan_is_counted_in_bounded_memory(self):
        self.begin("most: 50, first_bytes: 4B")
        sock = self.datagrams()
        for port in range(1, 1001):
            if port != 80:
                sock.sendto(b"scan %d" % port, (decoy4(port % 200), port))
            if port % 100 == 0:  # no more on its way than the rings hold
                self.say(decoy4(0), 7, b"so far")
        found = self.end()
        self.assertEqual(len(found["asked"]), 50)
        self.assertEqual({one["first_bytes"] for one in found["asked"] if one["protocol"] == "udp"}, {"scan"})
        listed = sum(one["times"] for one in found["asked"])
        self.assertEqual((listed + found["asked_unlisted"], found["sessions"]), (999 + 10, 999 + 10))
        self.assertGreater(found["asked_unlisted"], 900)

    def test_several_shards_make_one_list(self):
        self.net = self.lab(queues=2)
        self.begin("most: 30", queues=2)
        for index in range(40):
            self.say(decoy4(index), 1000 + index, b"%d" % index)
        found = self.end()
        self.assertEqual([(one["address"], one["port"]) for one in found["asked"]],
                         [(decoy4(index), 1000 + index) for index in range(30)])
        self.assertEqual((found["asked_unlisted"], found["sessions"]), (10, 40))


if __name__ == "__main__":
    case.main()
