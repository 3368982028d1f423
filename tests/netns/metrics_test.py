"""The metrics endpoint: what promtool says of it, that it tells the truth, and that nobody can hurt the run through it."""

import contextlib
import json
import re
import socket

import case
import lab
from lab import sample

ADDRESS = "127.0.0.1:9477"

WORK = lab.fetch_yaml("{concurrent: 20, total: 500}") + f"""\
  ping: {{from: clients, to: {lab.THERE4}, icmp_echo: {{count: 1000, interval: 100ms}}}}
flows:
  noise: {{from: clients, packet: [ipv4: {{dst: {lab.THERE4}}}, udp: {{dst: 9}}, payload: {{sequence: {{}}}}], rate: 500pps}}
  bits: {{from: clients, packet: [ipv4: {{dst: {lab.THERE4}}}, udp: {{dst: 9}}], rate: 1Mbps}}
"""


class Metrics(case.Case):
    def setUp(self):
        super().setUp()
        self.net = self.lab()
        lab.Nginx(self.net)
        self.result = self.net.folder / "result.json"
        self.process = self.net.start_myriad("run", self.net.scenario(lab.hosts_yaml(50, extra=WORK)), "--metrics", ADDRESS,
                                             "--json", self.result)

    def get(self, target="/metrics", *words):
        return self.net.here.run("curl", "-sS", "--noproxy", "*", "--max-time", "10", *words, f"http://{ADDRESS}{target}")

    def scrape(self):
        done = self.get()
        self.assertExit(done, 0)
        return done.stdout

    def scrape_until(self, condition, what):
        """The first exposition that the condition is true of. The run says so itself when it is broken."""
        def look():
            if self.process.poll() is not None:
                raise AssertionError(f"myriad ended with {self.process.returncode}:\n{self.process.log.read_text()}")
            done = self.get()
            return done.stdout if done.returncode == 0 and condition(done.stdout) else None

        return lab.wait_until(look, 60, what)

    def finish(self):
        self.assertEqual(lab.interrupt(self.process), 130)
        return json.loads(self.result.read_text())

    def test_promtool_has_nothing_to_remark(self):
        text = self.scrape_until(lambda text: sample(text, 'myriad_workload_sessions_succeeded_total{workload="fetch"}') == 500,
                                 "500 sessions succeed")
        done = self.net.here.run("promtool", "check", "metrics", input=text)
        self.assertExit(done, 0)
        self.assertEqual(done.stdout + done.stderr, "")
        for series in ('myriad_port_up{port="lan"}', 'myriad_group_hosts{group="clients"}', 'myriad_service_sessions_total{service="web"}',
                       'myriad_flow_target_frames_per_second{flow="noise"}', 'myriad_flow_target_bytes_per_second{flow="bits"}',
                       'myriad_workload_session_seconds_bucket{workload="fetch",le="+Inf"}'):
            self.assertIsNotNone(sample(text, series), series)
        self.assertNotIn("clients[", text)
        self.finish()

    def test_it_tells_what_the_document_tells(self):
        text = self.scrape_until(lambda text: sample(text, 'myriad_workload_sessions_succeeded_total{workload="fetch"}') == 500,
                                 "500 sessions succeed")
        fetch = self.finish()["workloads"]["fetch"]
        labels = '{workload="fetch"}'
        for metric, key in (("sessions_started_total", "sessions_started"), ("sessions_failed_total", "sessions_failed"),
                            ("bytes_rx_total", "bytes_rx"), ("bytes_tx_total", "bytes_tx"),
                            ("hosts_succeeded", "hosts_succeeded")):
            self.assertEqual(sample(text, f"myriad_workload_{metric}{labels}"), fetch[key], metric)
        times = fetch["session_seconds"]
        self.assertEqual(sample(text, f"myriad_workload_session_seconds_count{labels}"), times["count"])
        self.assertAlmostEqual(sample(text, f"myriad_workload_session_seconds_sum{labels}"), times["mean"] * times["count"],
                               places=6)
        buckets = [float(value) for value in
                   re.findall(r'(?m)^myriad_workload_session_seconds_bucket\{workload="fetch",le="[^"]+"\} (\S+)$', text)]
        self.assertEqual(buckets, sorted(buckets))
        self.assertEqual(buckets[-1], 500)

    def test_http_as_it_should_be(self):
        self.scrape_until(lambda text: True, "it answers")
        head = self.get("/metrics", "-I").stdout
        self.assertRegex(head, r"^HTTP/1\.1 200")
        self.assertIn("Content-Type: text/plain; version=0.0.4; charset=utf-8", head.splitlines())
        self.assertIn("/metrics", self.get("/").stdout)
        self.assertEqual(self.get("/metrics?a=b", "-o", "/dev/null", "-w", "%{http_code}").stdout, "200")
        self.assertEqual(self.get("/elsewhere", "-o", "/dev/null", "-w", "%{http_code}").stdout, "404")
        self.assertEqual(self.get("/metrics", "-X", "DELETE", "-o", "/dev/null", "-w", "%{http_code}").stdout, "405")
        self.finish()

    @case.row(seconds=180)
    def test_nobody_hurts_the_run(self):
        """Clients that send nothing, too much, nonsense, or never read: others are answered, and frames go on."""
        self.scrape_until(lambda text: True, "it answers")
        sent = lambda text: sample(text, 'myriad_flow_frames_tx_total{flow="noise"}')
        before = sent(self.scrape())
        with contextlib.ExitStack() as open_ones:
            def connect():
                with self.net.here.entered():
                    one = socket.create_connection(("127.0.0.1", 9477), timeout=30)
                open_ones.callback(one.close)
                return one

            for nonsense in (b"\0" * 4096, b"GET /metrics HTTP/1.1\r\n" + b"a: b\r\n" * 4000,
                             b"POST / HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n",
                             b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n" * 100):
                with contextlib.suppress(ConnectionError):
                    connect().sendall(nonsense)
            for _ in range(20):  # more than are served at a time: those behind them wait until their time is over
                connect()
            self.scrape_until(lambda text: sent(text) > before + 1000, "frames go on, and others are answered")
        document = self.finish()
        self.assertEqual(document["workloads"]["fetch"]["sessions_failed"], 0)

    @case.row(seconds=120)
    def test_silent_clients_are_shown_the_door(self):
        self.scrape_until(lambda text: True, "it answers")
        with self.net.here.entered():
            silent = socket.create_connection(("127.0.0.1", 9477), timeout=60)
        with contextlib.closing(silent):
            with contextlib.suppress(ConnectionResetError):
                self.assertEqual(silent.recv(1), b"")
        self.finish()


class Refused(case.Case):
    def test_what_is_no_address(self):
        net = self.lab()
        scenario = net.scenario(lab.hosts_yaml(1))
        for address in ("9477", "localhost:9477", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:94x", "::1:9477", "[127.0.0.1]:1", ""):
            done = net.myriad("run", scenario, "--metrics", address)
            self.assertExit(done, 2)
            self.assertIn("--metrics", done.stderr)

    def test_an_address_that_is_taken(self):
        net = self.lab()
        with net.here.entered():
            taken = socket.create_server(("127.0.0.1", 9477))
        with contextlib.closing(taken):
            done = net.myriad("run", net.scenario(lab.hosts_yaml(1)), "--metrics", ADDRESS)
        self.assertExit(done, 3)
        self.assertIn(ADDRESS, done.stderr)


if __name__ == "__main__":
    case.main()
