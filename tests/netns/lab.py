"""A small network of one's own: namespaces joined by veth pairs, with servers and Myriad in them.

Everything made here has a name with this process's number in it and is removed by close(), whatever happened. Nothing
touches the machine's own interfaces. Used by the tests of this folder and by bench/.

    port (10.77.0.1, fd77::1)  ──veth──  peer (10.77.0.2, fd77::2)
    namespace `here`: Myriad             namespace `there`: the kernel as peer
"""

import array
import contextlib
import ctypes
import hashlib
import itertools
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HERE4, THERE4 = "10.77.0.1", "10.77.0.2"
HERE6, THERE6 = "fd77::1", "fd77::2"
HERE_MAC, THERE_MAC = "02:00:00:00:00:01", "02:00:00:00:00:02"
FIRST_MAC = "02:4d:00:00:00:01"

CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)
_numbers = itertools.count()


def binary():
    """The myriad under test: MYRIAD of the environment, else the release build."""
    return os.environ.get("MYRIAD", str(ROOT / "build" / "release" / "myriad"))


def command(*words, **options):
    """Runs to the end; raises with the output when it fails."""
    if "input" not in options:
        options["stdin"] = subprocess.DEVNULL
    result = subprocess.run([str(w) for w in words], capture_output=True, text=True, **options)
    if result.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, words))}: exit {result.returncode}\n{result.stdout}{result.stderr}")
    return result.stdout


