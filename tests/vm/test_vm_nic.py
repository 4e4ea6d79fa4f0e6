# SPDX-License-Identifier: BSD-2-Clause
"""A VM with a network device for itself, whose wire ends in a namespace."""

import contextlib
import os
import re
import subprocess

import pytest
from conftest import interface, topology, until
from test_vm_pairs import assert_sound

MEGABYTES = 8
SECONDS = 120
WAN, UPLINK = "ptnwan", "ptnup"  # the example's eth5 and eth4
FAR, GUEST = "10.1.0.1", "10.1.0.2"
# In the order of the interfaces' names.
ON_LAN, ON_WAN = "eth0", "eth1"

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root makes devices")


def run(*words, check=True):
    done = subprocess.run(list(map(str, words)), capture_output=True, text=True,
                          timeout=SECONDS)
    assert not check or done.returncode == 0, done.stderr
    return done.stdout


def far(*words):
    """A command at the wire's other end."""
    return run("ip", "netns", "exec", WAN, "busybox", *words)


def make_wire():
    """Each time the same to the guest, which remembers addresses."""
    run("ip", "link", "add", WAN, "type", "veth", "peer", "name", "far", "address",
        "02:00:00:00:99:01", "netns", WAN)
    run("ip", "link", "set", WAN, "up")
    run("ip", "-n", WAN, "addr", "add", f"{FAR}/24", "dev", "far")
    run("ip", "-n", WAN, "link", "set", "far", "up")


@contextlib.contextmanager
def devices():
    run("ip", "netns", "add", WAN)
    try:
        make_wire()
        run("ip", "link", "add", UPLINK, "type", "veth", "peer", "name", f"{UPLINK}1")
        yield
    finally:
        for device in (WAN, UPLINK):
            run("ip", "link", "del", device, check=False)
        run("ip", "netns", "del", WAN)


def example():
    return topology("vm-and-nic").replace("eth5", WAN).replace("eth4", UPLINK)


@pytest.fixture(scope="module")
def machines(world):
    with devices():
        world.apply(example())
        vms = world.boot("appliance", wait=False) + world.boot("guest", wait=False)
        appliance, guest = [vm.wait_until_up() for vm in vms]
        assert "appliance.wan" in appliance.run(f"ethtool -i {ON_WAN}")
        appliance.address(ON_WAN, f"{GUEST}/24")
        yield appliance, guest
        appliance.end()
        guest.end()


def test_it_pings_by_its_device(world, machines):
    appliance, _ = machines
    appliance.ping(FAR, 5)
    far("ping", "-c", 3, "-W", 5, GUEST)
    port = interface(world, "appliance.wan")
    assert port["spec"]["nic"] == WAN
    assert port["status"]["state"] == "up"
    assert port["counters"]["tx_frames"] >= 8 and port["counters"]["rx_frames"] >= 8


def test_frames_of_every_length_pass(machines):
    appliance, _ = machines
    for size in (0, 1, 18, 100, 1472, 3000, 9000):
        appliance.ping(FAR, 2, f"-s {size}")


def test_tcp_both_ways(world, machines, tmp_path):
    """Large packets that each side leaves to others to be cut."""
    appliance, guest = machines
    data = tmp_path / "data"
    data.write_bytes(os.urandom(MEGABYTES << 20))
    server = subprocess.Popen(["ip", "netns", "exec", WAN, "busybox", "httpd", "-f",
                               "-h", tmp_path, "-p", "7000"])
    try:
        until(lambda: ":7000 " in far("netstat", "-ltn"), 10, "it does not serve")
        appliance.run(f"wget -O /tmp/data http://{FAR}:7000/data", SECONDS)
    finally:
        server.terminate()
        server.wait()
    far_sum = far("sha256sum", data).split()[0]
    assert appliance.run("sha256sum </tmp/data", SECONDS).split()[0] == far_sum
    appliance.run("httpd -h /tmp -p 7000")
    far("wget", "-O", tmp_path / "back", f"http://{GUEST}:7000/data")
    assert far("sha256sum", tmp_path / "back").split()[0] == far_sum
    counts = appliance.counts(ON_WAN)
    assert sum(n for k, n in counts.items() if re.fullmatch(r"tx\d_large", k)) > 10
    drops = interface(world, "appliance.wan")["counters"]["drops"]
    assert not any(n for key, n in drops.items() if "offload" in key), drops
    assert_sound(world, (appliance, ON_WAN), (guest, "eth0"))


def test_its_other_interface_is_on_the_switch(machines):
    appliance, guest = machines
    appliance.address(ON_LAN, "10.2.0.1/24")
    guest.address("eth0", "10.2.0.2/24")
    guest.ping("10.2.0.1", 3)


def test_the_device_goes_and_comes_back(world, machines):
    appliance, _ = machines

    def is_state(state):
        return interface(world, "appliance.wan")["status"]["state"] == state

    for _ in range(2):
        qemu = appliance.pid()
        run("ip", "link", "del", WAN)
        until(lambda: is_state("faulted"), 10, "nobody saw it go")
        assert "network device is not there" in interface(
            world, "appliance.wan")["status"]["lacks"]
        make_wire()
        until(lambda: is_state("up"), 10, "it is not taken again")
        appliance.wait_for_ping(FAR)
        assert appliance.pid() == qemu
