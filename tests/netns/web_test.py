"""Web sessions against a real nginx: several requests over one connection or many, uploads, redirects, and TLS."""

import case
import lab
from trouble_box import Trouble, TroubledLab

NAME = "www.example.test"
UPLOAD = 0x75706C6F6164  # what the seed is mixed with for bodies that are sent


class WebNginx(lab.Nginx):
    """Also on port 443 by TLS, and on 81 with five requests on a connection. Logs what tests ask about."""

    CONFIG = """
worker_processes 1;
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/nginx.err warn;
worker_rlimit_nofile 40000;
events {{ worker_connections 20000; multi_accept on; }}
http {{
  log_format web "$ssl_protocol $ssl_session_reused $ssl_server_name $http_host $request_method $uri $status $connection";
  access_log {folder}/access.log web;
  client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
  uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
  keepalive_timeout 600s; keepalive_requests 100000; client_header_timeout 600s; send_timeout 600s;
  client_max_body_size 100m;
  ssl_certificate {folder}/../cert.pem; ssl_certificate_key {folder}/../key.pem; ssl_session_cache shared:web:10m;
  ssl_protocols TLSv1.2 TLSv1.3;
  root {folder}/www;
  server {{
    listen 80 backlog=8192;
    listen 443 ssl backlog=8192;
    location / {{ }}
    location = /chunked {{ ssi on; ssi_types *; }}
    location = /form {{ return 200 "form"; }}
    location = /here {{ return 302 /file; }}
    location = /there {{ absolute_redirect off; return 307 /here; }}
    location = /elsewhere {{ return 302 http://10.77.9.9/; }}
    location = /loop {{ return 302 /loop; }}
    location /upload/ {{ dav_methods PUT; }}
  }}
  server {{ listen 81 backlog=8192; keepalive_requests 5; }}
}}
"""

    def __init__(self, net, files, **options):
        lab.command("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", 30,
                    "-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME},IP:{lab.THERE4}", "-keyout",
                    net.folder / "key.pem", "-out", net.folder / "cert.pem")
        super().__init__(net, files=files, **options)
        (self.folder / "www" / "upload").mkdir()
        (self.folder / "www" / "upload").chmod(0o777)  # its worker is not root

    def answers(self, count):
        """What it has logged, once there are that many lines: a line is written after its answer has gone."""
        log = self.folder / "access.log"
        lab.wait_until(lambda: log.read_bytes().count(b"\n") >= count, 20, f"{count} lines in the log of nginx")
        keys = ("protocol", "reused", "sni", "host", "method", "path", "status", "connection")
        return [dict(zip(keys, line.split())) for line in log.read_text().splitlines()]


class Web(case.Case):
    SIZE = 20_000

    def setUp(self):
        super().setUp()
        self.serve(self.lab())

    def serve(self, net):
        self.net = net
        self.content, self.sha = lab.file_of(self.SIZE)
        self.nginx = WebNginx(net, {"file": self.content, "chunked": self.content})

    def run_web(self, what, hosts=100, kind="http", to=lab.THERE4, load="timeout: 40s", expect=0):
        text = lab.hosts_yaml(hosts, extra=f"""
workloads:
  web:
    from: clients
    to: {to}
    {kind}: {{{what}}}
    load: {{{load}}}
""")
        return self.net.run_scenario(text, timeout=100, expect=expect)["workloads"]["web"]

    def assert_all(self, work, sessions, requests, verified=True):
        self.assertEqual((work["sessions_succeeded"], work["sessions_failed"]), (sessions, 0), work["failures"])
        self.assertEqual(work["sessions_verified"], sessions if verified else 0)
        self.assertEqual((work["requests"], work["request_seconds"]["count"]), (requests, requests))
        self.assertEqual(sum(work["responses"].values()), requests)

    def assert_all_failed(self, work, sessions, reason):
        self.assertEqual({name: count for name, count in work["failures"].items() if count}, {reason: sessions})


