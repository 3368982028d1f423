"""The rules of the house, each a function that yields a Finding for every breach.

A rule reads a Tree: any folder laid out like the repository, so that the rules' own test can hand them small trees that
break one rule at a time. Run one rule with: lint.py RULE [ROOT].
"""

import concurrent.futures
import os
import re
import shutil
import subprocess
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import requirements


@dataclass(frozen=True)
class Finding:
    path: str
    line: int
    what: str

    def __str__(self):
        return f"{self.path}:{self.line}: {self.what}"


class CannotRun(Exception):
    """The rule needs a tool that is not here; says which."""


SKIPPED_FOLDERS = {"build", ".git", ".cache", "__pycache__"}
CODE = (".cc", ".h", ".c")


@dataclass
class Tree:
    root: Path
    compiler: str = "c++"
    include_options: list = field(default_factory=list)  # -I and -isystem of the build

    @cached_property
    def files(self):
        found = []
        for folder, folders, names in os.walk(self.root):
            folders[:] = sorted(f for f in folders if f not in SKIPPED_FOLDERS and not f.startswith("build-"))
            found += [os.path.relpath(os.path.join(folder, name), self.root) for name in sorted(names)]
        return found

    def of(self, *suffixes):
        return [path for path in self.files if path.endswith(suffixes)]

    @cached_property
    def _texts(self):
        return {}

    def text(self, path):
        if path not in self._texts:
            self._texts[path] = (self.root / path).read_text(encoding="utf-8", errors="replace")
        return self._texts[path]

    def lines(self, path):
        return enumerate(self.text(path).splitlines(), 1)

    def code(self, path):
        """Numbered lines without comments and string literals: what the compiler acts on. Keeps #include lines whole."""
        return enumerate(bare_code(self.text(path)).splitlines(), 1)

    @cached_property
    def scripts(self):
        """Files without a suffix that begin with a shell's or Python's #! line."""
        found = []
        for path in self.files:
            if Path(path).suffix == "" and self.text(path)[:64].startswith("#!"):
                found.append(path)
        return found


TOKEN = re.compile(
    r"""(?P<include>^[ \t]*\#[ \t]*include[^\n]*)
      | (?P<comment>//[^\n]*|/\*.*?\*/)
      | (?P<raw>R"(?P<mark>[^()\\\s]{0,16})\(.*?\)(?P=mark)")
      | (?P<string>"(?:\\.|[^"\\\n])*")
      | (?P<number>\b[0-9][0-9a-fA-FxX.']*)
      | (?P<char>'(?:\\.|[^'\\\n])+')""",
    re.VERBOSE | re.DOTALL | re.MULTILINE,
)


def bare_code(text):
    def bare(match):
        if match["include"] or match["number"]:
            return match[0]
        return "\n" * match[0].count("\n") or " "

    return TOKEN.sub(bare, text)


# --- who may include whom (DESIGN: the house) -------------------------------------------------------------------------

ROOMS = ("base", "stack", "craft", "link", "app", "capture", "xsk", "bpf", "templates", "engine", "report", "cli", "dpdk")
EVERYTHING = ROOMS + ("tests", "bench")

MAY_INCLUDE = {
    "base": ("base",),
    "stack/wire": ("base", "stack/wire"),
    "stack": ("base", "stack"),
    "craft": ("base", "stack/wire", "capture/link_type", "capture/record", "craft"),
    "link": ("base", "link"),
    "app": ("base", "stack", "app"),
    "capture": ("base", "capture"),
    "xsk": ("base", "xsk"),
    "bpf": ("base", "bpf"),
    "templates": ("base", "stack/wire", "craft", "capture", "app/dns_client", "app/dns_message", "app/dns_zone", "app/regex", "app/script", "templates"),
    "engine": ("base", "stack", "craft", "app", "link", "capture", "templates/plan", "engine"),
    "report": ("base", "engine/counters", "report"),
    "cli": EVERYTHING[:-2],
    "dpdk": ("base", "engine", "dpdk"),
    "tests": EVERYTHING,
    "bench": EVERYTHING,
}

INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)')


def room_of(path):
    """The longest key of MAY_INCLUDE that the path lies under; None for files outside every room."""
    names = [room for room in MAY_INCLUDE if path.startswith(room + "/")]
    return max(names, key=len, default=None)


