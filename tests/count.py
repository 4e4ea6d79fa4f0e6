# SPDX-License-Identifier: BSD-2-Clause
"""Counts of tests, and how runners write them."""

import re


class Count:
    def __init__(self, passed=0, failed=0, skipped=0):
        self.passed, self.failed, self.skipped = passed, failed, skipped

    def __iadd__(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped
        return self

    def __str__(self):
        text = f"{self.passed} passed, {self.failed} failed"
        return text + (f", {self.skipped} skipped" if self.skipped else "")


def count_tap(output):
    """What the lines of cmocka say, and how many tests were announced."""
    count = Count()
    planned = 0
    for line in output.splitlines():
        if re.match(r"(not )?ok \d+ # SKIP", line):
            count.skipped += 1
        elif re.match(r"ok \d+", line):
            count.passed += 1
        elif re.match(r"not ok \d+", line):
            count.failed += 1
        elif plan := re.match(r"1\.\.(\d+)", line):
            planned += int(plan.group(1))
    return count, planned