class Http(Web):
    def everything(self):
        good = f"verify: {{sha256: {self.sha}}}"
        return (f"urls: [{{get: /file, {good}}}, {{get: /chunked, {good}}}, {{head: /file, verify: {{bytes: 0}}}}, "
                "{post: /form, body: {text: a=b}, verify: {bytes: 4}}]")

    def test_several_requests_over_one_connection(self):
        work = self.run_web(f"{self.everything()}, requests: 8, host: {NAME}")
        self.assert_all(work, 100, 800)
        self.assertEqual(work["responses"], {"2xx": 800, "3xx": 0, "4xx": 0, "5xx": 0})
        answers = self.nginx.answers(800)
        self.assertEqual(len({a["connection"] for a in answers}), 100)
        self.assertEqual({a["host"] for a in answers}, {NAME})
        asked = [(a["method"], a["path"]) for a in answers if a["connection"] == answers[0]["connection"]]
        self.assertEqual(asked, 2 * [("GET", "/file"), ("GET", "/chunked"), ("HEAD", "/file"), ("POST", "/form")])

    def test_pipelined_in_random_order(self):
        self.assert_all(self.run_web(f"{self.everything()}, requests: 40, order: random, pipeline: 8"), 100, 4000)
        answers = self.nginx.answers(4000)
        self.assertEqual(len({a["connection"] for a in answers}), 100)
        self.assertEqual({a["path"] for a in answers}, {"/file", "/chunked", "/form"})

    def test_a_server_that_ends_connections_is_asked_again(self):
        for pipeline in (1, 4):
            work = self.run_web(f"get: /file, verify: {{sha256: {self.sha}}}, requests: 12, pipeline: {pipeline}",
                                to=f"{lab.THERE4}:81")
            self.assert_all(work, 100, 1200)

    def test_a_connection_for_each_request(self):
        self.assert_all(self.run_web("urls: [/file, /form, /chunked], keep_alive: false", hosts=50), 50, 150, False)
        self.assertEqual(len({a["connection"] for a in self.nginx.answers(150)}), 150)

    def test_pauses_between_requests(self):
        work = self.run_web("get: /form, requests: 4, think: 50ms", hosts=50)
        self.assert_all(work, 50, 200, False)
        self.assertGreaterEqual(work["session_seconds"]["min"], 0.15)

    def test_redirects(self):
        work = self.run_web(f"get: /there, redirects: 2, host: {NAME}, verify: {{sha256: {self.sha}}}", hosts=20)
        self.assert_all(work, 20, 60)
        self.assertEqual((work["responses"]["3xx"], work["responses"]["2xx"]), (40, 20))
        for what, reason in (("get: /there", "http_status_3xx"), ("get: /there, redirects: 1", "http_too_many_redirects"),
                             ("get: /loop, redirects: 20", "http_too_many_redirects"),
                             ("get: /elsewhere, redirects: 5", "http_redirect_elsewhere")):
            self.assert_all_failed(self.run_web(what, hosts=5), 5, reason)

    def test_statuses_that_are_expected_or_not(self):
        self.assert_all(self.run_web("urls: [/no, /there], expect: {status: [404, 3xx]}", hosts=5), 5, 10, False)
        for what, reason in (("get: /file, expect: {status: 404}", "http_unexpected_status"),
                             ("urls: [/file, /no]", "http_status_4xx")):
            self.assert_all_failed(self.run_web(what, hosts=5), 5, reason)

    def test_uploads(self):
        self.net.file("form.txt", self.content)
        work = self.run_web("urls: [{put: /upload/made, body: {size: 300kB}}, {put: /upload/sent, body: {file: form.txt}}]",
                            hosts=20)
        self.assert_all(work, 20, 40, False)
        upload = self.nginx.folder / "www" / "upload"
        self.assertEqual((upload / "made").read_bytes(), lab.pattern(300_000, UPLOAD))
        self.assertEqual((upload / "sent").read_bytes(), self.content)


