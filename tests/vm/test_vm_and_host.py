# SPDX-License-Identifier: BSD-2-Clause
"""One VM and a host program on a switch: the driver, and who may die."""

import os
import pathlib
import random
import re
import signal
import subprocess
import time

import pytest
from conftest import BUILD, ctl, engine_only, engine_pid, interface, place, topology, until

HOST, GUEST = "10.0.0.1", "10.0.0.2/24"
MAC = "02:00:00:00:30:02"
PLUGS = 4


class Answerer:
    """The host program that answers pings."""

    def __init__(self, d):
        self.process = subprocess.Popen(
            [BUILD / "examples/answer", place(d, "answerer"), HOST],
            stderr=subprocess.PIPE, text=True)
        assert self.process.stderr.readline() == "ready\n"

    def end(self):
        self.process.kill()
        self.process.wait()


@pytest.fixture(scope="module")
def host(world):
    world.apply(topology("vm-and-host"))
    answerer = Answerer(world)
    yield answerer
    answerer.end()


# An ivshmem device that is nobody's port, beside ours.
FOREIGN = ["-object", "memory-backend-ram,id=foreign,size=1M,share=on",
           "-device", "ivshmem-plain,memdev=foreign"]


@pytest.fixture(scope="module")
def guest(world, host):
    [vm] = world.boot("solo", qemu=FOREIGN)
    vm.address("eth0", GUEST)
    return vm


def test_a_guest_pings_a_host_program(guest):
    guest.ping(HOST, 5, "-A")


def test_the_interface_is_what_the_topology_says(world, guest):
    assert MAC in guest.run("ip link show eth0")
    text = guest.run("ethtool -i eth0; ethtool -g eth0; ethtool -l eth0")
    assert "driver: ptnet\n" in text
    assert "firmware-version: solo.eth0\n" in text
    assert "Combined:\t1\n" in text
    assert "TX:\t\t1024\n" in text
    port = interface(world, "solo.eth0")
    assert port["status"]["state"] == "up"
    with open(f"/proc/{port['status']['pid']}/cmdline") as file:
        assert "qemu" in file.read()


def test_other_ivshmem_devices_are_left_alone(guest):
    bound = guest.run("ls /sys/bus/pci/drivers/ptnet; lspci -n 2>/dev/null || "
                      "cat /sys/bus/pci/devices/*/device")
    assert bound.count("0000:") >= 1
    assert len([x for x in guest.run("ls -d /sys/bus/pci/drivers/ptnet/0000:*")
                .split()]) == 1
    assert bound.count("1110") == 2


def test_frames_of_every_length_arrive(guest):
    for size in (0, 1, 18, 100, 1472):
        guest.ping(HOST, 2, f"-A -s {size}")
    guest.run("ip link set eth0 mtu 2030")
    guest.ping(HOST, 2, "-A -s 2002")
    assert guest.ask("ip link set eth0 mtu 2031")[0] != 0
    guest.run("ip link set eth0 mtu 1500")


def test_what_is_sent_to_the_guest_is_counted_once(world, host, guest):
    host.end()
    before = guest.counts("eth0")
    count = 20000
    subprocess.run(
        [BUILD / "ptnetctl", "--server", f"unix:{world.socket}", "traffic", "send",
         "--port", "answerer", "--count", str(count), "--dst", MAC, "--rate", "20000"],
        check=True, capture_output=True, timeout=60)
    port = interface(world, "solo.eth0")
    had = port["counters"]["rx_frames"]

    def all_here():
        now = guest.counts("eth0")
        return now if now["rx0_packets"] + now["rx0_dropped"] >= had else None

    now = until(all_here, 10, "frames are missing")
    assert now["rx0_packets"] + now["rx0_dropped"] == had
    got = now["rx0_packets"] - before["rx0_packets"]
    assert got + sum(port["counters"]["drops"].values()) >= count
    assert now["rx0_faults"] == now["tx0_faults"] == 0
    host.__init__(world)
    guest.ping(HOST)


def test_down_and_up(guest):
    for _ in range(5):
        guest.run("ip link set eth0 down && ip link set eth0 up")
    guest.wait_for_carrier("eth0")
    guest.ping(HOST)


def test_the_driver_is_reloaded(world, guest):
    for _ in range(3):
        guest.run("rmmod ptnet && insmod /guest/ptnet.ko")
    # it is attached still, but nothing runs
    assert interface(world, "solo.eth0")["status"]["state"] == "attached"
    guest.address("eth0", GUEST)
    guest.ping(HOST)


def test_unbind_and_bind(guest):
    guest.run("cd /sys/bus/pci/drivers/ptnet && name=$(basename 0000:*) && "
              "echo $name >unbind && ! ip link show eth0 && echo $name >bind")
    guest.address("eth0", GUEST)
    guest.ping(HOST)


