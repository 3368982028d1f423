"""The first file system of the guest: files of this machine, in an archive that the kernel unpacks into memory."""

import fnmatch
import os
import re
import stat
import subprocess
from pathlib import Path


class Archive:
    """Collects files, then writes them as the kernel reads them (cpio, "newc"; uncompressed, which an emulated machine
    reads soonest)."""

    def __init__(self):
        self._entries = {}  # path inside, without the leading slash -> (mode, time, content or path of the content)

    def folder(self, path):
        path = Path(path)
        for part in [*reversed(path.parents), path]:
            name = str(part).lstrip("/")
            if name not in ("", "."):
                self._entries.setdefault(name, (stat.S_IFDIR | 0o755, 0, b""))

    def content(self, path, content, mode=0o644):
        self.folder(Path(path).parent)
        self._entries[str(path).lstrip("/")] = (stat.S_IFREG | mode, 0, content)

    def file(self, source, path=None):
        """A file of this machine, at its own place unless `path` says another. Links are followed."""
        source, path = Path(source), Path(path or source)
        self.folder(path.parent)
        facts = source.stat()
        self._entries[str(path).lstrip("/")] = (facts.st_mode, int(facts.st_mtime), source)

    def program(self, source, path=None):
        """A program or library, with the libraries that it needs."""
        self.file(source, path)
        for library in libraries(source):
            self.file(library)

    def tree(self, source, path=None, without=()):
        """All files below a folder, but those whose name, or that of a folder they are in, is like one of `without`."""

        def wanted(names):
            return [name for name in names if not any(fnmatch.fnmatchcase(name, pattern) for pattern in without)]

        source = Path(source)
        for here, folders, names in os.walk(source):
            folders[:] = wanted(folders)
            for name in wanted(names):
                inside = Path(path or source) / Path(here).relative_to(source) / name
                if name.endswith(".so") or ".so." in name:
                    self.program(Path(here) / name, inside)
                elif (Path(here) / name).is_file():
                    self.file(Path(here) / name, inside)

    def write(self, target):
        with open(target, "wb") as out:
            for number, (name, (mode, time, content)) in enumerate(sorted(self._entries.items()), 1):
                _entry(out, name, number, mode, time, content.read_bytes() if isinstance(content, Path) else content)
            _entry(out, "TRAILER!!!", 0, 0, 0, b"")


def _entry(out, name, number, mode, time, content):
    encoded = name.encode() + b"\0"
    links, nothing = 1, 0
    fields = (number, mode, nothing, nothing, links, time, len(content), *[nothing] * 4, len(encoded), nothing)
    out.write(b"070701" + b"".join(b"%08x" % field for field in fields) + encoded)
    out.write(bytes(-out.tell() % 4))
    out.write(content)
    out.write(bytes(-out.tell() % 4))


def libraries(program):
    """Paths of the shared libraries that a program needs, the loader included."""
    done = subprocess.run(["ldd", str(program)], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    return re.findall(r"(?:=> |^\s*)(/\S+)", done.stdout, re.MULTILINE)
