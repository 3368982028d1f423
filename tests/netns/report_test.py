"""What a run says of each host, and its report as a browser shows it: Chromium, without a network."""

import html.parser
import json
import re

import case
import lab

SILENT = (17, 42)  # hosts that the far side does not answer

WORK = f"""
workloads:
  fetch:
    from: clients
    to: {lab.THERE4}:80
    http: {{get: /s, verify: {{bytes: 64}}}}
    load: {{timeout: 5s}}
"""

HOSTILE = "</script><script>document.title = 'owned'</script><!-- <img src=x onerror=\"document.title='owned'\">"

# What a test asks of a page besides what it says by itself: how much ink is on each plot, in colours of lines.
INK = """
<script>
addEventListener("load", () => setTimeout(() => {
  for (const canvas of document.querySelectorAll("canvas")) {
    const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
    let ink = 0;
    for (let at = 0; at < pixels.length; at += 4) {
      const [red, green, blue, alpha] = pixels.slice(at, at + 4);
      if (alpha > 200 && Math.max(red, green, blue) - Math.min(red, green, blue) > 100) ++ink;
    }
    canvas.dataset.ink = String(ink);
  }
  document.body.dataset.looked = "yes";
}, 500));
addEventListener("error", (event) => { document.body.dataset.error = event.message; });
</script>
"""


class Page(html.parser.HTMLParser):
    """A document as Chromium has it after its scripts have run."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.tags, self.path, self.texts = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in ("meta", "link", "br", "img", "hr"):
            self.path.append(tag)

    def handle_endtag(self, tag):
        if tag in self.path:
            while self.path.pop() != tag:
                pass

    def handle_data(self, data):
        self.texts.append((self.path[-1] if self.path else "", data))

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]

    def text_of(self, *tags):
        return "\n".join(data for tag, data in self.texts if tag in tags)


class Hosts(case.Case):
    def setUp(self):
        super().setUp()
        self.net = self.lab()
        lab.Nginx(self.net)
        for index in SILENT:
            self.net.there.ip("route", "add", "blackhole", f"{lab.host4(index)}/32")

    def test_every_host_has_its_line(self):
        lines_file = self.net.folder / "hosts.jsonl"
        document = self.net.run_scenario(lab.hosts_yaml(100, extra=WORK), "--hosts-json", lines_file)
        hosts = [json.loads(line) for line in lines_file.read_text().splitlines()]
        self.assertEqual([host["index"] for host in hosts], list(range(100)))
        fetch = document["workloads"]["fetch"]
        for index, host in enumerate(hosts):
            self.assertEqual((host["host"], host["group"]), (f"clients[{index}]", "clients"))
            self.assertEqual((host["mac"], host["ipv4"], host["vlan"]), (lab.host_mac(index), lab.host4(index), []))
            own = host["workloads"]["fetch"]
            self.assertEqual(own["sessions_started"], 1, index)
            failed = 1 if index in SILENT else 0
            self.assertEqual((own["sessions_failed"], own["sessions_succeeded"]), (failed, 1 - failed), index)
            self.assertEqual(own["failures"], {"connect_timeout": 1} if failed else {}, index)
            self.assertEqual(own["session_seconds"]["count"], 1 - failed, index)
            times = own["session_seconds"]
            self.assertLessEqual(times["min"], times["mean"])
            self.assertLessEqual(times["mean"], times["max"])
        for key in ("sessions_started", "sessions_succeeded", "sessions_failed"):
            self.assertEqual(sum(host["workloads"]["fetch"][key] for host in hosts), fetch[key], key)
        slowest = max(host["workloads"]["fetch"]["connect_seconds"]["max"] for host in hosts)
        self.assertAlmostEqual(slowest, fetch["connect_seconds"]["max"], places=9)

    def test_the_summary_names_those_that_never_succeeded(self):
        done = self.net.myriad("run", self.net.scenario(lab.hosts_yaml(100, extra=WORK)), "--quiet")
        self.assertExit(done, 0)
        self.assertTrue(done.stdout.startswith("PASS  98 of 100 sessions succeeded"), done.stdout)
        self.assertIn("98 of 100 with sessions succeeded; 2 never did:", done.stdout)
        for index in SILENT:
            self.assertRegex(done.stdout, rf"clients\[{index}\] +{lab.host4(index)} +connect_timeout\n")

    def test_the_document_names_them_too(self):
        clients = self.net.run_scenario(lab.hosts_yaml(100, extra=WORK))["hosts"]["clients"]
        self.assertEqual((clients["hosts_succeeded"], clients["hosts_failed"]), (98, 2))
        self.assertEqual(clients["troubled"], [
            {"host": f"clients[{index}]", "address": lab.host4(index), "reason": "connect_timeout", "sessions_failed": 1}
            for index in SILENT])

    def test_thresholds_as_rates_and_shares(self):
        thresholds = """