def test_suspend_and_resume(guest):
    guest.monitor("query-status")
    guest.tell("echo mem >/sys/power/state")
    guest.qmp.event("SUSPEND", 30)
    guest.monitor("system_wakeup")
    code, text = guest.answer("suspend", 60)
    assert code == 0, text
    assert "PM: suspend exit" in guest.run("dmesg")
    guest.wait_for_carrier("eth0")
    guest.ping(HOST)


def test_traffic_goes_on_without_ptnetd(world, guest):
    guest.tell(f"ping -c 30 -i 0.1 -W 5 {HOST}")
    for _ in range(2):
        time.sleep(0.5)
        world.kill()
        time.sleep(0.5)
        world.start()
    code, text = guest.answer("ping", 60)
    assert code == 0 and "30 packets received" in text, text
    assert interface(world, "solo.eth0")["status"]["state"] == "up"


def test_a_reset_of_the_machine(guest):
    """The region survives it, and so does what the last kernel left there."""
    guest.monitor("set-action", reboot="reset")
    guest.monitor("system_reset")
    guest.agent.close()
    guest.wait_until_up()
    guest.address("eth0", GUEST)
    guest.ping(HOST)


def test_a_guest_ends_without_a_complaint(world, guest):
    guest.end()
    until(lambda: interface(world, "solo.eth0")["status"]["state"] == "down", 5,
          "the port is not free")


@pytest.fixture
def free(world, host):
    """Nobody has the VM's port, whichever tests ran before."""
    world.end_vms()


def test_a_killed_qemu_frees_the_binding_within_a_second(world, free):
    """While it boots, and while frames flow."""
    for after in (0.2, 1, 3):
        [vm] = world.boot("solo", wait=False)
        until(lambda: status(world)["pid"], 30, "no QEMU")
        time.sleep(after)
        killed(world, vm)
    [vm] = world.boot("solo")
    vm.address("eth0", GUEST)
    vm.tell(f"ping -c 1000 -i 0.01 {HOST}")
    time.sleep(1)
    killed(world, vm)


def killed(world, vm):
    qemu = vm.pid()
    os.kill(qemu, signal.SIGKILL)
    until(lambda: ended(qemu), 30, "QEMU does not end")
    until(lambda: status(world)["state"] == "down", 1, "the port is not free")
    vm.process.wait(30)


def ended(pid):
    """Its descriptors are closed then."""
    try:
        return " Z " in pathlib.Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return True


def status(world):
    """By no program, which would take QEMU's time."""
    return world.get("/v1/ports/solo.eth0")["status"]


def test_a_hundred_killed_qemus(world, free):
    """At any moment around that at which they are attached. No guest boots."""
    words = ctl(world, "vm", "args", "solo")

    def attached_in(seconds):
        """Whether it was attached, and when it was killed."""
        start = time.monotonic()
        qemu = subprocess.Popen(["qemu-system-x86_64", "-nodefaults", "-display", "none",
                                 "-machine", "q35", "-S", *words])
        if seconds is None:
            until(lambda: status(world)["pid"] == qemu.pid, 30, "no QEMU")
        else:
            time.sleep(seconds)
        up, after = status(world)["pid"] == qemu.pid, time.monotonic() - start
        qemu.kill()
        qemu.wait()
        until(lambda: status(world)["state"] == "down", 1, "the port is not free")
        return up, after

    takes = attached_in(None)[1]
    moment = random.Random(1)
    attached = [attached_in(moment.uniform(0, 2 * takes))[0] for _ in range(100)]
    assert 10 < sum(attached) < 90, attached
    census = world.get("/v1/census")
    assert census["lost"] == census["twice"] == 0


# For a device that comes later.
SOCKET = ["-device", "pcie-root-port,id=socket,chassis=1,pref64-reserve=4G"]


@pytest.fixture(scope="module")
def unplugged(world, host):
    """A guest without the VM's interface."""
    world.end_vms()
    [vm] = world.boot("solo", plugged=False, qemu=SOCKET)
    return vm


def plug(vm):
    vm.plug("socket")
    until(lambda: vm.ask("test -e /sys/class/net/eth0")[0] == 0, 20, "no interface")


def unplug(d, vm):
    vm.unplug()
    until(lambda: interface(d, "solo.eth0")["status"]["state"] == "down", 1,
          "the port is not free")


def test_a_port_that_is_taken_is_not_plugged(world, unplugged):
    """The monitor says so, and the guest goes on."""
    vm = unplugged
    words = ctl(world, "vm", "args", "solo")
    other = subprocess.Popen(["qemu-system-x86_64", "-nodefaults", "-display", "none",
                              "-machine", "q35", "-S", *words])
    until(lambda: interface(world, "solo.eth0")["status"]["pid"], 30, "no QEMU")
    with pytest.raises(AssertionError, match="server sent version -16"):
        vm.plug("socket")
    vm.run("true")
    other.kill()
    other.wait()
    until(vm.hangs_up, 30, "QEMU keeps its connection")
    plug(vm)
    unplug(world, vm)


