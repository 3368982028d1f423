"""What the bench scripts share: where programs are, repeats with median and spread, a small table."""

import argparse
import json
import os
import statistics
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "netns"))

import lab  # noqa: E402  (its folder is known only now)

MYRIAD_CORE, PEER_CORE = 0, 1


def arguments(description, repeats, **more):
    """Command line: --repeats, --build, and one option for each keyword (its value is the default)."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--repeats", type=int, default=repeats, help="how often each figure is taken")
    parser.add_argument("--build", type=Path, default=ROOT / "build" / "release", help="folder with myriad and bench/")
    parser.add_argument("--json", type=Path, help="write the figures there as well")
    for name, default in more.items():
        parser.add_argument("--" + name.replace("_", "-"), type=type(default), default=default, help=" ")
    parsed = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit(f"{sys.argv[0]}: namespaces and AF_XDP need root: sudo {sys.argv[0]}")
    missing = [p for p in (parsed.build / "myriad", parsed.build / "bench") if not p.exists()]
    if missing:
        sys.exit(f"{sys.argv[0]}: {missing[0]} is not built: cmake --preset release && cmake --build --preset release")
    os.environ["MYRIAD"] = str(parsed.build / "myriad")
    return parsed


def program(parsed, name):
    return parsed.build / "bench" / name


def summary(values, form="{:,.0f}"):
    """Median, and the least and the greatest."""
    middle = statistics.median(values)
    return f"{form.format(middle)} [{form.format(min(values))}..{form.format(max(values))}]"


def table(rows, repeats):
    """Prints rows of (what, figure); the figures are medians with the spread of the repeats."""
    width = max(len(what) for what, _ in rows)
    print(f"{'':{width}}  median [least..greatest] of {repeats}")
    for what, figure in rows:
        print(f"{what:{width}}  {figure}")


def save(parsed, figures):
    if parsed.json:
        parsed.json.write_text(json.dumps(figures, indent=1) + "\n")


def kib_of(process, field):
    """A memory figure of /proc/PID/status, in KiB."""
    for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1])
    raise KeyError(field)
