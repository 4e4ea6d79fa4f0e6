# SPDX-License-Identifier: BSD-2-Clause
"""`ptnetctl traffic`, and the examples of libptnet, on the engine: what is
sent is what arrives, and every refusal says why."""

import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import struct
import subprocess
import tempfile
import time

import pytest

from conftest import BACKEND, BUILD, PATIENCE, TOP, Net, Running

SECONDS = PATIENCE
of_sockets = pytest.mark.skipif(
    BACKEND != "engine", reason="the engine's ports have a socket, and one user")

TOPOLOGY = """\
apiVersion: ptnet/v1
kind: Topology
metadata: {name: traffic}
spec:
  switches: [{name: vale0}]
  pipes: [{name: p0}]
  ports:
    - {name: alice, switch: vale0}
    - {name: bob, switch: vale0, mac: "02:00:00:00:00:0b"}
    - {name: small, switch: vale0, slots: 128, bufferSize: 512,
       mac: "02:00:00:00:00:0c"}
    - {name: wide, switch: vale0, queues: 4}
    - {name: left, pipe: p0, end: a}
    - {name: right, pipe: p0, end: b}
"""


@contextlib.contextmanager
def running_net():
    directory = pathlib.Path(tempfile.mkdtemp(prefix="ptnet-"))
    directory.chmod(0o755)  # others may come as far as the sockets
    net = Net(directory)
    try:
        net.start().apply(TOPOLOGY)
        yield net
    finally:
        net.end()
        shutil.rmtree(directory)


@pytest.fixture(scope="module")
def net():
    with running_net() as running:
        yield running


@pytest.fixture(autouse=True)
def nothing_left():
    yield
    while Running.all:
        Running.all.pop().kill()


def receive(net, port, count, *args):
    return Running(net, "recv", "--port", port, "--count", count,
                   "--timeout", SECONDS, *args)


def send(net, port, *args):
    return net.json("traffic", "send", "--port", port, *args)


def refused(net, *args):
    done = net.ctl("traffic", *args, check=False)
    assert done.returncode == 1
    assert done.stdout == ""
    return done.stderr


def until(condition):
    end = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def exchange(net, sender, receiver, count, *args):
    far = receive(net, receiver, count, "--check")
    sent = send(net, sender, "--count", count, *args)
    got = far.result()
    assert sent["frames"] == got["frames"] == count
    assert sent["bytes"] == got["bytes"]
    assert [got[k] for k in ("lost", "reordered", "duplicated", "corrupt")] \
        == [0, 0, 0, 0]
    return sent, got


def test_through_a_switch(net):
    before = net.port("bob")["counters"]["rx_frames"]
    sent, got = exchange(net, "alice", "bob", 1000,
                         "--dst", "02:00:00:00:00:0b")
    assert sent["bytes"] == 60000
    assert got["unmarked"] == 0
    assert sent["seconds"] > 0 and got["pps"] > 0
    assert net.port("bob")["counters"]["rx_frames"] == before + 1000


def test_a_pipe_loses_nothing(net):
    exchange(net, "left", "right", 200000, "--batch", 32)
    drops = [net.port(p)["counters"]["drops"] for p in ("left", "right")]
    assert not any(n for d in drops for n in d.values())


@pytest.mark.parametrize("size", [14, 60, 2048, 2049, 9000, 60000])
@pytest.mark.parametrize("sender, receiver",
                         [("alice", "bob"), ("left", "right")])
def test_sizes(net, sender, receiver, size):
    exchange(net, sender, receiver, 20, "--size", size, "--rate", 10000)


def test_into_smaller_buffers(net):
    # as many as small's ring takes, however late its program is
    exchange(net, "alice", "small", 6, "--size", 9000)
    exchange(net, "small", "alice", 20, "--size", 9000)
    # and some times around that ring: the next goes when the last is back
    far = Running(net, "forward", "--port", "small")
    got = net.json("traffic", "ping", "--port", "alice", "--size", 9000,
                   "--count", 20, "--dst", "02:00:00:00:00:0c",
                   "--timeout", SECONDS)
    assert (got["frames"], got["lost"]) == (20, 0)
    assert far.result(interrupt=signal.SIGTERM)["frames"] == 20


def test_every_queue_is_read(net):
    exchange(net, "alice", "wide", 100)
    for queue in range(4):
        exchange(net, "wide", "alice", 100, "--queue", queue)


def test_the_rate_is_kept(net):
    sent = send(net, "alice", "--count", 201, "--rate", 1000)
    assert sent["seconds"] >= 0.199
    sent = send(net, "alice", "--duration", 0.2, "--rate", 100)
    assert 1 <= sent["frames"] <= 21


