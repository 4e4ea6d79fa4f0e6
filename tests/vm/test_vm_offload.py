# SPDX-License-Identifier: BSD-2-Clause
"""Headers of frames: large packets between VMs, and for a VM that has none."""

import re

import pytest
from conftest import engine_only, interface, topology, until
from test_vm_pairs import addresses, assert_sound, transfer

LOTS = 20

# One that may leave work to the switch, and one that may not.
MIXED = """
apiVersion: ptnet/v1
kind: Topology
metadata: {name: vm-pair-vale}
spec:
  switches: [{name: lan}]
  vms:
    - name: web
      interfaces: [{name: eth0, switch: lan}]
    - name: plain
      interfaces: [{name: eth0, switch: lan, offload: false}]
"""


@pytest.fixture(scope="module")
def pair(world):
    world.apply(topology("vm-pair-vale"))
    vms = world.boot("web", wait=False) + world.boot("db", wait=False, kernel="6.12")
    web, db = [vm.wait_until_up() for vm in vms]
    addresses(web, db)
    yield web, db
    world.end_vms()


def features(vm):
    """What `ethtool -k` says: on, off, and whether it can be changed."""
    return dict(re.findall(r"([\w-]+): (.*)", vm.run("ethtool -k eth0")))


def count(vm, name):
    """Over the queues."""
    counts = vm.counts("eth0")
    return sum(n for key, n in counts.items() if re.fullmatch(name, key))


def counters(d, port):
    return interface(d, port)["counters"]


def test_the_features_are_there(pair):
    for vm in pair:
        has = features(vm)
        assert has["tcp-segmentation-offload"] == "on"
        assert has["tx-tcp6-segmentation"] == "on"
        assert has["tx-udp-segmentation"] == "on"
        assert has["tx-checksumming"] == "on"
        assert has["rx-checksumming"] == "on"


def test_large_packets_pass_between_vms_as_they_are(world, pair):
    web, db = pair
    transfer(web, "10.0.0.1", db)
    transfer(db, "10.0.0.2", web)
    for vm in pair:
        assert count(vm, r"tx\d_large") > 100
        assert count(vm, r"rx\d_large") > 100
        assert count(vm, r"rx\d_partial") > 100
    for name in ("web.eth0", "db.eth0"):
        seen = counters(world, name)
        assert seen["segmented"] == seen["segments"] == seen["checksums"] == 0
        assert not any(n for key, n in seen["drops"].items() if "offload" in key)
    assert_sound(world, (web, "eth0"), (db, "eth0"))


def six(a, b):
    """Addresses of IPv6, fd00::1 and fd00::2."""
    for number, vm in enumerate((a, b), 1):
        vm.run("echo 0 >/proc/sys/net/ipv6/conf/eth0/accept_dad; "
               f"ip addr add fd00::{number}/64 dev eth0")


def udp(sender, receiver, address):
    """Many datagrams at once; each must arrive."""
    receiver.run(f"tool_udp serve 6000 {LOTS} >/tmp/said 2>&1 & echo $! >/tmp/pid")
    until(lambda: "ready" in receiver.run("cat /tmp/said"), 20, "it does not serve")
    sender.run(f"tool_udp send {address} 6000 {LOTS}", 60)
    until(lambda: receiver.ask("kill -0 $(cat /tmp/pid)")[0] != 0, 20, "it waits")
    assert receiver.run("cat /tmp/said") == "ready\n"


def test_tcp_and_udp_by_ipv6_and_ipv4(world, pair):
    web, db = pair
    six(web, db)
    transfer(web, "[fd00::1]", db)
    for sender, receiver, number in (web, db, 2), (db, web, 1):
        large = count(sender, r"tx\d_large"), count(receiver, r"rx\d_large")
        for address in (f"::ffff:10.0.0.{number}", f"fd00::{number}"):
            udp(sender, receiver, address)
        assert count(sender, r"tx\d_large") - large[0] >= 2 * LOTS
        assert count(receiver, r"rx\d_large") - large[1] >= 2 * LOTS
    assert counters(world, "web.eth0")["segments"] == 0
    assert counters(world, "db.eth0")["segments"] == 0