def lies_under(included, allowed):
    return included.startswith(allowed + "/") or re.match(re.escape(allowed) + r"\.h$", included) is not None


def room_includes(tree):
    """A room includes only the rooms that the table of the house gives it, and by their path from the root."""
    for path in tree.of(*CODE):
        room = room_of(path)
        for number, line in tree.code(path):
            match = INCLUDE.match(line)
            if not match or not match[1]:
                continue
            included = match[1]
            if included.endswith(".skel.h"):  # the build makes it, beside no source
                continue
            if room == "tests" and str(Path(path).parent / included) in tree.files:  # what lies beside a test
                continue
            if room_of(included) is None:
                yield Finding(path, number, f'"{included}" is not a path from the root of the repository')
            elif room is None:
                yield Finding(path, number, "source outside every room")
            elif not any(lies_under(included, allowed) for allowed in MAY_INCLUDE[room]):
                yield Finding(path, number, f'{room} may not include "{included}": only {", ".join(MAY_INCLUDE[room])}')


@dataclass(frozen=True)
class Library:
    name: str
    headers: str      # regular expression on what stands between the angle brackets
    rooms: tuple      # where it may be included
    one_source: bool = False  # and there in a single .cc


LIBRARIES = (
    Library("yaml-cpp", r"yaml-cpp/", ("templates",), one_source=True),
    Library("libpcap", r"pcap(\.h|/)", ("cli",), one_source=True),
    Library("zlib", r"zlib\.h", ("capture",)),
    Library("nlohmann-json", r"nlohmann/", ("report", "cli")),
    Library("Boost", r"boost/", ("cli",)),
    Library("CLI11", r"CLI/", ("cli",)),
    Library("libxdp", r"xdp/", ("xsk",)),
    Library("libbpf", r"bpf/", ("bpf", "xsk")),
    Library("AF_XDP", r"linux/if_xdp\.h", ("xsk",)),
    Library("libnl", r"netlink/", ("bpf", "cli")),
    Library("RE2", r"re2/", ("app",), one_source=True),
    Library("OpenSSL", r"openssl/", ("app", "cli")),
    Library("GoogleTest", r"(gtest|gmock)/", ()),
    Library("RapidCheck", r"rapidcheck", ()),
    Library("Google Benchmark", r"benchmark/", ()),
)

# Hosts know no device: no system calls, threads, clocks, logs or files there.
PURE_ROOMS = ("base", "stack", "stack/wire", "craft", "link", "app")
IMPURE = re.compile(
    r"(sys/|net/|netinet/|netpacket/|arpa/|linux/|unistd\.h|fcntl\.h|poll\.h|pthread\.h|sched\.h|signal\.h|time\.h|ctime$"
    r"|csignal$|thread$|atomic$|mutex$|shared_mutex$|condition_variable$|future$|stop_token$|semaphore$|latch$|barrier$"
    r"|iostream$|fstream$|filesystem$|random$|syslog\.h)"
)

PURE_USES = {
    ("base/addr.cc", "arpa/inet.h"),  # text of addresses: inet_ntop and inet_pton are functions of bytes
    ("base/pages.cc", "sys/mman.h"),  # memory, as malloc() gets it
}


def library_includes(tree):
    """Each library stays in the rooms that wrap it; rooms without a device include nothing of the system."""
    homes = {}
    for path in tree.of(*CODE):
        room = room_of(path)
        if room in (None, "tests", "bench"):
            continue
        for number, line in tree.code(path):
            match = INCLUDE.match(line)
            if not match or not match[2]:
                continue
            included = match[2]
            if room in PURE_ROOMS and IMPURE.match(included) and (path, included) not in PURE_USES:
                yield Finding(path, number, f"{room} is pure and may not include <{included}>")
            for library in LIBRARIES:
                if not re.match(library.headers, included):
                    continue
                if room.split("/")[0] not in library.rooms:
                    where = ", ".join(library.rooms) or "tests and bench"
                    yield Finding(path, number, f"{library.name} belongs to {where}, not to {room}")
                elif library.one_source:
                    if not path.endswith(".cc"):
                        yield Finding(path, number, f"{library.name} stays inside one .cc, not in a header")
                    homes.setdefault(library.name, {}).setdefault(path, number)
    for name, paths in homes.items():
        for path, number in list(paths.items())[1:]:
            yield Finding(path, number, f"{name} is already included by {next(iter(paths))}; it stays in one .cc")


