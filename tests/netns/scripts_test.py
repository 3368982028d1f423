"""Scripts by TCP and by UDP against peers on the kernel's sockets, and pings against one that answers some of them: what
is sent and expected, and every way to fail."""

import contextlib
import socket
import struct
import threading
import time

import case
import lab

SESSIONS = 20


def workload(name, kind, to, load="{timeout: 30s}"):
    return f"  {name}: {{from: clients, to: '{to}', {kind}, load: {load}}}\n"


def read_exactly(stream, count):
    data = b""
    while len(data) < count:
        part = stream.recv(count - len(data))
        if not part:
            raise AssertionError(f"closed after {len(data)} of {count} bytes")
        data += part
    return data


def expect(got, wanted):
    if got != wanted:
        raise AssertionError(f"{got[:100]!r} of {len(got)} bytes, not {wanted[:100]!r} of {len(wanted)}")


class Peers(case.Case):
    """Servers on threads of this process; what goes wrong in one of them fails the test."""

    def setUp(self):
        super().setUp()
        self.net = self.lab()
        self.errors = []
        self.threads = []
        self.talked = []  # a word for each conversation that went as it should
        self.over = threading.Event()  # the run is

    def thread(self, function, *arguments):
        def guarded():
            try:
                function(*arguments)
            except Exception as error:  # told by join()
                self.errors.append(f"{function.__name__}: {error!r}")

        thread = threading.Thread(target=guarded, daemon=True)
        thread.start()
        return thread

    def tcp_server(self, port, talk, address=lab.THERE4):
        """Every connection is given to `talk` on a thread of its own, and closed when that returns."""
        with self.net.there.entered():
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            listener = socket.create_server((address, port), family=family, backlog=100)

        def one(stream):
            with contextlib.closing(stream):
                stream.settimeout(30)
                talk(stream)

        def accept():
            with contextlib.suppress(OSError):  # of a listener that was shut down
                while True:
                    stream, _ = listener.accept()
                    self.threads.append(self.thread(one, stream))

        acceptor = self.thread(accept)
        self.addCleanup(lambda: (listener.shutdown(socket.SHUT_RDWR), acceptor.join(20), listener.close()))

    def udp_server(self, port, answer, address=lab.THERE4):
        """`answer(data, source)` gives the datagrams to send back."""
        with self.net.there.entered():
            sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
        sock.bind((address, port))
        sock.settimeout(0.2)

        def serve():
            while not self.over.is_set():
                try:
                    data, source = sock.recvfrom(65536)
                except TimeoutError:
                    continue
                for part in answer(data, source):
                    sock.sendto(part, source)

        server = self.thread(serve)
        self.addCleanup(lambda: (self.over.set(), server.join(20), sock.close()))

    def run_workloads(self, text, count=SESSIONS):
        try:
            works = self.net.run_scenario(lab.hosts_yaml(count, extra="workloads:\n" + text))["workloads"]
        finally:
            self.over.set()
        for thread in self.threads:
            thread.join(30)
        self.assertEqual(self.errors, [])
        return works

    def assert_all_succeeded(self, work, count=SESSIONS):
        self.assertEqual((work["sessions_succeeded"], work["sessions_failed"]), (count, 0), work["failures"])


SMTP = r"""script: [
      expect: "220 ", send: "EHLO myriad\r\n", expect: {regex: '250-[a-z]+\r\n250 [0-9]{2}\r\n'},
      send: {hex: "00 ff0a"}, expect: {hex: "ff00"}, send_bytes: 100KiB, expect_bytes: 50000B, sleep: 300ms,
      send: {text: "QUIT\r\n"}, expect: {text: "221"}, close, expect: "bye"]"""


