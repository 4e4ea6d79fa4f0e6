# SPDX-License-Identifier: BSD-2-Clause
"""netmap programs in guests, on the rings of their ports."""

import os
import signal
import time

import pytest
from conftest import BACKEND, ctl, engine_only, engine_pid, interface, topology, until

FRAMES = 100_000 if BACKEND == "engine" else 5_000
# A lost wake-up is a test that does not end: for a long look, more of them.
ROUNDS = int(os.environ.get("PTNET_ROUNDS", "20000" if BACKEND == "engine" else "500"))
SECONDS = 300 + ROUNDS // 100
ADDRESSES = ("10.0.0.1", "10.0.0.2")


def load(*vms):
    for vm in vms:
        vm.run("insmod /guest/ptnetmap.ko")


def together(*jobs, seconds=SECONDS):
    """Run a command in each VM at the same time; all must succeed. What they said."""
    said = []
    for vm, command in jobs:
        vm.tell(f"time {command}")
    for vm, command in jobs:
        code, text = vm.answer(command, seconds)
        assert code == 0, f"{vm.name}: {command}: {text}\n{vm.run('dmesg | tail -20')}"
        said.append(text)
    return said


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
    said = together((web, f"tool_port eth0 exchange {FRAMES}"),
                    (db, f"tool_port eth0 exchange {FRAMES}"))
    assert all("copied" in text for text in said), said
    assert_sound(world)
    for port in ctl(world, "vm", "status"):
        assert port["counters"]["drops"]["rx_full"] == 0
    assert_interfaces_work(web, db)


def test_what_the_interface_promises(vale):
    for vm in vale:
        vm.run("tool_port eth0 check")
    assert_interfaces_work(*vale)


def test_no_wake_up_is_lost(vale):
    """Each waits for the other's frame without a time-out."""
    web, db = vale
    together((web, f"tool_port eth0 ping {ROUNDS}"),
             (db, f"tool_port eth0 pong {ROUNDS}"))


def test_programs_on_rings_of_their_own(vale):
    """Buffers go back through the rings that they came by, without a copy."""
    web, db = vale
    pids = [begin(web, "eth0-1", "hold"), begin(web, "eth0-0", "hold")]
    assert web.ask("tool_port eth0 check")[0] != 0
    for pid in pids:
        web.run(f"kill -9 {pid}")
        ended(web, pid)
    pid = begin(db, "eth0", "answer")
    web.run(f"tool_port eth0-0 ping {ROUNDS // 10}", SECONDS)
    db.run(f"kill -9 {pid}")
    ended(db, pid)
    assert_interfaces_work(web, db)


def test_the_stack_stops_while_a_program_has_the_port(vale):
    web, db = vale
    pid = begin(web, "eth0", "hold")
    web.wait_for_carrier("eth0")
    before = web.counts("eth0")["tx0_dropped"] + web.counts("eth0")["tx1_dropped"]
    assert web.ask(f"ping -c 2 -W 1 {ADDRESSES[1]}")[0] != 0
    now = web.counts("eth0")
    assert now["tx0_dropped"] + now["tx1_dropped"] > before
    web.run("ip link set eth0 down && ip link set eth0 up")
    web.run(f"kill -9 {pid}")
    ended(web, pid)
    assert_interfaces_work(web, db)


def test_an_interface_that_is_down_has_rings_too(vale):
    web, db = vale
    for vm in vale:
        vm.run("ip link set eth0 down")
    together((web, f"tool_port eth0 exchange {FRAMES // 10}"),
             (db, f"tool_port eth0 exchange {FRAMES // 10}"))
    for vm in vale:
        vm.run("ip link set eth0 up")
    assert_interfaces_work(web, db)


def test_killed_programs_leave_nothing(world, vale):
    web, db = vale
    for n in range(8):
        pid = begin(web, "eth0", "answer" if n % 2 else "hold")
        db.run("tool_port eth0 ping 10" if n % 2 else "true", 60)
        web.run(f"kill -9 {pid}")
        ended(web, pid)
    assert_interfaces_work(web, db)
    assert_sound(world)


