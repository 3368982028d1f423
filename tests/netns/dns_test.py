"""DNS both ways: hosts ask dnsmasq, and dig asks hosts."""

import json

import case
import lab

CONFIG = """
no-resolv
no-hosts
no-daemon
bind-interfaces
listen-address=10.77.0.2,fd77::2
edns-packet-max=1232
local=/example.test/
address=/www.example.test/10.77.0.80
address=/www.example.test/fd77::80
host-record=mail.example.test,10.77.0.25
cname=ftp.example.test,mail.example.test
mx-host=example.test,mail.example.test,10
srv-host=_sip._udp.example.test,mail.example.test,5060,1,2
txt-record=example.test,"v=spf1 -all"
ptr-record=80.0.77.10.in-addr.arpa,www.example.test
{long}
"""
# Together too long for any datagram.
LONG = "\n".join(f'txt-record=long.example.test,"{number:03d}{"x" * 200}"' for number in range(20))


def workload(name, dns, load="{total: 50}", to="10.77.0.2"):
    return f"  {name}: {{from: clients, to: '{to}', dns: {{{dns}}}, load: {load}}}\n"


class DnsClients(case.Case):
    def setUp(self):
        super().setUp()
        self.net = self.lab()

    def dnsmasq(self):
        config = self.net.file("dnsmasq.conf", CONFIG.format(long=LONG))
        log = self.net.folder / "dnsmasq.log"
        with open(log, "wb") as sink:
            server = self.net.there.start("dnsmasq", "-C", config, "--pid-file=" + str(self.net.folder / "dnsmasq.pid"),
                                          "--user=root", stdout=sink, stderr=sink)

        def listens():
            if server.poll() is not None:
                raise AssertionError(log.read_text())
            return ":53 " in self.net.there.run("ss", "-Hlun").stdout

        lab.wait_until(listens, 10, "dnsmasq listens")
        return server

    def run_workloads(self, text, expect=0, count=50):
        scenario = lab.hosts_yaml(count) + "workloads:\n" + text
        return self.net.run_scenario(scenario, expect=expect)["workloads"]

    def assert_verified(self, work, count=50):
        self.assertEqual((work["sessions_succeeded"], work["sessions_verified"]), (count, count), work["failures"])

    def test_every_type_is_asked_and_verified(self):
        self.dnsmasq()
        cases = {
            "a": "query: [www.example.test, A], expect: {answer: 10.77.0.80}",
            "aaaa": "query: [WWW.example.test, AAAA], expect: {answer: 'fd77::80'}",
            "mx": "query: [example.test, MX], expect: {answer: 10 mail.example.test}",
            "srv": "query: [_sip._udp.example.test, SRV], expect: {answer: 1 2 5060 mail.example.test}",
            "txt": "query: [example.test, TXT], expect: {answer: v=spf1 -all}",
            "ptr": "query: [10.77.0.80, PTR], expect: {answer: www.example.test}",
            "alias": "query: [ftp.example.test, A], expect: {answer: 10.77.0.25}",
            "nothing": "query: [nowhere.example.test, A], expect: {rcode: nxdomain}",
            "six": "query: [www.example.test, A], expect: {answer: 10.77.0.80}",
        }
        text = "".join(workload(name, dns, to="[fd77::2]" if name == "six" else "10.77.0.2") for name, dns in cases.items())
        works = self.run_workloads(text)
        for name in cases:
            with self.subTest(name):
                self.assert_verified(works[name])

    def test_by_tcp_and_what_is_truncated(self):
        self.dnsmasq()
        listed = "queries: [[www.example.test, A], [example.test, MX]], per_session: 4"
        long = "query: [long.example.test, TXT]"
        works = self.run_workloads(workload("tcp", listed + ", transport: tcp") + workload("long", long, "{total: 5}") +
                                   workload("short", long + ", transport: udp", "{total: 5}"))
        self.assertEqual(works["tcp"]["sessions_succeeded"], 50, works["tcp"]["failures"])
        self.assertEqual(works["tcp"]["connect_seconds"]["count"], 50)
        self.assertEqual(works["long"]["sessions_succeeded"], 5, works["long"]["failures"])
        self.assertEqual(works["short"]["tcp"]["segments_tx"], 0)
        self.assertGreater(works["long"]["tcp"]["segments_rx"], 5 * 3, "by TCP")
        self.assertGreater(works["long"]["bytes_rx"], 5 * 20 * 200)
        self.assertEqual(lab.reasons(works["short"]), {"dns_truncated": 5})

    def test_answers_that_are_failures(self):
        self.dnsmasq()
        works = self.run_workloads(
            workload("none", "query: [nowhere.example.test, A]") + workload("no_data", "query: [mail.example.test, TXT]") +
            workload("foreign", "query: [www.example.org, A]") +
            workload("wrong", "query: [www.example.test, A], expect: {answer: 10.77.0.81}"))
        self.assertEqual(lab.reasons(works["none"]), {"dns_nxdomain": 50})
        self.assertEqual(lab.reasons(works["no_data"]), {"dns_no_data": 50})
        self.assertEqual(lab.reasons(works["foreign"]), {"dns_refused": 50})
        self.assertEqual(lab.reasons(works["wrong"]), {"verify_mismatch": 50})

    def test_nobody_answers(self):
        refused = self.run_workloads(workload("closed", "query: [a, A]", "{total: 5}"), count=5)
        self.assertEqual(lab.reasons(refused["closed"]), {"refused": 5})
        sink = self.net.there.start("python3", "-c", "import socket\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
                                    "s.bind(('10.77.0.2', 53))\nprint('ready', flush=True)\nwhile True: s.recv(9000)\n")
        self.assertEqual(sink.stdout.readline(), b"ready\n")
        seen = self.net.tcpdump(self.net.there, "peer", "udp port 53")
        silent = self.run_workloads(workload("silent", "query: [a.test, A], retry: 100ms, tries: 3", "{total: 5}"), expect=4,
                                    count=5)
        self.assertEqual(lab.reasons(silent["silent"]), {"response_timeout": 5})
        asked = self.net.there.run("tshark", "-n", "-r", seen(), "-T", "fields", "-e", "udp.srcport", "-e", "dns.id",
                                   "-e", "dns.qry.name", "-e", "_ws.malformed").stdout.splitlines()
        rows = [line.split("\t") for line in asked]
        self.assertEqual(len(rows), 15, "each three times")
        self.assertEqual(len({row[0] for row in rows}), 5, "a port for each session")
        self.assertEqual({row[2] for row in rows}, {"a.test"})
        self.assertFalse(any(row[3] for row in rows), rows)


