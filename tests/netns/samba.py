"""A real file server of one's own: smbd in a namespace, with everything it writes in the folder of the lab.

It serves three shares: `public` (guests, read only), `drop` (guests, writable) and `private` (USER with PASSWORD).
"""

import contextlib
import os
import signal

import lab

USER, PASSWORD = "daemon", "Wednesday-7"  # an account that every Debian has

CONFIG = """
[global]
  workgroup = LAB
  netbios name = FILER
  server role = standalone server
  map to guest = Bad User
  guest account = nobody
  security = user
  smb ports = 445
  disable netbios = yes
  load printers = no
  printing = bsd
  printcap name = /dev/null
  disable spoolss = yes
  dns proxy = no
  log level = 0
  log file = {folder}/log/smbd
  pid directory = {folder}/pid
  lock directory = {folder}/lock
  state directory = {folder}/state
  cache directory = {folder}/cache
  private dir = {folder}/private
  ncalrpc dir = {folder}/ncalrpc
  passdb backend = tdbsam:{folder}/private/passdb.tdb
  server min protocol = SMB2_02
  {extra}
[public]
  path = {folder}/share
  guest ok = yes
  guest only = yes
  read only = yes
[drop]
  path = {folder}/drop
  guest ok = yes
  guest only = yes
  read only = no
[private]
  path = {folder}/share
  valid users = {user}
  read only = yes
"""


class Samba:
    def __init__(self, net, files=None, extra=(), cores=None):
        self.net = net
        self.folder = net.folder / "samba"
        for name in ("log", "pid", "lock", "state", "cache", "private", "ncalrpc", "share", "drop"):
            (self.folder / name).mkdir(parents=True)
        for path in (net.folder, self.folder, self.folder / "share"):
            path.chmod(0o755)  # guests are not root
        (self.folder / "drop").chmod(0o777)
        for name, content in (files or {}).items():
            path = self.folder / "share" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        self.config = self.folder / "smb.conf"
        self.config.write_text(CONFIG.format(folder=self.folder, user=USER, extra="\n  ".join(extra)))
        lab.command("smbpasswd", "-c", self.config, "-a", "-s", USER, input=f"{PASSWORD}\n{PASSWORD}\n")
        net.there.sysctl("core.somaxconn", 8192)
        with open(self.folder / "output", "wb") as output:
            self.process = net.there.start(*lab.pinned(cores), "smbd", "--foreground", "--no-process-group",
                                           f"--configfile={self.config}", stdout=output, stderr=output,
                                           start_new_session=True)
        net.on_close(self.kill)
        lab.wait_until(self._listens, 20, "smbd listens")

    def _listens(self):
        if self.process.poll() is not None:
            raise AssertionError("smbd ended: " + (self.folder / "output").read_text())
        return ":445 " in self.net.there.run("ss", "-Hltn").stdout

    def kill(self):
        """Every process of it: there is one for each connection."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        lab.end(self.process)
