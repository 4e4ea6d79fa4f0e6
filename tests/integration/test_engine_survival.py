# SPDX-License-Identifier: BSD-2-Clause
"""The engine outlives ptnetd, refuses what it cannot do by name, and costs
nothing while nobody uses it."""

import json
import os
import pathlib
import resource
import signal
import subprocess
import time

import pytest

from conftest import BUILD, program, topology

BOB = "02:00:00:00:00:0b"
SECONDS = 60


def traffic(d, *args):
    process = subprocess.Popen(
        [BUILD / "ptnetctl", "--server", f"unix:{d.socket}", "traffic",
         *map(str, args), "-o", "json"],
        text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if "recv" in args:
        line = process.stderr.readline()
        assert line == "ready\n", line + process.stderr.read()
    return process


def result(process):
    out, err = process.communicate(timeout=SECONDS)
    assert process.returncode == 0, err
    return json.loads(out)


def engine_pid(d):
    """Who has the engine's log open as its stderr."""
    log = str(d.run_dir / "engine.log")
    for proc in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if os.readlink(proc / "fd/2") == log:
                return int(proc.name)
        except OSError:
            pass
    return None


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_a_killed_ptnetd_costs_no_frame(daemon):
    program("ptnetctl")
    d = daemon(backend="engine")
    d.apply(topology(ports=("alice",)).rstrip() +
            f'\n    - {{name: bob, switch: vale0, mac: "{BOB}", slots: 4096}}\n')
    before = d.get("/v1/status")["backend"]
    pid = engine_pid(d)
    count = 60000
    receiver = traffic(d, "recv", "--port", "bob", "--count", count,
                       "--timeout", SECONDS, "--check")
    sender = traffic(d, "send", "--port", "alice", "--count", count,
                     "--rate", 20000, "--dst", BOB)
    for _ in range(3):
        time.sleep(0.3)
        d.kill()
        time.sleep(0.2)
        d.start()
    sent, received = result(sender), result(receiver)
    assert sent["frames"] == received["frames"] == count
    assert received.get("lost", 0) == 0
    # the same engine with the same revision, and nothing left to do
    assert engine_pid(d) == pid
    assert d.get("/v1/status")["backend"] == before
    bob = d.get("/v1/ports/bob")
    assert bob["counters"]["rx_frames"] == count
    assert not any(bob["counters"]["drops"].values())


def test_a_term_to_the_engine_ends_all_of_it(daemon):
    d = daemon(backend="engine")
    d.apply(topology(ports=("a", "b")))
    pid = engine_pid(d)
    d.stop()
    assert (d.run_dir / "ports/a.sock").exists()
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + SECONDS
    while (d.run_dir / "engine.sock").exists() or engine_pid(d):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert not list((d.run_dir / "ports").iterdir())


def test_a_thousand_ports_cost_nothing_while_idle(daemon):
    d = daemon(backend="engine")
    names = [f"p{i}" for i in range(1000)]
    assert d.apply(topology(ports=names))["summary"]["create"] == 1001
    pid = engine_pid(d)
    clients = [traffic(d, "recv", "--port", p, "--timeout", SECONDS)
               for p in names[:4]]
    time.sleep(0.3)
    before = cpu_seconds(pid)
    time.sleep(3)
    spent = cpu_seconds(pid) - before
    memory = int(pathlib.Path(f"/proc/{pid}/status").read_text()
                 .split("VmRSS:")[1].split()[0])
    for c in clients:
        c.kill()
        c.communicate()
    # a tick of the clock is 10 ms: no more than one
    assert spent <= 0.02
    if not os.environ.get("ASAN_OPTIONS") and not os.environ.get("TSAN_OPTIONS"):
        assert memory < 1000 * 64 + 32 * 1024
    assert d.apply(topology(ports=names))["summary"]["create"] == 0


@pytest.mark.parametrize("section,name,status", [
    ("vms: [{name: fw, interfaces: [{name: in, nic: lo}]}]", "fw.in", 422),
    ("nics: [{device: lo, switch: vale0}]", "lo", 422),
    ("nics: [{device: lo, switch: vale0, hostStack: true}]", "lo", 501),
])
def test_what_the_engine_cannot_do_is_refused_by_name(daemon, section, name, status):
    d = daemon(backend="engine")
    d.apply(topology(ports=("a",)))
    answer = d.send("/v1/apply", topology(ports=("a", "b")) + f"  {section}\n")
    assert answer.status == status, answer
    assert name in answer.json["detail"]
    assert [p["name"] for p in d.get("/v1/ports")] == ["a"]


def test_an_engine_without_descriptors_says_so(make_daemon):
    d = make_daemon(backend="engine")
    limit = (400, 400)
    d.start(preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, limit))
    answer = d.send("/v1/apply", topology(ports=[f"p{i}" for i in range(300)]))
    assert answer.status >= 500, answer
    assert "descriptor" in answer.json["detail"]
    assert d.get("/v1/ports") == []
    d.apply(topology(ports=("a",)))


def test_a_second_engine_is_refused(daemon):
    d = daemon(backend="engine")
    done = subprocess.run([program("ptnet-engine"), "--run-dir", d.run_dir],
                          capture_output=True, text=True, timeout=SECONDS,
                          check=False)
    assert done.returncode == 1
    assert "another engine serves this directory" in done.stderr


@pytest.mark.parametrize("arguments", [
    [], ["--run-dir"], ["--workers", "0", "--run-dir", "x"],
    ["--workers", "many", "--run-dir", "x"], ["--run-dir", "x", "y"],
])
def test_wrong_arguments_of_the_engine(arguments):
    done = subprocess.run([program("ptnet-engine"), *arguments],
                          capture_output=True, text=True, timeout=SECONDS,
                          check=False)
    assert done.returncode == 2
    assert done.stderr