ZONE = """
  servers:
    port: lan
    count: 100
    mac: 02:4d:00:00:10:01
    ipv4: 10.77.16.1/16
    ipv6: fd77::2:1/64
services:
  names:
    on: servers
    port: 53
    dns:
      zone: example.test
      ttl: 5m
      records:
        - {name: www, type: A, data: [10.77.0.80, 10.77.0.81], ttl: 30s}
        - {name: www, type: AAAA, data: "fd77::80"}
        - {name: ftp, type: CNAME, data: www}
        - {name: "@", type: MX, data: 10 mail}
        - {name: "@", type: TXT, data: v=spf1 -all}
        - {name: _sip._udp, type: SRV, data: 1 2 5060 sip}
        - {name: "*.any", type: A, data: 10.77.0.99}
        - {name: big, type: TXT, data: [LINES]}
""".replace("LINES", ", ".join(f"{number}{'x' * 200}" for number in range(9)))


class DnsService(case.Case):
    def setUp(self):
        super().setUp()
        self.net = self.lab()
        self.result = self.net.folder / "result.json"
        self.process = self.net.start_myriad("run", self.net.scenario(lab.hosts_yaml(1, extra=ZONE) + "duration: 50s\n"),
                                             "--json", self.result)
        self.net.wait_for_answer("10.77.16.1", self.process)

    def dig(self, *words, server="10.77.16.7"):
        done = self.net.there.run("dig", f"@{server}", "+tries=1", "+time=20", *words)
        self.assertExit(done, 0)
        return done.stdout

    def test_dig_gets_every_type_over_both_families(self):
        for server in ("10.77.16.1", "10.77.16.100", "fd77::2:1", "fd77::2:64"):
            self.assertEqual(self.dig("+short", "www.example.test", "A", server=server), "10.77.0.80\n10.77.0.81\n")
        short = {
            ("www.example.test", "AAAA"): "fd77::80\n",
            ("WWW.example.TEST", "AAAA"): "fd77::80\n",
            ("ftp.example.test", "AAAA"): "www.example.test.\nfd77::80\n",
            ("example.test", "MX"): "10 mail.example.test.\n",
            ("example.test", "TXT"): '"v=spf1 -all"\n',
            ("_sip._udp.example.test", "SRV"): "1 2 5060 sip.example.test.\n",
            ("x.any.example.test", "A"): "10.77.0.99\n",
        }
        for (name, kind), expected in short.items():
            for way in ("+notcp", "+tcp"):
                self.assertEqual(self.dig("+short", way, name, kind), expected, f"{name} {kind} {way}")
        self.assertRegex(self.dig("www.example.test", "A"), r"www\.example\.test\.\s+30\s+IN\s+A\s+10\.77\.0\.80")

    def test_dig_is_told_no(self):
        for name, status in (("nowhere.example.test", "NXDOMAIN"), ("www.example.org", "REFUSED"),
                             ("www.example.test", "NOERROR")):
            said = self.dig(name, "PTR")
            self.assertIn(f"status: {status}", said)
            self.assertIn("ANSWER: 0", said)
            self.assertNotIn("malformed", said.lower())
        self.assertIn("status: NOTIMP", self.dig("+opcode=status", "www.example.test"))

    def test_what_does_not_fit_comes_by_tcp(self):
        cut = self.dig("+ignore", "+bufsize=512", "big.example.test", "TXT")
        self.assertRegex(cut, r"flags: [a-z ]*\btc\b")
        whole = self.dig("big.example.test", "TXT")
        self.assertIn("(TCP)", whole)
        self.assertEqual(whole.count("x" * 200), 9)

    def test_several_questions_on_one_connection(self):
        said = self.dig("+tcp", "+keepopen", "+short", "www.example.test", "AAAA", "+tcp", "example.test", "MX")
        self.assertEqual(said, "fd77::80\n10 mail.example.test.\n")

    def test_the_document_counts_them(self):
        self.dig("www.example.test")
        self.assertEqual(lab.interrupt(self.process), 130)
        names = json.loads(self.result.read_text())["services"]["names"]
        self.assertEqual(names["sessions"], 1)
        self.assertGreater(names["bytes_tx"], names["bytes_rx"])


class DnsAmongHosts(case.Case):
    def test_hosts_ask_hosts(self):
        net = self.lab()
        work = "workloads:\n" + "".join(
            f"  {name}: {{from: clients, to: servers, dns: {{query: [ftp.example.test, A], transport: {way}, "
            f"expect: {{answer: [10.77.0.81, 10.77.0.80]}}}}, load: {{total: 500}}}}\n"
            for name, way in (("by_udp", "udp"), ("by_tcp", "tcp")))
        for shards in (1, 2):
            ports = f"  lan: {{interface: port, queues: {shards}, shards: {shards}}}"
            net = self.lab(queues=shards)
            works = net.run_scenario(lab.hosts_yaml(100, ports=ports, extra=ZONE + work))["workloads"]
            for name in ("by_udp", "by_tcp"):
                self.assertEqual(works[name]["sessions_verified"], 500, works[name]["failures"])
            net.close()


if __name__ == "__main__":
    case.main()
