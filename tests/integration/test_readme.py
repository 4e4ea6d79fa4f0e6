# SPDX-License-Identifier: BSD-2-Clause
"""The README's tour, typed as it stands there.

Each ```console block is a session: `$ ` begins a command, `> ` goes on with it,
other lines are what it prints, where `...` stands for anything. All blocks
run in one shell, one after the other.
"""

import os
import pathlib
import re
import subprocess
import threading

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("PTNET_BUILD", TOP / "build")).resolve()
MARK = "@@@ end of the output @@@"
# What bash says of a job that ended, at a moment of its choice.
NOTICE = re.compile(r"/bin/bash: line \d+: +\d+ [A-Z]\w+ ")


def steps(text):
    """(command, what it should print) of all console blocks."""
    found = []
    for block in re.findall(r"^```console\n(.*?)^```", text, re.S | re.M):
        for line in block.splitlines():
            if line.startswith("$ "):
                found.append([line[2:], []])
            elif line.startswith("> "):
                found[-1][0] += "\n" + line[2:]
            else:
                found[-1][1].append(line)
    return [(command, "\n".join(lines)) for command, lines in found]


def pattern(expected):
    words = " ".join(expected.split())
    parts = [re.escape(part.strip()) for part in words.split("...")]
    return re.compile(r"\s*" + r".*".join(parts) + r"\s*", re.S)


class Shell:
    """One bash that is fed a command at a time."""

    def __init__(self):
        self.process = subprocess.Popen(
            ["/bin/bash", "--noprofile", "--norc"],
            cwd=TOP,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def type(self, command, seconds=60):
        """What the command printed; the shell is killed if it takes longer."""
        timer = threading.Timer(seconds, self.process.kill)
        timer.start()
        try:
            return self.output_of(command)
        finally:
            timer.cancel()

    def output_of(self, command):
        self.process.stdin.write(f"{command}\necho; echo '{MARK}'\n")
        self.process.stdin.flush()
        lines = []
        for line in self.process.stdout:
            if line.rstrip("\n") == MARK:
                return "".join(lines)
            if not NOTICE.match(line):
                lines.append(line)
        raise AssertionError(f"the shell ended in: {command}")

    def end(self):
        """Whatever is left must go, also when a step failed."""
        if self.process.poll() is None:
            self.clean_up()
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()

    def clean_up(self):
        self.type(
            'for p in $(jobs -p); do kill "$p"; done 2>/dev/null;'
            'if [ -n "$DIR" ]; then'
            ' ptnetd --teardown --run-dir "$DIR/run" >/dev/null 2>&1;'
            ' rm -rf "$DIR"; fi'
        )


def test_tour():
    tour = steps((TOP / "README.md").read_text())
    assert len(tour) > 10
    shell = Shell()
    try:
        for command, expected in tour:
            output = shell.type(command.replace("$PWD/build", str(BUILD)))
            words = " ".join(output.split())
            assert pattern(expected).fullmatch(words), (
                f"$ {command}\nprinted:\n{output}\ninstead of:\n{expected}"
            )
    finally:
        shell.end()