def read_pcap(path):
    data = path.read_bytes()
    assert struct.unpack_from("<I", data)[0] == 0xa1b23c4d
    frames, at = [], 24
    while at < len(data):
        size = struct.unpack_from("<4I", data, at)[2]
        frames.append(data[at + 16:at + 16 + size])
        at += 16 + size
    return frames


def write_pcap(path, frames, link=1):
    data = struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, link)
    for f in frames:
        data += struct.pack("<4I", 1, 2, len(f), len(f)) + f
    path.write_bytes(data)


def test_vlan_tag_and_capture(net, tmp_path):
    far = receive(net, "bob", 1, "--pcap-write", tmp_path / "got.pcap")
    send(net, "alice", "--count", 1, "--vlan", 5, "--size", 100,
         "--src", "02:00:00:00:00:77")
    far.result()
    frame, = read_pcap(tmp_path / "got.pcap")
    assert frame[:18] == bytes.fromhex(
        "ffffffffffff 020000000077 8100 0005 88b5")
    assert len(frame) == 100


def test_replay_of_a_capture(net, tmp_path):
    frames = [bytes([255] * 6 + [2, 0, 0, 0, 0, n]) + bytes([n]) * (n * 100)
              for n in range(1, 31)]
    write_pcap(tmp_path / "in.pcap", frames)
    far = receive(net, "right", 90, "--check",
                  "--pcap-write", tmp_path / "out.pcap")
    sent = send(net, "left", "--pcap", tmp_path / "in.pcap", "--loop", 3)
    assert sent["frames"] == 90
    assert far.result()["unmarked"] == 90
    assert read_pcap(tmp_path / "out.pcap") == frames * 3


@pytest.mark.parametrize("poll", [[], ["--poll"]])
def test_ping_through_forward(net, poll):
    far = Running(net, "forward", "--port", "right", *poll)
    got = net.json("traffic", "ping", "--port", "left", "--count", 20,
                   "--timeout", 10, *poll)
    assert got["frames"] == got["sent"] == 20
    assert got["lost"] == 0
    assert 0 < got["min_us"] <= got["median_us"] <= got["p99_us"] \
        <= got["max_us"]
    assert far.result(interrupt=signal.SIGTERM)["frames"] == 20


def test_ping_across_a_switch_with_long_frames(net):
    far = Running(net, "forward", "--port", "bob")
    got = net.json("traffic", "ping", "--port", "alice", "--size", 9000,
                   "--dst", "02:00:00:00:00:0b", "--timeout", 10)
    assert got["frames"] == 10
    far.result(interrupt=signal.SIGINT)


def test_forward_between_two_ports(net):
    """alice, the switch, bob, the forwarder, the pipe: right, and back."""
    far = receive(net, "right", 1000, "--check")
    bridge = Running(net, "forward", "--port", "bob", "--to", "left")
    send(net, "alice", "--count", 1000, "--rate", 20000)
    assert far.result()["lost"] == 0
    far = receive(net, "alice", 50, "--check")
    send(net, "right", "--count", 50, "--size", 5000)
    assert far.result()["lost"] == 0
    got = bridge.result(interrupt=signal.SIGINT)
    assert (got["frames"], got["dropped"]) == (1050, 0)


def test_ping_without_an_answer(net):
    done = net.ctl("traffic", "ping", "--port", "alice", "--count", 1,
                   "--timeout", 0.1, "-o", "json", check=False)
    assert done.returncode == 1
    assert json.loads(done.stdout)["lost"] == 1


def test_recv_gives_up(net):
    done = net.ctl("traffic", "recv", "--port", "bob", "--count", 1,
                   "--timeout", 0.2, "-o", "json", check=False)
    got = json.loads(done.stdout)
    assert done.returncode == 1
    assert got["frames"] == 0 and got["elapsed"] >= 0.2


def test_recv_shows_what_came_when_interrupted(net):
    far = Running(net, "recv", "--port", "bob")
    before = net.port("bob")["counters"]["rx_frames"]
    send(net, "alice", "--count", 7)
    until(lambda: net.port("bob")["counters"]["rx_frames"] == before + 7)
    time.sleep(0.1)
    assert far.result(interrupt=signal.SIGINT)["frames"] == 7


def sleeps(process):
    """How often it has gone to sleep so far."""
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    return int(re.search(r"^voluntary_ctxt_switches:\s*(\d+)", status, re.M)[1])


def until_waiting(net, process, port):
    """It has attached to the port, and does nothing but sleep, slice by slice."""
    until(lambda: net.port(port)["status"].get("pid") == process.pid)
    for _ in range(3):
        before = sleeps(process)
        time.sleep(0.3)
        until(lambda was=before: sleeps(process) > was)


