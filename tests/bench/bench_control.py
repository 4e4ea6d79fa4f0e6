#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""What a change of the configuration takes, beside what others take.

    bench_control.py BUILD [ROUNDS]

Every figure is one HTTP request over the daemon's UNIX socket, as a program
sends it, until the answer is there: parsed, checked, planned, done by the
engine, and on the disk. Each round has a daemon, an engine and a store of its
own; ptnet and its neighbours take turns.
"""

import concurrent.futures
import os
import shutil
import subprocess
import sys

import ovs
from common import (Daemon, Scratch, UnixConnection, allow_many_files, goal,
                    median, milliseconds, say, timed, topology)

SIZES = (100, 1000, 10000)
APPLY_GOAL = {100: 0.012, 1000: 0.150, 10000: 1.5}
DELETE_GOAL = {100: 0.010, 1000: 0.150, 10000: 1.5}
PLAN_GOAL = {10000: 0.100}
ONE_PORT_GOAL = 0.001
GETS = 2000


class Samples(dict):
    def add(self, what, seconds):
        self.setdefault(what, []).append(seconds)

    def median(self, what):
        return median(self[what]) if what in self else None


def ptnet_round(build, directory, n, samples):
    """Apply n ports, plan them again, one more and again, delete all."""
    text = topology("bench", n)
    with Daemon(build, directory) as d:
        samples.add(("apply", n), timed(d.apply, text))
        samples.add(("plan", n), timed(d.request, "POST", "/v1/plan", text))
        samples.add(("dump", n), timed(d.request, "GET", "/v1/ports"))
        for i in range(10):
            took = timed(d.apply, topology("more", i, switch="more", first=n))
            if i:
                samples.add(("one", n), took)
        delete = ("DELETE", "/v1/topologies/bench")
        samples.add(("delete", n), timed(d.request, *delete))
    shutil.rmtree(directory)


def get_rate(socket, path, clients):
    """Requests a second on kept connections, each by a thread."""

    def client(_):
        c = UnixConnection(socket)
        for _ in range(GETS // clients):
            c.request("GET", path)
            c.getresponse().read()
        c.close()

    with concurrent.futures.ThreadPoolExecutor(clients) as pool:
        return GETS / timed(lambda: list(pool.map(client, range(clients))))


# Neighbours: in a network namespace of their own.

def ip_round(n, samples):
    """n veth pairs, one end of each in a bridge, by one `ip -batch`; they go
    as a group, which is the fastest way. Nothing is left to be cleaned up in
    the background, where it would disturb who comes next."""
    lines = ["link add br0 type bridge", "link set br0 up"]
    for i in range(n):
        lines += [f"link add p{i} group 7 type veth peer name q{i}",
                  f"link set q{i} master br0 up"]
    add = "\n".join(lines).encode()
    # The namespace lives as long as this shell.
    with subprocess.Popen(["unshare", "-n", "sh"], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as shell:
        inside = ["nsenter", f"--net=/proc/{shell.pid}/ns/net", "ip", "-batch", "-"]
        shell.stdin.write(b"echo ready\n")
        shell.stdin.flush()
        shell.stdout.readline()

        def batch(what):
            subprocess.run(inside, input=what, check=True)

        samples.add(("ip apply", n), timed(batch, add))
        samples.add(("ip delete", n), timed(batch, b"link del group 7\n"))
        shell.stdin.close()


def ovs_round(directory, n, samples):
    """n patch ports on two bridges, by one transaction of ovs-vsctl."""
    with ovs.Ovs(directory) as o:
        o.bridge("br0")
        o.bridge("br1")
        add, remove = [], []
        for i in range(n // 2):
            for bridge, a, b in (("br0", "p", "q"), ("br1", "q", "p")):
                add += ["--", "add-port", bridge, f"{a}{i}", "--", "set",
                        "interface", f"{a}{i}", "type=patch",
                        f"options:peer={b}{i}"]
                remove += ["--", "del-port", bridge, f"{a}{i}"]
        samples.add(("ovs apply", n), timed(o.vsctl, *add))
        samples.add(("ovs delete", n), timed(o.vsctl, *remove))


def neighbours():
    """Which can be run here, and why the others cannot."""
    found = {}
    if os.getuid():
        print("ip -batch, ovs-vsctl: skipped, they need root")
    else:
        if shutil.which("unshare") and shutil.which("ip"):
            found["ip"] = "ip -batch"
        if ovs.installed():
            found["ovs"] = "ovs-vsctl"
        else:
            print("ovs-vsctl: skipped, openvswitch-switch is not installed")
    return found


def measure(build, scratch, rounds, beside):
    samples = Samples()
    for n in SIZES:
        for _ in range(rounds):
            ptnet_round(build, scratch / "d", n, samples)
            if "ip" in beside and n <= 1000:
                ip_round(n, samples)
            if "ovs" in beside and n <= 1000:
                ovs_round(scratch / "o", n, samples)
    return samples


def compared(samples, name, other, n, mine):
    theirs = samples.median((f"{name} {other}", n))
    if theirs is None:
        return ""
    return f"{name} {milliseconds(theirs)} ({theirs / mine:.1f}x)"


def report(samples):
    for what, goals in (("apply", APPLY_GOAL), ("delete", DELETE_GOAL)):
        for n in SIZES:
            t = samples.median((what, n))
            say(f"{what} {n} ports, durable", milliseconds(t),
                f"{t / n * 1e6:.1f} us a port", goal(goals[n]),
                compared(samples, "ip", what, n, t),
                compared(samples, "ovs", what, n, t))
    for n in SIZES:
        say(f"one port more, beside {n} others",
            milliseconds(samples.median(("one", n))), goal(ONE_PORT_GOAL))
    for n in SIZES:
        say(f"plan without a change, {n} ports",
            milliseconds(samples.median(("plan", n))), goal(PLAN_GOAL.get(n)))
    for n in SIZES:
        say(f"GET of all {n} ports", milliseconds(samples.median(("dump", n))))


def rates(build, directory):
    with Daemon(build, directory) as d:
        d.apply(topology("bench", 100))
        for path in ("/version", "/v1/ports/p7", "/v1/ports"):
            for clients in (1, 8):
                say(f"GET {path}, {clients} connection{'s'[:clients - 1]}",
                    f"{get_rate(d.run / 'ptnetd.sock', path, clients):,.0f} /s")


def main():
    if len(sys.argv) < 2:
        sys.exit("usage: bench_control.py BUILD [ROUNDS]")
    build = sys.argv[1]
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    allow_many_files()
    with Scratch() as scratch:
        report(measure(build, scratch, rounds, neighbours()))
        rates(build, scratch / "d")


if __name__ == "__main__":
    main()
