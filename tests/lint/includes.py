#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Check which room includes what, and who does what only some may do.

The table is the architecture: data goes one way through the house, and lower
rooms never name upper ones. Prints each breach as FILE:LINE: sentence.
"""

import pathlib
import re
import subprocess
import sys

TOP = pathlib.Path(__file__).resolve().parents[2]

# Room: the rooms whose headers it may include, besides its own. What a room
# may see is meant for its sources and its headers alike.
ROOMS = {
    "kmod/include/uapi": [],
    "kmod/core": ["kmod/include/uapi", "lib/engine/os"],
    "kmod/linux": ["kmod/linux/os", "kmod/core", "kmod/guest", "kmod/include/uapi"],
    "kmod/linux/os": [],
    "kmod/guest": ["kmod/include/uapi"],
    "lib/base": [],
    "lib/json": ["lib/base"],
    "lib/http": ["lib/base"],
    "lib/nl": ["lib/base", "lib/model", "kmod/include/uapi"],
    "lib/model": ["lib/base", "lib/json", "kmod/include/uapi"],
    "lib/client": ["lib/base", "lib/json", "lib/http"],
    "lib/port": ["kmod/include/uapi"],
    "lib/frame": ["lib/base"],
    "lib/wire": ["lib/base", "kmod/include/uapi"],
    "lib/engine/os": ["lib/base"],
    "lib/engine": [
        "lib/engine/os", "lib/base", "lib/wire", "lib/nl", "lib/model", "kmod/core",
        "kmod/include/uapi",
    ],
    "ptnetd/plan": ["lib/base", "lib/model"],
    "ptnetd/store": ["lib/base", "lib/json", "lib/model"],
    "ptnetd/backend": [
        "lib/base", "lib/nl", "lib/model", "lib/wire", "ptnetd/plan",
        "kmod/include/uapi",
    ],
    "ptnetd/service": [
        "lib/base", "lib/json", "lib/model", "ptnetd/plan", "ptnetd/store",
        "ptnetd/backend",
    ],
    "ptnetd/rest": ["lib/base", "lib/json", "lib/http", "lib/model",
                    "ptnetd/service"],
    "ptnetd/engine": ["lib/base", "lib/engine", "kmod/core"],
    "ptnetd": ["lib/base", "lib/model", "ptnetd/rest", "ptnetd/service",
               "ptnetd/store", "ptnetd/backend", "ptnetd/plan"],
    "ptnetctl": ["lib/base", "lib/json", "lib/http", "lib/model", "lib/client",
                 "lib/port", "lib/frame", "kmod/include/uapi"],
    "docs/examples": ["lib/port", "kmod/include/uapi"],
}

# Where a header that is written <ptnet/...>, "vale.h" or "model/objects.h" is.
SEARCH = ["kmod/include/uapi", "kmod", "lib", "ptnetd", "lib/engine/os", "lib/port"]
KERNEL_SEARCH = ["kmod/include/uapi", "kmod", "kmod/linux", "kmod/linux/os"]
GUEST_SEARCH = ["kmod/include/uapi"]

# Headers of the system that only some rooms may use.
ONLY = {
    "sqlite3.h": ["ptnetd/store"],
    "yaml.h": ["lib/model"],
    "microhttpd.h": ["ptnetd/rest"],
    "pcap/pcap.h": ["ptnetctl"],
    "pcap.h": ["ptnetctl"],
    "systemd/sd-daemon.h": ["ptnetd", "lib/base"],
}
MESSAGES = re.compile(r"^(netlink/|linux/(gen)?netlink\.h)")
MESSAGE_ROOMS = ["lib/nl", "ptnetd/backend", "lib/engine", "kmod/linux"]

# The contract of messages is named for its enums by the model as well.
CONTROL_H = "kmod/include/uapi/ptnet/control.h"
CONTROL_USERS = [
    "kmod/core", "lib/nl", "lib/model", "lib/engine", "ptnetd/backend",
    "kmod/include/uapi", "kmod/linux",
]

# What the two kernel modules know of each other.
GUEST_H = "kmod/guest/gport.h"

# A pure room does no input and output, asks no clock, keeps no state.
IMPURE = re.compile(
    r"\b(open|fopen|read|write|socket|printf|fprintf|time|clock_gettime|"
    r"getenv|pthread_\w+|log_\w+)\s*\("
)
PURE_ROOMS = ["ptnetd/plan"]
CORE_MAY_USE = {"linux/types.h", "linux/ioctl.h"}  # of uapi headers

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
EXIT = re.compile(r"(?<![.>\w])(_?exit|_Exit|quick_exit|err|errx)\s*\(")
OS_IFDEF = re.compile(r"^\s*#\s*(el)?if(n?def)?\b.*\b(__KERNEL__|__linux__|__FreeBSD__)")


def room_of(path):
    """The innermost room of a path, or None."""
    folder = pathlib.PurePosixPath(path).parent
    for candidate in [folder, *folder.parents]:
        if str(candidate) in ROOMS:
            return str(candidate)
    return None


def resolve(path, name):
    """The file of the tree that an include means, or None for the system's."""
    search = (KERNEL_SEARCH if path.startswith("kmod/linux/")
              else GUEST_SEARCH if path.startswith("kmod/guest/") else SEARCH)
    for folder in [str(pathlib.PurePosixPath(path).parent), *search]:
        if (TOP / folder / name).is_file():
            return str(pathlib.PurePosixPath(folder, name))
    return None


