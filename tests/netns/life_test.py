"""How a run begins and ends: what it refuses, what it survives, and that nothing stays behind."""

import json
import signal
import socket

import case
import lab

HOSTS = ("hosts", "-i", "port", "--ipv4", f"{lab.host4(0)}/16", "--mac", lab.FIRST_MAC, "--count", 100)

# Another program on the port: drops nothing, belongs to somebody else.
FOREIGN = """
__attribute__((section("xdp"), used)) int foreign(void *frame) { (void)frame; return 2; }
__attribute__((section("license"), used)) char licence_text[] = "GPL";
"""


def fetch(to=f"{lab.THERE4}:80", load="total: 20", rest=""):
    return f"""
workloads:
  fetch:
    from: clients
    to: {to}
    http: {{get: /s, verify: {{bytes: 64}}}}
    load: {{{load}}}
{rest}"""


def programs_on(space, interface):
    return "xdp" in space.ip("-d", "link", "show", interface)


class ExitCodes(case.Case):
    def setUp(self):
        super().setUp()
        self.net = self.lab()

    def run_text(self, text, *words):
        return self.net.myriad("run", self.net.scenario(text), *words)

    def test_0_done(self):
        lab.Nginx(self.net)
        self.assertExit(self.run_text(lab.hosts_yaml(20) + fetch()), 0)

    def test_2_scenario_is_wrong(self):
        done = self.run_text(lab.hosts_yaml(20) + "wrokloads: {}\n")
        self.assertExit(done, 2)
        self.assertRegex(done.stderr, r"scenario\.yaml:\d+:\d+: ")
        self.assertIn("workloads", done.stderr, "a suggestion")
        self.assertIn("^", done.stderr, "a caret")

    def test_2_command_is_wrong(self):
        self.assertExit(self.net.myriad("run"), 2)
        self.assertExit(self.net.myriad("rnu", "x.yaml"), 2)
        self.assertExit(self.net.myriad("run", "--no-such-option", "x.yaml"), 2)
        self.assertExit(self.net.myriad("run", self.net.folder / "absent.yaml"), 2)

    def test_3_no_such_interface(self):
        done = self.run_text(lab.hosts_yaml(20, ports="  lan: {interface: nowhere}"))
        self.assertExit(done, 3)
        self.assertIn("nowhere", done.stderr)

    def test_4_nobody_answers(self):
        done = self.run_text(lab.hosts_yaml(20) + fetch(to="10.77.99.99:80", load="total: 20, timeout: 20s"), "--json", "-")
        self.assertExit(done, 4)
        work = json.loads(done.stdout)["workloads"]["fetch"]
        self.assertEqual(work["failures"]["neighbour_timeout"], 20, work)

    def test_99_a_threshold_fails(self):
        lab.Nginx(self.net)
        impossible = 'thresholds: {fetch.sessions_succeeded: [">= 21"]}\n'
        done = self.run_text(lab.hosts_yaml(20) + fetch(rest=impossible), "--json", "-")
        self.assertExit(done, 99)
        document = json.loads(done.stdout)
        self.assertEqual(document["verdict"], "fail")
        self.assertEqual([(t["observed"], t["holds"]) for t in document["thresholds"]], [(20, False)])

    def test_130_interrupted_with_results(self):
        lab.Nginx(self.net)
        result = self.net.folder / "result.json"
        text = lab.hosts_yaml(20) + fetch(load="concurrent: 20, hold: 60s, timeout: 90s")
        process = self.net.start_myriad("run", self.net.scenario(text), "--json", result)
        self.net.wait_for_answer(lab.host4(0), process)
        self.assertEqual(lab.interrupt(process), 130)
        document = json.loads(result.read_text())
        self.assertEqual(document["verdict"], "interrupted")
        self.assertGreater(document["workloads"]["fetch"]["sessions_started"], 0)


