"""docs/tcp.md against the tree: the table of RFC 9293 is whole, and every proof that any table names exists.

A proof is written in backquotes: FOLDER/FILE.pkt is a script of tests/scripts, Suite.Test a GoogleTest of tests/ (or a
test of tests/netns). Used by the rule tcp_table.
"""

import re

DOCUMENT = "docs/tcp.md"
# What appendix B of RFC 9293 counts up to.
HIGHEST = {"MUST": 69, "SHLD": 31, "MAY": 18, "REC": 1}
STATUSES = ("yes", "partly", "no")

HEADING = re.compile(r"##+ (.*)")
REQUIREMENT = re.compile(r"(MUST|SHLD|MAY|REC)-(\d+)")
PROOF = re.compile(r"`([a-z0-9_]+/[a-z0-9_]+\.pkt|[A-Z]\w*\.\w+)`")
GTEST = re.compile(r"\bTEST(?:_F|_P)?\(\s*(\w+)\s*,\s*(\w+)\s*\)")
PYTHON_CLASS = re.compile(r"^class (\w+)\(", re.MULTILINE)
PYTHON_TEST = re.compile(r"^    def (test_\w+)\(", re.MULTILINE)


def proofs_of(tree):
    """Every name that may stand in the document."""
    names = set()
    for path in tree.files:
        if path.startswith("tests/scripts/") and path.endswith(".pkt"):
            names.add(path.removeprefix("tests/scripts/"))
        elif path.startswith("tests/") and path.endswith(".cc"):
            names.update(f"{suite}.{test}" for suite, test in GTEST.findall(tree.text(path)))
        elif path.startswith("tests/netns/") and path.endswith(".py"):
            parts = PYTHON_CLASS.split(tree.text(path))
            for suite, body in zip(parts[1::2], parts[2::2]):
                names.update(f"{suite}.{test}" for test in PYTHON_TEST.findall(body))
    return names


def rows_of(tree):
    """(line, section, cells) of every row of every table, without those that head it."""
    section = ""
    for number, line in tree.lines(DOCUMENT):
        if heading := HEADING.fullmatch(line):
            section = heading[1]
        elif line.startswith("|") and not line.startswith(("| requirement", "| section", "|---")):
            yield number, section, [cell.strip() for cell in line.strip("|").split("|")]


def problems(tree):
    """(line, what is wrong)."""
    known = proofs_of(tree)
    seen = {}
    for number, section, cells in rows_of(tree):
        if len(cells) != 4:
            yield number, "a row has four cells: requirement, what it asks for, status, proof or reason"
            continue
        name, _, status, ground = cells
        if status not in STATUSES:
            yield number, f"'{status}' is none of {', '.join(STATUSES)}"
        proofs = PROOF.findall(ground)
        for proof in proofs:
            if proof not in known:
                yield number, f"{proof} does not exist"
        reason = re.sub(r"\W+", " ", PROOF.sub("", ground)).strip()
        if section.startswith("RFC 9293"):
            identifier = REQUIREMENT.fullmatch(name)
            if not identifier or not 1 <= int(identifier[2]) <= HIGHEST[identifier[1]]:
                yield number, f"'{name}' is no requirement of RFC 9293"
            elif name in seen:
                yield number, f"{name} has a row already, in line {seen[name]}"
            seen[name] = number
        obliged = name.startswith("MUST") or not section.startswith("RFC 9293")
        if status == "yes" and obliged and not proofs:
            yield number, f"{name} is said to be kept, and nothing proves it"
        if status == "partly" and not (proofs and reason):
            yield number, f"{name} is kept in part: a proof of that part and the reason for the rest are needed"
        if status == "no" and not reason:
            yield number, f"{name} is not kept, and no reason is given"
    for kind, highest in HIGHEST.items():
        for count in range(1, highest + 1):
            if f"{kind}-{count}" not in seen:
                yield 1, f"{kind}-{count} has no row"
