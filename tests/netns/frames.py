"""Frames as bytes, for peers that the kernel cannot play: tagged frames, duplicate address detection, floods."""

import socket
import struct

ETH_IPV4, ETH_ARP, ETH_IPV6, ETH_VLAN, ETH_QINQ = 0x0800, 0x0806, 0x86DD, 0x8100, 0x88A8
ICMP, TCP, UDP, ICMPV6 = 1, 6, 17, 58
PACKET_AUXDATA, TP_STATUS_VLAN_VALID = 8, 0x10
SOL_PACKET = 263
SO_RCVBUFFORCE = 33


def mac(text):
    return bytes.fromhex(text.replace(":", ""))


def ip4(text):
    return socket.inet_pton(socket.AF_INET, text)


def ip6(text):
    return socket.inet_pton(socket.AF_INET6, text)


def checksum(*parts):
    data = b"".join(parts)
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ethernet(destination, source, kind, payload, tags=()):
    """`tags`: (EtherType, identifier) of each, the outer first."""
    marks = b"".join(struct.pack("!HH", tpid, identifier) for tpid, identifier in tags)
    return mac(destination) + mac(source) + marks + struct.pack("!H", kind) + payload


def arp_request(source_mac, source_ip, target_ip):
    return struct.pack("!HHBBH", 1, ETH_IPV4, 6, 4, 1) + mac(source_mac) + ip4(source_ip) + bytes(6) + ip4(target_ip)


def ipv4(source, destination, protocol, payload):
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), 0, 0x4000, 64, protocol, 0) + ip4(source) + ip4(destination)
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + payload


def echo_request(identifier, sequence, data):
    head = struct.pack("!BBHHH", 8, 0, 0, identifier, sequence)
    return head[:2] + struct.pack("!H", checksum(head, data)) + head[4:] + data


def ipv6(source, destination, protocol, payload, hop_limit=255):
    return struct.pack("!IHBB", 0x60000000, len(payload), protocol, hop_limit) + ip6(source) + ip6(destination) + payload


def icmpv6(source, destination, body):
    pseudo = ip6(source) + ip6(destination) + struct.pack("!II", len(body), ICMPV6)
    return ipv6(source, destination, ICMPV6, body[:2] + struct.pack("!H", checksum(pseudo, body)) + body[4:])


def neighbour_solicitation(source, target, options=b""):
    """As a packet to the solicited-node group; with source :: it is duplicate address detection."""
    group = b"\xff\x02" + bytes(9) + b"\x01\xff" + ip6(target)[13:]
    body = struct.pack("!BBHI", 135, 0, 0, 0) + ip6(target) + options
    return icmpv6(source, socket.inet_ntop(socket.AF_INET6, group), body), "33:33:ff:" + ip6(target)[13:].hex(":")


class Frame:
    """What was received: all bytes; addresses, tags (identifiers, outer first), EtherType, payload."""

    def __init__(self, data, stripped=None):
        self.data = data
        self.destination, self.source = data[:6].hex(":"), data[6:12].hex(":")
        self.tags = []
        if stripped is not None:
            self.tags.append(stripped & 0xFFF)
        (self.kind,) = struct.unpack_from("!H", data, 12)
        at = 14
        while self.kind in (ETH_VLAN, ETH_QINQ):
            tag, self.kind = struct.unpack_from("!HH", data, at)
            self.tags.append(tag & 0xFFF)
            at += 4
        self.payload = data[at:]

    def __repr__(self):
        return f"{self.source} > {self.destination} {self.tags} {self.kind:#06x} {self.payload[:60].hex()}"


class Wire:
    """A packet socket on one interface: every frame that comes in, tags included though the kernel takes the outer off."""

    def __init__(self, space, interface):
        with space.entered():
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        self.socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 8 << 20)
        self.socket.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
        self.socket.bind((interface, 3))
        space.lab.on_close(self.socket.close)

    def send(self, frame):
        self.socket.send(frame)

    def receive(self, seconds):
        """The next frame that came in, or None when there is none for that long."""
        self.socket.settimeout(seconds)
        while True:
            try:
                data, extra, _, address = self.socket.recvmsg(65536, 256)
            except (TimeoutError, BlockingIOError):
                return None
            if address[2] == socket.PACKET_OUTGOING:
                continue
            stripped = None
            for level, kind, value in extra:
                if (level, kind) == (SOL_PACKET, PACKET_AUXDATA):
                    status, _, _, _, _, tci = struct.unpack_from("=IIIHHH", value)
                    if status & TP_STATUS_VLAN_VALID:
                        stripped = tci
            return Frame(data, stripped)

    def wait_for(self, wanted, seconds=5):
        """The first frame that is wanted; None when none comes."""
        while True:
            frame = self.receive(seconds)
            if frame is None or wanted(frame):
                return frame

    def collect(self, quiet_seconds=0.5, limit=100000):
        """All frames until none has come for a while."""
        frames = []
        while len(frames) < limit:
            frame = self.receive(quiet_seconds)
            if frame is None:
                break
            frames.append(frame)
        return frames