# --- words that belong to one place -----------------------------------------------------------------------------------


def words(tree, paths, pattern, what, allowed=lambda path: False):
    expression = re.compile(pattern)
    for path in paths:
        if allowed(path):
            continue
        for number, line in tree.code(path):
            match = expression.search(line)
            if match:
                yield Finding(path, number, f"{match[0].strip()}: {what}")


def byte_order(tree):
    """Byte order lives in base/bytes.h only; no packed struct is laid over bytes. (An XDP program is no C++.)"""
    pattern = (
        r"\b(htons|htonl|ntohs|ntohl|htobe\d+|be\d+toh|htole\d+|le\d+toh|bswap_\d+|__builtin_bswap\d+)\b"
        r"|__attribute__\s*\(\(.*\bpacked\b|#\s*pragma\s+pack\b|\[\[gnu::packed\]\]"
    )
    allowed = lambda path: path == "base/bytes.h" or path.endswith(".bpf.c")
    yield from words(tree, tree.of(*CODE), pattern, "byte order lives in base/bytes.h", allowed)


NO_CLOCK_ROOMS = ("base/", "stack/", "craft/", "link/", "app/", "templates/", "bpf/", "xsk/", "capture/", "report/")


def in_rooms(tree, rooms):
    return [path for path in tree.of(*CODE) if path.startswith(rooms)]


def clocks(tree):
    """Nothing below the engine reads a clock: time is a parameter."""
    pattern = (
        r"\b(clock_gettime|gettimeofday|ftime|timespec_get|__rdtscp?|rdtscp?|_rdtsc)\b"
        r"|\b(steady|system|high_resolution|utc|file)_clock::now\b|\bClock::now\b|(?<![\w.>])(std::)?time\s*\(\s*(NULL|nullptr|0|&)"
    )
    yield from words(tree, in_rooms(tree, NO_CLOCK_ROOMS), pattern, "nothing below the engine reads a clock")


def luck(tree):
    """Chance comes from base/rng.h, as a parameter, so that a run repeats. Only cli may draw a seed."""
    everywhere = r"(?<![\w.>:])(std::)?s?rand\s*\(|\b[dejlmn]rand48\b|\brandom_shuffle\b|\bmt19937|\bdefault_random_engine\b"
    yield from words(tree, tree.of(*CODE), everywhere, "chance comes from base/rng.h")
    seeds = r"\brandom_device\b|\bgetrandom\b|\bgetentropy\b|\barc4random"
    outside = lambda path: path.startswith("cli/")
    yield from words(tree, tree.of(*CODE), seeds, "a seed is drawn in cli and handed down", outside)


# milestones tell shards which workloads are over, tap is the ring on which captured frames leave a shard, replay_feed the one on which captures come to it, replay_start tells when both sides of one begin; libbpf has one place for the whole process to print to.
THREAD_PLACES = re.compile(
    r"^(engine/(mailbox|counters|milestones|snapshot|tap|row_feed|replay_feed|replay_start)\.(h|cc)|xsk/ring\.(h|cc)|bpf/libbpf_log\.cc|cli/.*|tests/.*|bench/.*)$"
)


def threads(tree):
    """Threads meet in the engine's mailbox, counters and feeds, and in the rings; cli starts them, and a feed its reader. Nowhere else."""
    pattern = (
        r"\bstd::(jthread|thread|mutex|shared_mutex|recursive_mutex|condition_variable|atomic\w*|future|promise|async|barrier"
        r"|latch|counting_semaphore|binary_semaphore|call_once|once_flag|lock_guard|unique_lock|scoped_lock)\b"
        r"|\bpthread_\w+|\b__atomic_\w+|\b__sync_\w+|\b_Atomic\b|\bthread_local\b"
    )
    allowed = lambda path: THREAD_PLACES.match(path) is not None or path.endswith(".bpf.c")
    yield from words(tree, tree.of(*CODE), pattern, "threads meet in engine/mailbox, engine/counters, feeds of files and the rings", allowed)


