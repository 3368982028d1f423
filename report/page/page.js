// The page of a report. Everything it shows comes from the two JSON documents of the page and is put into it as text.
"use strict";
(() => {
  const read = (id) => JSON.parse(document.getElementById(id).textContent);
  const run = read("result");
  const more = read("more");
  const page = document.getElementById("page");

  // --- making things ---

  const make = (tag, content, parent, kind) => {
    const element = document.createElement(tag);
    if (content !== undefined && content !== null) element.textContent = String(content);
    if (kind) element.className = kind;
    if (parent) parent.append(element);
    return element;
  };
  const section = (title) => {
    const part = make("section", null, page);
    make("h2", title, part);
    return part;
  };
  // Cells that are numbers stand right; `rows` are arrays of cells.
  const table = (parent, head, rows) => {
    if (rows.length === 0) return;
    const frame = make("div", null, parent, "scrolls");
    const whole = make("table", null, frame);
    const top = make("tr", null, make("thead", null, whole));
    const numeric = head.map((_, column) => rows.every((row) => /^[-+]?[\d,]+(\.\d+)?( \S+)?$|^$|^–$/.test(String(row[column]))));
    head.forEach((name, column) => make("th", name, top, numeric[column] ? "number" : ""));
    const body = make("tbody", null, whole);
    for (const row of rows) {
      const line = make("tr", null, body);
      row.forEach((cell, column) => make("td", cell, line, numeric[column] ? "number" : ""));
    }
  };

  // --- numbers as people read them ---

  const digits = (value) => value.toLocaleString("en-US", { maximumSignificantDigits: 3 });
  const scaled = (value, steps) => {
    const step = steps.find(([least]) => Math.abs(value) >= least) || steps[steps.length - 1];
    return digits(value / step[0]) + step[1];
  };
  const count = (value) => value.toLocaleString("en-US");
  const large = [[1e9, " G"], [1e6, " M"], [1e3, " k"], [1, " "]];
  const amount = (value) => (value === 0 ? "0" : Math.abs(value) < 1 ? digits(value) : scaled(value, large).trim());
  const seconds = (value) =>
    value === 0 ? "0" : scaled(value, [[1, " s"], [1e-3, " ms"], [1e-6, " µs"], [1e-9, " ns"]]);
  const bytes = (value) =>
    scaled(value, [[2 ** 40, " TiB"], [2 ** 30, " GiB"], [2 ** 20, " MiB"], [2 ** 10, " KiB"], [1, " B"]]);
  const units = {
    "1": amount,
    "1/s": (value) => amount(value) + "/s",
    "bit/s": (value) => amount(value).replace(/\d$/, "$& ") + "bit/s",
    "s": seconds,
  };
  const entries = (object) => Object.entries(object || {});
  const reasons = (object) => entries(object).filter(([, number]) => number !== 0);
  const reasons_text = (object) => reasons(object).map(([why, number]) => why + " " + count(number)).join(", ");

  // --- the parts of the page ---

  const verdict = () => {
    const head = make("header", null, page);
    make("span", run.verdict.replace("_", " ").toUpperCase(), head, "verdict " + run.verdict);
    make("h1", more.headline, head);
    const facts = make("p", null, head, "facts");
    const told = [
      run.myriad.started,
      "seed " + run.myriad.seed,
      "myriad " + run.myriad.version,
      run.machine.cpu + ", " + run.machine.cores + " cores, Linux " + run.machine.kernel,
    ];
    told.forEach((fact) => make("span", fact, facts));
    make("code", run.myriad.command.join(" "), make("p", null, head));
    if (run.thresholds.length) {
      const list = make("ul", null, head, "thresholds");
      for (const one of run.thresholds) {
        const line = make("li", null, list, one.holds ? "holds" : "broken");
        make("span", one.holds ? "✓ " : "✗ ", line);
        make("code", one.expression, line);
        const seen = one.observed === null ? "nothing" : Number(one.observed.toPrecision(6));
        make("span", " observed " + seen, line);
      }
    }
    if (run.notes.length) {
      const list = make("ul", null, head, "notes");
      run.notes.forEach((note) => make("li", note, list));
    }
  };

  const colours = ["#2563eb", "#ea580c", "#16a34a", "#db2777", "#7c3aed", "#0891b2", "#ca8a04", "#64748b"];
  const dashes = [[], [8, 4], [2, 3], [12, 4, 2, 4]];
  const plots = [];
  const plot = (parent, chart, times) => {
    const box = make("figure", null, parent, "plot");
    make("figcaption", chart.title, box);
    const place = make("div", null, box);
    const text = units[chart.unit];
    const dark = matchMedia("(prefers-color-scheme: dark)").matches;
    const axis = { stroke: dark ? "#cbd5e1" : "#334155", grid: { stroke: dark ? "#334155" : "#e2e8f0", width: 1 } };
    const drawing = new uPlot({
      width: Math.max(280, box.clientWidth - 16),
      height: 240,
      cursor: { sync: { key: "run" } },
      scales: {
        x: { time: false },
        y: { range: (_, least, most) => [Math.min(0, least || 0), most > 0 ? most * 1.1 : 1] },
      },
      axes: [
        { ...axis, values: (_, ticks) => ticks.map((tick) => digits(tick) + " s") },
        { ...axis, size: 78, values: (_, ticks) => ticks.map((tick) => text(tick)) },
      ],
      series: [
        { label: "time", value: (_, value) => (value === null || value === undefined ? "–" : value.toFixed(1) + " s") },
        ...chart.series.map((line, index) => ({
          label: line.name,
          stroke: colours[index % colours.length],
          dash: dashes[Math.floor(index / colours.length) % dashes.length],
          width: 2,
          spanGaps: false,
          points: { show: times.length < 60, size: 5 },
          value: (_, value) => (value === null || value === undefined ? "–" : text(value)),
        })),
      ],
      hooks: { draw: [() => { box.dataset.drawn = "yes"; }] },
    }, [times, ...chart.series.map((line) => line.values)], place);
    plots.push([drawing, box]);
  };

  const over_time = () => {
    const times = more.timeline.seconds;
    if (times.length === 0) return;
    const grid = make("div", null, section("Over time"), "plots");
    for (const chart of more.timeline.charts) plot(grid, chart, times);
    addEventListener("resize", () => {
      for (const [drawing, box] of plots) drawing.setSize({ width: Math.max(280, box.clientWidth - 16), height: 240 });
    });
  };

  const times_rows = (name, parts) =>
    parts.filter(([, times]) => times.count > 0)
      .map(([what, times]) => [name, what, count(times.count),
        ...["min", "mean", "p50", "p90", "p99", "p999", "max"].map((key) => seconds(times[key]))]);
  const times_head = (name) => [name, "time", "count", "min", "mean", "p50", "p90", "p99", "p99.9", "max"];

  const workloads = () => {
    const all = entries(run.workloads);
    if (!all.length) return;
    const part = section("Workloads");
    table(part, ["workload", "started", "succeeded", "failed", "still open", "verified", "hosts succeeded", "hosts failed",
      "most at a time", "received", "sent", "failures"],
      all.map(([name, w]) => [name, count(w.sessions_started), count(w.sessions_succeeded), count(w.sessions_failed),
        count(w.sessions_open), count(w.sessions_verified), count(w.hosts_succeeded), count(w.hosts_failed),
        count(w.concurrent_max), bytes(w.bytes_rx), bytes(w.bytes_tx),
        reasons_text(w.failures) + (w.generator_limited ? " generator-limited" : "")]));
    table(part, times_head("workload"), all.flatMap(([name, w]) => times_rows(name,
      [["connect", w.connect_seconds], ["first byte", w.first_byte_seconds], ["session", w.session_seconds]])));
    const tcp = all.filter(([, w]) => w.tcp.segments_tx + w.tcp.segments_rx > 0);
    table(part, ["TCP of", "segments sent", "received", "sent again", "timeouts", "fast", "resets in", "resets out",
      "out of order", "duplicate", "bad checksum"],
      tcp.map(([name, { tcp: t }]) => [name, ...[t.segments_tx, t.segments_rx, t.retransmits, t.rto, t.fast_retransmits,
        t.resets_rx, t.resets_tx, t.out_of_order_rx, t.duplicate_rx, t.bad_checksum_rx].map(count)]));
  };

  const hosts = () => {
    const all = entries(run.hosts);
    if (!all.length) return;
    const part = section("Hosts");
    table(part, ["group", "hosts", "with sessions", "succeeded", "never did", "ARP/ND asked", "answered", "pings answered",
      "next hops silent", "duplicate addresses"],
      all.map(([name, g]) => [name, ...[g.count, g.hosts_succeeded + g.hosts_failed, g.hosts_succeeded, g.hosts_failed,
        g.arp_requests_tx + g.neighbour_solicitations_tx, g.arp_replies_tx + g.neighbour_advertisements_tx,
        g.echo_replies_tx, g.unresolved, g.duplicate_address].map(count)]));
    const troubled = all.flatMap(([, g]) => g.troubled);
    if (troubled.length) make("h3", "The first that never succeeded", part);
    table(part, ["host", "address", "reason", "sessions failed"],
      troubled.map((host) => [host.host, host.address, host.reason, count(host.sessions_failed)]));
  };

  const flows = () => {
    const all = entries(run.flows);
    if (!all.length) return;
    const part = section("Flows");
    const rate = (value, unit) => (value > 0 ? amount(value).replace(/\d$/, "$& ") + unit : "–");
    table(part, ["flow", "sent", "bytes", "achieved", "asked", "error", "arrived", "lost", "reordered", "duplicated",
      "unresolved", "remark"],
      all.map(([name, f]) => [name, count(f.frames_tx), bytes(f.bytes_tx), rate(f.rate_achieved, f.rate_unit),
        rate(f.rate_target, f.rate_unit), digits(f.rate_error * 100) + " %", count(f.frames_rx), count(f.lost),
        count(f.reordered), count(f.duplicated), count(f.unresolved), f.generator_limited ? "generator-limited" : ""]));
    table(part, times_head("flow"), all.flatMap(([name, f]) => times_rows(name,
      [["latency", f.latency_seconds], ["jitter", f.jitter_seconds], ["lateness", f.lateness_seconds]])));
  };

  const replays = () => {
    const all = entries(run.replays);
    if (!all.length) return;
    const part = section("Replays");
    table(part, ["replay", "read", "sent", "bytes", "loops", "sources", "late", "skipped", "remark"],
      all.map(([name, r]) => [name, count(r.frames_read), count(r.frames_tx), bytes(r.bytes_tx), count(r.loops),
        count(r.sources), count(r.frames_late), reasons_text(r.frames_skipped),
        r.generator_limited ? "generator-limited" : ""]));
    table(part, times_head("replay"), all.flatMap(([name, r]) => times_rows(name, [["lateness", r.lateness_seconds]])));
  };

  const services = () => {
    const all = entries(run.services);
    if (!all.length) return;
    table(section("Services"), ["service", "sessions", "sent", "received"],
      all.map(([name, s]) => [name, count(s.sessions), bytes(s.bytes_tx), bytes(s.bytes_rx)]));
  };

  const ports = () => {
    const all = entries(run.ports);
    if (!all.length) return;
    table(section("Ports"), ["port", "interface", "driver", "mode", "XDP", "link", "queues", "shards", "frames out", "bytes out",
      "frames in", "bytes in", "left to the kernel", "inside", "drops"],
      all.map(([name, p]) => [name, p.interface, p.driver, p.mode, p.xdp, p.link, count(p.queues), count(p.shards),
        count(p.frames_tx), bytes(p.bytes_tx), count(p.frames_rx), bytes(p.bytes_rx), count(p.frames_passed),
        count(p.frames_inside), reasons_text(p.drops)]));
  };

  const scenario = () => {
    const part = section("Scenario");
    make("p", more.scenario.name, part, "facts");
    make("pre", more.scenario.text, part);
  };

  const document_itself = () => {
    const details = make("details", null, section("Result document"));
    make("summary", "JSON, as --json writes it", details);
    make("pre", JSON.stringify(run, null, 2), details);
  };

  for (const part of [verdict, over_time, workloads, hosts, flows, replays, services, ports, scenario, document_itself]) {
    part();
  }
  page.dataset.complete = "yes";
})();