class TcpScripts(Peers):
    def mail(self, stream):
        stream.sendall(b"wait\r\n22")
        stream.sendall(b"0 hello\r\n")
        expect(read_exactly(stream, 13), b"EHLO myriad\r\n")
        for part in (b"250-x", b"yz\r\n2", b"50 7", b"7\r\n"):
            stream.sendall(part)
        expect(read_exactly(stream, 3), b"\x00\xff\x0a")
        stream.sendall(b"\x00\xff\xff")
        stream.sendall(b"\x00")
        expect(read_exactly(stream, 102_400), lab.pattern(102_400, lab.SCRIPT))
        stream.sendall(bytes(50_000))
        stream.sendall(b"221 ")  # it may come during the sleep
        asleep = time.monotonic()
        expect(read_exactly(stream, 6), b"QUIT\r\n")
        if time.monotonic() - asleep > 20:
            raise AssertionError("it slept for ever")
        expect(stream.recv(1), b"")
        stream.sendall(b"bye")
        self.talked.append("well")

    def test_every_step_over_both_families(self):
        self.tcp_server(2525, self.mail)
        self.tcp_server(2525, self.mail, lab.THERE6)
        text = "".join(workload(name, f"tcp: {{{SMTP}}}", to)
                       for name, to in (("four", f"{lab.THERE4}:2525"), ("six", f"[{lab.THERE6}]:2525")))
        works = self.run_workloads(text)
        for work in works.values():
            self.assert_all_succeeded(work)
            self.assertEqual(work["bytes_tx"], SESSIONS * (13 + 3 + 102_400 + 6))
            self.assertEqual(work["bytes_rx"], SESSIONS * (17 + 17 + 4 + 50_000 + 4 + 3))
            self.assertGreaterEqual(work["session_seconds"]["min"], 0.3, "it sleeps")
        self.assertEqual(len(self.talked), 2 * SESSIONS)

    def test_a_reset_comes_behind_all_that_was_sent(self):
        def torn(stream):
            stream.sendall(b"go")  # it has been accepted; what comes now can be read, although a reset follows
            data = b""
            with contextlib.suppress(ConnectionResetError):
                while part := stream.recv(65536):
                    data += part
                raise AssertionError("FIN")
            expect(data, b"x" + lab.pattern(20_480, lab.SCRIPT))
            self.talked.append("well")

        self.tcp_server(9000, torn)
        script = "tcp: {script: [expect: go, send: x, send_bytes: 20KiB, reset]}"
        works = self.run_workloads(workload("talk", script, "10.77.0.2:9000"))
        self.assert_all_succeeded(works["talk"])
        self.assertEqual(len(self.talked), SESSIONS)

    def test_every_way_to_fail(self):
        def says(words):
            def talk(stream):
                stream.sendall(words)
                self.over.wait(50)

            return talk

        def early(stream):
            expect(read_exactly(stream, 1), b"x")
            stream.sendall(b"22")
            stream.shutdown(socket.SHUT_WR)
            self.over.wait(50)

        def torn(stream):
            expect(read_exactly(stream, 1), b"x")
            stream.sendall(b"22")
            expect(read_exactly(stream, 1), b"y")
            stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # close() sends RST

        script = "tcp: {script: [send: x, expect: '22', send: y, expect: '0', close]}"
        cases = {
            "early": (early, script, "closed_early"),
            "torn": (torn, script, "reset_after_data"),
            "mute": (says(b""), script, "expect_timeout"),
            "other": (says(b"2\0" * 1000), script, "expect_timeout"),
            "no_match": (says(b"250 a"), "tcp: {script: [expect: {regex: '^25[0-9] [b-z]'}]}", "expect_timeout"),
            "too_short": (says(bytes(999)), "tcp: {script: [expect_bytes: 1000B]}", "expect_timeout"),
            "unread": (says(b""), "tcp: {script: [send_bytes: 100MiB]}", "timeout"),
            "closed": (None, script, "refused"),
        }
        text = workload("nowhere", script, "10.77.99.99:9000")
        for number, (name, (talk, kind, _)) in enumerate(cases.items()):
            port = 9000 + number
            if talk is not None:
                self.tcp_server(port, talk)
            text += workload(name, kind, f"10.77.0.2:{port}", load="{timeout: 5s}")
        works = self.run_workloads(text, count=3)
        self.assertEqual({name: lab.reasons(work) for name, work in works.items()},
                         {name: {why: 3} for name, (_, _, why) in cases.items()} | {"nowhere": {"neighbour_timeout": 3}})

    def test_with_nc(self):
        words = self.net.file("words", "first\nlogin: ")
        with open(words, "rb") as said:
            nc = self.net.there.start("nc", "-l", "-N", lab.THERE4, 9000, stdin=said)
        lab.wait_until(lambda: ":9000 " in self.net.there.run("ss", "-Hltn").stdout, 10, "nc listens")
        script = r"""tcp: {script: [expect: {regex: "^first\nlogin: $"}, send: "root\n", close]}"""
        works = self.run_workloads(workload("talk", script, "10.77.0.2:9000", "{total: 1}"), count=1)
        self.assert_all_succeeded(works["talk"], 1)
        self.assertEqual(nc.communicate(timeout=20)[0], b"root\n")


