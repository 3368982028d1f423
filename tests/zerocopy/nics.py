"""The network of tests/netns on real drivers: the two NICs of the guest instead of a veth pair. And how its tests report.

    port, in namespace `here`: Myriad    ──virtio, wire, virtio──    peer, in namespace `there`: the kernel as peer
"""

import re
import sys
import time
import unittest

import case
import lab

NICS = {"port": "eth0", "peer": "eth1"}


class NicLab(lab.Lab):
    """While it lives the NICs are called `port` and `peer` and use `queues` queues each."""

    def pair(self, a, a_name, b, b_name, a_mac=None, b_mac=None):
        for space, name in ((a, a_name), (b, b_name)):
            lab.command("ip", "link", "set", NICS[name], "netns", space.name, "name", name)
            self.on_close(lambda space=space, name=name: self.give_back(space, name))
            self.use_queues(space, name, self.queues)
            space.sysctl(f"ipv6.conf.{name}.accept_dad", 0)  # its addresses can be used at once
            space.sysctl(f"ipv6.conf.{name}.router_solicitations", 0)
            space.sysctl(f"ipv6.conf.{name}.keep_addr_on_down", 1)
            space.ip("link", "set", name, "up")

    def give_back(self, space, name):
        space.ip("link", "set", name, "down")
        space.ip("link", "set", name, "netns", 1, "name", NICS[name])

    def use_queues(self, space, name, queues):
        def current():
            return int(re.findall(r"^Combined:\s+(\d+)$", space.run("ethtool", "-l", name).stdout, re.MULTILINE)[-1])

        if current() != queues:
            done = space.run("ethtool", "-L", name, "combined", queues)
            if current() != queues:
                raise RuntimeError(done.stderr)

    def queue_counts(self):
        """What the driver of `port` has counted: (frames that the XDP program saw, frames sent for us), a pair a queue."""
        counts = dict(re.findall(r"^\s*(\w+): (\d+)$", self.here.run("ethtool", "-S", "port").stdout, re.MULTILINE))
        return [(int(counts[f"rx{n}_xdp_packets"]), int(counts[f"tx{n}_xdp_tx"])) for n in range(self.queues)]

    def xdp_sockets(self, space=None):
        """What the kernel tells of every AF_XDP socket there: (queue, is it in zero-copy)."""
        text = (space or self.here).run("ss", "--xdp", "--all", "--extended", "--no-header").stdout
        return [(int(queue), zero_copy == "1")
                for queue, zero_copy in re.findall(r":q(\d+)\s.*?\bzc:([01])", text, re.DOTALL)]


class Case(case.Case):
    QUEUES = 1

    @classmethod
    def setUpClass(cls):
        cls.net = NicLab(queues=cls.QUEUES)
        cls.addClassCleanup(cls.net.close)

    def setUp(self):
        super().setUp()
        self.figures = []

    def say(self, text):
        """What was seen, printed beside the name of the test."""
        self.figures.append(text)


class Lines(unittest.TestResult):
    """One line a test: ok or failed, its name, how long it took, what it saw."""

    def startTest(self, test):
        super().startTest(test)
        self.began = time.monotonic()

    def line(self, word, test, trace=""):
        name = test.id().removeprefix("__main__.")
        seconds = time.monotonic() - self.began if hasattr(self, "began") else 0
        print(f"{word:7} {name:60} {seconds:4.1f} s  {'; '.join(getattr(test, 'figures', ()))}", flush=True)
        if trace:
            print(trace, flush=True)

    def addSuccess(self, test):
        super().addSuccess(test)
        self.line("ok", test)

    def addFailure(self, test, error):
        super().addFailure(test, error)
        self.line("failed", test, self.failures[-1][1])

    def addError(self, test, error):
        super().addError(test, error)
        self.line("failed", test, self.errors[-1][1])

    def addSubTest(self, test, subtest, error):
        super().addSubTest(test, subtest, error)
        if error is not None:
            self.line("failed", subtest, (self.failures + self.errors)[-1][1])


def main():
    """Runs the tests named in the command line, or all; the exit code says whether all passed."""
    module, names = sys.modules["__main__"], sys.argv[1:]
    loader = unittest.defaultTestLoader
    suite = loader.loadTestsFromNames(names, module) if names else loader.loadTestsFromModule(module)
    lines = Lines()
    suite.run(lines)
    failed = len(lines.failures) + len(lines.errors)
    print(f"zero copy: {lines.testsRun} tests, {failed} failed, {len(lines.skipped)} skipped")
    sys.exit(0 if lines.wasSuccessful() and lines.testsRun > 0 and not lines.skipped else 1)
