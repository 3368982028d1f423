"""lint.py RULE ROOT [--compiler CXX] [--commands compile_commands.json]: one rule of the house over the tree at ROOT.

Exit code 0: nothing found; 1: findings, one a line; 77: the tool that the rule needs is not here.
"""

import argparse
import json
import shlex
import sys
from pathlib import Path

import rules


def include_options(commands):
    """Every -I and -isystem folder that the build uses, once."""
    options = {}
    for entry in json.loads(commands.read_text()):
        words = shlex.split(entry["command"])
        for index, word in enumerate(words):
            if word == "-isystem":
                options[("-isystem", words[index + 1])] = None
            elif word.startswith("-I") and len(word) > 2:
                options[("-I", word[2:])] = None
    return [part for option in options for part in (option if option[0] == "-isystem" else ["".join(option)])]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rule", choices=sorted(rules.RULES))
    parser.add_argument("root", type=Path)
    parser.add_argument("--compiler", default="c++")
    parser.add_argument("--commands", type=Path)
    arguments = parser.parse_args()

    options = include_options(arguments.commands) if arguments.commands else []
    tree = rules.Tree(arguments.root.resolve(), arguments.compiler, options)
    try:
        findings = list(rules.RULES[arguments.rule](tree))
    except rules.CannotRun as reason:
        print(f"skipped: {reason}")
        return 77
    for finding in findings:
        print(finding)
    if findings:
        print(f"{len(findings)} breaches of: {rules.RULES[arguments.rule].__doc__}")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