def test_offloads_are_switched_off_and_on(pair):
    web, db = pair
    web.run("ethtool -K eth0 tso off gso off")
    large, partial = count(web, r"tx\d_large"), count(web, r"tx\d_partial")
    transfer(web, "10.0.0.1", db)
    assert count(web, r"tx\d_large") == large
    assert count(web, r"tx\d_partial") > partial
    web.run("ethtool -K eth0 tx off")
    partial = count(web, r"tx\d_partial")
    transfer(web, "10.0.0.1", db)
    assert count(web, r"tx\d_partial") == partial
    web.run("ethtool -K eth0 tx on tso on gso on")
    transfer(web, "10.0.0.1", db)
    assert count(web, r"tx\d_large") > large


def test_frames_as_on_a_wire(world, pair):
    """Without rx there are no headers at all: the switch does the work."""
    web, db = pair
    web.run("ethtool -K eth0 rx off")
    web.wait_for_carrier("eth0")
    assert features(web)["tcp-segmentation-offload"].startswith("off")
    assert features(web)["tx-checksumming"] == "on"
    names = [r"rx\d_large", r"rx\d_partial", r"tx\d_large", r"tx\d_partial"]
    before = [count(web, name) for name in names]
    transfer(web, "10.0.0.1", db)
    transfer(db, "10.0.0.2", web)
    assert [count(web, name) for name in names] == before
    assert counters(world, "web.eth0")["segmented"] > 100
    web.run("ethtool -K eth0 rx on")
    web.wait_for_carrier("eth0")
    transfer(db, "10.0.0.2", web)
    assert count(web, names[0]) > before[0]


def test_the_largest_mtu(pair):
    web, db = pair
    for vm in pair:
        vm.run("ip link set eth0 mtu 2030")
    web.ping("10.0.0.2", 2, "-A -s 2002")
    transfer(web, "10.0.0.1", db)
    for vm in pair:
        vm.run("ip link set eth0 mtu 1500")


def test_down_and_up(pair):
    web, db = pair
    web.run("ip link set eth0 down && ip link set eth0 up")
    web.wait_for_carrier("eth0")
    transfer(web, "10.0.0.1", db)


@engine_only
def test_a_killed_engine_is_asked_for_headers_again(world, pair):
    web, db = pair
    world.kill_engine()
    web.wait_for_ping("10.0.0.2")
    large = count(web, r"tx\d_large")
    transfer(web, "10.0.0.1", db)
    assert count(web, r"tx\d_large") > large
    assert_sound(world, (web, "eth0"), (db, "eth0"))


@pytest.fixture(scope="module")
def mixed(world):
    world.end_vms()
    world.apply(MIXED)
    [web] = world.boot("web", kernel="6.12")
    [plain] = world.boot("plain")
    addresses(web, plain)
    yield web, plain
    world.end_vms()


def test_a_vm_that_may_not_has_none(mixed):
    _, plain = mixed
    has = features(plain)
    assert has["tcp-segmentation-offload"] == "off"
    assert has["tx-udp-segmentation"] == "off [fixed]"
    assert has["rx-checksumming"] == "off [fixed]"
    assert has["tx-checksumming"] == "on"  # by the driver, as it copies


def test_who_has_no_header_gets_segments(world, mixed):
    web, plain = mixed
    transfer(web, "10.0.0.1", plain)
    assert count(web, r"tx\d_large") > 100
    assert count(plain, r"rx\d_large") == 0
    seen = counters(world, "plain.eth0")
    assert seen["segmented"] > 100
    assert seen["segments"] > 2 * seen["segmented"]
    assert seen["checksums"] > 0
    errors = plain.run("grep Tcp: /proc/net/snmp").splitlines()
    errors = dict(zip(errors[0].split(), errors[1].split()))
    assert errors["InErrs"] == errors["InCsumErrors"] == "0"


def test_segments_of_udp_and_of_ipv6(world, mixed):
    web, plain = mixed
    six(web, plain)
    before = counters(world, "plain.eth0")["segmented"]
    transfer(web, "[fd00::1]", plain)
    for address in ("::ffff:10.0.0.2", "fd00::2"):
        udp(web, plain, address)
    assert counters(world, "plain.eth0")["segmented"] - before > 2 * LOTS
    for what in ("Ip6InHdrErrors", "Udp6InCsumErrors", "Udp6InErrors"):
        assert re.search(rf"{what}\s+0\n", plain.run("cat /proc/net/snmp6"))
    udp(plain, web, "fd00::1")


def test_who_has_one_gets_what_others_send(world, mixed):
    web, plain = mixed
    transfer(plain, "10.0.0.2", web)
    assert count(web, r"rx\d_partial") == 0
    assert_sound(world, (web, "eth0"), (plain, "eth0"))
