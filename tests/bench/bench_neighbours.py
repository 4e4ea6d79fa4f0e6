#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""ptnet beside what else moves frames between programs on a host.

    bench_neighbours.py BUILD [ROUNDS]

Two comparisons, in each of which all take turns:

- Two processes, one sends, one reads, both sleep when there is nothing to do
  (bench_packet): VALE by libptnet; a Linux bridge and Open vSwitch's user
  space datapath with veth pairs by AF_PACKET, 64 frames a system call.
- All poll, the switch has CPU 1 and both ends are one thread on CPU 0: VALE
  (bench_engine, whole frames written and read); testpmd and OVS-DPDK between
  two memif ports, with a testpmd at the other ends that sends again what it
  receives, unwritten and unread.

Everything happens in a network namespace that ends with this program.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys

import ovs
import testpmd
from common import Daemon, Scratch, median

LENGTHS = (60, 1514)
TO = "02:00:00:00:00:02"
SECONDS = "2"
PORTS = f"""apiVersion: ptnet/v1
kind: Topology
metadata: {{name: bench}}
spec:
  switches: [{{name: vale0}}]
  ports:
  - {{name: a, switch: vale0}}
  - {{name: b, switch: vale0, mac: "{TO}"}}
""".encode()
DPDK = ("dpdk-init=true", "pmd-cpu-mask=0x2", "dpdk-lcore-mask=0x1",
        # legacy: else it adds an option that contradicts --no-huge
        "dpdk-extra=--legacy-mem --no-huge -m 512 --no-pci --no-shconf"
        " --no-telemetry")


class Results:
    """Frames a second by who and length, in Mpps; why somebody is missing."""

    def __init__(self):
        self.rates = {}
        self.missing = {}

    def take(self, who, measure, *args):
        """One round of one of them. A start may fail on a busy machine: it
        is tried twice, and who fails then is not asked again."""
        for _ in range(2):
            if who in self.missing:
                return
            try:
                for length, rate in measure(*args).items():
                    self.rates.setdefault((who, length), []).append(rate)
                return
            except (RuntimeError, OSError, subprocess.SubprocessError) as e:
                why = str(e).strip().splitlines()[-1][:160]
        self.missing[who] = why

    def report(self, names, ours):
        for length in LENGTHS:
            mine = median(self.rates[ours, length])
            for who in names:
                rates = self.rates.get((who, length))
                if not rates:
                    continue
                rate = median(rates)
                beside = "" if who == ours else f"ptnet {mine / rate:.1f}x"
                print(f"{length:5} B  {who:38} {rate:7.3f} Mpps "
                      f"{rate * length * 8 / 1000:7.2f} Gbps  {beside}".rstrip())
        for who in names:
            if who in self.missing:
                rounds = len(self.rates.get((who, LENGTHS[0]), ()))
                after = f" after {rounds} rounds" if rounds else ""
                print(f"         {who:38} skipped{after}: {self.missing[who]}")
        sys.stdout.flush()


class Bench:
    def __init__(self, build, scratch):
        self.build = pathlib.Path(build).resolve()
        self.scratch = scratch

    def output(self, *command):
        return subprocess.run(command, check=True, stdout=subprocess.PIPE,
                              text=True, timeout=120).stdout

    def pair(self, kind, a, b):
        program = self.build / "tests/bench/bench_packet"
        return {n: float(self.output(program, kind, a, b, str(n), SECONDS))
                for n in LENGTHS}

    # Processes that sleep

    def vale(self):
        directory = self.scratch / "d"
        with Daemon(self.build, directory) as d:
            d.apply(PORTS)
            ports = d.run / "ports"
            rates = self.pair("ptnet", ports / "a.sock", ports / "b.sock")
        shutil.rmtree(directory)
        return rates

    def bridge(self):
        ip("link add bridge0 type bridge", "link set bridge0 up",
           "link set a1 master bridge0", "link set b1 master bridge0")
        self.output("bridge", "fdb", "add", TO, "dev", "b1", "master", "static")
        try:
            return self.pair("packet", "a0", "b0")
        finally:
            ip("link del bridge0")

    def ovs(self):
        with ovs.Ovs(self.scratch / "o") as o:
            o.bridge("br0")
            for port in ("a1", "b1"):
                o.vsctl("add-port", "br0", port)
            o.appctl("fdb/add", "br0", "b1", "0", TO)
            return self.pair("packet", "a0", "b0")

    # Threads that poll

    def vale_polled(self):
        prefix = ["chrt", "-f", "10"] if os.getuid() == 0 else []
        text = self.output(*prefix, self.build / "tests/bench/bench_engine",
                           self.build / "ptnet-engine", "5", str(testpmd.BURST))
        found = re.findall(r"vale +(\d+) B.*engine +([\d.]+) Mpps", text)
        if not found:
            raise RuntimeError("no steady run")
        return {int(length): float(rate) for length, rate in found}

    def testpmd(self):
        rates = {}
        for length in LENGTHS:
            ports = testpmd.memifs(self.scratch, "server")
            with self.sockets(), testpmd.Testpmd("switch", ports, 1) as switch:
                switch.do("set fwd io", "start")
                rates[length] = testpmd.circulate(self.scratch, length,
                                                  switch.process.pid)
        return rates

    def ovs_dpdk(self):
        rates = {}
        for length in LENGTHS:
            with self.sockets(), ovs.Ovs(self.scratch / "o", ovs.WITH_DPDK,
                                         DPDK) as o:
                o.bridge("br0")
                for i in (0, 1):
                    o.vsctl("add-port", "br0", f"m{i}", "--", "set",
                            "interface", f"m{i}", "type=dpdk",
                            "options:n_rxq=2",
                            "options:dpdk-devargs=" + escape(
                                testpmd.memif(self.scratch, i, "server")))
                # Its polling thread may send on its second queue only.
                # testpmd sends to these, each port to its own
                o.appctl("fdb/add", "br0", "m1", "0", "02:00:00:00:00:00")
                o.appctl("fdb/add", "br0", "m0", "0", "02:00:00:00:00:01")
                rates[length] = testpmd.circulate(self.scratch, length,
                                                  o.switch_pid, queues=2)
        return rates

    def sockets(self):
        """memif sockets stay behind when a program ends, and are in the way
        of the next."""
        return _Removed(self.scratch / "memif0", self.scratch / "memif1")


