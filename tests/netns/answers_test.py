"""Hosts that only are: ARP, neighbour discovery, ping, closed ports. `myriad hosts` with the kernel as peer."""

import contextlib
import select
import socket
import struct
import time

import case
import frames
import lab


def ping_all(space, addresses, family):
    """One echo request to each address from a raw socket; the addresses that answered with the same number and data."""
    v6 = family == socket.AF_INET6
    with space.entered():
        raw = socket.socket(family, socket.SOCK_RAW, socket.IPPROTO_ICMPV6 if v6 else socket.IPPROTO_ICMP)
    raw.setsockopt(socket.SOL_SOCKET, frames.SO_RCVBUFFORCE, 16 << 20)
    raw.setblocking(False)
    request, reply = (128, 129) if v6 else (8, 0)
    number_of = {address: number for number, address in enumerate(addresses)}
    answered, wrong = set(), []

    def receive(seconds):
        while select.select([raw], [], [], seconds)[0]:
            data, (source, *_) = raw.recvfrom(2048)
            body = data if v6 else data[20:]
            if body[0] != reply or len(body) < 8:
                continue
            number = number_of.get(source)
            identifier, sequence = struct.unpack_from("!HH", body, 4)
            if number is None or (identifier, sequence, body[8:]) != (4711, number, b"to %d" % number) or source in answered:
                wrong.append((source, body.hex()))
            answered.add(source)
            seconds = min(seconds, 0.2) if len(answered) == len(addresses) else seconds

    with contextlib.closing(raw):
        for address, number in number_of.items():
            body = struct.pack("!BBHHH", request, 0, 0, 4711, number) + b"to %d" % number
            if not v6:
                body = body[:2] + struct.pack("!H", frames.checksum(body)) + body[4:]
            raw.sendto(body, (address, 0))
            if number % 50 == 49:  # the kernel resolves each by ARP or NDP: give it a moment every now and then
                receive(0.001)
        receive(3)
    return answered, wrong


