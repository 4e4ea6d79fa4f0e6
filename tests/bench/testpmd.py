# SPDX-License-Identifier: BSD-2-Clause
"""DPDK's testpmd with two ports, without huge pages."""

import os
import re
import shutil
import subprocess
import time

PROGRAM = "dpdk-testpmd"
BURST, BURSTS_IN_FLIGHT = 64, 8
START_SECONDS = 2 # until its ports are connected


def installed():
    return bool(shutil.which(PROGRAM))


def memif(directory, number, role):
    """The device arguments of one memif port."""
    return (f"net_memif{number},role={role},id={number},"
            f"socket={directory}/memif{number},socket-abstract=no,"
            "bsize=2048,rsize=10")


def memifs(directory, role):
    return [memif(directory, i, role) for i in (0, 1)]


def vhost(path, number):
    """The device arguments of a port that a virtio-net device connects to."""
    return f"net_vhost{number},iface={path}"


def real_time(pid):
    """The threads that poll; the others must not starve the prompt."""
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/comm", encoding="ascii") as f:
            name = f.read()
        if "worker" in name or name.startswith("pmd-"):
            try:
                os.sched_setscheduler(int(task), os.SCHED_FIFO,
                                      os.sched_param(10))
            except PermissionError:
                return


class Testpmd:
    """Forwards between its two ports with the thread on @cpu."""

    def __init__(self, name, devices, cpu, queues=1):
        self.command = [
            PROGRAM, "--lcores", f"0@0,1@{cpu}", "--no-huge", "-m", "256",
            "--no-pci", "--no-shconf", "--no-telemetry", "--log-level=3",
            f"--file-prefix=ptnet-bench-{os.getpid()}-{name}",
            *(f"--vdev={device}" for device in devices),
            "--", "--no-mlockall", "--total-num-mbufs=8192", "--rxd=1024",
            "--txd=1024", f"--burst={BURST}",
            f"--rxq={queues}", f"--txq={queues}", "-i",
        ]

    def __enter__(self):
        self.process = subprocess.Popen(
            self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True)
        time.sleep(START_SECONDS)
        if self.process.poll() is not None:
            raise RuntimeError(self.process.stdout.read()[-500:])
        return self

    def do(self, *commands):
        self.process.stdin.write("".join(c + "\n" for c in commands))
        self.process.stdin.flush()

    def end(self):
        """Stop and leave; all that it printed."""
        if self.process.returncode is not None:
            return ""
        try:
            return self.process.communicate("stop\nquit\n", timeout=10)[0]
        except (subprocess.TimeoutExpired, BrokenPipeError):
            self.process.kill()
            return self.process.communicate()[0]

    def __exit__(self, *_):
        self.end()


def circulate(directory, length, pid_of_switch, queues=1):
    """Frames go round: out of one port of a testpmd on CPU 0, through what is
    measured into its other port, and out again, both ways. Returns the Mpps
    that come back, of both ways."""
    with Testpmd("load", memifs(directory, "client"), 0, queues) as load:
        load.do("set fwd io", f"set txpkts {length}",
                f"start tx_first {BURSTS_IN_FLIGHT // queues}")
        time.sleep(0.5)
        real_time(pid_of_switch)
        real_time(load.process.pid)
        load.do("show port stats all")
        time.sleep(2)
        load.do("show port stats all")
        time.sleep(0.2)
        rates = re.findall(r"Rx-pps: +(\d+)", load.end())
    if len(rates) < 4:
        raise RuntimeError("testpmd reported no rates")
    if int(rates[-1]) == 0:
        raise RuntimeError("no frames came back")
    return (int(rates[-2]) + int(rates[-1])) / 1e6