class Refused(case.Case):
    def setUp(self):
        super().setUp()
        self.net = self.lab()

    def test_another_program_sits_there(self):
        source, program = self.net.file("foreign.c", FOREIGN), self.net.folder / "foreign.o"
        lab.command("clang", "-O2", "-target", "bpf", "-c", source, "-o", program)
        self.net.here.ip("link", "set", "dev", "port", "xdp", "obj", program, "sec", "xdp")
        done = self.net.myriad(*HOSTS)
        self.assertExit(done, 3)
        self.assertRegex(done.stderr, r"xdp off|XDP program")
        self.assertTrue(programs_on(self.net.here, "port"), "it is still there")
        self.net.here.ip("link", "set", "dev", "port", "xdp", "off")
        process = self.net.start_myriad(*HOSTS)
        self.net.wait_for_answer(lab.host4(0), process)

    def test_a_second_run_on_the_same_port(self):
        first = self.net.start_myriad(*HOSTS)
        self.net.wait_for_answer(lab.host4(0), first)
        self.assertExit(self.net.myriad(*HOSTS), 3)
        self.net.wait_for_answer(lab.host4(1), first)

    def test_no_capability(self):
        for kept in ("", ",+net_raw,+bpf", ",+net_admin,+net_raw"):
            done = self.net.here.run("setpriv", f"--bounding-set=-all{kept}", lab.binary(), *HOSTS)
            self.assertExit(done, 3)
            self.assertRegex(done.stderr, r"CAP_|capabilit")
        self.assertFalse(programs_on(self.net.here, "port"))

    def test_these_capabilities_are_enough(self):
        # ipc_lock stands for a memlock limit that is high enough.
        log = self.net.folder / "log"
        with open(log, "wb") as sink:
            process = self.net.here.start("setpriv", "--bounding-set=-all,+net_admin,+net_raw,+bpf,+ipc_lock", lab.binary(),
                                          *HOSTS, stdout=sink, stderr=sink)
        process.log = log
        self.net.wait_for_answer(lab.host4(0), process)

    def test_the_default_route(self):
        self.net.here.ip("route", "add", "default", "via", lab.THERE4)
        done = self.net.myriad(*HOSTS)
        self.assertExit(done, 3)
        self.assertIn("--allow-default-route", done.stderr)
        process = self.net.start_myriad(*HOSTS, "--allow-default-route")
        self.net.wait_for_answer(lab.host4(0), process)

    def test_the_ipv6_default_route(self):
        self.net.here.ip("-6", "route", "add", "default", "via", lab.THERE6)
        done = self.net.myriad(*HOSTS)
        self.assertExit(done, 3)
        self.assertIn("--allow-default-route", done.stderr)

    def test_addresses_that_are_the_kernels_own(self):
        for words in (("--ipv4", "10.77.0.1/16"), ("--ipv6", "fd77::1/64"), ("--ipv4", "10.77.0.0/16", "--count", 5)):
            done = self.net.myriad("hosts", "-i", "port", *words)
            self.assertIn(done.returncode, (2, 3), done.stderr)
        done = self.net.myriad("hosts", "-i", "port", "--ipv4", "10.76.255.250/15", "--count", 100)
        self.assertExit(done, 3)
        self.assertIn(lab.HERE4, done.stderr)
        done = self.net.myriad("hosts", "-i", "port", "--ipv4", "10.77.1.1/16", "--mac", lab.HERE_MAC)
        self.assertExit(done, 3)

    def test_addresses_that_are_the_gateways(self):
        done = self.net.myriad(*HOSTS, "--gateway", lab.host4(50))
        self.assertIn(done.returncode, (2, 3), done.stderr)
        self.assertIn(lab.host4(50), done.stderr)

    def test_a_mode_that_the_driver_lacks(self):
        done = self.net.myriad(*HOSTS, "--mode", "zero-copy")
        self.assertExit(done, 3)
        self.assertIn("zero", done.stderr)

    def test_the_generic_mode_serves_too(self):
        process = self.net.start_myriad(*HOSTS, "--mode", "skb")
        self.net.wait_for_answer(lab.host4(99), process)