def test_modules_unload_in_either_order(vale):
    web, db = vale
    for vm in vale:
        pid = begin(vm, "eth0", "hold")
        for module in ("ptnet", "ptnetmap"):
            assert vm.ask(f"rmmod {module}")[0] != 0
        vm.run(f"kill -9 {pid}")
        ended(vm, pid)
        for first, second in (("ptnet", "ptnetmap"), ("ptnetmap", "ptnet")):
            vm.run(f"rmmod {first} && rmmod {second}")
            vm.run(f"insmod /guest/{second}.ko && insmod /guest/{first}.ko")
            vm.run("tool_port eth0 check")
    for vm, address in zip(vale, ADDRESSES):
        vm.address("eth0", f"{address}/24")
    assert_interfaces_work(web, db)


def test_the_device_goes_while_a_program_has_it(world, vale):
    """Its mapping is taken away, too: it gets SIGBUS or an error, no more."""
    web, db = vale
    for command in ("error", "hold", "answer"):
        pid = begin(web, "eth0", command)
        web.run("cd /sys/bus/pci/drivers/ptnet && name=$(basename 0000:*) && "
                "echo $name >unbind && ! ip link show eth0 && echo $name >bind")
        ended(web, pid)
        web.run("tool_port eth0 check")
        web.address("eth0", f"{ADDRESSES[0]}/24")
    assert_interfaces_work(web, db)
    assert_sound(world)


@engine_only
def test_the_host_falls_silent_and_speaks_again(world, vale):
    """A pause is an error for as long as it lasts, the port stays the program's."""
    web, db = vale
    pid = begin(web, "eth0", "error")
    engine = engine_pid(world)
    os.kill(engine, signal.SIGSTOP)
    ended(web, pid)
    web.wait_for_carrier("eth0", up=False)
    os.kill(engine, signal.SIGCONT)
    assert_interfaces_work(web, db)


@engine_only
def test_the_engine_is_killed_while_programs_have_ports(world, vale):
    """They are told, and what opens the ports again has the next engine's."""
    web, db = vale
    for _ in range(2):
        pids = [begin(vm, "eth0", "error") for vm in vale]
        world.kill_engine()
        for vm, pid in zip(vale, pids):
            ended(vm, pid, 30)
            assert "restarted" in vm.run("dmesg")
        together((web, f"tool_port eth0 exchange {FRAMES // 10}"),
                 (db, f"tool_port eth0 exchange {FRAMES // 10}"))
    assert_interfaces_work(web, db)
    assert_sound(world)


def test_sleep_while_a_program_has_the_port(vale):
    web, db = vale
    pid = begin(web, "eth0", "error")
    web.tell("echo mem >/sys/power/state")
    time.sleep(3)
    web.monitor("system_wakeup")
    code, text = web.answer("suspend", 60)
    assert code == 0, text
    ended(web, pid)
    assert_interfaces_work(web, db)
    web.kill()
    db.end()


@pytest.fixture(scope="module")
def pipe(world):
    world.end_vms()
    world.apply(topology("vm-pair-pipe"))
    vms = world.boot("fw", wait=False) + world.boot("nat", wait=False)
    for vm in vms:
        vm.wait_until_up()
    load(*vms)
    return vms


def test_frames_go_both_ways_on_a_domains_pipe(world, pipe):
    fw, nat = pipe
    said = together((fw, f"tool_port eth1 exchange {FRAMES}"),
                    (nat, f"tool_port eth0 exchange {FRAMES}"))
    assert all("swapped" in text for text in said), said
    together((fw, f"tool_port eth1 ping {ROUNDS}"),
             (nat, f"tool_port eth0 pong {ROUNDS}"))
    port = interface(world, "fw.out")
    assert not any(port["counters"]["drops"].values())
    assert_sound(world)


def test_a_program_and_an_interface_on_a_pipe(world, pipe):
    fw, nat = pipe
    fw.address("eth1", f"{ADDRESSES[0]}/24")
    nat.address("eth0", f"{ADDRESSES[1]}/24")
    fw.wait_for_ping(ADDRESSES[1])
    pid = begin(nat, "eth0", "hold")
    nat.run(f"kill -9 {pid}")
    ended(nat, pid)
    fw.wait_for_ping(ADDRESSES[1])
    assert_sound(world)
    fw.end()
    nat.end()