thresholds:
  fetch.sessions_failed: ["== 2%", "< 1%"]
  fetch.hosts_failed: ["<= 2%"]
  clients.hosts_succeeded: [">= 98%"]
  fetch.failures.connect_timeout: ["== 2"]
  fetch.sessions_succeeded: ["> 0.001/s"]
  fetch.bytes_rx: ["> 1bps"]
  myriad.seconds: ["< 10m"]
"""
        document = self.net.run_scenario(lab.hosts_yaml(100, extra=WORK + thresholds), expect=99)
        self.assertEqual(document["verdict"], "fail")
        self.assertEqual([one["holds"] for one in document["thresholds"]],
                         [True, False, True, True, True, True, True, True], document["thresholds"])
        self.assertEqual(document["thresholds"][0]["observed"], 0.02)

    def test_a_file_that_cannot_be_written_is_known_before_the_run(self):
        for option in ("--hosts-json", "--report"):
            done = self.net.myriad("run", self.net.scenario(lab.hosts_yaml(1, extra=WORK)), option, "/nowhere/file")
            self.assertExit(done, 3)
            self.assertIn("/nowhere/file", done.stderr)


class Report(case.Case):
    def browse(self, net, page, *words):
        """The document after its scripts have run, and what the browser complained of."""
        done = net.here.run("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                            "--no-first-run", f"--user-data-dir={net.folder}/chromium", "--window-size=1300,2400",
                            "--virtual-time-budget=5000", "--enable-logging=stderr", *words, f"file://{page}", timeout=100)
        self.assertExit(done, 0)
        return done.stdout, [line for line in done.stderr.splitlines() if ":CONSOLE" in line]

    @case.row(seconds=180)
    def test_a_browser_draws_it_without_a_network(self):
        net = self.lab()
        lab.Nginx(net)
        scenario = lab.hosts_yaml(100, extra=lab.fetch_yaml("{concurrent: 20}") + f"""\
  ping: {{from: clients, to: {lab.THERE4}, icmp_echo: {{}}, load: {{rate: 50/s}}}}
flows:
  noise: {{from: clients, packet: [ipv4: {{dst: {lab.THERE4}}}, udp: {{dst: 9}}], rate: 500pps}}
thresholds:
  fetch.sessions_failed: ["== 0"]
# {HOSTILE}
""")
        page = net.folder / "report.html"
        net.run_scenario(scenario, "--report", page, "--duration", "4s")
        text = page.read_text()
        for outside in ("src=", "<link", "@import", "url("):
            self.assertNotIn(outside, re.sub(r'(?s)<script type="application/json".*?</script>', "", text))
        looked_at = net.folder / "looked_at.html"
        looked_at.write_text(text.replace("</body>", INK + "</body>"))

        dom, complaints = self.browse(net, looked_at, "--dump-dom")
        self.assertEqual(complaints, [])
        document = Page(dom)
        body = document.all("body")[0]
        self.assertEqual(body.get("data-looked"), "yes")
        self.assertNotIn("data-error", body)
        self.assertEqual(document.all("main")[0].get("data-complete"), "yes")

        plots = [figure for figure in document.all("figure") if figure.get("class") == "plot"]
        titles = document.text_of("figcaption").splitlines()
        self.assertEqual(len(plots), 8, titles)
        self.assertTrue(all(plot.get("data-drawn") == "yes" for plot in plots))
        inks = [int(canvas["data-ink"]) for canvas in document.all("canvas")]
        self.assertEqual(len(inks), 8)
        self.assertTrue(all(ink > 50 for ink in inks), dict(zip(titles, inks)))

        self.assertIn("PASS", document.text_of("span"))
        cells = document.text_of("td").splitlines()
        for word in ("fetch", "ping", "noise", "web", "clients", "servers", "lan", "veth"):
            self.assertIn(word, cells)
        # The scenario is there as it was written, and was taken for nothing but text.
        self.assertIn(HOSTILE, document.text_of("pre"))
        self.assertIn("Myriad: report of a run", document.text_of("title"))
        self.assertEqual(document.all("img"), [])

    @case.row(seconds=120)
    def test_of_a_run_that_was_over_at_once(self):
        net = self.lab()
        page = net.folder / "report.html"
        net.run_scenario(lab.hosts_yaml(1, extra=f"workloads: {{ping: {{from: clients, to: {lab.THERE4}, icmp_echo: {{}}}}}}\n"),
                         "--report", page)
        dom, complaints = self.browse(net, page, "--dump-dom")
        self.assertEqual(complaints, [])
        self.assertEqual(Page(dom).all("main")[0].get("data-complete"), "yes")


if __name__ == "__main__":
    case.main()