def wait_until(condition, seconds, what):
    """Polls until the condition is true; the deadline is a bound for a broken run, not an expectation."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds} s: {what}")
        time.sleep(0.005)


class Namespace:
    def __init__(self, lab, label):
        self.lab = lab
        self.name = f"myriad-{os.getpid()}-{next(_numbers)}-{label}"
        command("ip", "netns", "add", self.name)
        lab.on_close(self.remove)
        self.ip("link", "set", "lo", "up")

    def remove(self):
        subprocess.run(["ip", "netns", "del", self.name], stdin=subprocess.DEVNULL, capture_output=True)

    def ip(self, *words):
        return command("ip", "-n", self.name, *words)

    def batch(self, lines):
        command_lines = "".join(line + "\n" for line in lines)
        result = subprocess.run(["ip", "-n", self.name, "-batch", "-"], input=command_lines, capture_output=True, text=True)
        if result.returncode != 0:
            raise RuntimeError(result.stderr)

    def run(self, *words, timeout=60, **options):
        """Runs a program to its end inside; returns it with returncode, stdout, stderr."""
        options.setdefault("stdin", subprocess.DEVNULL)
        if "input" in options:
            del options["stdin"]
        return subprocess.run(self._words(words), capture_output=True, text=True, timeout=timeout, **options)

    def start(self, *words, **options):
        """Starts a program inside; it is killed at the end of the lab, if it still runs then."""
        options.setdefault("stdin", subprocess.DEVNULL)
        options.setdefault("stdout", subprocess.PIPE)
        options.setdefault("stderr", subprocess.PIPE)
        process = subprocess.Popen(self._words(words), **options)
        self.lab.on_close(lambda: end(process))
        return process

    def _words(self, words):
        return ["ip", "netns", "exec", self.name, *map(str, words)]

    @contextlib.contextmanager
    def entered(self):
        """Sockets opened in here belong to the namespace for as long as they live."""
        with open("/proc/self/ns/net") as before, open(f"/run/netns/{self.name}") as target:
            _setns(target.fileno())
            try:
                yield
            finally:
                _setns(before.fileno())

    def sysctl(self, name, value):
        with self.entered():
            Path("/proc/sys/net", *name.split(".")).write_text(f"{value}\n")


def _setns(descriptor):
    if _libc.setns(descriptor, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


def end(process, how=signal.SIGKILL):
    if process.poll() is None:
        process.send_signal(how)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=10)
    for stream in (process.stdout, process.stderr):
        if stream:
            stream.close()


class Lab:
    def __init__(self, queues=1, mtu=1500, addresses=True):
        self._cleanup = contextlib.ExitStack()
        self.queues = queues
        self.mtu = mtu
        try:
            self.folder = Path(tempfile.mkdtemp(prefix="myriad-lab-"))
            self.on_close(lambda: shutil.rmtree(self.folder, ignore_errors=True))
            self.here = Namespace(self, "here")
            self.there = Namespace(self, "there")
            self.join(self.here, "port", self.there, "peer", addresses)
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def on_close(self, what):
        self._cleanup.callback(what)

    def close(self):
        self._cleanup.close()

    def join(self, a, a_name, b, b_name, addresses=True):
        self.pair(a, a_name, b, b_name, HERE_MAC, THERE_MAC)
        if addresses:
            self.address(a, a_name, HERE4, HERE6)
            self.address(b, b_name, THERE4, THERE6)

    def pair(self, a, a_name, b, b_name, a_mac=None, b_mac=None):
        """Two ends of a wire, both up."""
        queues = ("numtxqueues", self.queues, "numrxqueues", self.queues)
        a.ip("link", "add", a_name, *queues, "type", "veth", "peer", "name", b_name, "netns", b.name, *queues)
        for space, name, mac in ((a, a_name, a_mac), (b, b_name, b_mac)):
            space.sysctl(f"ipv6.conf.{name}.accept_dad", 0)  # its addresses can be used at once
            space.sysctl(f"ipv6.conf.{name}.router_solicitations", 0)
            space.ip("link", "set", name, *(("address", mac) if mac else ()), "mtu", self.mtu)
        for space, name in ((a, a_name), (b, b_name)):
            space.ip("link", "set", name, "up")
        # A namespace ends when the kernel finds time; its neighbours, of which all namespaces share 1,024, go with the link.
        self.on_close(lambda: subprocess.run(["ip", "-n", a.name, "link", "del", a_name], capture_output=True))

    def address(self, space, name, v4, v6):
        space.ip("addr", "add", f"{v4}/16", "dev", name)
        space.ip("addr", "add", f"{v6}/64", "dev", name, "nodad")

    def file(self, name, content):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def tcpdump(self, space, interface, *words):
        """Starts a capture that misses nothing from now on. Returns what ends it and gives its file."""
        capture = self.folder / f"{interface}-{next(_numbers)}.pcap"
        dump = space.start("tcpdump", "-i", interface, "-w", capture, "-U", "--immediate-mode", "-s", 96, "-B", 65536, "-Z",
                           "root", *words)
        while b"listening on" not in (line := dump.stderr.readline()):
            if not line:
                raise AssertionError("tcpdump did not start")

        def finish():
            size = -1
            while size != (size := capture.stat().st_size):  # what it has yet to read
                time.sleep(0.3)
            interrupt(dump)
            return capture

        return finish

    # --- Myriad ---

    def scenario(self, text, name="scenario.yaml"):
        return self.file(name, text)

    def myriad(self, *words, space=None, timeout=60, cores=None):
        """Runs myriad to its end, in `here`."""
        return (space or self.here).run(*pinned(cores), binary(), *words, timeout=timeout)

    def start_myriad(self, *words, space=None, cores=None):
        """Starts myriad in `here`. Its stderr goes to a file, so that no pipe ever fills up."""
        log = self.folder / f"myriad-{next(_numbers)}.log"
        with open(log, "wb") as sink:
            process = (space or self.here).start(*pinned(cores), binary(), *words, stdout=sink, stderr=sink)
        process.log = log
        return process

    def run_scenario(self, text, *words, timeout=60, expect=0, cores=None):
        """Runs a scenario to its end and returns its result document."""
        result = self.folder / f"result-{next(_numbers)}.json"
        done = self.myriad("run", self.scenario(text), "--json", result, *words, timeout=timeout, cores=cores)
        if done.returncode != expect:
            raise AssertionError(f"exit {done.returncode}, not {expect}\n{done.stdout}\n{done.stderr}")
        return json.loads(result.read_text())

    def wait_for_answer(self, address, process=None, seconds=20, space=None):
        """Until `address` answers the kernel's ping from `there`; at once an error when the process has ended."""
        def answers():
            if process is not None and process.poll() is not None:
                raise AssertionError(f"myriad ended with {process.returncode}:\n{process.log.read_text()}")
            return (space or self.there).run("ping", "-n", "-q", "-c1", "-W1", address).returncode == 0

        wait_until(answers, seconds, f"{address} answers ping")


def sample(text, series):
    """The value of one series of an exposition of metrics, or None."""
    match = re.search(rf"(?m)^{re.escape(series)} (\S+)$", text)
    return float(match[1]) if match else None


def pinned(cores):
    return () if cores is None else ("taskset", "-c", str(cores))


def interrupt(process, seconds=20):
    """^C, and the exit code it makes."""
    process.send_signal(signal.SIGINT)
    return process.wait(timeout=seconds)