def without_comments(text):
    """The text with comments and strings blanked, lines kept."""
    pattern = r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"'
    return re.sub(
        pattern, lambda m: re.sub(r"[^\n]", " ", m.group()), text, flags=re.S
    )


def check_include(path, room, name):
    target = resolve(path, name)
    if target is None:
        if name in ONLY and room not in ONLY[name]:
            return f"<{name}> is for {', '.join(ONLY[name])} only"
        if MESSAGES.match(name) and room not in MESSAGE_ROOMS:
            return f"<{name}>: only {', '.join(MESSAGE_ROOMS)} know messages"
        if room == "kmod/core" and name != "ptn_os_impl.h":
            return f"<{name}>: the core needs ptn_os.h only"
        if room == "kmod/include/uapi" and name not in CORE_MAY_USE:
            return f"<{name}> in a contract that the kernel includes"
        return None
    if target == CONTROL_H and room not in CONTROL_USERS:
        return "only backends and the model know control.h"
    other = room_of(target)
    if other in (room, None):
        return None
    if other == "kmod/guest" and target != GUEST_H:
        return f"of kmod/guest others see {GUEST_H} only"
    if other not in ROOMS[room]:
        return f"{room} must not include {other} ({name})"
    return None


def check_file(path, room):
    text = (TOP / path).read_text()
    code = without_comments(text).splitlines()
    for number, line in enumerate(text.splitlines(), 1):
        match = INCLUDE.match(line)
        finding = match and check_include(path, room, match.group(2))
        if finding:
            yield number, finding
    is_main = re.search(r"\bint main\(", text) is not None
    for number, line in enumerate(code, 1):
        if not is_main and EXIT.search(line):
            yield number, "only a main ends its process"
        if room in PURE_ROOMS and IMPURE.search(line):
            yield number, f"{room} is pure: no I/O, clock or state"
        if room.startswith("kmod/") and OS_IFDEF.match(line):
            yield number, "the OS is chosen by the include path, not by #if"


def main():
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "*.c", "*.h"],
        cwd=TOP, check=True, capture_output=True, text=True,
    ).stdout.split()
    findings = 0
    for path in listed:
        if path.startswith("tests/") or not (TOP / path).exists():
            continue
        room = room_of(path)
        found = (
            check_file(path, room) if room
            else [(1, "is in no room of tests/lint/includes.py")]
        )
        for number, sentence in found:
            print(f"{path}:{number}: {sentence}")
            findings += 1
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
