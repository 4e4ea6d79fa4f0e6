# SPDX-License-Identifier: BSD-2-Clause
"""Two VMs on a switch, and on a pipe of one trust domain."""

import pytest
from conftest import ctl, engine_only, interface, topology

MEGABYTES = 16
SECONDS = 90


@pytest.fixture(scope="module")
def vale(world):
    world.apply(topology("vm-pair-vale"))
    vms = world.boot("web", wait=False) + world.boot("db", wait=False, kernel="6.12")
    web, db = [vm.wait_until_up() for vm in vms]
    addresses(web, db)
    return web, db


def addresses(a, b, devices=("eth0", "eth0")):
    a.address(devices[0], "10.0.0.1/24")
    b.address(devices[1], "10.0.0.2/24")


def transfer(sender, address, receiver):
    """Bytes of no order by TCP; both say the same of them."""
    sender.run(f"dd if=/dev/urandom of=/tmp/data bs=1M count={MEGABYTES} && "
               f"httpd -h /tmp -p 7000", SECONDS)
    receiver.run(f"wget -O /tmp/got http://{address}:7000/data", SECONDS)
    sums = [vm.run(f"wc -c </tmp/{file}; sha256sum </tmp/{file}", SECONDS)
            for vm, file in [(sender, "data"), (receiver, "got")]]
    assert sums[0] == sums[1]
    sender.run("killall httpd")
    receiver.run("rm /tmp/got")


def assert_sound(d, *vms):
    """No index or slot was wrong on either side, no buffer is lost."""
    for port in ctl(d, "vm", "status"):
        assert port["counters"]["faults"] == 0, port
    for vm, device in vms:
        for name, count in vm.counts(device).items():
            if name.endswith("_faults"):
                assert count == 0, name
    census = d.get("/v1/census")
    assert census["lost"] == census["twice"] == 0


def test_two_guests_ping_each_other_on_a_switch(vale):
    web, db = vale
    web.ping("10.0.0.2", 5, "-A")
    db.ping("10.0.0.1", 5, "-A")


def test_tcp_through_a_switch(world, vale):
    web, db = vale
    transfer(web, "10.0.0.1", db)
    transfer(db, "10.0.0.2", web)
    assert_sound(world, (web, "eth0"), (db, "eth0"))


def test_each_queue_has_interrupts_of_its_own(vale):
    web, _ = vale
    lines = web.run("grep eth0 /proc/interrupts").splitlines()
    names = [line.split()[-1] for line in lines]
    assert sorted(names) == ["eth0-rx-0", "eth0-rx-1", "eth0-tx-0", "eth0-tx-1"]
    assert "Combined:\t2\n" in web.run("ethtool -l eth0")


def test_a_guest_that_dies_disturbs_no_other(world, vale):
    web, db = vale
    db.kill()
    [db] = world.boot("db")
    db.address("eth0", "10.0.0.2/24")
    web.ping("10.0.0.2")
    web.end()
    db.end()


@pytest.fixture(scope="module")
def pipe(world):
    world.end_vms()
    world.apply(topology("vm-pair-pipe"))
    fw, nat = world.boot("fw", "nat")
    addresses(fw, nat, ("eth1", "eth0"))
    return fw, nat


def test_two_guests_on_a_pipe(world, pipe):
    fw, nat = pipe
    fw.ping("10.0.0.2", 5, "-A")
    nat.ping("10.0.0.1", 5, "-A")
    transfer(fw, "10.0.0.1", nat)
    transfer(nat, "10.0.0.2", fw)
    port = interface(world, "fw.out")
    assert not any(port["counters"]["drops"].values())
    assert_sound(world, (fw, "eth1"), (nat, "eth0"))


@engine_only
def test_a_killed_engine_has_both_ends_taken_over(world, pipe):
    fw, nat = pipe
    world.kill_engine()
    fw.wait_for_ping("10.0.0.2")
    transfer(fw, "10.0.0.1", nat)
    transfer(nat, "10.0.0.2", fw)
    assert_sound(world, (fw, "eth1"), (nat, "eth0"))


def test_a_pipe_without_a_reader_makes_the_sender_wait(world, pipe):
    """Nothing is dropped, no watchdog barks, and it goes on afterwards."""
    fw, nat = pipe
    nat.run("ip link set eth0 down")
    fw.run("arp -s 10.0.0.9 02:00:00:00:00:09")
    fw.ask("timeout 3 nc -u 10.0.0.9 9 </dev/zero", 60)
    sent = fw.counts("eth1")
    assert sent["tx0_stops"] > 0 and sent["tx0_dropped"] == 0
    nat.run("ip link set eth0 up")
    nat.wait_for_carrier("eth0")
    fw.ping("10.0.0.2")
    port = interface(world, "fw.out")
    assert not any(port["counters"]["drops"].values())
    fw.end()
    nat.end()
