"""Proof that every rule can fail: each breaks in a small tree of its own, and holds in the same tree mended."""

import os
import shutil
import tempfile
import unittest
from pathlib import Path

import requirements
import rules

CXX = os.environ.get("CXX", "c++")
GOOD_HEADER = "// What it is.\n#pragma once\n"
MARK = "TO" + "DO"

# rule: [(path, content that breaks it, content that keeps it)]
CASES = {
    "room_includes": [
        ("base/a.h", '#include "stack/b.h"\n', '#include "base/b.h"\n'),
        ("stack/wire/a.h", '#include "stack/b.h"\n', '#include "stack/wire/b.h"\n'),
        ("stack/a.h", '#include "engine/b.h"\n', '#include "stack/wire/b.h"\n'),
        ("app/a.h", '#include "xsk/b.h"\n', '#include "stack/b.h"\n'),
        ("xsk/a.h", '#include "bpf/b.h"\n', '#include "base/b.h"\n'),
        ("bpf/a.bpf.c", '#include "steer_abi.h"\n', '#include "bpf/steer_abi.h"\n'),
        ("engine/a.h", '  #  include "xsk/b.h"\n', '// #include "xsk/b.h"\n'),
        ("engine/a.h", '#include "templates/b.h"\n', '#include "templates/plan/b.h"\n'),
        ("report/a.cc", '#include "engine/shard.h"\n', '#include "engine/counters.h"\n'),
        ("templates/plan/a.cc", '#include "stack/host_table.h"\n', '#include "stack/wire/b.h"\n'),
        ("cli/a.cc", '#include "tests/b.h"\n', '#include "engine/b.h"\n'),
        ("elsewhere/a.cc", '#include "base/b.h"\n', "int a;\n"),
        ("tests/x/a.cc", '#include "elsewhere.h"\n', '#include "base/b.h"\n'),
    ],
    "library_includes": [
        ("cli/a.cc", "#include <yaml-cpp/yaml.h>\n", "#include <boost/asio.hpp>\n"),
        ("templates/plan/a.h", "#include <yaml-cpp/yaml.h>\n", "#include <vector>\n"),
        ("engine/a.cc", "#include <boost/asio.hpp>\n", "#include <fmt/format.h>\n"),
        ("bpf/a.cc", "#include <xdp/xsk.h>\n", "#include <bpf/libbpf.h>\n"),
        ("stack/a.cc", "#include <unistd.h>\n", "#include <algorithm>\n"),
        ("app/a.cc", "#include <thread>\n", '// #include <thread>\n'),
        ("base/a.h", "#include <sys/socket.h>\n", "#include <span>\n"),
        ("base/bytes.h", "#include <arpa/inet.h>\n", "#include <bit>\n"),
        ("engine/a.h", "#include <gtest/gtest.h>\n", "#include <nlohmann_is_not_this>\n"),
        ("report/a.cc", "#include <netlink/netlink.h>\n", "#include <nlohmann/json.hpp>\n"),
        ("capture/a.cc", "#include <pcap/pcap.h>\n", "#include <zlib.h>\n"),
    ],
    "byte_order": [
        ("stack/a.cc", "auto p = htons(80);\n", "auto p = load_be16(at);  // not htons()\n"),
        ("cli/a.cc", "auto p = be32toh(x);\n", 'auto p = "be32toh(x)";\n'),
        ("stack/a.cc", "struct __attribute__((packed)) A {};\n", "struct A {};\n"),
        ("xsk/a.cc", "#pragma pack(1)\n", "#pragma once\n"),
        ("bpf/a.cc", "int a = __builtin_bswap32(1);\n", "int a = 1;\n"),
    ],
    "clocks": [
        ("stack/a.cc", "auto n = std::chrono::steady_clock::now();\n", "Instant now;\n"),
        ("app/a.cc", "clock_gettime(CLOCK_MONOTONIC, &t);\n", "/* clock_gettime */\n"),
        ("capture/a.cc", "auto n = std::chrono::system_clock::now();\n", "std::uint64_t unix_ns;\n"),
        ("report/a.cc", "auto n = std::time(nullptr);\n", "auto n = run.time(0.5);\n"),
    ],
    "luck": [
        ("engine/a.cc", "int a = rand();\n", "int a = rng.rand();\n"),
        ("tests/x/a.cc", "std::srand(1);\n", "Rng rng{1};\n"),
        ("app/a.cc", "std::random_device d;\n", "Rng d{seed};\n"),
    ],
    "threads": [
        ("stack/a.cc", "std::atomic<int> a;\n", "int a;\n"),
        ("engine/shard.h", "std::mutex m;\n", "int m;  // no std::mutex\n"),
        ("report/a.cc", "std::jthread t;\n", "int t;\n"),
    ],
    "file_length": [
        ("cli/a.cc", "int a;\n" * 601, "int a;\n" * 600),
        ("scripts/long", "#!/usr/bin/env bash\n" + ":\n" * 600, "#!/usr/bin/env bash\n" + ":\n" * 599),
    ],
    "pragma_once": [
        ("base/a.h", "// What it is.\nint a;\n", GOOD_HEADER),
        ("base/a.h", "#pragma once\nint a;\n", GOOD_HEADER),
    ],
    "machine_paths": [
        ("README.md", "see /ho" + "me/somebody/notes\n", "see ~/notes and tests/work/x\n"),
        ("scripts/a", 'cd "/wo' + 'rk/tree"\n', 'cd "$root/work/tree"\n'),
    ],
    "unfinished": [
        ("base/a.h", f"// {MARK}: more\n", "// mktemp a." + "X" * 6 + "\n"),
        ("README.md", "FIX" + "ME\n", "Fixed.\n"),
    ],
    "file_names": [
        ("base/util.h", GOOD_HEADER, None),
        ("stack/pkt_parser.cc", "int a;\n", None),
        ("common/a.h", GOOD_HEADER, None),
        ("base/CamelCase.h", GOOD_HEADER, None),
    ],
    "headers_alone": [
        ("base/a.h", GOOD_HEADER + "inline std::string a() { return {}; }\n",
         GOOD_HEADER + "#include <string>\ninline std::string a() { return {}; }\n"),
        ("bpf/a.bpf.h", GOOD_HEADER + "static __u32 a;\n", GOOD_HEADER + "#include <linux/types.h>\nstatic __u32 a;\n"),
    ],
    "layout": [("base/a.h", GOOD_HEADER + "int  a ;\n", GOOD_HEADER + "int a;\n")],
    "shell": [
        ("scripts/a", "#!/usr/bin/env bash\nset -euo pipefail\necho $1\n",
         '#!/usr/bin/env bash\nset -euo pipefail\necho "$1"\n'),
        ("scripts/a", "#!/usr/bin/env bash\necho a\n", "#!/usr/bin/env bash\nset -euo pipefail\necho a\n"),
    ],
    "python": [
        ("tests/x/a.py", "def a(:\n", "def a(): pass\n"),
        ("tests/x/a.py", "import scapy\n", "import socket\n"),
    ],
    "registered": [],  # these need trees of several files: see below
    "tcp_table": [],
}


