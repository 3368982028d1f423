"""Captures sent again: what arrives at the far end is what the capture has, or the same on hosts of ours."""

import json
import re
import struct
import subprocess
from pathlib import Path

import case
import lab

SAMPLES = Path(__file__).resolve().parents[2] / "pcap_samples"
# Bytes before the packet, where a capture does not begin with Ethernet; the packet says itself what it is.
HEADS = {101: 0, 228: 0, 229: 0, 0: 4, 108: 4, 113: 16, 276: 20}
CHECKSUMS = ("ip", "tcp", "udp", "icmp", "icmpv6")


def read_pcap(path):
    """Link type and records: bytes, and the length on the wire."""
    data, records, at = path.read_bytes(), [], 24
    (link,) = struct.unpack_from("<I", data, 20)
    while at < len(data):
        captured, original = struct.unpack_from("<II", data, at + 8)
        records.append((data[at + 16:at + 16 + captured], original))
        at += 16 + captured
    return link, records


def tshark(path, *words):
    done = subprocess.run(["tshark", "-n", "-r", path, *words], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def checksums(path):
    """Of each frame, what tshark thinks of every checksum in it."""
    words = [word for name in CHECKSUMS for word in ("-o", f"{name}.check_checksum:TRUE") if name not in ("icmp", "icmpv6")]
    fields = [word for name in CHECKSUMS for word in ("-e", f"{name}.checksum.status")]
    return tshark(path, *words, "-T", "fields", *fields)


class Replays(case.Case):
    def setUp(self):
        super().setUp()
        self.net = self.lab(addresses=False)
        self.net.here.sysctl("ipv6.conf.port.disable_ipv6", 1)  # nothing but the replay is on the wire

    def replay(self, *words, expect=0, capture=("there", "peer")):
        """Runs `myriad replay`; the result of the replay, and what arrived, as a file."""
        finish = self.net.tcpdump(getattr(self.net, capture[0]), capture[1], "-s", "0", "-Q", "in")
        done = self.net.myriad("replay", *words, "-i", "port", "--json", "-", "-q")
        self.assertExit(done, expect)
        self.document = json.loads(done.stdout)
        return self.document["replays"]["replay"], finish()

    def plain(self, path):
        """The capture as classic pcap of this machine; None when its link types differ."""
        out = self.net.folder / (path.name + ".plain")
        done = subprocess.run(["editcap", "-F", "pcap", path, out], capture_output=True)
        return read_pcap(out) if done.returncode == 0 else None

    @case.row(seconds=120)
    def test_every_sample_arrives_as_it_was_captured(self):
        for line in (SAMPLES / "MANIFEST").read_text().splitlines():
            if line.startswith("#"):
                continue
            name, _, records, *_ = (cell.strip() for cell in line.split("|"))
            with self.subTest(name):
                result, arrived = self.replay(SAMPLES / name, "--pps", "5000")
                _, frames = read_pcap(arrived)
                self.assertEqual(result["frames_read"], int(records))
                self.assertEqual(result["frames_tx"], len(frames))
                plain = self.plain(SAMPLES / name)
                if plain is None:
                    self.assertEqual(result["frames_tx"], int(records))
                    continue
                link, wanted = plain
                wanted = [data for data, original in wanted if len(data) == original]
                self.assertEqual(result["frames_skipped"]["cut_by_snaplen"], int(records) - len(wanted))
                if link == 1:
                    self.assertEqual([data for data, _ in frames], wanted)
                    continue
                self.assertEqual([data[14:] for data, _ in frames], [data[HEADS[link]:] for data in wanted])
                for data, _ in frames:
                    self.assertEqual(data[12:14], b"\x86\xdd" if data[14] >> 4 == 6 else b"\x08\x00")

    @case.row(seconds=120)
    def test_sources_become_hosts_and_checksums_follow(self):
        for name in ("http_ipv4.pcapng", "http_ipv6.pcapng", "icmp_errors.pcap", "fragments_ipv4.pcap", "fragments_ipv6.pcap",
                     "arp_ping.pcapng", "ndp_ping.pcapng", "vlan_http.pcapng", "raw_ip.pcap", "any_sll.pcap"):
            with self.subTest(name):
                result, arrived = self.replay(SAMPLES / name, "--pps", "5000", "--map-ipv4", "10.9.0.1/16", "--map-ipv6",
                                              "fd09::1/64", "--map-mac", "02:aa:00:00:00:01", "--map-hosts", "100")
                self.assertEqual(result["frames_tx"], result["frames_read"])
                self.assertEqual(checksums(arrived), checksums(SAMPLES / name))
                ends = "".join(tshark(arrived, "-T", "fields", "-e", "eth.src", "-e", "vlan.id"))
                self.assertRegex(ends, r"^(02:aa:00:00:00:[0-9a-f]{2}\s*)+$")
                for field, mine in (("ip.src", r"10\.9\.0\.\d+"), ("ipv6.src", r"fd09::[0-9a-f]+")):
                    for source in tshark(arrived, "-T", "fields", "-e", field):
                        self.assertRegex(source, rf"^({mine}(,{mine})?)?$")
                before, after = (tshark(file, "-T", "fields", "-e", "_ws.col.Protocol", "-e", "tcp.stream", "-e", "tcp.len")
                                 for file in (SAMPLES / name, arrived))
                self.assertEqual(after, before)

    def test_loops_and_limits(self):
        result, arrived = self.replay(SAMPLES / "http_us.pcap", "--pps", "5000", "--loop", "5", "--limit", "70")
        self.assertEqual((result["frames_tx"], result["loops"]), (70, 4))
        _, frames = read_pcap(arrived)
        self.assertEqual([data for data, _ in frames[16:32]], [data for data, _ in frames[:16]])
        self.assertEqual(len(frames), 70)

    def test_what_comes_before_a_corrupt_record_is_sent(self):
        data = bytearray((SAMPLES / "http_us.pcap").read_bytes())
        _, records = read_pcap(SAMPLES / "http_us.pcap")
        tenth = 24 + sum(16 + len(record) for record, _ in records[:10])
        struct.pack_into("<I", data, tenth + 8, 0x7FFFFFFF)
        result, arrived = self.replay(self.net.file("broken.pcap", bytes(data)), "--topspeed", expect=1)
        self.assertEqual((result["frames_read"], result["frames_tx"]), (10, 10))
        self.assertEqual([frame for frame, _ in read_pcap(arrived)[1]], [record for record, _ in records[:10]])
        self.assertTrue(any(re.search(rf"at byte {tenth}\b", note) for note in self.document["notes"]), self.document["notes"])

    def test_two_ports_carry_the_two_sides(self):
        self.net.join(self.net.here, "port2", self.net.there, "peer2", addresses=False)
        self.net.here.sysctl("ipv6.conf.port2.disable_ipv6", 1)
        ends = [self.net.tcpdump(self.net.there, peer, "-s", "0", "-Q", "in") for peer in ("peer", "peer2")]
        result = self.net.run_scenario(f"""
version: 1
ports: {{a: {{interface: port}}, b: {{interface: port2}}}}
replays:
  both: {{ports: {{clients: a, servers: b}}, pcap: {SAMPLES / "http_us.pcap"}, speed: {{pps: 1kpps}}}}
""")["replays"]["both"]
        self.assertEqual((result["frames_read"], result["frames_tx"]), (16, 16))
        clients, servers = (tshark(finish(), "-T", "fields", "-e", "tcp.dstport") for finish in ends)
        self.assertEqual((set(clients), len(clients) + len(servers)), ({"80"}, 16))
        self.assertNotIn("80", servers)


if __name__ == "__main__":
    case.main()