class Hosts(case.Case):
    COUNT = 1000

    def setUp(self):
        super().setUp()
        self.net = self.lab()
        self.process = self.net.start_myriad("hosts", "-i", "port", "--ipv4", f"{lab.host4(0)}/16", "--ipv6",
                                             f"{lab.host6(0)}/64", "--mac", lab.FIRST_MAC, "--count", self.COUNT)
        self.net.wait_for_answer(lab.host4(0), self.process)

    @case.row(seconds=90, alone=True)
    def test_every_host_answers_ping_over_ipv4(self):
        addresses = [lab.host4(i) for i in range(self.COUNT)]
        answered, wrong = ping_all(self.net.there, addresses, socket.AF_INET)
        self.assertEqual(sorted(set(addresses) - answered), [])
        self.assertEqual(wrong, [])

    @case.row(seconds=90, alone=True)
    def test_every_host_answers_ping_over_ipv6(self):
        addresses = [lab.host6(i) for i in range(self.COUNT)]
        answered, wrong = ping_all(self.net.there, addresses, socket.AF_INET6)
        self.assertEqual(sorted(set(addresses) - answered), [])
        self.assertEqual(wrong, [])

    def test_the_neighbours_have_the_macs_they_were_given(self):
        for index in (0, 1, 500, 999):
            self.net.wait_for_answer(lab.host4(index))
            self.net.wait_for_answer(lab.host6(index))
            for address in (lab.host4(index), lab.host6(index)):
                line = self.net.there.ip("neigh", "show", address)
                self.assertIn(lab.host_mac(index), line)

    def test_no_host_beyond_the_last_answers(self):
        self.assertNotEqual(self.net.there.run("ping", "-n", "-c1", "-W1", lab.host4(self.COUNT)).returncode, 0)
        self.assertNotEqual(self.net.there.run("ping", "-n", "-c1", "-W1", lab.host6(self.COUNT)).returncode, 0)

    def test_big_pings_are_answered_whole(self):
        for size in (0, 1472, 4000):  # 4,000 bytes come as IP fragments and so go back
            done = self.net.there.run("ping", "-n", "-c2", "-W2", "-s", size, lab.host4(3))
            self.assertIn("2 received", done.stdout, f"{size} bytes")

    def test_a_closed_tcp_port_refuses(self):
        for family, address in ((socket.AF_INET, lab.host4(7)), (socket.AF_INET6, lab.host6(7))):
            with self.net.there.entered():
                stream = socket.socket(family, socket.SOCK_STREAM)
            with contextlib.closing(stream):
                stream.settimeout(5)
                with self.assertRaises(ConnectionRefusedError):
                    stream.connect((address, 81))

    def test_a_closed_udp_port_is_unreachable(self):
        for family, address in ((socket.AF_INET, lab.host4(8)), (socket.AF_INET6, lab.host6(8))):
            with self.net.there.entered():
                datagram = socket.socket(family, socket.SOCK_DGRAM)
            with contextlib.closing(datagram):
                datagram.settimeout(5)
                datagram.connect((address, 5353))
                datagram.send(b"anybody?")
                with self.assertRaises(ConnectionRefusedError):
                    datagram.recv(100)

    def test_errors_are_limited_in_rate(self):
        count = 3000
        for family, address, protocol, unreachable in (
            (socket.AF_INET, lab.host4(9), socket.IPPROTO_ICMP, 3),
            (socket.AF_INET6, lab.host6(9), socket.IPPROTO_ICMPV6, 1),
        ):
            with self.net.there.entered():
                raw = socket.socket(family, socket.SOCK_RAW, protocol)
                datagram = socket.socket(family, socket.SOCK_DGRAM)
            self.net.wait_for_answer(address)
            with contextlib.closing(raw), contextlib.closing(datagram):
                raw.setsockopt(socket.SOL_SOCKET, frames.SO_RCVBUFFORCE, 16 << 20)
                for _ in range(count):
                    datagram.sendto(b"x", (address, 9999))
                errors, deadline = 0, time.monotonic() + 20
                while time.monotonic() < deadline and select.select([raw], [], [], 0.5)[0]:
                    data = raw.recv(2048)
                    errors += (data if family == socket.AF_INET6 else data[20:])[0] == unreachable
                self.assertGreaterEqual(errors, 1)
                self.assertLess(errors, count // 4, "RFC 1122 section 3.2.2, RFC 4443 section 2.4 (f)")

    def test_a_solicited_host_advertises_itself(self):
        wire = frames.Wire(self.net.there, "peer")
        for source in ("::", lab.THERE6):  # duplicate address detection, and plain resolution
            option = b"" if source == "::" else b"\x01\x01" + frames.mac(lab.THERE_MAC)
            packet, group = frames.neighbour_solicitation(source, lab.host6(20), option)
            wire.send(frames.ethernet(group, lab.THERE_MAC, frames.ETH_IPV6, packet))
            answer = wire.wait_for(lambda f: f.kind == frames.ETH_IPV6 and f.payload[6] == frames.ICMPV6 and f.payload[40] == 136
                                   and f.payload[48:64] == frames.ip6(lab.host6(20)))
            self.assertIsNotNone(answer, source)
            self.assertEqual(answer.source, lab.host_mac(20))
            target = frames.ip6("ff02::1") if source == "::" else frames.ip6(lab.THERE6)
            self.assertEqual(answer.payload[24:40], target)
            self.assertEqual(answer.payload[64:72], b"\x02\x01" + frames.mac(lab.host_mac(20)))
            solicited = answer.payload[44] & 0x40 != 0
            self.assertEqual(solicited, source != "::", "RFC 4861 section 7.2.4")

    def test_the_kernel_sees_a_duplicate_of_its_address(self):
        self.net.there.sysctl("ipv6.conf.peer.accept_dad", 1)
        self.net.there.sysctl("ipv6.conf.peer.dad_transmits", 1)
        self.net.there.ip("addr", "add", f"{lab.host6(30)}/64", "dev", "peer")
        lab.wait_until(lambda: "dadfailed" in self.net.there.ip("-6", "addr", "show", "dev", "peer"), 10, "DAD failed")

    def test_the_kernel_keeps_its_own_addresses(self):
        for space, address in ((self.net.there, lab.HERE4), (self.net.there, lab.HERE6), (self.net.here, lab.THERE4),
                               (self.net.here, lab.THERE6)):
            self.assertEqual(space.run("ping", "-n", "-c2", "-W2", address).returncode, 0, address)

    def test_interrupted_it_says_so_and_leaves_nothing(self):
        self.assertEqual(lab.interrupt(self.process), 130)
        self.assertNotIn("xdp", self.net.here.ip("link", "show", "port"))


if __name__ == "__main__":
    case.main()
