"""Mounts of a real smbd: every dialect, who logs on, what is done on the share, and what becomes of those who may not."""

import json
import subprocess

import case
import lab
from samba import PASSWORD, USER, Samba
from trouble_box import Trouble, TroubledLab

# smbd lets 50 connections wait to be accepted: no test opens more at once.
STEADILY = "{{rate: 50/s, total: {}, timeout: 50s}}"
DIALECTS = ("2.0.2", "2.1", "3.0", "3.0.2", "3.1.1")
PUT = 0x707574  # what the seed is mixed with for files that are put
COMMANDS = {0: "negotiate", 1: "session setup", 2: "logoff", 3: "tree connect", 4: "tree disconnect", 5: "create", 6: "close",
            8: "read", 9: "write", 13: "echo", 14: "query directory", 16: "query info"}
AS_USER = f"user: {USER}, password: {PASSWORD}"


def workloads(load="{timeout: 50s}", **each):
    """A scenario of smb2 workloads by their names."""
    return "workloads:\n" + "".join(
        f"  {name}: {{from: clients, to: {lab.THERE4}, smb2: {{{smb2}}}, load: {load}}}\n" for name, smb2 in each.items())


class Smb(case.Case):
    def served(self, size=300_000, extra=(), net=None):
        self.net = net or self.lab()
        self.content, self.sha256 = lab.file_of(size)
        self.samba = Samba(self.net, {"file.bin": self.content, "folder/one": b"1", "folder/two": b"2"}, extra)
        return self.net

    def got(self, sha256=None):
        return f"get: file.bin, verify: {{sha256: {sha256 or self.sha256}, bytes: {len(self.content)}}}"

    def works(self, hosts, text, timeout=60):
        result = self.net.run_scenario(lab.hosts_yaml(hosts, extra=text), timeout=timeout)
        return result["workloads"]

    def assert_all_verified(self, works, hosts):
        for name, work in works.items():
            self.assertEqual((work["sessions_started"], work["sessions_verified"]), (hosts, hosts), f"{name}: {work}")

    def assert_reason(self, work, hosts, reason):
        """All failed, and for that reason."""
        self.assertEqual((work["sessions_started"], work["sessions_failed"]), (hosts, hosts))
        self.assertEqual({name: count for name, count in work["failures"].items() if count}, {reason: hosts})

    def established(self):
        """How many connections smbd has."""
        lines = self.net.there.run("ss", "-Htn", "state", "established", "sport", "=", ":445").stdout.splitlines()
        return len(lines)


class Dialects(Smb):
    def each(self, who):
        return {f"d{dialect.replace('.', '')}": f"{who}, dialects: [{dialect}], {self.got()}, list: folder"
                for dialect in DIALECTS}

    @case.row(seconds=120)
    def test_anonymous(self):
        self.served()
        self.assert_all_verified(self.works(8, workloads(**self.each("share: public")), timeout=100), 8)

    @case.row(seconds=120)
    def test_guest(self):
        self.served()
        who = "share: public, user: stranger, password: whatever"
        self.assert_all_verified(self.works(8, workloads(**self.each(who)), timeout=100), 8)

    @case.row(seconds=120)
    def test_user_who_signs(self):
        self.served()
        who = f"share: private, {AS_USER}, signing: required"
        self.assert_all_verified(self.works(8, workloads(**self.each(who)), timeout=100), 8)

    @case.row(seconds=120)
    def test_server_that_demands_signing(self):
        self.served(extra=["server signing = mandatory"])
        self.assert_all_verified(self.works(8, workloads(**self.each(f"share: private, {AS_USER}")), timeout=100), 8)

    @case.row(seconds=120)
    def test_server_that_speaks_the_lowest(self):
        """It chooses among what is offered."""
        self.served(extra=["server max protocol = SMB2_02"])
        works = self.works(5, workloads(all=f"share: public, {self.got()}", new="share: public, dialects: [3.1.1]"))
        self.assert_all_verified({"all": works["all"]}, 5)
        self.assert_reason(works["new"], 5, "STATUS_NOT_SUPPORTED")