class Nginx:
    """One worker that serves files of `www` and the 64 bytes of /s, on every address of a namespace. With `logged` it
    writes down what it sent."""

    CONFIG = """
worker_processes 1;
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/nginx.err warn;
worker_rlimit_nofile 40000;
events {{ worker_connections 20000; multi_accept on; }}
http {{
  log_format sent "$status $body_bytes_sent";
  access_log {access_log};
  sendfile on;
  client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
  uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
  keepalive_timeout 600s; keepalive_requests 100000; client_header_timeout 600s; send_timeout 600s;
  reset_timedout_connection on;
  server {{
    listen 80 backlog=8192;
    listen [::]:80 backlog=8192;
    root {folder}/www;
    location = /s {{ return 200 "{body}"; }}
    location / {{ }}
  }}
}}
"""

    def __init__(self, lab, space=None, files=None, cores=None, logged=False):
        space = space or lab.there
        self.folder = lab.folder / f"nginx-{next(_numbers)}"
        (self.folder / "www").mkdir(parents=True)
        for path in (lab.folder, self.folder, self.folder / "www"):
            path.chmod(0o755)  # its worker is not root
        for name, content in (files or {}).items():
            (self.folder / "www" / name).write_bytes(content)
        space.sysctl("core.somaxconn", 8192)
        config = self.folder / "nginx.conf"
        log = f"{self.folder}/access.log sent" if logged else "off"
        config.write_text(self.CONFIG.format(folder=self.folder, body="0123456789abcdef" * 4, access_log=log))
        with open(self.folder / "log", "wb") as log:
            self.process = space.start(*pinned(cores), "nginx", "-p", self.folder, "-c", config, stdout=log, stderr=log)
        lab.on_close(self.stop)
        wait_until(lambda: self._listens(space), 10, "nginx listens")

    def _listens(self, space):
        if self.process.poll() is not None:
            raise AssertionError("nginx ended: " + (self.folder / "log").read_text())
        return ":80 " in space.run("ss", "-Hltn").stdout

    def sent(self):
        """(status, bytes of body) of every answer since it started."""
        lines = (self.folder / "access.log").read_text().splitlines()
        return [tuple(map(int, line.split())) for line in lines]

    def stop(self):
        end(self.process, signal.SIGTERM)  # the master ends its worker


def file_of(bytes_):
    """A file of that length that no two offsets of look alike, and its sha256."""
    content = b"".join(b"%015d\n" % n for n in range(bytes_ // 16 + 1))[:bytes_]
    return content, hashlib.sha256(content).hexdigest()


SCENARIO_SEED = 7  # of hosts_yaml()
BODY, SCRIPT = 0x626F6479, 0x736372697074  # what the seed is mixed with for bodies of services, and for send_bytes


def pattern(bytes_, use, seed=SCENARIO_SEED):
    """The bytes that Myriad makes from the seed instead of storing them, computed apart from it."""

    def mix(x):
        x = (x + 0x9E3779B97F4A7C15) & mask
        x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & mask
        x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & mask
        return x ^ (x >> 31)

    mask = (1 << 64) - 1
    first, words = mix(seed ^ use), array.array("Q")
    for index in range((bytes_ + 7) // 8):
        word = (first + index * 0x9E3779B97F4A7C15) & mask
        word = ((word ^ (word >> 32)) * 0xBF58476D1CE4E5B9) & mask
        words.append(word ^ (word >> 29))
    return words.tobytes()[:bytes_]


def reasons(work):
    """Why sessions of a workload failed, and how many."""
    return {reason: count for reason, count in work["failures"].items() if count}


def hosts_yaml(count=1000, ports="  lan: {interface: port}", extra="", v6=True):
    """The head of a scenario: one port, `count` clients beside the kernel's own addresses."""
    ipv6 = "\n    ipv6: fd77::1:1/64" if v6 else ""
    return f"""version: 1
seed: {SCENARIO_SEED}
ports:
{ports}
hosts:
  clients:
    port: lan
    count: {count}
    mac: {FIRST_MAC}
    ipv4: 10.77.1.1/16{ipv6}
{extra}"""


def host4(index):
    """IPv4 address of clients[index]."""
    number = (77 << 16) + (1 << 8) + 1 + index
    return f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


def host6(index):
    return f"fd77::1:{index + 1:x}"


def host_mac(index):
    return ":".join(f"{byte:02x}" for byte in (0x024D00000001 + index).to_bytes(6, "big"))


def fetch_yaml(load, servers=2):
    """The rest of hosts_yaml(): so many hosts with a web service, and all others fetch from the far side."""
    return f"""
  servers: {{port: lan, count: {servers}, mac: 02:4d:00:00:10:01, ipv4: 10.77.16.1/16}}
services:
  web: {{on: servers, port: 80, http: {{body: 1KiB}}}}
workloads:
  fetch:
    from: clients
    to: {THERE4}:80
    http: {{get: /s, verify: {{bytes: 64}}}}
    load: {load}
"""