# --- shape of files ---------------------------------------------------------------------------------------------------

LINES_MAX = 600


def file_length(tree):
    """A file over 600 lines has two subjects."""
    for path in tree.of(*CODE, ".py", ".cmake", "CMakeLists.txt") + tree.scripts:
        count = len(tree.text(path).splitlines())
        if count > LINES_MAX:
            yield Finding(path, count, f"{count} lines: a file over {LINES_MAX} has two subjects")


def pragma_once(tree):
    """Every header is guarded, and opens with words: what it is, who owns what, what it refuses."""
    for path in tree.of(".h"):
        if not re.search(r"^#pragma once$", tree.text(path), re.MULTILINE):
            yield Finding(path, 1, "no #pragma once")
        if not tree.text(path).startswith(("//", "/*")):
            yield Finding(path, 1, "a header opens with a few lines that say what it is")


MACHINE_PATH = re.compile(r"(?<![\w.\-}$\])])/(home|work|farm|Users|root|mnt|media)/[\w.]")


def text_files(tree):
    for path in tree.files:
        if path.endswith((".pcap", ".pcapng", ".cap", ".bin", ".png", ".gz")):
            continue
        if "\0" not in tree.text(path)[:4096]:
            yield path


def machine_paths(tree):
    """No file knows the machine it was written on."""
    for path in text_files(tree):
        for number, line in tree.lines(path):
            match = MACHINE_PATH.search(line)
            if match:
                yield Finding(path, number, f"{match[0]}…: an absolute path of one machine")


UNFINISHED = re.compile(r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "X" * 3, "HA" + "CK")) + r")\b")


def unfinished(tree):
    """What is not done is not there: no marks of unfinished work."""
    for path in text_files(tree):
        for number, line in tree.lines(path):
            match = UNFINISHED.search(line)
            if match:
                yield Finding(path, number, f"{match[0]}: finish it or leave it out")


VAGUE = {"util", "utils", "common", "helper", "helpers", "manager", "ctx", "pkt", "buf", "misc", "stuff"}


def file_names(tree):
    """Names say what is inside: lower case with underscores, and none of the words that fit everything."""
    for path in tree.of(*CODE, ".py", ".cmake"):
        parts = Path(path).parts
        for word in re.split(r"[/_.\-]", path.lower()):
            if word in VAGUE:
                yield Finding(path, 1, f"'{word}' says nothing about what is inside")
        if path.endswith(CODE) and not re.fullmatch(r"[a-z0-9_]+(\.bpf)?\.(cc|h|c)", parts[-1]):
            yield Finding(path, 1, "files are named in snake_case")


def registered(tree):
    """Every source is compiled and every folder of tests is run: CMake knows them by name."""
    for path in tree.of(".cc", ".c", "_test.py"):
        folder = Path(path).parent
        known = False
        while not known and folder != Path("."):
            lists = str(folder / "CMakeLists.txt")
            if lists in tree.files:
                name = os.path.relpath(path, folder)
                stem = name.removesuffix(".cc").removesuffix(".c").removesuffix(".py")
                text = re.sub(r"#[^\n]*", "", tree.text(lists))
                known = re.search(rf"(?<![\w/]){re.escape(stem)}(?!\w)", text) is not None or re.search(
                    r"file\s*\(\s*GLOB[^)]*\*", text
                ) is not None
            folder = folder.parent
        if not known:
            yield Finding(path, 1, "named in no CMakeLists.txt: it is not built or not run")
    for folder in sorted({Path(path).parts[1] for path in tree.files if re.match(r"tests/[^/]+/", path)}):
        lists = f"tests/{folder}/CMakeLists.txt"
        if lists not in tree.files:
            yield Finding(f"tests/{folder}", 1, "has no CMakeLists.txt: its tests do not run")
        elif not re.search(r"\b(myriad_test|add_test|gtest_discover_tests|myriad_\w*test\w*|myriad_fuzz\w*)\s*\(", tree.text(lists)):
            yield Finding(lists, 1, "registers no test")


# --- with tools -------------------------------------------------------------------------------------------------------


def in_parallel(function, items):
    with concurrent.futures.ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        yield from pool.map(function, items)


def tool(name):
    found = shutil.which(name)
    if not found:
        raise CannotRun(f"{name} is not installed")
    return found


