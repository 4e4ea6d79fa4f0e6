# SPDX-License-Identifier: BSD-2-Clause
"""netmap programs in guests, on the rings of their ports."""

import os
import signal
import time

import pytest
from conftest import ctl, engine_pid, interface, topology, until

FRAMES = 100_000
ROUNDS = 20_000
SECONDS = 300
ADDRESSES = ("10.0.0.1", "10.0.0.2")


def load(*vms):
    for vm in vms:
        vm.run("insmod /guest/ptnetmap.ko")


def together(*jobs, seconds=SECONDS):
    """Run a command in each VM at the same time; all must succeed."""
    for vm, command in jobs:
        vm.tell(f"time {command}")
    for vm, command in jobs:
        code, text = vm.answer(command, seconds)
        assert code == 0, f"{vm.name}: {command}: {text}\n{vm.run('dmesg | tail -20')}"


def begin(vm, device, command):
    """In the background, until it is open; its pid."""
    vm.run(f"rm -f /tmp/said; tool_port {device} {command} >/tmp/said 2>&1 & "
           f"echo $! >/tmp/pid")
    until(lambda: "open" in vm.run("cat /tmp/said"), 30, f"{command} does not open")
    return int(vm.run("cat /tmp/pid"))


def ended(vm, pid, seconds=20):
    until(lambda: vm.ask(f"kill -0 {pid}")[0] != 0, seconds, "it has not ended")


def assert_sound(d):
    for port in ctl(d, "vm", "status"):
        assert port["counters"]["faults"] == 0, port
    census = d.get("/v1/census")
    assert census["lost"] == census["twice"] == 0


@pytest.fixture(scope="module")
def vale(world):
    world.apply(topology("vm-pair-vale"))
    vms = world.boot("web", wait=False) + world.boot("db", wait=False, kernel="6.12")
    for vm in vms:
        vm.wait_until_up()
    load(*vms)
    for vm, address in zip(vms, ADDRESSES):
        vm.address("eth0", f"{address}/24")
    return vms


def assert_interfaces_work(a, b):
    for vm, other in ((a, ADDRESSES[1]), (b, ADDRESSES[0])):
        vm.wait_for_ping(other)
        vm.ping(other)


def test_frames_go_both_ways_on_a_switch(world, vale):
    web, db = vale
    assert_interfaces_work(web, db)
    together((web, f"tool_port eth0 exchange {FRAMES}"),
             (db, f"tool_port eth0 exchange {FRAMES}"))
    assert_sound(world)
    for port in ctl(world, "vm", "status"):
        assert port["counters"]["drops"]["rx_full"] == 0
    assert_interfaces_work(web, db)


def test_what_the_interface_promises(vale):
    for vm in vale:
        vm.run("tool_port eth0 check")
    assert_interfaces_work(*vale)
