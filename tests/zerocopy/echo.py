"""Pings as whole frames: what is sent, and what the answer must be to the last byte. For packet sockets."""

import contextlib
import socket
import struct

import frames

IDENTIFIER = 4711
BURST = 64  # frames on their way at a time: no queue between here and there is shorter


class Echo4:
    """A ping over IPv4 whose frame is `size` bytes long. `peer` and `host` are (MAC, IPv4, IPv6); the sequence number is the
    size."""

    LEAST, AT, REPLY = 42, 34, 0

    def __init__(self, size, peer, host, content):
        self.number = (size, frames.ETH_IPV4)
        self.frame = frames.ethernet(host[0], peer[0], frames.ETH_IPV4, frames.ipv4(
            peer[1], host[1], frames.ICMP, frames.echo_request(IDENTIFIER, size, content[: size - self.LEAST])))

    def is_answered_by(self, frame):
        asked = self.frame
        return (turned(asked, frame) and frame[14] == 0x45 and frame[16:18] == asked[16:18] and frame[23] == frames.ICMP
                and frame[26:34] == asked[30:34] + asked[26:30]
                and frames.checksum(frame[14:34]) == 0 and frames.checksum(frame[34:]) == 0
                and frame[34:36] == b"\0\0" and frame[38:] == asked[38:])


class Echo6:
    """Likewise over IPv6."""

    LEAST, AT, REPLY = 62, 54, 129

    def __init__(self, size, peer, host, content):
        self.number = (size, frames.ETH_IPV6)
        body = struct.pack("!BBHHH", 128, 0, 0, IDENTIFIER, size) + content[: size - self.LEAST]
        self.frame = frames.ethernet(host[0], peer[0], frames.ETH_IPV6, frames.icmpv6(peer[2], host[2], body))

    def is_answered_by(self, frame):
        asked = self.frame
        pseudo = frame[22:54] + struct.pack("!II", len(frame) - 54, frames.ICMPV6)
        return (turned(asked, frame) and frame[14] >> 4 == 6 and frame[18:21] == asked[18:21]
                and frame[22:54] == asked[38:54] + asked[22:38]
                and frames.checksum(pseudo, frame[54:]) == 0
                and frame[54:56] == b"\x81\0" and frame[58:] == asked[58:])


def turned(asked, frame):
    """As long, of the same kind, with the Ethernet addresses exchanged."""
    return len(frame) == len(asked) and frame[:14] == asked[6:12] + asked[:6] + asked[12:14]


def number_of(frame):
    """The ping that this frame answers, by its (sequence number, EtherType); None when it answers none."""
    (kind,) = struct.unpack_from("!H", frame, 12)
    for ping in (Echo4, Echo6):
        expected = frames.ETH_IPV4 if ping is Echo4 else frames.ETH_IPV6
        if kind == expected and len(frame) >= ping.LEAST and frame[ping.AT] == ping.REPLY:
            identifier, sequence = struct.unpack_from("!HH", frame, ping.AT + 4)
            return (sequence, kind) if identifier == IDENTIFIER else None
    return None


def exchange(wire, pings, patience_seconds=10):
    """Sends the pings through a packet socket, a burst at a time. Returns the numbers of those that were not answered, and the
    answers that are not what they must be, doubled ones among them."""
    asked = {ping.number: ping for ping in pings}
    missing, wrong = [], []
    wire.settimeout(patience_seconds)
    for first in range(0, len(pings), BURST):
        burst = pings[first : first + BURST]
        for ping in burst:
            wire.send(ping.frame)
        waiting = {ping.number for ping in burst}
        with contextlib.suppress(TimeoutError):
            while waiting:
                frame, address = wire.recvfrom(65536)
                number = None if address[2] == socket.PACKET_OUTGOING else number_of(frame)
                if number is None:
                    continue
                if number not in waiting or not asked[number].is_answered_by(frame):
                    wrong.append((number, frame.hex()))
                waiting.discard(number)
        missing += sorted(waiting)
    return missing, wrong
