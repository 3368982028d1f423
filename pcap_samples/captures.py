"""Capture files byte by byte: what `make` needs to say the same frames in every format and order that we read."""

import struct
from dataclasses import dataclass

ETHERNET, RAW, LOOP, NULL, SLL, IPV4, IPV6, SLL2 = 1, 101, 108, 0, 113, 228, 229, 276
US, NS, KUZNETZOV = 0xA1B2C3D4, 0xA1B23C4D, 0xA1B2CD34
ORDERS = {"little": "<", "big": ">"}


@dataclass(frozen=True)
class Frame:
    ns: int  # since 1970
    bytes: bytes
    original: int  # length on the wire


def read_pcap(data):
    """The frames of a classic pcap of this machine's order, as tcpdump writes it."""
    magic, *_, link = struct.unpack_from("<IHHiIII", data)
    assert magic in (US, NS), hex(magic)
    scale, at, frames = 1 if magic == NS else 1000, 24, []
    while at < len(data):
        seconds, fraction, captured, original = struct.unpack_from("<IIII", data, at)
        frames.append(Frame(seconds * 10**9 + fraction * scale, data[at + 16:at + 16 + captured], original))
        at += 16 + captured
    return link, frames


def pcap(frames, order="little", magic=US, link=ETHERNET, snap=262144):
    e = ORDERS[order]
    out = [struct.pack(e + "IHHiIII", magic, 2, 4, 0, 0, snap, link)]
    for number, frame in enumerate(frames):
        seconds, ns = divmod(frame.ns, 10**9)
        fraction = ns if magic == NS else ns // 1000
        out.append(struct.pack(e + "IIII", seconds, fraction, len(frame.bytes), frame.original))
        if magic == KUZNETZOV:  # interface, protocol, packet type: 4 is outgoing
            out.append(struct.pack(e + "IHBx", 1, int.from_bytes(frame.bytes[12:14], "big"), 4 * (number % 2)))
        out.append(frame.bytes)
    return b"".join(out)


class Pcapng:
    """One section after another."""

    def __init__(self):
        self.out = b""
        self.e = "<"

    def block(self, kind, body):
        body += bytes(-len(body) % 4)
        length = len(body) + 12
        self.out += struct.pack(self.e + "II", kind, length) + body + struct.pack(self.e + "I", length)

    def options(self, pairs):
        out = b""
        for code, value in pairs:
            out += struct.pack(self.e + "HH", code, len(value)) + value + bytes(-len(value) % 4)
        return out + struct.pack(self.e + "HH", 0, 0) if pairs else b""

    def section(self, order="little"):
        self.e = ORDERS[order]
        self.block(0x0A0D0D0A, struct.pack(self.e + "IHHq", 0x1A2B3C4D, 1, 0, -1))

    def interface(self, link, snap=0, name="", resolution=None, offset=None):
        pairs = [(2, name.encode())] if name else []
        pairs += [(9, bytes([resolution]))] if resolution is not None else []
        pairs += [(14, struct.pack(self.e + "q", offset))] if offset is not None else []
        self.block(1, struct.pack(self.e + "HHI", link, 0, snap) + self.options(pairs))

    def enhanced(self, interface, units, frame, pairs=()):
        body = struct.pack(self.e + "IIIII", interface, units >> 32, units & 0xFFFFFFFF, len(frame.bytes), frame.original)
        self.block(6, body + frame.bytes + bytes(-len(frame.bytes) % 4) + self.options(pairs))

    def obsolete(self, interface, units, frame, dropped=0xFFFF):
        body = struct.pack(self.e + "HHIIII", interface, dropped, units >> 32, units & 0xFFFFFFFF, len(frame.bytes),
                           frame.original)
        self.block(2, body + frame.bytes)

    def simple(self, frame):
        self.block(3, struct.pack(self.e + "I", frame.original) + frame.bytes)


def without_ethernet(frame, header=b""):
    """The IP packet of a frame, with something else before it."""
    return Frame(frame.ns, header + frame.bytes[14:], frame.original - 14 + len(header))


def is_ip(frame, version=None):
    kinds = {4: b"\x08\x00", 6: b"\x86\xdd"}
    return frame.bytes[12:14] in ([kinds[version]] if version else kinds.values())


def sll(frame, version, incoming=True):
    """Linux cooked capture: who, from where, then the protocol; version 2 has the protocol first."""
    kind, source = 0 if incoming else 4, frame.bytes[6:12] + bytes(2)
    if version == 1:
        return without_ethernet(frame, struct.pack(">HHH8s2s", kind, 1, 6, source, frame.bytes[12:14]))
    return without_ethernet(frame, struct.pack(">2sHIHBB8s", frame.bytes[12:14], 0, 7, 1, kind, 6, source))
