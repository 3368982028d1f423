"""How a test of this folder becomes one row of ctest: `FOO_test.py --rows` lists them, `FOO_test.py Class.test` runs one.

A row is bounded in time by ctest; @row says when it needs more than the usual or the machine for itself.
"""

import os
import sys
import unittest

import lab

SKIPPED = 77


def row(seconds=60, alone=False):
    """`seconds` before ctest ends it; `alone`: nothing else may run beside it."""

    def mark(test):
        test.seconds, test.alone = seconds, alone
        return test

    return mark


class Case(unittest.TestCase):
    def setUp(self):
        if os.geteuid() != 0:
            self.skipTest("needs root: namespaces, AF_XDP")

    def lab(self, **options):
        net = lab.Lab(**options)
        self.addCleanup(net.close)
        return net

    def assertExit(self, done, code):
        self.assertEqual(done.returncode, code, f"{done.stdout}\n{done.stderr}")


def rows(module):
    for name, value in sorted(vars(module).items()):
        if isinstance(value, type) and issubclass(value, Case) and value is not Case:
            for test in unittest.defaultTestLoader.getTestCaseNames(value):
                function = getattr(value, test)
                yield f"{name}.{test}", getattr(function, "seconds", 60), getattr(function, "alone", False)


def main():
    module = sys.modules["__main__"]
    if sys.argv[1:] == ["--rows"]:
        for name, seconds, alone in rows(module):
            print(f"{name},{seconds},{'TRUE' if alone else 'FALSE'}")
        return
    program = unittest.main(module=module, exit=False, verbosity=2)
    result = program.result
    for _, reason in result.skipped:
        print(f"skipped: {reason}")
    if not result.wasSuccessful():
        sys.exit(1)
    if result.testsRun == 0:
        sys.exit("no such test")
    if len(result.skipped) == result.testsRun:
        sys.exit(SKIPPED)