class Https(Web):
    def trusting(self, more=""):
        return f"host: {NAME}, tls: {{ca: cert.pem{more}}}"

    def verified(self, more=""):
        return f"get: /file, verify: {{sha256: {self.sha}}}, {self.trusting(more)}"

    @case.row(seconds=120)
    def test_sessions_are_taken_up_again(self):
        before = 0
        for version in ("1.2", "1.3"):
            work = self.run_web(self.verified(f", min_version: {version}, max_version: {version}"), kind="https",
                                load="concurrent: 50, total: 200, timeout: 40s")
            self.assert_all(work, 200, 200)
            self.assertEqual(work["tls_handshakes"], 200)
            self.assertEqual(work["tls_handshake_seconds"]["count"], 200)
            # Whoever comes again takes its own session up.
            self.assertEqual(work["tls_resumed"], 200 - work["hosts_succeeded"])
            self.assertGreaterEqual(work["tls_resumed"], 100)
            answers = self.nginx.answers(before + 200)[before:]
            before += 200
            self.assertEqual({(a["protocol"], a["sni"]) for a in answers}, {(f"TLSv{version}", NAME)})
            self.assertEqual(sum(a["reused"] == "r" for a in answers), work["tls_resumed"])

    def test_whole_handshakes_only(self):
        work = self.run_web(self.verified(", resume: false"), kind="https", load="concurrent: 50, total: 200, timeout: 40s")
        self.assert_all(work, 200, 200)
        self.assertEqual((work["tls_handshakes"], work["tls_resumed"]), (200, 0))

    def test_certificates_are_verified(self):
        fetch = "get: /file, tls: "
        good = self.run_web(fetch + "{ca: cert.pem}", hosts=5, kind="https")  # for the address
        self.assert_all(good, 5, 5, False)
        self.assertEqual({a["sni"] for a in self.nginx.answers(5)}, {"-"})
        for tls in ("{}", "{ca: cert.pem, name: other.example.test}"):
            self.assert_all_failed(self.run_web(fetch + tls, hosts=5, kind="https"), 5, "tls_certificate")
        self.assert_all(self.run_web(fetch + "{verify: false}", hosts=5, kind="https"), 5, 5, False)

    def test_one_that_does_not_speak_tls(self):
        work = self.run_web("tls: {verify: false}", hosts=5, kind="https", to=f"{lab.THERE4}:80")
        self.assert_all_failed(work, 5, "tls_handshake")
        self.assert_all_failed(self.run_web("get: /", hosts=5, to=f"{lab.THERE4}:443"), 5, "http_status_4xx")

    def test_connections_are_held(self):
        work = self.run_web(self.verified(), kind="https", load="hold: 2s, timeout: 40s")
        self.assert_all(work, 100, 100)
        self.assertEqual(work["concurrent_max"], 100)

    def test_redirects_stay_with_https(self):
        # An absolute Location of nginx names the scheme.
        work = self.run_web(f"get: /there, redirects: 2, verify: {{sha256: {self.sha}}}, {self.trusting()}", hosts=10,
                            kind="https")
        self.assert_all(work, 10, 30)

    def test_what_is_no_certificate_is_refused_before_the_run(self):
        self.net.file("no.pem", "nothing of the kind")
        text = lab.hosts_yaml(1, extra=f"workloads: {{w: {{from: clients, to: {lab.THERE4}, https: {{tls: {{ca: no.pem}}}}}}}}\n")
        for verb in ("validate", "run"):
            done = self.net.myriad(verb, self.net.scenario(text))
            self.assertExit(done, 2)
            self.assertIn("not a list of certificates in PEM", done.stderr)


class Lossy(Web):
    SIZE = 200_000

    def setUp(self):
        case.Case.setUp(self)
        net = TroubledLab(Trouble(drop=0.01, duplicate=0.01, delay=0.02))
        self.addCleanup(net.close)
        self.serve(net)

    @case.row(seconds=120)
    def test_one_percent_lost_by_http_and_https(self):
        urls = f"urls: [{{get: /file, verify: {{sha256: {self.sha}}}}}, {{put: /upload/x, body: {{size: 100kB}}, verify: {{bytes: 0}}}}]"
        load = "concurrent: 50, total: 100, timeout: 90s"
        for kind, more in (("http", "pipeline: 4"), ("https", "tls: {ca: cert.pem}")):
            work = self.run_web(f"{urls}, requests: 6, {more}", kind=kind, load=load)
            self.assertEqual(work["sessions_verified"], 100, work["failures"])
            self.assertEqual(work["requests"], 600)
        self.assertEqual((self.nginx.folder / "www" / "upload" / "x").read_bytes(), lab.pattern(100_000, UPLOAD))
        for direction, counters in self.net.counters().items():
            self.assertGreater(counters["dropped"], 0, direction)


if __name__ == "__main__":
    case.main()
