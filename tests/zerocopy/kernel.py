"""The kernel of the guest: Debian's cloud kernel, unpacked once into ~/.cache/myriad and used from there ever after.

It is new, because virtio sends in zero-copy only since Linux 6.13, and Debian 12's own is 6.1. It comes from the very
archive that apt is configured with; the machine's own package lists are neither read for it nor changed.
"""

import lzma
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

SUITE, PACKAGE = "trixie-backports", "linux-image-cloud-amd64"
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")


class Unavailable(Exception):
    """There is no guest to be had here; says why."""


def run(*words, **options):
    try:
        done = subprocess.run([str(w) for w in words], stdin=subprocess.DEVNULL, capture_output=True, text=True, **options)
    except FileNotFoundError as missing:
        raise Unavailable(f"{missing.filename} is not installed: scripts/install-dependencies") from None
    if done.returncode != 0:
        last = "\n".join((done.stdout + done.stderr).strip().splitlines()[-5:])
        raise Unavailable(f"{words[0]} failed: {last}")
    return done.stdout


def cache_folder():
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "myriad" / "guest"


class Kernel:
    """`image` to boot, and its modules."""

    def __init__(self, folder):
        self.folder = folder
        images = sorted(folder.rglob("vmlinuz*"))
        modules = sorted(folder.rglob("lib/modules/*/kernel"))
        if not images or not modules:
            raise Unavailable(f"{folder} holds no kernel: remove it, and it is fetched again")
        self.image = images[0]
        self.version = modules[0].parent.name
        self._modules = {path.name.split(".")[0].replace("-", "_"): path for path in modules[0].rglob("*.ko*")}

    def modules(self, *names):
        """(name, content) of these and what they depend on, in the order to load them. A name that is no module is
        built in."""
        content = {}

        def need(name):
            name = name.replace("-", "_")
            path = self._modules.get(name)
            if path is None or name in content:
                return
            packed = path.read_bytes()
            module = lzma.decompress(packed) if path.suffix == ".xz" else packed
            depends = re.search(rb"\0depends=([^\0]*)\0", module)
            for other in depends[1].decode().split(",") if depends else ():
                need(other)
            content[name] = module

        for name in names:
            need(name)
        return list(content.items())


def kernel():
    """The one of the cache, else fetched into it."""
    folder = cache_folder() / f"{PACKAGE}-{SUITE}"
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as work:
            unpacked = fetch(Path(work))
            try:
                unpacked.rename(folder)  # whole or not at all
            except OSError:
                if not folder.exists():  # somebody else was quicker
                    raise
    return Kernel(folder)


def fetch(work):
    """Downloads and unpacks the kernel below `work`."""
    architecture = run("dpkg", "--print-architecture").strip()
    if architecture != "amd64":
        raise Unavailable(f"the guest is an amd64 machine, this one is {architecture}")
    apt = PrivateApt(work / "apt", f"{archive()} {SUITE} main")
    packages = work / "packages"
    packages.mkdir()
    run("apt-get", *apt.options, "-qq", "download", *apt.parts_of(PACKAGE), cwd=packages)
    unpacked = work / "kernel"
    for package in sorted(packages.glob("*.deb")):
        run("dpkg-deb", "-x", package, unpacked)
    shutil.rmtree(unpacked / "usr" / "share", ignore_errors=True)
    return unpacked


def archive():
    """Where this machine has Debian from, as apt tells it."""
    form = "$(REPO_URI)|$(RELEASE)|$(COMPONENT)|$(ORIGIN)|$(LABEL)"
    codename = re.search(r"^VERSION_CODENAME=(\w+)", Path("/etc/os-release").read_text(), re.MULTILINE)
    plain = None
    for line in run("apt-get", "indextargets", "--format", form, "Created-By: Packages").splitlines():
        address, release, component, origin, label = line.split("|")
        if component != "main":
            continue
        if (origin, label) == ("Debian", "Debian"):
            return address
        if plain is None and codename and release == codename[1]:  # no lists yet: their origin is not known
            plain = address
    if plain is None:
        raise Unavailable("apt has no source of Debian itself: see /etc/apt/sources.list.d")
    return plain


class PrivateApt:
    """Lists and settings of its own, in `folder`, with one source."""

    def __init__(self, folder, source):
        for name in ("lists/partial", "cache/archives/partial", "nothing"):
            (folder / name).mkdir(parents=True)
        (folder / "status").touch()
        signed = f"[signed-by={KEYRING}] " if KEYRING.exists() else ""
        (folder / "sources.list").write_text(f"deb {signed}{source}\n")
        settings = {
            "Dir::Etc::sourcelist": folder / "sources.list",
            "Dir::Etc::sourceparts": folder / "nothing",
            "Dir::Etc::preferences": folder / "nothing" / "none",
            "Dir::Etc::preferencesparts": folder / "nothing",
            "Dir::State": folder,
            "Dir::State::status": folder / "status",
            "Dir::Cache": folder / "cache",
            "Acquire::Languages": "none",
            "Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled": "false",
            "Acquire::Retries": "3",
            "APT::Sandbox::User": "root",  # others may not look into our folder
        }
        self.options = [f"-o{key}={value}" for key, value in settings.items()]
        run("apt-get", *self.options, "-qq", "update")

    def parts_of(self, package):
        """The package and those it depends on that are parts of the same kernel: image, modules."""
        parts, more = [], [package]
        while more:
            part = more.pop()
            if part in parts:
                continue
            parts.append(part)
            description = run("apt-cache", *self.options, "show", "--no-all-versions", part)
            depends = re.search(r"^Depends: (.*)$", description, re.MULTILINE)
            more += re.findall(r"\blinux-(?:image|binary|modules)-[^ ,|]+", depends[1]) if depends else []
        return parts