def test_plugged_and_unplugged(world, unplugged):
    """While frames flow, the guest is asked to give it back."""
    vm = unplugged
    for _ in range(PLUGS):
        plug(vm)
        vm.address("eth0", GUEST)
        vm.ping(HOST)
        vm.tell(f"ping -c 1000 -i 0.01 {HOST}; true")
        time.sleep(1)
        unplug(world, vm)
        vm.answer("ping", 60)
        vm.run("! test -e /sys/class/net/eth0")
    vm.end()


@engine_only
def test_the_carrier_goes_with_the_engine(world, free):
    [vm] = world.boot("solo", kernel="6.12")
    vm.address("eth0", GUEST)
    vm.ping(HOST)
    engine = engine_pid(world)
    os.kill(engine, signal.SIGSTOP)
    vm.wait_for_carrier("eth0", up=False)
    # up without a host, it starts when there is one
    vm.run("ip link set eth0 down && ip link set eth0 up")
    assert "the host does not answer" in vm.run("dmesg")
    vm.wait_for_carrier("eth0", up=False)
    os.kill(engine, signal.SIGCONT)
    vm.wait_for_carrier("eth0")
    vm.ping(HOST)
    assert "the host's side is gone" in vm.run("dmesg")
    vm.end()


def lacks(d):
    return interface(d, "solo.eth0")["status"]["lacks"] or ""


def table(d):
    """What `vm status` shows people."""
    run = subprocess.run(
        [BUILD / "ptnetctl", "--server", f"unix:{d.socket}", "vm", "status", "solo"],
        capture_output=True, text=True, timeout=60, check=True)
    return run.stdout


def test_run_says_when_the_driver_is_up(world, free):
    """And status what is missing until then."""
    assert "no VM is attached" in lacks(world)
    [vm] = world.boot("solo", by_run=True)
    assert "solo is up" not in vm.said()
    until(lambda: "interface is down" in lacks(world), 10, "no driver")
    vm.run("rmmod ptnet")
    until(lambda: "ptnet.ko" in lacks(world), 10, "a driver still")
    assert "ptnet.ko" in table(world)
    vm.run("insmod /guest/ptnet.ko")
    vm.address("eth0", GUEST)
    until(lambda: "solo is up" in vm.said(), 10, "that it is up is not said")
    assert not lacks(world)
    status = interface(world, "solo.eth0")["status"]
    assert status["driver"] == re.search(
        r"version: (\S+)", vm.run("ethtool -i eth0"))[1]
    assert status["generation"] == vm.counts("eth0")["generation"]
    vm.tell(f"ping -c 100 -i 0.02 {HOST}")
    time.sleep(0.5)
    line = next(x for x in table(world).splitlines() if "solo.eth0" in x)
    assert re.search(r"\b0\.1\.0\b", line) and not re.search(r" 0 +0 +0$", line)
    vm.answer("ping")
    # another one is refused before QEMU is tried
    second = subprocess.run(
        [BUILD / "ptnetctl", "--server", f"unix:{world.socket}", "vm", "run", "solo",
         "--", "false"], capture_output=True, text=True, timeout=60)
    assert second.returncode == 1 and "attached already" in second.stderr
    vm.end()


def test_run_ends_as_its_command(world, free):
    def run(*command):
        return subprocess.Popen(
            [BUILD / "ptnetctl", "--server", f"unix:{world.socket}", "vm", "run",
             "solo", "--", *command], stderr=subprocess.PIPE, text=True)

    for command, code, words in (
            (["sh", "-c", "exit 7"], 7, ""), (["sh", "-c", "kill -9 $$"], 137, ""),
            (["/no/such/qemu"], 1, "No such file")):
        one = run(*command)
        said = one.communicate(timeout=60)[1]
        assert one.returncode == code and words in said, said
    one = run("sh", "-c", "echo begun >&2; exec sleep 100")
    assert one.stderr.readline() == "begun\n"
    one.terminate()
    assert one.wait(10) == 128 + signal.SIGTERM
    one.stderr.close()


@engine_only
def test_a_killed_engine_is_followed_by_one_that_has_the_vm(world):
    """QEMU goes on, and so does its guest: nothing is plugged anew."""
    world.end_vms()
    world.apply(topology("vm-and-host"))
    [vm] = world.boot("solo")
    vm.address("eth0", GUEST)
    qemu = vm.pid()
    for _ in range(3):
        vm.tell(f"ping -c 40 -i 0.1 -W 5 {HOST} | grep -c seq=")
        os.kill(engine_pid(world), signal.SIGKILL)
        until(lambda: state(world) == "up", 10, "the VM was not taken over")
        answerer = Answerer(world)
        answered = int(vm.answer("ping", 60)[1])
        assert answered >= 20, answered
        vm.ping(HOST)
        answerer.end()
        assert vm.pid() == qemu
    assert vm.counts("eth0")["host_restarts"] == 3
    census = world.get("/v1/census")
    assert census["lost"] == census["twice"] == 0
    vm.kill()
    until(lambda: state(world) == "down", 1, "the port is not free")


def state(d):
    try:
        return interface(d, "solo.eth0")["status"]["state"]
    except AssertionError:
        return None  # the daemon is starting an engine
