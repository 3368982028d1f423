"""The first process of the guest: makes a system of what the archive holds, runs the tests and says how they ended.

guest.py makes it /init of the archive. What it prints goes through the second serial line to guest.py.
"""

import ctypes
import os
import subprocess
import sys
import termios
import traceback
from pathlib import Path

MOUNTS = (("proc", "/proc"), ("sysfs", "/sys"), ("devtmpfs", "/dev"), ("tmpfs", "/run"), ("tmpfs", "/tmp"))
FINIT_MODULE, POWER_OFF = 313, 0x4321FEDC
TESTS = "/myriad/tests/zerocopy/zero_copy_test.py"
_libc = ctypes.CDLL(None, use_errno=True)


def check(result, what):
    if result != 0:
        raise OSError(ctypes.get_errno(), f"{what}: {os.strerror(ctypes.get_errno())}")


def mount():
    for kind, place in MOUNTS:
        check(_libc.mount(kind.encode(), place.encode(), kind.encode(), 0, None), f"mounting {place}")


def load_modules():
    folder = Path("/modules")
    for name in (folder / "order").read_text().split():
        with open(folder / f"{name}.ko", "rb") as module:
            check(_libc.syscall(FINIT_MODULE, module.fileno(), b"", 0), f"loading {name}")


def run_tests():
    environment = {"PATH": "/usr/bin", "HOME": "/root", "MYRIAD": "/myriad/bin/myriad",
                   "PYTHONPATH": "/myriad/tests/netns", "LC_ALL": "C"}
    wanted = Path("/myriad/tests.wanted").read_text().split()
    return subprocess.run([sys.executable, "-B", TESTS, *wanted], env=environment, stdin=subprocess.DEVNULL).returncode


def main():
    code = 1
    try:
        mount()
        line = os.open("/dev/ttyS1", os.O_RDWR | os.O_NOCTTY)
        os.dup2(line, 1)
        os.dup2(line, 2)
        load_modules()
        code = run_tests()
    except Exception:
        traceback.print_exc()
    print(f"\n@guest exit {code}", flush=True)
    if os.isatty(1):
        termios.tcdrain(1)
    _libc.reboot(POWER_OFF)


if __name__ == "__main__":
    main()