class UdpScripts(Peers):
    SCRIPT = """script: [
      send: hello, expect: world, send: {hex: "00 01 02"}, expect: {hex: "02 01"}, send_bytes: 1000B,
      expect_bytes: 3000B, sleep: 300ms, send: a, send: b, expect: {regex: '^[0-9]{2} done$'}]"""

    def answers(self, data, source):
        if data == b"hello":
            self.sources.add(source[:2])
            return [b"wor", b"ld", b"hello world"]  # a text lies within one datagram
        if data == b"\x00\x01\x02":
            return [b"\x00\x02\x01\x00"]
        if data == lab.pattern(1000, lab.SCRIPT):
            return [bytes(1000), bytes(1500), bytes(500)] if ":" not in source[0] else [bytes(1400), bytes(1400), bytes(200)]
        self.letters[source] = self.letters.get(source, b"") + data
        return [b"7 done", b"77 done"] if self.letters[source] == b"ab" else []

    def test_every_step_over_both_families(self):
        self.sources, self.letters = set(), {}
        self.udp_server(9000, self.answers)
        self.udp_server(9000, self.answers, lab.THERE6)
        text = "".join(workload(name, f"udp: {{{self.SCRIPT}}}", to)
                       for name, to in (("four", f"{lab.THERE4}:9000"), ("six", f"[{lab.THERE6}]:9000")))
        works = self.run_workloads(text)
        received = 3 + 2 + 11 + 4 + 3000 + 6 + 7
        for work in works.values():
            self.assert_all_succeeded(work)
            self.assertEqual((work["bytes_tx"], work["bytes_rx"]), (SESSIONS * 1010, SESSIONS * received))
            self.assertGreaterEqual(work["session_seconds"]["min"], 0.3, "it sleeps")
        self.assertEqual(len(self.sources), 2 * SESSIONS, "every session has a port of its own")
        self.assertEqual(set(self.letters.values()), {b"ab"})

    def test_every_way_to_fail(self):
        with self.net.there.entered():
            elsewhere = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(elsewhere.close)
        elsewhere.bind((lab.THERE4, 0))

        def mute(_data, _source):
            return []

        def other(_data, _source):
            return [b"2\0" * 100, b"2", b"2"]

        def from_elsewhere(_data, source):
            elsewhere.sendto(b"22", source)
            return []

        script = "udp: {script: [send: x, expect: '22']}"
        cases = {
            "mute": (mute, "expect_timeout"),
            "other": (other, "expect_timeout"),
            "elsewhere": (from_elsewhere, "expect_timeout"),
            "closed": (None, "refused"),
        }
        text = workload("nowhere", script, "10.77.99.99:9000")
        for number, (name, (answer, _)) in enumerate(cases.items()):
            if answer is not None:
                self.udp_server(9000 + number, answer)
            text += workload(name, script, f"10.77.0.2:{9000 + number}", load="{timeout: 3s}")
        works = self.run_workloads(text, count=3)
        self.assertEqual({name: lab.reasons(work) for name, work in works.items()},
                         {name: {why: 3} for name, (_, why) in cases.items()} | {"nowhere": {"neighbour_timeout": 3}})


class Pings(Peers):
    def responder(self, lost):
        """Answers echo requests as the kernel would, but 50 ms later, and those not for which `lost(number)`, counted by
        host from 0."""
        self.net.there.sysctl("ipv4.icmp_echo_ignore_all", 1)
        with self.net.there.entered():
            sock = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
        sock.settimeout(0.2)
        seen = {}

        def serve():
            while not self.over.is_set():
                try:
                    data, (source, _) = sock.recvfrom(65536)
                except TimeoutError:
                    continue
                icmp = data[(data[0] & 15) * 4 :]
                if icmp[0] != 8:
                    continue
                seen[source] = seen.get(source, -1) + 1
                if lost(seen[source]):
                    continue
                answer = b"\0" + icmp[1:2] + struct.pack("!H", checksum(b"\0\0\0\0" + icmp[4:])) + icmp[4:]
                time.sleep(0.05)  # the way there and back
                sock.sendto(answer, (source, 0))

        server = self.thread(serve)
        self.addCleanup(lambda: (self.over.set(), server.join(20), sock.close()))
        return seen

    def test_what_is_lost_and_how_long_the_others_take(self):
        seen = self.responder(lost=lambda number: number % 4 == 3)
        echo = "icmp_echo: {count: 8, interval: 300ms, size: 100B}"
        works = self.run_workloads(workload("ping", echo, "10.77.0.2", "{timeout: 5s}"), count=4)
        self.assertEqual(seen, {lab.host4(host): 7 for host in range(4)})
        work = works["ping"]
        self.assertEqual((work["echo_tx"], work["echo_rx"], work["echo_lost"]), (32, 24, 8))
        self.assertEqual(lab.reasons(work), {"response_timeout": 4})
        self.assertEqual(work["round_trip_seconds"]["count"], 24)
        self.assertGreaterEqual(work["round_trip_seconds"]["min"], 0.05)
        self.assertEqual((work["bytes_tx"], work["bytes_rx"]), (3200, 2400))

    def test_when_all_are_answered(self):
        seen = self.responder(lost=lambda number: False)
        works = self.run_workloads(workload("ping", "icmp_echo: {count: 3, interval: 100ms}", "10.77.0.2"), count=4)
        self.assertEqual(sum(seen.values()), 4 * 2)
        self.assert_all_succeeded(works["ping"], 4)
        self.assertEqual((works["ping"]["echo_rx"], works["ping"]["echo_lost"]), (12, 0))
        self.assertEqual(works["ping"]["sessions_verified"], 4)


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


if __name__ == "__main__":
    case.main()
