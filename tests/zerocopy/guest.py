"""Boots a machine that has what this one may lack, two NICs whose driver does zero-copy, and runs our tests in it.

    guest.py [TEST…]      with no name: all of zero_copy_test.py

It is a virtual machine in software (QEMU, without KVM; nothing of this machine is changed), with two virtio NICs of two
queues each. Their far ends are taps in a network namespace of the emulator's own, joined by a bridge that learns nothing: a
wire. That takes root, or a /dev/net/tun that is open to all. Everything goes with the process. Its files are those of this machine: the release binary, Python, the
tests, and the programs that play the peer; inside.py is its first process.

Exit code: 0 all passed, 1 something failed, 77 the machine cannot be had here (the reason is said).
"""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import threading
import time
from pathlib import Path

from archive import Archive
from kernel import Unavailable, kernel, run

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
SKIPPED = 77
SECONDS = 300  # then the guest is stopped; two cores with nothing else to do need a quarter of it
EMULATOR = "qemu-system-x86_64"
PEERS = ("ip", "ss", "ethtool", "ping", "curl", "nginx", "setpriv", "taskset")
QUEUES = 2
PYTHON_WITHOUT = ("test", "tests", "idlelib", "tkinter", "turtledemo", "lib2to3", "ensurepip", "pydoc_data",
                  "site-packages", "dist-packages", "config-*", "*.opt-?.pyc", "*.a")

# virtio_net does zero-copy only for a device that keeps to DMA addresses (iommu_platform) and can reset one queue.
NIC = f"virtio-net-pci,romfile=,disable-legacy=on,iommu_platform=on,queue_reset=on,mq=on,vectors={2 * QUEUES + 2}"

# Frames of AF_XDP leave behind an empty header that they share. When virtio_net is a module, the kernel (seen in 7.3)
# computes the header's address for the device as if it lay in the kernel's image, and the device reads another place: past
# the first GiB, as far as the header is past the start of the modules, and shifted by what KASLR has chosen at boot. Unless
# that place happens to be empty the device refuses all our frames. Here it is always the same one, and nobody's.
MEMORY = "1280"
KERNEL = (
    "console=ttyS0 quiet panic=-1 nowatchdog rcupdate.rcu_cpu_stall_suppress=1 mitigations=off nokaslr memmap=64M$0x40000000"
)

# In a namespace of its own: two taps, a bridge that floods as a hub does, and no word of the kernel's own on it.
WIRE = """
for scope in all default; do echo 1 >/proc/sys/net/ipv6/conf/$scope/disable_ipv6; done
ip link add wire type bridge ageing_time 0 mcast_snooping 0
for tap in tap0 tap1; do
  ip tuntap add $tap mode tap multi_queue vnet_hdr
  ip link set $tap master wire up
done
ip link set wire up
exec setpriv --pdeathsig KILL "$@"
"""


def binary():
    path = Path(os.environ.get("MYRIAD", ROOT / "build" / "release" / "myriad"))
    if not path.exists():
        raise SystemExit(f"guest: no {path}: scripts/test-zero-copy builds it")
    return path


def program(name):
    path = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if path is None:
        raise Unavailable(f"{name} is not installed: scripts/install-dependencies")
    return path


def build(archive, tests, linux):
    """Everything that the guest will see."""
    for name in ("proc", "sys", "dev", "run", "tmp", "root"):
        archive.folder(name)
    python = Path(sys.executable).resolve()
    archive.program(python)
    library = Path(sysconfig.get_paths()["stdlib"])
    archive.tree(library, without=PYTHON_WITHOUT)
    for name in PEERS:
        archive.program(program(name), f"/usr/bin/{name}")
    archive.program(binary(), "/myriad/bin/myriad")
    archive.content("/etc/passwd", b"root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n")
    archive.content("/etc/group", b"root:x:0:\nnogroup:x:65534:\n")
    archive.folder("/var/log/nginx")
    for folder in ("netns", "zerocopy"):
        archive.tree(ROOT / "tests" / folder, f"/myriad/tests/{folder}", without=("__pycache__",))
    modules = linux.modules("virtio_pci", "virtio_net", "veth", "xsk_diag")
    for name, content in modules:
        archive.content(f"/modules/{name}.ko", content)
    archive.content("/modules/order", "\n".join(name for name, _ in modules).encode())
    archive.content("/init", f"#!{python} -B\n".encode() + (HERE / "inside.py").read_bytes(), 0o755)
    archive.content("/myriad/tests.wanted", "\n".join(tests).encode())


def command(linux, archive, console):
    machine = [
        program(EMULATOR), "-machine", "q35", "-accel", "tcg,thread=multi", "-cpu", "max", "-smp", "2", "-m", MEMORY,
        "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
        "-kernel", linux.image, "-initrd", archive,
        "-append", KERNEL,
        "-serial", f"file:{console}", "-serial", "stdio",
    ]
    for number in range(2):
        machine += ["-netdev", f"tap,id=wire{number},ifname=tap{number},script=no,downscript=no,queues={QUEUES}",
                    "-device", f"{NIC},netdev=wire{number},mac=02:00:00:00:00:0{number + 1}"]
    return on_wire(*machine)


def on_wire(*words):
    """The command that runs another one where the wire is."""
    alone = ["--net"] if os.geteuid() == 0 else ["--net", "--map-root-user"]
    return [program("unshare"), *alone, "sh", "-ec", WIRE, "wire", *map(str, words)]


def check_wire():
    try:
        run(*on_wire("true"))
    except Unavailable as reason:
        raise Unavailable(f"no taps and bridge for the guest, which root may make: {reason}") from None


def boot(words, errors):
    """Runs the guest to its end and passes on what it prints; its exit code, or None when it did not come to that."""
    code = None
    with open(errors, "wb") as sink:
        emulator = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=sink)
    limit = threading.Timer(SECONDS, emulator.kill)
    limit.start()
    try:
        for line in emulator.stdout:
            text = line.decode(errors="replace").rstrip()
            ended = re.fullmatch(r"@guest exit (\d+)", text)
            if ended:
                code = int(ended[1])
            elif text:
                print(text, flush=True)
    finally:
        limit.cancel()
        emulator.kill()
        emulator.wait()
    return code


def main():
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="myriad-guest-") as work:
        files, console, errors = Path(work) / "files", Path(work) / "console", Path(work) / "errors"
        try:
            check_wire()
            linux = kernel()
            archive = Archive()
            build(archive, sys.argv[1:], linux)
            archive.write(files)
            words = command(linux, files, console)
        except Unavailable as reason:
            print(f"skipped: {reason}")
            return SKIPPED
        megabytes = files.stat().st_size >> 20
        print(f"guest: Linux {linux.version}, {megabytes} MiB of files, made in {time.monotonic() - started:.1f} s", flush=True)
        code = boot(words, errors)
        print(f"guest: {time.monotonic() - started:.1f} s in all")
        if code is None:
            print(f"guest: it did not come to its end, for which it has {SECONDS} s. Its last words:")
            for path in (console, errors):
                if path.exists():
                    print("\n".join(path.read_text(errors="replace").splitlines()[-25:]))
            return 1
        return code


if __name__ == "__main__":
    sys.exit(main())
