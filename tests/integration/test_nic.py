# SPDX-License-Identifier: BSD-2-Clause
"""Network devices of the host as the engine's ports: what people declare, what
they see of it, and who dies. What frames become is in tests/backend/test_nic.c."""

import contextlib
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

import pytest
from conftest import BACKEND, TOP, Net, Running

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "kernel"))
from netmap import come, frame, is_ours, quiet, raw  # noqa: E402

# On the module the case topologies has the same.
pytestmark = pytest.mark.skipif(os.geteuid() != 0 or BACKEND != "engine",
                                reason="only root makes devices")
UP, FAR_UP, WAN, FAR_WAN = "ptnup4", "ptnup4far", "ptnup5", "ptnup5far"
PATIENCE = 30
WENT = f"port {UP}: its network device went away"
CAME = f"port {UP}: there is a network device of its name again"


def ip(*words):
    done = subprocess.run(["ip", *map(str, words)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def make(device, far):
    ip("link", "add", device, "type", "veth", "peer", "name", far)
    for end in (device, far):
        quiet(end)
        ip("link", "set", end, "up")


def remove(device):
    subprocess.run(["ip", "link", "del", device], stderr=subprocess.DEVNULL)


def promiscuity(device):
    return int(re.search(r"promiscuity (\d+)", ip("-d", "link", "show", device))[1])


def until(true, why):
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline, why
        time.sleep(0.02)


@pytest.fixture()
def devices():
    with contextlib.ExitStack() as stack:
        for device, far in ((UP, FAR_UP), (WAN, FAR_WAN)):
            make(device, far)
            stack.callback(remove, device)
        yield


@pytest.fixture()
def net(scratch):
    net = Net(scratch)
    yield net.start()
    net.end()


def declare(net, spec, check=True):
    path = net.directory / "t.yaml"
    path.write_text("{apiVersion: ptnet/v1, kind: Topology, metadata: {name: t}, "
                    f"spec: {spec}}}\n")
    return net.ctl("apply", path, check=check)


def example(net, name, **more):
    text = (TOP / "topologies" / f"{name}.yaml").read_text()
    for old, new in {"eth4": UP, "eth5": WAN, **more}.items():
        text = text.replace(old, new)
    path = net.directory / f"{name}.yaml"
    path.write_text(text)
    return path


def nic(net, name=UP):
    found, = [n for n in net.json("get", "nics") if n["name"] == name]
    return found


def engine(net):
    found = subprocess.run(["pgrep", "-f", f"ptnet-engine.*{net.run_dir}"],
                           capture_output=True, text=True)
    return int(found.stdout.split()[0])


def passes(net, port, far, count=20):
    """Both ways between a program's port and the wire."""
    wire = raw(far)
    net.ctl("traffic", "send", "--port", port, "--count", count)
    assert len(come(wire, count, is_ours)) >= count
    taker = Running(net, "recv", "--port", port, "--count", count)
    for i in range(count):
        wire.send(frame(i))
    assert taker.result()["frames"] >= count
    wire.close()


ON_SWITCH = f"""{{switches: [{{name: s}}, {{name: r}}], nics: [{{device: {UP}, switch: s}}],
    ports: [{{name: probe, switch: s}}, {{name: other, switch: r}}]}}"""


def test_the_example_is_applied_whole(net, devices):
    path = example(net, "vm-and-nic")
    net.ctl("apply", path)
    assert net.json("status")["inSync"]
    assert "nic" in net.json("status")["backend"]["features"]
    found = nic(net)
    assert found["status"]["state"] == "up"
    assert found["status"]["socket"] is found["status"]["pid"] is None, found
    assert found["spec"]["switch"] == "uplink"
    assert promiscuity(UP) == 1 and promiscuity(WAN) == 0
    assert not (net.run_dir / f"ports/{UP}.sock").exists()
    assert net.ctl("plan", path).stdout == "no changes\n"
    assert net.json("census")["lost"] == 0
    net.ctl("delete", "topology", "vm-and-nic")
    assert promiscuity(UP) == 0
    assert net.json("get", "nics") == []


def test_frames_pass_and_are_counted(net, devices):
    declare(net, ON_SWITCH)
    passes(net, "probe", FAR_UP)
    counters = nic(net)["counters"]
    assert counters["rx_frames"] >= 20 and counters["tx_frames"] >= 20, counters
    table = {e["port"] for e in net.json("get", "fdb", "s")}
    assert UP in table, table


def test_it_moves_to_another_switch(net, devices):
    declare(net, ON_SWITCH)
    declare(net, ON_SWITCH.replace("switch: s}],", "switch: r}],"))
    assert nic(net)["spec"]["switch"] == "r"
    passes(net, "other", FAR_UP)
    assert promiscuity(UP) == 1


def test_a_daemon_and_an_engine_that_die(net, devices):
    declare(net, ON_SWITCH)
    passes(net, "probe", FAR_UP)
    before = nic(net)["counters"]
    net.kill()
    net.start()
    assert nic(net)["counters"] == before  # nothing happened to it
    assert net.json("status")["inSync"]
    for _ in range(2):
        was = engine(net)
        os.kill(was, signal.SIGKILL)
        until(lambda: net.json("status")["inSync"] and engine(net) != was,
              "no engine follows")
        assert nic(net)["status"]["state"] == "up"
        assert promiscuity(UP) == 1
        passes(net, "probe", FAR_UP)


def test_a_device_goes_and_comes_back(net, devices):
    declare(net, ON_SWITCH)
    passes(net, "probe", FAR_UP)
    remove(UP)
    until(lambda: nic(net)["status"]["state"] == "faulted", "nobody saw it go")
    assert net.json("status")["inSync"]
    assert net.ctl("plan", net.directory / "t.yaml").stdout == "no changes\n"
    make(UP, FAR_UP)
    until(lambda: nic(net)["status"]["state"] == "up", "it is not taken again")
    passes(net, "probe", FAR_UP)
    until(lambda: WENT in net.log and CAME in net.log, "the daemon is not told")
    time.sleep(0.2)  # nor told again
    for log in (net.log, (net.run_dir / "engine.log").read_text()):
        assert log.count(WENT) == log.count(CAME) == 1, log
    assert net.json("status")["inSync"]


def test_a_device_that_is_another_when_somebody_looks(net, devices):
    declare(net, ON_SWITCH)
    os.kill(engine(net), signal.SIGSTOP)
    try:
        remove(UP)
        make(UP, FAR_UP)
    finally:
        os.kill(engine(net), signal.SIGCONT)
    until(lambda: WENT in net.log and CAME in net.log, "the daemon is not told")
    passes(net, "probe", FAR_UP)
    # and one that is down is waited for
    os.kill(engine(net), signal.SIGSTOP)
    try:
        remove(UP)
        make(UP, FAR_UP)
        ip("link", "set", UP, "down")
    finally:
        os.kill(engine(net), signal.SIGCONT)
    until(lambda: net.log.count(CAME) == 2, "the daemon is not told")
    ip("link", "set", UP, "up")
    passes(net, "probe", FAR_UP)


def test_a_devices_news_of_a_virtual_machine(net, devices):
    declare(net, f"{{vms: [{{name: v, interfaces: [{{name: wan, nic: {UP}}}]}}]}}")
    remove(UP)
    until(lambda: "port v.wan: its network device went away" in net.log, "not told")
    assert net.port("v.wan")["status"]["state"] == "faulted"
    make(UP, FAR_UP)
    until(lambda: "port v.wan: there is a network device of its name again" in net.log,
          "not told")
    assert net.port("v.wan")["status"]["state"] == "down"


def everywhere(switch="s"):
    """Devices on a switch, with an address, and of a machine; and others."""
    return f"""{{
        switches: [{{name: s, staticMacs: [{{mac: "02:00:00:00:00:77", port: {UP}}}]}},
                   {{name: r}}],
        nics: [{{device: {UP}, switch: s}}],
        vms: [{{name: v, interfaces: [{{name: wan, nic: {WAN}}}]}}],
        ports: [{{name: probe, switch: s}}, {{name: other, switch: {switch}}}]}}"""


def states(net, *names):
    return [net.port(name)["status"]["state"] for name in names]


def restarted(net, whole):
    """The engine alone, or all of it as by the machine's start."""
    was = engine(net)
    if whole:
        net.kill()
    os.kill(was, signal.SIGKILL)
    if whole:
        until(lambda: not alive(was), "it does not die")
        net.start()
    until(lambda: net.json("status")["inSync"] and engine(net) != was, "no engine follows")


def alive(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("whole", [False, True])
def test_an_engine_that_starts_without_devices(net, devices, whole):
    """All else is there, and they are taken when they come."""
    declare(net, everywhere())
    for _ in range(2):
        passes(net, "probe", FAR_UP)
        remove(UP)
        remove(WAN)
        restarted(net, whole)
        assert states(net, UP, "v.wan", "probe") == ["faulted", "faulted", "down"]
        assert net.json("status")["backend"]["trouble"] is None
        assert net.ctl("plan", net.directory / "t.yaml").stdout == "no changes\n"
        taker = Running(net, "recv", "--port", "other", "--count", 5)
        net.ctl("traffic", "send", "--port", "probe", "--count", 5)
        assert taker.result()["frames"] == 5
        make(UP, FAR_UP)
        make(WAN, FAR_WAN)
        until(lambda: states(net, UP, "v.wan") == ["up", "down"], "not taken again")
        assert "02:00:00:00:00:77" in {e["mac"] for e in net.json("get", "fdb", "s")}
    passes(net, "probe", FAR_UP)
    assert net.log.count(WENT) >= 2 and net.log.count(CAME) == 2, net.log


@pytest.mark.parametrize("whole", [False, True])
def test_a_device_that_is_unfit_when_it_comes(net, devices, whole):
    """It is waited for as if it were missing."""
    declare(net, everywhere())
    remove(UP)
    ip("link", "add", UP, "mtu", 9000, "type", "veth", "peer", "name", FAR_UP)
    for end in (UP, FAR_UP):
        quiet(end)
        ip("link", "set", end, "up")
    log = net.run_dir / "engine.log"
    why = f"a network device that came is not taken: {UP}: frames of MTU 9000 need"
    until(lambda: why in log.read_text(), "nothing is said of it")
    assert states(net, UP) == ["faulted"]
    restarted(net, whole)
    assert states(net, UP, "v.wan", "probe") == ["faulted", "down", "down"]
    assert f"port {UP}: {UP}: frames of MTU 9000 need" in log.read_text()
    ip("link", "set", UP, "mtu", 1500)
    until(lambda: states(net, UP) == ["up"], "it is not taken again")
    passes(net, "probe", FAR_UP)


def test_what_is_new_must_have_its_device(net, devices):
    """Also beside what may wait for its own."""
    declare(net, everywhere())
    remove(UP)
    restarted(net, True)
    declare(net, everywhere(switch="r"))
    text = everywhere().replace("nics: [", "nics: [{device: ptnnone, switch: r}, ")
    for new, words in [(text, "there is no network device ptnnone here"),
                       (everywhere().replace(f"device: {UP}, switch: s", f"device: {UP}")
                        .replace(f'staticMacs: [{{mac: "02:00:00:00:00:77", port: {UP}}}]', ""),
                        f"there is no network device {UP} here")]:
        said = declare(net, new, check=False)
        assert said.returncode == 1 and words in said.stderr, said.stderr
        assert states(net, UP, "other") == ["faulted", "down"]
    assert net.port("other")["spec"]["switch"] == "r"


def test_alone_it_is_a_programs(net, devices):
    declare(net, f"{{nics: [{{device: {UP}}}]}}")
    assert nic(net)["status"]["state"] == "down"
    assert promiscuity(UP) == 0
    passes(net, UP, FAR_UP)
    until(lambda: promiscuity(UP) == 0, "it is not given back")
    # and by the same name on a switch, without its socket, and back
    for _ in range(2):
        declare(net, ON_SWITCH)
        passes(net, "probe", FAR_UP)
        assert list((net.run_dir / "ports").glob(f"{UP}*")) == []
        declare(net, f"{{nics: [{{device: {UP}}}]}}")
        passes(net, UP, FAR_UP)


def test_what_cannot_be_is_refused_and_nothing_is_done(net, devices):
    declare(net, ON_SWITCH)
    for text, words in [
            (ON_SWITCH.replace("switch: s}],", "switch: s, hostStack: true}],"),
             "the engine cannot put the host's stack of a network device on a switch"),
            (ON_SWITCH.replace(UP, "ptnnone"), "there is no network device ptnnone here"),
            (ON_SWITCH.replace(UP, "lo"), "lo cannot be a port")]:
        said = declare(net, text, check=False)
        assert said.returncode == 1 and words in said.stderr, said.stderr
        assert "spec.nics[0]" in said.stderr, said.stderr
        assert nic(net)["status"]["state"] == "up"
    ip("link", "set", WAN, "mtu", 9000)
    said = declare(net, ON_SWITCH.replace(UP, WAN), check=False)
    assert f"ip link set {WAN} mtu 2030" in said.stderr, said.stderr
    passes(net, "probe", FAR_UP)


def test_without_rights_it_says_which(devices, scratch):
    net = Net(scratch, prefix=["setpriv", "--bounding-set", "-net_raw"])
    net.start()
    try:
        said = declare(net, ON_SWITCH, check=False)
        assert said.returncode == 1
        assert f"may not open network device {UP}: it needs CAP_NET_RAW" in said.stderr
        assert net.json("get", "ports") == []
    finally:
        net.end()