def run(command, cwd, text=None):
    return subprocess.run(command, cwd=cwd, input=text, capture_output=True, text=True, errors="replace")


DIAGNOSTIC = re.compile(r"^(?:\./)?([^\s:]+):(\d+):(?:\d+:)? (.*)")


def findings_of(path, output):
    """The first complaint of a tool about a file, else its whole output."""
    for line in output.splitlines():
        match = DIAGNOSTIC.match(line)
        if match and "error" in line:
            inside = not match[1].startswith("/")
            return Finding(match[1], int(match[2]), match[3]) if inside else Finding(path, 1, line)
    return Finding(path, 1, " ".join(output.split())[:300] or "the tool failed and said nothing")


def first_include(tree, path):
    for _, line in tree.code(path):
        if match := INCLUDE.match(line):
            return match[1]
    return None


def headers_alone(tree):
    """Every header compiles by itself, in any order of inclusion."""
    # Where x.cc includes "x.h" before anything else, the build has already shown it for x.h.
    shown = {path[:-3] + ".h" for path in tree.of(".cc") if first_include(tree, path) == path[:-3] + ".h"}
    command = [tree.compiler, "-std=c++20", "-fsyntax-only", "-O0", "-I.", *tree.include_options, "-x", "c++", "-"]
    system = [f"-idirafter{folder}" for folder in sorted(Path("/usr/include").glob("*-linux-gnu"))]
    xdp_command = ["clang", "-target", "bpf", "-fsyntax-only", "-I.", *system, "-x", "c", "-"]

    def compile_header(path):
        chosen = xdp_command if path.endswith(".bpf.h") else command
        result = run(chosen, tree.root, f'#include "{path}"\n')
        return None if result.returncode == 0 else findings_of(path, result.stderr)

    tool(tree.compiler)
    for finding in in_parallel(compile_header, [path for path in tree.of(".h") if path not in shown]):
        if finding:
            yield finding


def layout(tree):
    """clang-format has nothing to change."""
    program = tool("clang-format")

    def check(path):
        result = run([program, "--dry-run", "-Werror", path], tree.root)
        return None if result.returncode == 0 else findings_of(path, result.stderr)

    for finding in in_parallel(check, tree.of(*CODE)):
        if finding:
            yield finding


def shell(tree):
    """shellcheck has nothing to say about any script, and all of them stop at the first error."""
    program = tool("shellcheck")
    for path in tree.scripts + tree.of(".sh"):
        if not re.match(r"#!.*\b(bash|sh)\b", tree.text(path)):
            continue
        if "set -euo pipefail" not in tree.text(path):
            yield Finding(path, 1, "no set -euo pipefail")
        result = run([program, "--format=gcc", path], tree.root)
        for line in result.stdout.splitlines():
            match = re.match(r"([^:]+):(\d+):\d+: (.*)", line)
            yield Finding(match[1], int(match[2]), match[3]) if match else Finding(path, 1, line)


def python(tree):
    """Every Python file parses, and imports nothing but the standard library and our own modules."""
    import ast
    import sys

    ours = {Path(path).stem for path in tree.of(".py")}
    for path in tree.of(".py") + [p for p in tree.scripts if "python" in tree.text(p).split("\n", 1)[0]]:
        try:
            module = ast.parse(tree.text(path), path)
        except SyntaxError as error:
            yield Finding(path, error.lineno or 1, error.msg)
            continue
        for node in ast.walk(module):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                names = [node.module]
            for name in names:
                top = name.split(".")[0]
                if top not in sys.stdlib_module_names and top not in ours:
                    yield Finding(path, node.lineno, f"import of {top}: the standard library is enough")


def tcp_table(tree):
    """docs/tcp.md has every requirement of RFC 9293 once, and every proof that it names exists."""
    if requirements.DOCUMENT not in tree.files:
        return
    for line, what in requirements.problems(tree):
        yield Finding(requirements.DOCUMENT, line, what)


RULES = {
    rule.__name__: rule
    for rule in (
        room_includes, library_includes, byte_order, clocks, luck, threads, file_length, pragma_once, machine_paths,
        unfinished, file_names, registered, headers_alone, layout, shell, python,
        tcp_table,
    )
}
