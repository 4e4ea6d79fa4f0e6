# SPDX-License-Identifier: BSD-2-Clause
"""A guest whose kernel is followed by another, while the host sends to it."""

import subprocess
import time

import pytest
from conftest import BUILD, KERNELS, engine_only, interface, topology, until
from test_vm_and_host import GUEST, HOST, MAC, Answerer

RATE = 2000
# Memory that the second kernel has for itself. It is one piece, which there is
# not where the first kernel has put itself into the middle.
CRASH_MEMORY = ["crashkernel=224M", "nokaslr"]
BOOT_ID = "cat /proc/sys/kernel/random/boot_id"

pytestmark = engine_only  # what is tried is the guest's driver


@pytest.fixture(scope="module", autouse=True)
def applied(world):
    world.apply(topology("vm-and-host"))


@pytest.fixture(params=["6.1", "6.12"])
def guest(world, request):
    """It has its kernel as a file."""
    files = [f"{BUILD}/tests/kernel/tool_kexec:/bin/tool_kexec",
             f"{KERNELS}/{request.param}/vmlinuz:/guest/vmlinuz"]
    [vm] = world.boot("solo", kernel=request.param, files=files,
                      append=CRASH_MEMORY)
    vm.address("eth0", GUEST)
    yield vm
    if vm.process.poll() is None:
        vm.kill()


class Flood:
    """Frames for the guest without end, whether it takes them or not."""

    def __init__(self, d):
        self.process = subprocess.Popen(
            [BUILD / "ptnetctl", "--server", f"unix:{d.socket}", "traffic", "send",
             "--port", "answerer", "--dst", MAC, "--rate", str(RATE), "--count", "0"],
            stdout=subprocess.DEVNULL)

    def end(self):
        assert self.process.poll() is None
        self.process.terminate()
        self.process.wait(10)


def state(d):
    return interface(d, "solo.eth0")["status"]["state"]


def ping(d, vm):
    answerer = Answerer(d)
    vm.ping(HOST, 5, "-A")
    answerer.end()


def assert_used_anew(d, vm, before):
    """By the next kernel: no buffer is lost, and the host's side went on."""
    assert state(d) == "attached"
    vm.address("eth0", GUEST)
    ping(d, vm)
    after = interface(d, "solo.eth0")
    for same in ("pid", "generation", "driver"):
        assert after["status"][same] == before["status"][same]
    assert after["counters"]["faults"] == 0
    counts = vm.counts("eth0")
    assert not any(n for name, n in counts.items() if name.endswith("_faults"))
    assert counts["host_restarts"] == 0
    census = d.get("/v1/census")
    assert census["lost"] == census["twice"] == 0


def load(vm, when):
    """The same kernel, with all files that are there now."""
    vm.run("cd / && find . -xdev ! -path './tmp/*' | cpio -o -H newc >/tmp/initrd"
           f" && tool_kexec {when} /guest/vmlinuz /tmp/initrd", 60)


def follow(d, vm, command, shut_down):
    """The next kernel boots; frames come all the time."""
    ping(d, vm)
    before, boot = interface(d, "solo.eth0"), vm.run(BOOT_ID)
    flood = Flood(d)
    with vm.booting():
        vm.tell(f"(ping -i 0.01 {HOST} >/dev/null &) ; sleep 1; {command}")
        if shut_down:
            until(lambda: state(d) == "attached", 20, "the driver did not stop")
        else:
            time.sleep(3)
            assert state(d) == "up"  # nobody was there to stop it
    assert vm.run(BOOT_ID) != boot
    flood.end()
    assert_used_anew(d, vm, before)


def test_kexec(world, guest):
    for _ in range(2):
        load(guest, "next")
        follow(world, guest, "tool_kexec go", True)
    guest.end()


def test_a_kernel_after_a_panic(world, guest):
    load(guest, "panic")
    follow(world, guest, "echo c >/proc/sysrq-trigger", False)
    guest.run("test -e /proc/vmcore")
