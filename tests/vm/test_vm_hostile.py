# SPDX-License-Identifier: BSD-2-Clause
"""A guest whose kernel means harm, beside one that does not."""

import re
import subprocess
import time

import pytest
from conftest import BUILD, KERNELS, TOP, interface, topology, until

KERNEL = "6.1"
SECONDS = 4
HOST = "10.0.0.9"
NEIGHBOURS = topology("vm-pair-vale") + f"""\
  ports:
    - {{name: answerer, switch: lan, mac: "02:00:00:00:10:09"}}
"""


@pytest.fixture(scope="module")
def vandal():
    """The module, as a file for guests."""
    run = subprocess.run(
        [TOP / "kmod/build", "--module", TOP / "tests/vm/vandal", BUILD / "vandal",
         KERNELS / KERNEL / "build"], capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stderr
    return f"{run.stdout.split()[-1]}:/guest/vandal.ko"


@pytest.fixture(scope="module")
def answerer(world):
    world.apply(NEIGHBOURS)
    socket = world.get("/v1/ports/answerer")["status"]["socket"]
    process = subprocess.Popen([BUILD / "examples/answer", socket, HOST],
                               stderr=subprocess.PIPE, text=True)
    assert process.stderr.readline() == "ready\n"
    yield
    process.kill()
    process.wait()


@pytest.fixture(scope="module")
def pair(world, answerer, vandal):
    web, db = world.boot("web", "db", kernel=KERNEL, files=[vandal])
    web.address("eth0", "10.0.0.1/24")
    db.address("eth0", "10.0.0.2/24")
    db.ping(HOST)
    return web, db


def state(d, port="web.eth0"):
    return interface(d, port)["status"]["state"]


def harm(d, web, db, options=""):
    """For a while, in the driver's place; the other one's pings come back."""
    web.run(f"rmmod ptnet && insmod /guest/vandal.ko {options}")
    until(lambda: web.ask("lsmod | grep -q vandal")[0] == 0, 5, "no vandal")
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        text = db.run(f"ping -c 20 -i 0.02 -W 2 {HOST}", 60)
        assert int(re.search(r"(\d+) packets received", text)[1]) >= 19, text
    seen = state(d)
    web.run("rmmod vandal")
    return seen


def assert_whole(d):
    census = d.get("/v1/census")
    assert census["lost"] == census["twice"] == 0
    assert interface(d, "db.eth0")["counters"]["faults"] == 0


def test_a_driver_after_a_vandal_finds_a_port(world, pair):
    """One that touched nothing that the host takes for an index."""
    web, db = pair
    assert harm(world, web, db, "mild=1") != "faulted"
    assert_whole(world)
    time.sleep(1.2)  # as many commands were there that none is heard
    web.run("insmod /guest/ptnet.ko")
    web.address("eth0", "10.0.0.1/24")
    web.ping(HOST)
    web.ping("10.0.0.2")


def test_a_vandal_is_stopped_and_harms_nobody(world, pair):
    web, db = pair
    assert harm(world, web, db) == "faulted"
    assert_whole(world)
    # the driver is told
    assert web.ask("insmod /guest/ptnet.ko && ip link set eth0 up")[0] != 0
    # and it is the next VM's
    web.kill()
    [web] = world.boot("web", kernel=KERNEL)
    web.address("eth0", "10.0.0.1/24")
    web.ping(HOST)
    web.ping("10.0.0.2")
    assert_whole(world)
    web.end()
    db.end()