class Work(Smb):
    def test_large_file(self):
        """Many reads in flight."""
        self.served(size=24 << 20)
        works = self.works(4, workloads(anonymous=f"share: public, {self.got()}",
                                        user=f"share: private, {AS_USER}, signing: required, {self.got()}"))
        self.assert_all_verified(works, 4)

    def test_put(self):
        self.served()
        size = 1_000_001
        works = self.works(10, workloads(put=f"share: drop, put: {{name: 'up-{{host}}-{{session}}.bin', size: {size}B}}, list: /"))
        self.assertEqual(works["put"]["sessions_succeeded"], 10, works["put"]["failures"])
        found = sorted((self.samba.folder / "drop").iterdir())
        self.assertEqual(len(found), 10)
        self.assertEqual({path.name.split("-")[1] for path in found}, {str(host) for host in range(10)})
        expected = lab.pattern(size, PUT)
        for path in found:
            self.assertEqual(path.read_bytes(), expected, path.name)

    def test_reasons(self):
        self.served()
        expected = {
            "no_share": ("share: nothing", "STATUS_BAD_NETWORK_NAME"),
            "no_file": ("share: public, get: nothing.bin", "STATUS_OBJECT_NAME_NOT_FOUND"),
            "no_folder": ("share: public, get: nowhere/nothing.bin", "STATUS_OBJECT_PATH_NOT_FOUND"),
            "folder": ("share: public, get: folder", "STATUS_FILE_IS_A_DIRECTORY"),
            "no_list": ("share: public, list: file.bin", "STATUS_NOT_A_DIRECTORY"),
            "wrong_password": (f"share: private, user: {USER}, password: Thursday", "STATUS_LOGON_FAILURE"),
            "stranger": ("share: private", "STATUS_ACCESS_DENIED"),
            "no_signing": ("share: public, user: stranger, password: x, signing: required", "smb2_signature"),
            "read_only": ("share: public, put: {name: up.bin, size: 1KiB}", "STATUS_ACCESS_DENIED"),
            "other_content": (f"share: public, {self.got('0' * 64)}", "verify_mismatch"),
        }
        works = self.works(4, workloads(**{name: smb2 for name, (smb2, _) in expected.items()}))
        for name, (_, reason) in expected.items():
            with self.subTest(name):
                self.assert_reason(works[name], 4, reason)
        self.assertNotIn("STATUS_DISK_FULL", works["no_share"]["failures"])  # named only when it was said

    def test_lost_frames(self):
        net = TroubledLab(Trouble(drop=0.01))
        self.addCleanup(net.close)
        self.served(net=net)
        works = self.works(40, workloads(load="{concurrent: 20, total: 40, timeout: 50s}",
                                         anonymous=f"share: public, {self.got()}",
                                         user=f"share: private, {AS_USER}, signing: required, {self.got()}"))
        self.assert_all_verified(works, 40)
        for direction, counters in net.counters().items():
            self.assertGreater(counters["dropped"], 0, direction)


class Wire(Smb):
    def test_tshark_understands_every_message(self):
        self.served()
        stop = self.net.tcpdump(self.net.there, "peer", "-s", "0", "tcp", "port", "445")
        everyone = {"put": "share: drop, put: {name: 'up-{host}.bin', size: 100KiB}, list: /",
                    "signs": f"share: private, {AS_USER}, signing: required, {self.got()}, list: folder"}
        works = self.works(2, workloads(load="{timeout: 50s, hold: 1s}", **{
            f"{name}_{dialect.replace('.', '')}": f"dialects: [{dialect}], echo: 100ms, {smb2}"
            for dialect in DIALECTS for name, smb2 in everyone.items()}))
        capture = stop()
        for name, work in works.items():
            self.assertEqual(work["sessions_succeeded"], 2, f"{name}: {work['failures']}")
        ours = f"smb2 && ip.src != {lab.THERE4}"
        said = subprocess.run(["tshark", "-r", capture, "-Y", ours, "-T", "fields", "-e", "smb2.cmd"], capture_output=True,
                              text=True, check=True).stdout
        commands = {int(command) for line in said.split() for command in line.split(",")}
        self.assertEqual({COMMANDS[command] for command in commands}, set(COMMANDS.values()))
        # What smbd sends from two processors may be captured in another order: its streams are put together first.
        wrong = "(_ws.malformed || _ws.expert.severity == error) && smb2"
        found = subprocess.run(["tshark", "-o", "tcp.reassemble_out_of_order:TRUE", "-r", capture, "-Y", wrong],
                               capture_output=True, text=True, check=True).stdout
        self.assertEqual(found, "")


class Held(Smb):
    def test_echoes_keep_mounts(self):
        self.served()
        smb2 = f"share: public, {self.got()}, hold: 5s, echo: 200ms"
        works = self.works(100, workloads(load=STEADILY.format(100), mount=smb2))
        self.assert_all_verified(works, 100)
        self.assertEqual(works["mount"]["concurrent_max"], 100)

    def start(self, hosts, text):
        self.result = self.net.folder / "result.json"
        scenario = self.net.scenario(lab.hosts_yaml(hosts, extra=text))
        return self.net.start_myriad("run", scenario, "--json", self.result)

    def ended(self, process, hosts):
        """The workload of a run that ends by itself: every session has come to an end."""
        self.assertEqual(process.wait(timeout=50), 0, process.log.read_text())
        work = json.loads(self.result.read_text())["workloads"]["mount"]
        self.assertEqual((work["sessions_started"], work["sessions_open"]), (hosts, 0))
        self.assertEqual(work["sessions_succeeded"] + work["sessions_failed"], hosts)
        self.assertEqual(sum(work["failures"].values()), work["sessions_failed"], work["failures"])
        return work

    def test_server_killed_while_mounts_are_held(self):
        self.served()
        process = self.start(200, workloads(load=STEADILY.format(200), mount=f"share: public, {self.got()}, hold: 5m"))
        lab.wait_until(lambda: self.established() == 200, 40, "200 mounts")
        self.samba.kill()
        work = self.ended(process, 200)
        self.assertEqual(work["sessions_failed"], 200, work["failures"])

    def test_server_killed_in_the_middle(self):
        """With so much to read nobody has finished when all are connected."""
        self.served()
        with open(self.samba.folder / "share" / "large.bin", "wb") as large:
            large.truncate(1 << 30)
        process = self.start(50, workloads(load=STEADILY.format(50), mount="share: public, get: large.bin"))
        lab.wait_until(lambda: self.established() == 50, 40, "50 connections")
        self.samba.kill()
        work = self.ended(process, 50)
        self.assertEqual(work["sessions_failed"], 50, work["failures"])


if __name__ == "__main__":
    case.main()