def test_nobody_takes_what_was_sent(net):
    sender = subprocess.Popen(
        net.command_line("traffic", "send", "--port", "left", "--count", 5000,
                    "-o", "json"),
        text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        until_waiting(net, sender, "left")
        assert sender.poll() is None, "did not wait for room"
        sender.send_signal(signal.SIGINT)
        out, err = sender.communicate(timeout=SECONDS)
    finally:
        sender.kill()
    assert sender.returncode == 1
    assert json.loads(out)["frames"] == 0
    assert "not taken" in err


@of_sockets
def test_one_user_at_a_time(net):
    far = receive(net, "bob", 1)
    assert "another program is attached to port bob" in \
        refused(net, "send", "--port", "bob", "--count", 1)
    send(net, "alice", "--count", 1)
    far.result()


def test_no_such_port(net):
    err = refused(net, "recv", "--port", "carol")
    assert "there is no port carol" in err
    assert "get ports" in err


@of_sockets
@pytest.mark.skipif(os.geteuid() != 0, reason="root can become another user")
def test_not_permitted(net):
    # where that user can reach it: the tree may be in root's home
    with tempfile.TemporaryDirectory() as place:
        os.chmod(place, 0o755)
        program = shutil.copy(BUILD / "ptnetctl", place)
        done = subprocess.run(
            [program, *net.command_line("traffic", "recv", "--port", "bob")[1:]],
            text=True, capture_output=True, timeout=SECONDS, check=False,
            cwd="/", user=65534, group=65534, extra_groups=[])
    assert done.returncode == 1
    assert "not permitted" in done.stderr


@of_sockets
def test_the_port_goes_away():
    with running_net() as other:
        far = receive(other, "bob", 1)
        other.ctl("delete", "topology", "traffic")
        assert far.result(status=1)["frames"] == 0
        assert "has ended the attachment to port bob" in far.err


@pytest.mark.parametrize("args, words", [
    (["recv"], "--port"),
    (["--port", "bob"], "send, recv, ping or forward"),
    (["sned", "--port", "bob"], "did you mean send?"),
    (["recv", "--port", "bob", "--size", "60"], "recv takes no --size"),
    (["send", "--port", "bob", "--size", "13"], "--size takes a number"),
    (["send", "--port", "bob", "--vlan", "4095"], "--vlan takes a number"),
    (["send", "--port", "bob", "--dst", "02:00"], "--dst takes an address"),
    (["send", "--port", "bob", "--vlan", "1", "--size", "17"], "at least 18"),
    (["send", "--port", "bob", "--size", "200000"], "at most 131072"),
    (["send", "--port", "bob", "--queue", "1"], "no queue 1"),
    (["send", "--port", "bob", "--loop", "2"], "--loop needs --pcap"),
    (["send", "--port", "bob", "--pcap", "x", "--size", "60"], "excludes"),
    (["send", "--port", "bob", "--pcap", "/dev/null"], "capture"),
    (["send", "--port", "bob", "--pcap", "/nowhere/x"], "/nowhere/x"),
    (["recv", "--port", "bob", "--pcap-write", "/nowhere/x"], "/nowhere/x"),
    (["recv", "--port", "../bob"], "no name of a port"),
    (["ping", "--port", "bob", "--size", "37"], "at least 38"),
    (["ping", "--port", "bob", "--count", "0"], "--count from 1"),
])
def test_bad_arguments(net, args, words):
    assert words in refused(net, *args)


def test_capture_of_something_else(net, tmp_path):
    write_pcap(tmp_path / "in.pcap", [b"x" * 20], link=101)
    assert "not of Ethernet" in refused(
        net, "send", "--port", "bob", "--pcap", tmp_path / "in.pcap")


def test_examples(net):
    bob, left, right, alice = (net.port(name)["status"]["socket"]
                               for name in ("bob", "left", "right", "alice"))
    examples = BUILD / "examples"
    far = subprocess.Popen([examples / "receive", bob, "3"], text=True,
                           stdout=subprocess.PIPE)
    bridge = subprocess.Popen([examples / "forward", right, alice])
    try:
        for port in "bob", "right", "alice":
            until(lambda p=port: net.port(p)["status"]["state"] == "up")
        subprocess.run([examples / "send", left, "3"], timeout=SECONDS,
                       check=True)
        out, _ = far.communicate(timeout=SECONDS)
    finally:
        for process in far, bridge:
            process.kill()
            process.wait()
    assert len(out.splitlines()) == 3
    assert "> ff:ff:ff:ff:ff:ff, 60 bytes" in out


def test_the_library_serves_cxx(tmp_path):
    compiler = shutil.which("g++") or shutil.which("clang++")
    if not compiler:
        pytest.skip("no C++ compiler")
    source = tmp_path / "x.cc"
    source.write_text("#include <ptnet.h>\n"
                      "int main() { ptnet_close(nullptr); }\n")
    subprocess.run([compiler, "-Wall", "-Wextra", "-Werror", "-fsyntax-only",
                    "-I", TOP / "kmod/include/uapi", "-I", TOP / "lib/port",
                    source], check=True)