class _Removed:
    def __init__(self, *paths):
        self.paths = paths

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for path in self.paths:
            path.unlink(missing_ok=True)


def escape(value):
    return '"' + value.replace('"', '\\"') + '"'


def ip(*commands):
    subprocess.run(["ip", "-batch", "-"], check=True, text=True,
                   input="\n".join(commands))


def make_veths():
    for name in ("a", "b"):
        ip(f"link add {name}0 type veth peer name {name}1",
           f"link set {name}0 up", f"link set {name}1 up")


def absent(results, root):
    """Note who cannot take part."""
    checks = (
        (BRIDGE, root, "needs root"),
        (BRIDGE, shutil.which("ip"), "iproute2 is not installed"),
        (OVS, root, "needs root"),
        (OVS, ovs.installed(), "openvswitch-switch is not installed"),
        (TESTPMD, testpmd.installed(), "dpdk-dev is not installed"),
        (OVS_DPDK, root, "needs root"),
        (OVS_DPDK, testpmd.installed(), "dpdk-dev is not installed"),
        (OVS_DPDK, ovs.installed(ovs.WITH_DPDK),
         "openvswitch-switch-dpdk is not installed"),
    )
    for who, there, why in checks:
        if not there:
            results.missing.setdefault(who, why)
    if (os.cpu_count() or 1) < 2:
        for who in POLLING:
            results.missing.setdefault(who, "one CPU")


VALE = "ptnet VALE, libptnet"
BRIDGE = "Linux bridge + veth, AF_PACKET"
OVS = "Open vSwitch user space + veth"
VALE_POLLED = "ptnet VALE, batch 64"
TESTPMD = "testpmd between memif ports (no lookup)"
OVS_DPDK = "OVS-DPDK between memif ports"
SLEEPING = (VALE, BRIDGE, OVS)
POLLING = (VALE_POLLED, TESTPMD, OVS_DPDK)


def run(build, rounds, root):
    results = Results()
    absent(results, root)
    if root:
        make_veths()
    with Scratch() as scratch:
        bench = Bench(build, scratch)
        for _ in range(rounds):
            results.take(VALE, bench.vale)
            results.take(BRIDGE, bench.bridge)
            results.take(OVS, bench.ovs)
        print("two processes that sleep when there is nothing to do:")
        results.report(SLEEPING, VALE)
        for _ in range(rounds):
            results.take(VALE_POLLED, bench.vale_polled)
            results.take(TESTPMD, bench.testpmd)
            results.take(OVS_DPDK, bench.ovs_dpdk)
        if VALE_POLLED in results.missing:
            return
        print("all poll, the switch on CPU 1, both ends on CPU 0:")
        results.report(POLLING, VALE_POLLED)


def main():
    arguments = [a for a in sys.argv[1:] if a != "--inside"]
    if not arguments:
        sys.exit("usage: bench_neighbours.py BUILD [ROUNDS]")
    root = os.getuid() == 0
    if root and "--inside" not in sys.argv:
        os.execvp("unshare", ["unshare", "-n", *sys.argv, "--inside"])
    run(arguments[0], int(arguments[1]) if len(arguments) > 1 else 3, root)


if __name__ == "__main__":
    main()
