"""Tagged hosts: 802.1Q and QinQ. The kernel may lack VLAN devices, so the peers are a packet socket and a second Myriad."""

import case
import frames
import lab

PEER_MAC, PEER_IP = "02:aa:00:00:00:01", "10.77.200.1"


def group(vlan, count=100):
    return lab.hosts_yaml(count, v6=False, extra=f"    vlan: {vlan}\n")


def echo_reply(frame):
    return frame.kind == frames.ETH_IPV4 and frame.payload[9] == frames.ICMP and frame.payload[20] == 0


class Tagged(case.Case):
    def begin(self, vlan, count=100):
        self.net = self.lab(addresses=False)
        self.process = self.net.start_myriad("run", self.net.scenario(group(vlan, count) + "duration: 50s\n"))
        self.wire = frames.Wire(self.net.there, "peer")

    def ask(self, index, tags, seconds=0.3):
        """ARP request for clients[index] with those tags; the reply, if one comes."""
        body = frames.arp_request(PEER_MAC, PEER_IP, lab.host4(index))
        self.wire.send(frames.ethernet("ff:ff:ff:ff:ff:ff", PEER_MAC, frames.ETH_ARP, body, tags))
        return self.wire.wait_for(lambda f: f.kind == frames.ETH_ARP and f.payload[6:8] == b"\0\2", seconds)

    def ready(self, index, tags):
        """Asks until the first reply: from then on silence means no."""
        def answered():
            self.assertIsNone(self.process.poll(), self.process.log.read_text())
            return self.ask(index, tags, 0.05)

        return lab.wait_until(answered, 20, "the tagged host answers ARP")

    def ping(self, index, tags):
        packet = frames.ipv4(PEER_IP, lab.host4(index), frames.ICMP, frames.echo_request(1, index, b"tagged"))
        self.wire.send(frames.ethernet(lab.host_mac(index), PEER_MAC, frames.ETH_IPV4, packet, tags))
        return self.wire.wait_for(echo_reply, 3)

    def test_answers_come_in_the_same_vlan(self):
        self.begin(100)
        tags = [(frames.ETH_VLAN, 100)]
        reply = self.ready(5, tags)
        self.assertEqual((reply.tags, reply.source), ([100], lab.host_mac(5)))
        echo = self.ping(5, tags)
        self.assertIsNotNone(echo)
        self.assertEqual(echo.tags, [100])
        self.assertEqual(echo.payload[28:34], b"tagged")  # behind it: padding to the shortest frame

    def test_other_vlans_and_none_are_not_answered(self):
        self.begin(100)
        self.ready(5, [(frames.ETH_VLAN, 100)])
        self.wire.collect(0.3)
        self.assertIsNone(self.ask(5, []))
        self.assertIsNone(self.ask(5, [(frames.ETH_VLAN, 101)]))
        self.assertIsNone(self.ask(5, [(frames.ETH_QINQ, 100), (frames.ETH_VLAN, 7)]))
        self.assertIsNotNone(self.ask(5, [(frames.ETH_VLAN, 100)], 3))

    def test_fifty_hosts_a_vlan_then_the_next(self):
        self.begin("{id: 100, per: 50}")
        self.ready(0, [(frames.ETH_VLAN, 100)])
        for index, vlan in ((0, 100), (49, 100), (50, 101), (99, 101)):
            self.wire.collect(0.2)
            reply = self.ask(index, [(frames.ETH_VLAN, vlan)], 3)
            self.assertIsNotNone(reply, f"host {index} in VLAN {vlan}")
            self.assertEqual(reply.source, lab.host_mac(index))
            self.assertIsNone(self.ask(index, [(frames.ETH_VLAN, 201 - vlan)]), f"host {index} only in VLAN {vlan}")

    def test_two_tags(self):
        self.begin("[100, 7]")
        tags = [(frames.ETH_QINQ, 100), (frames.ETH_VLAN, 7)]
        self.assertEqual(self.ready(9, tags).tags, [100, 7])
        echo = self.ping(9, tags)
        self.assertIsNotNone(echo)
        self.assertEqual(echo.tags, [100, 7])
        self.wire.collect(0.2)
        self.assertIsNone(self.ask(9, [(frames.ETH_QINQ, 100), (frames.ETH_VLAN, 8)]))
        self.assertIsNone(self.ask(9, [(frames.ETH_VLAN, 7)]))


class TwoMyriads(case.Case):
    SERVER = """version: 1
ports: {lan: {interface: peer}}
hosts:
  servers: {port: lan, count: 10, mac: 02:4d:00:00:20:01, ipv4: 10.77.32.1/16, ipv6: fd77::3:1/64, vlan: %s}
services:
  web: {on: servers, port: 80, http: {body: 1KiB}}
duration: 50s
"""
    CLIENT = """
workloads:
  fetch:
    from: clients
    to: %s
    http: {get: /bytes/100000, verify: {bytes: 100000}}
    load: {concurrent: 50, total: 100, timeout: 20s, retries: 5}
"""

    @case.row(seconds=120)
    def test_conversations_inside_tags(self):
        for vlan, to in (("100", "10.77.32.1:80"), ("[100, 7]", "10.77.32.1:80"), ("[100, 7]", "'[fd77::3:1]:80'")):
            net = self.lab(addresses=False, mtu=1504)  # room for the second tag: a device with 1500 carries one
            server = net.start_myriad("run", net.scenario(self.SERVER % vlan, "server.yaml"), space=net.there)
            # Sessions to a server that is not up yet would wait for ARP; each tries again.
            text = lab.hosts_yaml(50, extra=f"    vlan: {vlan}\n") + self.CLIENT % to
            work = net.run_scenario(text, timeout=100)["workloads"]["fetch"]
            self.assertIsNone(server.poll(), server.log.read_text())
            self.assertEqual((work["sessions_succeeded"], work["sessions_failed"]), (100, 0), f"{vlan}: {work['failures']}")
            net.close()


if __name__ == "__main__":
    case.main()