class EveryRule(unittest.TestCase):
    def tree(self, files):
        root = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, root)
        for path, content in files.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(content)
        return rules.Tree(root, CXX)

    def breaches(self, rule, files):
        try:
            return list(rules.RULES[rule](self.tree(files)))
        except rules.CannotRun as reason:
            self.skipTest(str(reason))

    def test_has_a_case_and_a_row(self):
        self.assertEqual(set(CASES), set(rules.RULES))
        if rows := os.environ.get("LINT_ROWS"):
            self.assertEqual(set(rows.split(",")), set(rules.RULES), "CMakeLists.txt runs every rule")

    def test_a_source_in_no_cmake_list_is_found(self):
        files = {"base/a.cc": "int a;\n", "base/CMakeLists.txt": "myriad_room(base SOURCES aa.cc b/a.cc) # a.cc\n"}
        self.assertTrue(self.breaches("registered", files))
        files["base/CMakeLists.txt"] = "myriad_room(base SOURCES a.cc)\n"
        self.assertFalse(self.breaches("registered", files))

    def test_a_folder_of_tests_that_runs_nothing_is_found(self):
        files = {"tests/x/data.txt": "1\n"}
        self.assertTrue(self.breaches("registered", files))
        files["tests/x/CMakeLists.txt"] = "# nothing\n"
        self.assertTrue(self.breaches("registered", files))
        files["tests/x/CMakeLists.txt"] = "add_test(NAME x COMMAND true)\n"
        self.assertFalse(self.breaches("registered", files))

    def document(self, *rows):
        """A whole table, where `rows` take the place of those that it would have, or come in addition."""
        own = {row.split("|")[1].strip() for row in rows}
        text = "## RFC 9293, appendix B\n\n| requirement | asks for | kept | proof or reason |\n|---|---|---|---|\n"
        for kind, highest in requirements.HIGHEST.items():
            names = [f"{kind}-{number}" for number in range(1, highest + 1)]
            text += "".join(f"| {name} | something | yes | `a/b.pkt` |\n" for name in names if name not in own)
        return text + "".join(row + "\n" for row in rows)

    def test_a_table_of_tcp_that_is_whole_is_left_alone(self):
        files = {"tests/scripts/a/b.pkt": "", "tests/x/a.cc": "TEST_P(Suite, Test) {}\nTEST(\n    Long, Name) {}\n",
                 "tests/netns/a_test.py": "class Far(case.Case):\n    def test_end(self):\n        pass\n"}
        for row in ("| MUST-3 | x | yes | `Suite.Test` `Long.Name` |", "| MUST-3 | x | no | for a reason |",
                    "| MUST-3 | x | yes | `Far.test_end`, and why |", "| MUST-3 | x | partly | `a/b.pkt`; the rest not |",
                    "| MAY-3 | x | yes | always |"):
            with self.subTest(row):
                self.assertEqual([], self.breaches("tcp_table", files | {"docs/tcp.md": self.document(row)}))

    def test_a_table_of_tcp_with_a_flaw_is_found(self):
        files = {"tests/scripts/a/b.pkt": "", "tests/x/a.cc": "TEST(Suite, Test) {}\n"}
        for row in ("| MUST-3 | x | yes | `a/c.pkt` |", "| MUST-3 | x | yes | `Suite.Other` |",
                    "| MUST-3 | x | yes | surely |", "| MUST-3 | x | yes | |", "| MUST-3 | x | no | |",
                    "| MUST-3 | x | no | `a/b.pkt` |", "| MUST-3 | x | partly | `a/b.pkt` |",
                    "| MUST-3 | x | partly | a reason |", "| MUST-3 | x | perhaps | `a/b.pkt` |",
                    "| MUST-70 | x | yes | `a/b.pkt` |", "| MUST-3 | yes | `a/b.pkt` |",
                    "| MUST-3 | x | yes | `a/b.pkt` |\n| MUST-3 | x | yes | `a/b.pkt` |"):
            with self.subTest(row):
                self.assertTrue(self.breaches("tcp_table", files | {"docs/tcp.md": self.document(row)}))
        missing = self.document().replace("| MUST-37 | something | yes | `a/b.pkt` |\n", "")
        self.assertTrue(self.breaches("tcp_table", files | {"docs/tcp.md": missing}))
        other = self.document() + "\n## RFC 5681\n\n| 3.1 | slow start | yes | of course |\n"
        self.assertTrue(self.breaches("tcp_table", files | {"docs/tcp.md": other}))

    def test_a_second_home_of_a_library_is_found(self):
        files = {"templates/plan/a.cc": "#include <yaml-cpp/yaml.h>\n"}
        self.assertFalse(self.breaches("library_includes", files))
        files["templates/plan/b.cc"] = "#include <yaml-cpp/yaml.h>\n"
        self.assertTrue(self.breaches("library_includes", files))

    def test_a_header_that_its_source_includes_first_is_left_to_the_build(self):
        broken = GOOD_HEADER + "inline std::string a() { return {}; }\n"
        files = {"base/a.h": broken, "base/a.cc": '#include "base/a.h"\n#include <string>\n'}
        self.assertFalse(self.breaches("headers_alone", files))
        files["base/a.cc"] = '#include <string>\n#include "base/a.h"\n'
        self.assertTrue(self.breaches("headers_alone", files))

    def test_a_test_may_include_what_lies_beside_it(self):
        files = {"tests/x/a.cc": '#include "b.h"\n', "tests/x/b.h": GOOD_HEADER}
        self.assertFalse(self.breaches("room_includes", files))

    def test_strings_and_comments_are_no_code(self):
        text = 'a("rand()"); /* rand()\n */ b(R"x(rand() ")x"); c(\'"\'); int n = 1\'000; // rand()\nrand();\n'
        bare = rules.bare_code(text)
        self.assertEqual(bare.count("rand"), 1)
        self.assertEqual(bare.count("\n"), text.count("\n"), "line numbers stay")


def add_case(rule, index, path, broken, mended):
    def test(self):
        self.assertTrue(self.breaches(rule, {path: broken}), "the rule saw nothing")
        files = {"base/fine.h": GOOD_HEADER} if mended is None else {path: mended}
        self.assertFalse(self.breaches(rule, files))

    setattr(EveryRule, f"test_{rule}_{index}", test)


for name, cases in CASES.items():
    for place, case in enumerate(cases):
        add_case(name, place, *case)

if __name__ == "__main__":
    unittest.main()
