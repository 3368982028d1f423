"""Queues and shards in every mixture: each frame reaches the shard that owns its host, whichever queue it came on."""

import case
import lab

WORK = """
workloads:
  fetch:
    from: clients
    to: {to}:80
    http: {{get: /file.bin, verify: {{sha256: {sha}}}}}
    load: {{concurrent: 200, total: 400}}
  ping: {{from: clients, to: {to}, icmp_echo: {{count: 2, interval: 50ms}}}}
"""


class Mixture(case.Case):
    def check(self, queues, shards):
        net = self.lab(queues=queues)
        content, sha = lab.file_of(30_000)
        lab.Nginx(net, files={"file.bin": content})
        ports = f"  lan: {{interface: port, queues: {queues}, shards: {shards}}}"
        result = net.run_scenario(lab.hosts_yaml(200, ports=ports) + WORK.format(to=lab.THERE4, sha=sha))
        self.assertEqual(result["ports"]["lan"]["queues"], queues)
        fetch, ping = result["workloads"]["fetch"], result["workloads"]["ping"]
        self.assertEqual((fetch["sessions_verified"], fetch["sessions_failed"]), (400, 0), fetch["failures"])
        self.assertEqual((ping["sessions_succeeded"], ping["sessions_failed"]), (200, 0), ping["failures"])
        self.assertEqual(result["ports"]["lan"]["drops"].get("not_ours", 0), 0)


def add_mixture(queues, shards):
    @case.row(seconds=60, alone=True)
    def test(self):
        self.check(queues, shards)

    setattr(Mixture, f"test_{queues}_queues_{shards}_shards", test)


for q in (1, 2, 4):
    for s in (1, 2, 4):
        add_mixture(q, s)


class TooMany(case.Case):
    def test_queues_that_the_device_does_not_have(self):
        net = self.lab(queues=2)
        ports = "  lan: {interface: port, queues: 3}"
        done = net.myriad("run", net.scenario(lab.hosts_yaml(10, ports=ports) + "duration: 1s\n"))
        self.assertExit(done, 3)
        self.assertRegex(done.stderr, r"port has 2 .*queues|2 queues")


if __name__ == "__main__":
    case.main()
