"""The scenarios that ship, run as their first lines say, smaller: what a newcomer tries first must work."""

import json

import case
import lab
from samba import Samba
from web_test import WebNginx

FOLDER = lab.ROOT / "templates"
MAIL = """
import socket, threading
server = socket.create_server(("10.0.255.1", 25), backlog=256)
print("ready", flush=True)
def serve(stream):
    with stream, stream.makefile("rwb", buffering=0) as lines:
        lines.write(b"220 mail.example.test\\r\\n")
        assert lines.readline().startswith(b"EHLO")
        lines.write(b"250 hello\\r\\n")
        assert lines.readline() == b"QUIT\\r\\n"
        lines.write(b"221 bye\\r\\n")
while True:
    threading.Thread(target=serve, args=(server.accept()[0],), daemon=True).start()
"""


class Shipped(case.Case):
    def setUp(self):
        super().setUp()
        self.net = self.lab(addresses=False)
        self.net.there.ip("addr", "add", "10.0.255.1/16", "dev", "peer")
        self.net.there.ip("addr", "add", "fd00::ffff/64", "dev", "peer", "nodad")

    def run_template(self, name, *words):
        """The workloads of the result; thresholds on time may fail on a busy machine, and are not what is tested."""
        result = self.net.folder / "result.json"
        done = self.net.myriad("run", FOLDER / f"{name}.yaml", "-i", "lan=port", "--json", result, *words, timeout=80)
        self.assertIn(done.returncode, (0, 99), f"{done.stdout}\n{done.stderr}")
        return json.loads(result.read_text())["workloads"]

    def assert_all_succeeded(self, works, expected):
        self.assertEqual({name: (work["sessions_succeeded"], work["sessions_failed"]) for name, work in works.items()},
                         {name: (count, 0) for name, count in expected.items()})

    def test_every_one_is_valid(self):
        names = sorted(path.name for path in FOLDER.glob("*.yaml"))
        self.assertGreaterEqual(len(names), 4)
        for name in names:
            self.assertExit(self.net.myriad("validate", FOLDER / name), 0)

    @case.row(seconds=100)
    def test_http_clients(self):
        lab.Nginx(self.net, files={"index.html": b"x" * 1000})
        works = self.run_template("http_clients", "--set", "workloads.fetch.load.total=2000")
        self.assert_all_succeeded(works, {"fetch": 2000})

    @case.row(seconds=100)
    def test_web_browsing(self):
        lab.Nginx(self.net, files={"index.html": b"x" * 1000})
        works = self.run_template("web_browsing", "--duration", "6s")
        for name, work in works.items():
            self.assertGreater(work["sessions_succeeded"], 0, name)
            self.assertEqual(work["sessions_failed"], 0, f"{name}: {work['failures']}")
        self.assertGreater(works["browse"]["requests"], works["browse"]["sessions_succeeded"])

    @case.row(seconds=100)
    def test_https_clients(self):
        WebNginx(self.net, {"index.html": b"x" * 1000})
        works = self.run_template("https_clients", "--set", "hosts.clients.count=200", "--set",
                                  "workloads.fetch.load={concurrent: 50, total: 500, timeout: 50s}")
        self.assert_all_succeeded(works, {"fetch": 500})
        self.assertEqual(works["fetch"]["tls_resumed"], 300)

    @case.row(seconds=100)
    def test_dual_stack(self):
        lab.Nginx(self.net, files={"index.html": b"x" * 1000})
        works = self.run_template("dual_stack", "--set", "hosts.clients.count=200")
        self.assert_all_succeeded(works, {"fetch4": 200, "fetch6": 200, "ping4": 200, "ping6": 200})

    @case.row(seconds=100)
    def test_ping_all(self):
        self.assert_all_succeeded(self.run_template("ping_all", "--set", "hosts.clients.count=300"), {"ping": 300})

    @case.row(seconds=100)
    def test_idle_connections(self):
        lab.Nginx(self.net, files={"index.html": b"x" * 1000})
        works = self.run_template("idle_connections", "--set", "workloads.idle.load.total=2000", "--set",
                                  "workloads.idle.load.concurrent=2000", "--set", "workloads.idle.load.hold=2s")
        self.assert_all_succeeded(works, {"idle": 2000})

    @case.row(seconds=100)
    def test_personalities(self):
        lab.Nginx(self.net, files={"index.html": b"x" * 1000})
        works = self.run_template("personalities", "--set", "hosts.desktops.count=100", "--set",
                                  "workloads.fetch.load={concurrent: 100, total: 400}")
        self.assert_all_succeeded(works, {"old_fetch": 500, "fetch": 400, "report": 500})

    @case.row(seconds=100)
    def test_hosts_talk(self):
        works = self.run_template("hosts_talk", "--duration", "5s")
        for name, work in works.items():
            self.assertGreater(work["sessions_succeeded"], 0, name)
            self.assertEqual(work["sessions_failed"], 0, f"{name}: {work['failures']}")

    @case.row(seconds=100)
    def test_tcp_script(self):
        server = self.net.there.start("python3", "-c", MAIL)
        self.assertEqual(server.stdout.readline(), b"ready\n")
        self.assert_all_succeeded(self.run_template("tcp_script"), {"mail": 100})

    @case.row(seconds=100)
    def test_smb_mount_storm(self):
        Samba(self.net, {"test_file.zero": bytes(1 << 20)})
        works = self.run_template("smb_mount_storm", "--set", "hosts.clients.count=100", "--set",
                                  "workloads.mount.load.total=100")
        self.assert_all_succeeded(works, {"mount": 100})
        self.assertEqual(works["mount"]["sessions_verified"], 100)

    @case.row(seconds=100)
    def test_smb_hold_300(self):
        Samba(self.net)
        works = self.run_template("smb_hold_300", "--set", "workloads.mount.smb2.hold=15s", "--set",
                                  "workloads.mount.smb2.echo=1s")
        self.assert_all_succeeded(works, {"mount": 300})
        self.assertEqual(works["mount"]["concurrent_max"], 300)

    @case.row(seconds=100)
    def test_dns_storm(self):
        zone = ("local=/example.test/\nhost-record=www.example.test,10.0.255.80,fd00::80\n"
                "mx-host=example.test,www.example.test,10\n")
        config = self.net.file("dnsmasq.conf", "no-resolv\nno-hosts\nno-daemon\nuser=root\nbind-interfaces\n"
                               "listen-address=10.0.255.1\n" + zone + f"pid-file={self.net.folder}/dnsmasq.pid\n")
        self.net.there.start("dnsmasq", "-C", config, stdout=lab.subprocess.DEVNULL, stderr=lab.subprocess.DEVNULL)
        lab.wait_until(lambda: ":53 " in self.net.there.run("ss", "-Hlun").stdout, 10, "dnsmasq listens")
        works = self.run_template("dns_storm", "--set", "hosts.clients.count=100", "--set",
                                  "workloads.storm.load={concurrent: 100, total: 1000}")
        self.assert_all_succeeded(works, {"storm": 1000})

    def test_servers(self):
        process = self.net.start_myriad("run", FOLDER / "servers.yaml", "-i", "lan=port")
        self.net.wait_for_answer("10.0.2.1", process)
        got = self.net.there.run("curl", "-sS", "-o", "/dev/null", "-w", "%{size_download}", "http://10.0.2.100/bytes/1000000")
        self.assertEqual(got.stdout, "1000000")
        for name, kind, answer in (("www", "AAAA", "fd00::2:1"), ("example.test", "MX", "10 mail.example.test."),
                                   ("anything", "A", "10.0.2.100")):
            asked = name if name == "example.test" else f"{name}.example.test"
            said = self.net.there.run("dig", "@10.0.2.100", "+short", "+tries=1", "+time=20", asked, kind)
            self.assertEqual(said.stdout, answer + "\n")
        self.assertEqual(lab.interrupt(process), 130)

    def test_catch_all(self):
        result = self.net.folder / "asked.json"
        process = self.net.start_myriad("run", FOLDER / "catch_all.yaml", "-i", "lan=port", "--json", result)
        self.net.wait_for_answer("10.0.3.1", process)
        said = self.net.there.run("dig", "@10.0.3.1", "+short", "+tries=1", "+time=20", "anything.test", "A")
        self.assertEqual(said.stdout, "10.0.3.100\n")
        self.assertEqual(self.net.there.run("nc", "-N", "-w", 20, "10.0.3.100", 4444, input="home?").returncode, 0)
        self.assertEqual(lab.interrupt(process), 130)
        asked = lab.json.loads(result.read_text())["services"]["trap"]["asked"]
        self.assertEqual([(one["address"], one["port"], one["first_bytes"]) for one in asked], [("10.0.3.100", 4444, "home?")])


if __name__ == "__main__":
    case.main()
