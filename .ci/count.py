"""count.py LOG TESTLOGS STATUS: counts the tests of a `bazel test` that printed LOG and ended so.

A googletest case that ran counts one, as does a script. A target that ended badly counts at least
one failure, whatever it left behind: it may have died before it could report, or at its very end.
"""

import pathlib
import re
import sys
import xml.etree.ElementTree

# A line of Bazel's summary: //tests:core/search/find_test   (cached) PASSED in 0.1s
SUMMARY = re.compile(
    r"^//(\S*):(\S+)\s+(?:\(cached\) )?"
    r"(PASSED|FLAKY|FAILED TO BUILD|FAILED|TIMEOUT|INCOMPLETE|NO STATUS)\b"
)
# Its end. Where many fail to build, only some have a line.
TOTAL = re.compile(r"^Executed \d+ out of (\d+) tests?:")


def count_cases(report):
    """The cases of one test.xml: passed, failed, skipped."""
    passed = failed = skipped = 0
    for case in xml.etree.ElementTree.parse(report).iter("testcase"):
        if case.find("failure") is not None or case.find("error") is not None:
            failed += 1
        elif case.find("skipped") is not None:
            skipped += 1
        elif case.get("status") != "notrun":
            passed += 1
    return passed, failed, skipped


def count_target(report, result):
    """The cases of one target that has this result of Bazel's."""
    good = result in ("PASSED", "FLAKY")
    passed = failed = skipped = 0
    if good or result == "FAILED":
        # After any other end the report, if there is one, is that of an earlier run.
        try:
            passed, failed, skipped = count_cases(report)
        except (OSError, xml.etree.ElementTree.ParseError) as error:
            print(f"{report}: {error}")
            failed = 1
    return passed, failed if good else max(failed, 1), skipped


def main(log, testlogs, status):
    targets = {}
    total = 0
    with open(log, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            if match := SUMMARY.match(line):
                package, name, result = match.groups()
                targets[pathlib.Path(testlogs, package, name, "test.xml")] = result
            elif match := TOTAL.match(line):
                total = int(match[1])
    counts = [count_target(report, result) for report, result in targets.items()]
    passed, failed, skipped = (sum(column) for column in zip((0, 0, 0), *counts))
    failed += max(total - len(targets), 0)
    if status != "0":
        failed = max(failed, 1)  # A build that failed names no tests.
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))


main(*sys.argv[1:])
