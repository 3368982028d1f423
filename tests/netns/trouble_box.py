"""A lab whose wire has a temper: frames between Myriad and the kernel cross a namespace in which an XDP program drops,
duplicates, delays and damages TCP frames (trouble.bpf.c).

    here: port ──veth── west  box  east ──veth── peer :there
"""

import json
import os
import subprocess
from dataclasses import asdict, dataclass

import lab


def program():
    """The box's program: TROUBLE of the environment, else of the release build."""
    return os.environ.get("TROUBLE", str(lab.ROOT / "build" / "release" / "tests" / "netns" / "trouble"))


@dataclass(frozen=True)
class Trouble:
    """Shares of TCP frames, each way; what is delayed, and the copies, come later by up to delay_max_us."""

    drop: float = 0
    duplicate: float = 0
    delay: float = 0
    corrupt: float = 0
    delay_max_us: int = 50
    seed: int = 1

    def words(self):
        return [word for key, value in asdict(self).items() for word in (f"--{key.replace('_', '-')}", value)]


class TroubledLab(lab.Lab):
    """`counters()` tells what has been done to the frames so far."""

    def __init__(self, trouble, **options):
        self.trouble = trouble
        super().__init__(**options)

    def join(self, a, a_name, b, b_name, addresses=True):
        self.box = lab.Namespace(self, "box")
        self.box.sysctl("ipv6.conf.default.disable_ipv6", 1)  # it has nothing to say itself
        self.pair(a, a_name, self.box, "west", lab.HERE_MAC)
        self.pair(b, b_name, self.box, "east", lab.THERE_MAC)
        for name in ("late-e", "late-w", "copy-e", "copy-w"):
            self.pair(self.box, f"{name}0", self.box, f"{name}1")
            for end in "01":
                self.box.ip("link", "set", f"{name}{end}", "mtu", self.mtu + 8)  # a due time in front of the frame
        if addresses:
            self.address(a, a_name, lab.HERE4, lab.HERE6)
            self.address(b, b_name, lab.THERE4, lab.THERE6)
        # A redirected frame reaches a veth only when the far end polls (gro), and it must be what a wire would carry:
        # one frame a segment, its checksum complete.
        features = ("gro", "on", "tx", "off", "tso", "off", "gso", "off")
        done = b.run("ethtool", "-K", b_name, *features)
        if done.returncode != 0:
            raise RuntimeError(done.stderr)
        log = open(self.folder / "trouble.log", "wb")
        self.on_close(log.close)
        self.process = self.box.start(program(), *self.trouble.words(), stdin=subprocess.PIPE, stderr=log)
        self.on_close(self.process.stdin.close)
        if self.process.stdout.readline() != b"ready\n":
            raise RuntimeError((self.folder / "trouble.log").read_text())

    def counters(self):
        """What has happened so far: {"eastward": {"seen": …, "dropped": …, …}, "westward": {…}}."""
        self.process.stdin.write(b"\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())