class Survived(case.Case):
    def setUp(self):
        super().setUp()
        self.net = self.lab()

    def test_killed_and_at_once_run_again(self):
        lab.Nginx(self.net)
        text = lab.hosts_yaml(500) + fetch(load="concurrent: 500, hold: 60s, timeout: 90s")
        for _ in range(3):
            process = self.net.start_myriad("run", self.net.scenario(text, "held.yaml"))
            self.net.wait_for_answer(lab.host4(0), process)
            process.send_signal(signal.SIGKILL)
            process.wait(timeout=10)
            # The server still holds what the dead run began, and answers a SYN into that with a reset: hence the retries.
            again = lab.hosts_yaml(500) + fetch(load="total: 500, retries: 3")
            work = self.net.run_scenario(again)["workloads"]["fetch"]
            self.assertEqual((work["sessions_succeeded"], work["sessions_failed"]), (500, 0), work["failures"])

    def test_the_kernel_detaches_what_was_killed(self):
        process = self.net.start_myriad(*HOSTS)
        self.net.wait_for_answer(lab.host4(0), process)
        self.assertTrue(programs_on(self.net.here, "port"))
        self.assertFalse("PROMISC" in self.net.here.ip("link", "show", "port"), "no flag of the interface is set")
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=10)
        lab.wait_until(lambda: not programs_on(self.net.here, "port"), 5, "the program is gone")

    @case.row(seconds=90)
    def test_link_down_and_up(self):
        process = self.net.start_myriad(*HOSTS)
        self.net.wait_for_answer(lab.host4(0), process)
        for space, interface in ((self.net.here, "port"), (self.net.there, "peer")):
            space.ip("link", "set", interface, "down")
            self.assertNotEqual(self.net.there.run("ping", "-n", "-c1", "-W1", lab.host4(1)).returncode, 0)
            space.ip("link", "set", interface, "up")
            self.net.wait_for_answer(lab.host4(1), process)
        self.assertEqual(lab.interrupt(process), 130)

    @case.row(seconds=90)
    def test_sessions_go_on_after_link_down_and_up(self):
        lab.Nginx(self.net)
        text = lab.hosts_yaml(50) + fetch(load="concurrent: 50, hold: 100ms, timeout: 30s") + "duration: 15s\n"
        result = self.net.folder / "result.json"
        events = self.net.folder / "events"
        process = self.net.start_myriad("run", self.net.scenario(text), "--json", result, "--events", events)
        self.net.wait_for_answer(lab.host4(0), process)
        self.net.here.ip("link", "set", "port", "down")
        lines = len(events.read_text().splitlines())
        lab.wait_until(lambda: len(events.read_text().splitlines()) > lines, 10, "a second goes by without a link")
        self.net.here.ip("link", "set", "port", "up")
        self.assertEqual(process.wait(timeout=60), 0, process.log.read_text())
        work = json.loads(result.read_text())["workloads"]["fetch"]
        self.assertEqual(work["sessions_failed"], 0, work["failures"])
        self.assertGreater(work["sessions_succeeded"], 500, "it went on after the link came back")

    def test_interface_removed(self):
        result = self.net.folder / "result.json"
        process = self.net.start_myriad("run", self.net.scenario(lab.hosts_yaml(50) + "duration: 50s\n"), "--json", result)
        self.net.wait_for_answer(lab.host4(0), process)
        self.net.here.ip("link", "del", "port")
        self.assertEqual(process.wait(timeout=15), 1, process.log.read_text())
        self.assertRegex(process.log.read_text(), r"port\b.*(gone|removed)")
        self.assertEqual(json.loads(result.read_text())["verdict"], "error")

    def test_frames_of_every_kind_from_the_kernel_pass_through(self):
        """A kernel's TCP connection that began before the run lives through it: ssh stays up."""
        with self.net.here.entered():
            server = socket.create_server((lab.HERE4, 2222))
        with self.net.there.entered():
            client = socket.create_connection((lab.HERE4, 2222), timeout=5)
        peer, _ = server.accept()
        with server, client, peer:
            peer.settimeout(10)
            client.sendall(b"before")
            self.assertEqual(peer.recv(6, socket.MSG_WAITALL), b"before")
            process = self.net.start_myriad(*HOSTS)
            self.net.wait_for_answer(lab.host4(0), process)
            for _ in range(100):
                client.sendall(b"x" * 1000)
                self.assertEqual(len(peer.recv(1000, socket.MSG_WAITALL)), 1000)
                peer.sendall(b"y" * 1000)
                self.assertEqual(len(client.recv(1000, socket.MSG_WAITALL)), 1000)
            self.assertEqual(lab.interrupt(process), 130)
            client.sendall(b"after")
            self.assertEqual(peer.recv(5, socket.MSG_WAITALL), b"after")


if __name__ == "__main__":
    case.main()
