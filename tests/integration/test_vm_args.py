# SPDX-License-Identifier: BSD-2-Clause
"""`ptnetctl vm args`: what each hypervisor is told of a VM's interfaces."""

import json
import pathlib
import shlex
import shutil
import tempfile
import xml.etree.ElementTree

import pytest

from conftest import BACKEND, Net

pytestmark = pytest.mark.skipif(
    BACKEND != "engine", reason="one backend is enough to print from")

TOPOLOGY = """\
apiVersion: ptnet/v1
kind: Topology
metadata: {name: vms}
spec:
  switches: [{name: lan}, {name: vale7}]
  pipes: [{name: p0, domain: d}]
  vms:
    - name: w
      interfaces:
        - {name: eth0, switch: lan, mac: "02:00:00:00:10:01", queues: 2}
        - {name: eth1, switch: vale7, mac: "02:00:00:00:10:02"}
    - name: a
      domain: d
      interfaces: [{name: p, pipe: p0, end: a}]
    - name: b
      domain: d
      interfaces: [{name: p, pipe: p0, end: b}]
    - name: long-of-name
      interfaces: [{name: eth0, switch: lan}]
"""


@pytest.fixture(scope="module")
def net():
    directory = pathlib.Path(tempfile.mkdtemp(prefix="ptnet-"))
    net = Net(directory)
    try:
        net.start().apply(TOPOLOGY)
        yield net
    finally:
        net.end()
        shutil.rmtree(directory)


def args(net, *words):
    return net.ctl("vm", "args", *words).stdout


def sockets(net):
    ports = json.loads(net.ctl("get", "ports", "-o", "json").stdout)
    return {p["name"]: p["status"].get("socket") for p in ports}


def test_qemu(net):
    words = shlex.split(args(net, "w"))
    assert words == json.loads(args(net, "w", "-o", "json"))
    assert words[0::2] == ["-chardev", "-device"] * 2
    for at, name, vectors in (0, "w.eth0", 5), (4, "w.eth1", 3):
        path = sockets(net)[name]
        assert words[at + 1] == f"socket,id=ptnet-{name},path={path}"
        assert words[at + 3] == (f"ivshmem-doorbell,id=ptnet-{name},"
                                 f"chardev=ptnet-{name},vectors={vectors},ioeventfd=on")


def test_libvirt(net):
    said = args(net, "w", "--format", "libvirt")
    devices = xml.etree.ElementTree.fromstring(f"<devices>{said}</devices>")
    assert [d.get("name") for d in devices] == ["ptnet-w.eth0", "ptnet-w.eth1"]
    first = devices[0]
    assert first.find("model").get("type") == "ivshmem-doorbell"
    assert first.find("server").get("path") == sockets(net)["w.eth0"]
    assert first.find("msi").get("vectors") == "5"


def test_bhyve(net):
    assert args(net, "w", "--format", "bhyve").split("\n") == [
        "-s 2:0,ptnet,valelan:w.eth0,mac=02:00:00:00:10:01",
        "-s 2:1,ptnet,vale7:w.eth1,mac=02:00:00:00:10:02", ""]


@pytest.mark.parametrize("vm, why", [
    ("a", "a.p is not on a switch"),
    ("long-of-name", "names of 15 characters"),
])
def test_what_bhyve_cannot(net, vm, why):
    run = net.ctl("vm", "args", vm, "--format", "bhyve", check=False)
    assert run.returncode == 1
    assert why in run.stderr and not run.stdout


def test_other_formats(net):
    run = net.ctl("vm", "args", "w", "--format", "xen", check=False)
    assert run.returncode == 1 and "qemu, libvirt or bhyve" in run.stderr
