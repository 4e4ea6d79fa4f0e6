# SPDX-License-Identifier: BSD-2-Clause
"""The daemon as a program: starting, serving, stopping, and what stays."""

import fcntl
import os
import re
import signal
import socket
import stat
import subprocess
import threading
import time

import pytest

from conftest import BUILD, TOP, topology


def ptnetd(*arguments, **more):
    return subprocess.run([BUILD / "ptnetd", *arguments], capture_output=True,
                          text=True, timeout=20, check=False, **more)


def wait_until(truth, seconds=10):
    deadline = time.monotonic() + seconds
    while not truth():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def in_sync(d):
    answer = d.request("GET", "/v1/status")
    return answer.status == 200 and answer.json["inSync"]


def test_answers_on_its_socket(daemon):
    d = daemon()
    assert d.get("/healthz") == {"status": "ok"}
    assert d.get("/version")["backend"]["name"] == "fake"
    mode = os.stat(d.socket)
    assert stat.S_ISSOCK(mode.st_mode) and stat.S_IMODE(mode.st_mode) == 0o660
    d.stop()
    assert not d.socket.exists()


def test_the_group_may_connect_whatever_the_umask(daemon):
    d = daemon(backend="engine", prefix=["sh", "-c", 'umask 077; exec "$@"', "sh"])
    d.apply(topology())
    for path in [d.socket, *(d.run_dir / "ports").glob("*.sock")]:
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o660, path


def test_what_was_applied_is_there_after_a_restart(daemon):
    d = daemon()
    first = d.apply(topology())
    assert first["revision"] == 1 and first["changed"]
    assert first["summary"] == {"create": 3, "change": 0, "replace": 0, "delete": 0}
    ports = d.get("/v1/ports")
    d.restart()
    # the fake's world ended with the process: everything was made anew
    assert d.get("/v1/ports") == ports
    assert d.get("/v1/status")["inSync"] is True
    assert d.apply(topology())["changed"] is False
    assert d.apply(topology(ports="abc"))["revision"] == 2


@pytest.mark.parametrize("backend", ["fake", "engine"])
def test_survives_sigkill_at_any_moment(daemon, backend):
    d = daemon(backend=backend)
    expected = 0
    for i in range(5):
        text = topology(ports=[f"p{j}" for j in range(20 + i)])

        def apply():
            try:
                d.send("/v1/apply", text)
            except OSError:
                pass

        thread = threading.Thread(target=apply)
        thread.start()
        time.sleep(0.002 * i)
        d.kill()
        thread.join()
        d.start()
        status = d.get("/v1/status")
        assert status["inSync"] is True
        assert status["revision"] in (expected, expected + 1)
        names = {p["name"] for p in d.get("/v1/ports")}
        assert not names or len(names) in range(20, 21 + i)
        expected = status["revision"]


@pytest.mark.parametrize("fail,words", [
    ("refuse:2", "told to refuse"), ("die:2", "died"), ("lose:0", "went away")])
def test_a_backend_that_fails_once(daemon, fail, words):
    d = daemon(env={"PTNET_FAKE_FAIL": fail})
    answer = d.send("/v1/apply", topology())
    assert answer.status == 503 and words in answer.json["detail"], answer
    wait_until(lambda: in_sync(d))
    assert d.get("/v1/ports") == [] and d.get("/v1/topologies") == []
    assert d.apply(topology())["revision"] == 1
    assert len(d.get("/v1/ports")) == 2


def test_a_backend_that_cannot_be_opened(make_daemon):
    d = make_daemon(env={"PTNET_FAKE_FAIL": "open:1"})
    assert "told not to start" in d.refuses_to_start()


def test_two_daemons_never_share_a_directory(daemon, make_daemon):
    d = daemon()
    other = make_daemon("d2")
    other.run_dir = d.run_dir
    assert "another ptnetd is running" in other.refuses_to_start()
    other = make_daemon("d3")
    other.state_dir = d.state_dir
    assert "another ptnetd is running" in other.refuses_to_start()
    assert d.get("/healthz") == {"status": "ok"}


def test_one_on_its_way_out_is_waited_for(make_daemon):
    """Scripts kill a daemon and start the next without a pause."""
    d = make_daemon()
    d.run_dir.mkdir()
    with open(d.run_dir / "ptnetd.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        threading.Timer(0.3, lambda: fcntl.flock(lock, fcntl.LOCK_UN)).start()
        d.start()
        assert d.get("/healthz") == {"status": "ok"}


def test_a_dead_daemons_socket_is_no_hindrance(daemon):
    d = daemon()
    d.kill()
    assert d.socket.exists()
    d.start()
    d.stop()


def test_what_is_not_a_dead_socket_is_left_alone(make_daemon):
    d = make_daemon()
    d.run_dir.mkdir()
    d.socket.write_text("dear")
    assert "no socket" in d.refuses_to_start()
    assert d.socket.read_text() == "dear"
    d.socket.unlink()
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(d.socket))
        other.listen()
        assert "answers" in d.refuses_to_start()
    assert d.socket.exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_end_it(daemon, number):
    d = daemon()
    assert d.signal(number) == 0


def test_sighup_does_not_end_it(daemon):
    d = daemon()
    d.process.send_signal(signal.SIGHUP)
    assert d.get("/healthz") == {"status": "ok"}
    d.stop()


def test_tells_the_service_manager(make_daemon, scratch):
    d = make_daemon()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(scratch / "notify"))
        manager.settimeout(10)
        d.env = {"NOTIFY_SOCKET": str(scratch / "notify"), "WATCHDOG_USEC": "200000"}
        d.launch()
        assert manager.recv(4096) == b"WATCHDOG=1"
        heard = manager.recv(4096).decode()
        assert "READY=1" in heard and "STATUS=" in heard
        assert manager.recv(4096) == b"WATCHDOG=1"
        d.apply(topology())
        while not (heard := manager.recv(4096).decode()).startswith("STATUS="):
            assert heard == "WATCHDOG=1"
        assert "2 ports" in heard
        d.stop()
        while (heard := manager.recv(4096)) == b"WATCHDOG=1":
            pass
        assert heard == b"STOPPING=1"


def test_a_topology_per_name(daemon):
    d = daemon()
    text = topology("one", "a", "s1")
    assert d.request("PUT", "/v1/topologies/one", text, "application/yaml").status == 200
    d.apply(topology("two", "b", "s2"))
    listed = d.get("/v1/topologies")
    assert [t["name"] for t in listed] == ["one", "two"]
    assert [t["revision"] for t in listed] == [1, 2]
    document = d.get("/v1/topologies/one")
    assert document["metadata"] == {"name": "one"}
    # what is exported can be applied again, and changes nothing
    for accept, kind in (("application/json", "application/json"),
                         ("application/yaml", "application/yaml")):
        answer = d.request("GET", "/v1/topologies/one", headers={"Accept": accept})
        assert answer.type == kind
        again = d.request("PUT", "/v1/topologies/one", answer.text, kind)
        assert again.status == 200 and again.json["changed"] is False
    assert d.request("DELETE", "/v1/topologies/one").json["summary"]["delete"] == 2
    assert d.request("DELETE", "/v1/topologies/one").status == 404
    assert [p["name"] for p in d.get("/v1/ports")] == ["b"]


def test_a_dry_run_changes_nothing(daemon):
    d = daemon()
    plan = d.send("/v1/plan", topology()).json
    assert plan["summary"]["create"] == 3 and plan["changed"] is True
    assert [s["action"] for s in plan["steps"]] == ["create"] * 3
    assert d.get("/v1/ports") == [] and d.get("/v1/topologies") == []
    d.apply(topology())
    gone = d.request("POST", "/v1/delete?dryRun=true", {"topologies": ["edge"]})
    assert gone.json["summary"]["delete"] == 3
    assert len(d.get("/v1/ports")) == 2
    assert d.request("POST", "/v1/delete", {"topologies": ["edge"]}).status == 200
    assert d.get("/v1/ports") == []


def test_a_replaced_switch_takes_its_ports_along(daemon):
    d = daemon()
    d.apply(topology())
    steps = d.apply(topology().replace("name: vale0}]", "name: vale0, macTable: 64}]"))["steps"]
    assert [(s["action"], s["name"]) for s in steps] == [
        ("replace", "vale0"), ("replace", "a"), ("replace", "b")]
    assert steps[0]["why"] == "macTable 8192 -> 64"


def test_tcp_on_loopback_only(make_daemon):
    d = make_daemon(arguments=["--listen", "0.0.0.0:8080"])
    assert "only 127.0.0.1:PORT" in d.refuses_to_start()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    d.arguments = ["--listen", f"127.0.0.1:{port}"]
    d.start()

    def ask(*headers):
        with socket.create_connection(("127.0.0.1", port), timeout=10) as s:
            lines = ["GET /healthz HTTP/1.1", *headers, "Connection: close", "", ""]
            s.sendall("\r\n".join(lines).encode())
            answer = b""
            while chunk := s.recv(4096):
                answer += chunk
        return int(answer.split()[1])

    assert ask(f"Host: 127.0.0.1:{port}") == 200
    assert ask(f"Host: localhost:{port}") == 200
    # a page that lets its own name point to this host
    assert ask(f"Host: evil.example:{port}") == 403
    assert ask("Host: localhost.evil.example") == 403
    assert ask(f"Host: localhost:{port}", "Origin: http://evil.example") == 403
    assert ask(f"Host: localhost:{port}", f"Origin: http://localhost:{port}") == 200


def test_options_are_checked():
    for arguments, words in (
        (["--backend", "dpdk"], "auto, engine, kernel or fake"),
        (["--workers", "many"], "a number from 1"),
        (["--log-level", "loud"], "err, warn, info or debug"),
        (["--frobnicate"], "frobnicate"),
        (["extra"], "unexpected argument"),
    ):
        ended = ptnetd(*arguments)
        assert ended.returncode == 2 and words in ended.stderr, ended
        assert ended.stdout == ""
    assert ptnetd("--version").stdout.startswith("ptnetd ")
    usage = ptnetd("--help").stdout
    for option in ("--backend", "--state-dir", "--run-dir", "--listen", "--engine",
                   "--workers", "--log-level", "--teardown", "--version", "--help"):
        assert option in usage


@pytest.mark.skipif(os.path.exists("/sys/module/ptnetmap"), reason="it is loaded")
def test_without_the_module_there_is_no_kernel_backend(scratch):
    ended = ptnetd("--backend", "kernel", "--state-dir", scratch / "state",
                   "--run-dir", scratch / "run")
    assert ended.returncode == 1 and "modprobe ptnetmap" in ended.stderr, ended


def test_users_have_directories_of_their_own(scratch):
    """What root's defaults are is seen in the manual: nobody is root here."""
    if os.geteuid() == 0:
        command = ["setpriv", "--reuid=65534", "--clear-groups"]
    else:
        command = []
    env = {"HOME": str(scratch), "PATH": os.environ["PATH"]}
    ended = subprocess.run([*command, BUILD / "ptnetd", "--backend", "fake"], env=env,
                           capture_output=True, text=True, timeout=20, check=False)
    if "Permission denied" in ended.stderr and "setpriv" in ended.stderr:
        pytest.skip("the build directory is not for other users")
    assert ended.returncode == 2 and "XDG_RUNTIME_DIR" in ended.stderr, ended


def test_a_thousand_ports(daemon):
    d = daemon()
    text = topology(ports=[f"p{i:04}" for i in range(1000)])
    assert d.apply(text)["summary"]["create"] == 1001
    assert len(d.get("/v1/ports")) == 1000
    assert d.apply(text)["changed"] is False
    assert d.request("DELETE", "/v1/topologies/edge").json["summary"]["delete"] == 1001


def test_keeps_connections_open(daemon):
    d = daemon()
    connection = d.connection()
    for _ in range(3):
        connection.request("GET", "/healthz")
        answer = connection.getresponse()
        assert answer.status == 200 and answer.read()
        sock = connection.sock
        assert sock is not None
        connection.request("PUT", "/v1/topologies/x", b"[", {"Content-Type": "text/yaml"})
        answer = connection.getresponse()
        assert answer.status == 422 and answer.read()
        assert connection.sock is sock
    connection.close()


def engine_pids(d):
    found = subprocess.run(["pgrep", "-f", f"ptnet-engine.*{d.run_dir}"],
                           capture_output=True, text=True, check=False)
    return [int(pid) for pid in found.stdout.split()]


def test_the_engine_outlives_the_daemon(daemon):
    d = daemon(backend="auto")
    d.apply(topology())
    before = d.get("/v1/status")["backend"]
    assert before["name"] == "engine"
    for end in (d.stop, d.kill):
        end()
        assert len(engine_pids(d)) == 1
        assert (d.run_dir / "ports" / "a.sock").exists()
        d.start()
        status = d.get("/v1/status")
        assert status["backend"] == before and status["inSync"]
    assert d.apply(topology())["changed"] is False


def test_an_engine_that_dies_is_started_anew(daemon):
    d = daemon(backend="engine")
    d.apply(topology())
    instance = d.get("/v1/status")["backend"]["instance"]
    pid, = engine_pids(d)
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: in_sync(d))
    status = d.get("/v1/status")
    assert status["backend"]["instance"] != instance
    assert [p["status"]["state"] for p in d.get("/v1/ports")] == ["down", "down"]
    assert len(engine_pids(d)) == 1
    # and while nobody looks after it
    d.kill()
    os.kill(engine_pids(d)[0], signal.SIGKILL)
    d.start()
    assert d.get("/v1/status")["inSync"]
    assert len(d.get("/v1/ports")) == 2


def test_an_engine_that_dies_during_an_apply(daemon):
    d = daemon(backend="engine")
    d.apply(topology())
    text = topology("many", [f"p{i}" for i in range(500)], "s9")
    for i in range(4):
        answers = []
        thread = threading.Thread(target=lambda: answers.append(d.send("/v1/apply", text)))
        thread.start()
        time.sleep(0.01 * i)
        for pid in engine_pids(d):
            os.kill(pid, signal.SIGKILL)
        thread.join()
        assert answers[0].status in (200, 503), answers
        wait_until(lambda: in_sync(d))
        # all of it or nothing, as was answered
        ports = len(d.get("/v1/ports"))
        assert ports == (502 if answers[0].status == 200 else 2)
        if ports > 2:
            assert d.request("DELETE", "/v1/topologies/many").status == 200


def test_an_engine_that_will_not_start(make_daemon, scratch):
    d = make_daemon(backend="engine", arguments=["--engine", "/nowhere/ptnet-engine"])
    assert "/nowhere/ptnet-engine" in d.refuses_to_start()
    broken = scratch / "broken"
    broken.write_text("#!/bin/sh\necho 'no huge pages today' >&2\nexit 3\n")
    broken.chmod(0o755)
    d.arguments = ["--engine", str(broken)]
    assert "no huge pages today" in d.refuses_to_start()
    assert not d.socket.exists()


def test_what_the_engine_cannot_do_is_refused_by_name(daemon):
    d = daemon(backend="engine")
    nic = "  nics: [{device: eth7, switch: vale0, hostStack: true}]\n"
    text = topology().replace("  ports:", nic + "  ports:")
    answer = d.send("/v1/apply", text)
    assert answer.status == 501 and "eth7" in answer.json["detail"], answer
    assert "engine" in answer.json["detail"]
    assert answer.json["errors"][0]["line"] == 6
    assert d.get("/v1/ports") == []


def test_teardown_ends_the_engine(daemon):
    d = daemon(backend="engine")
    d.apply(topology())
    refused = d.teardown()
    assert refused.returncode == 1 and b"stop it first" in refused.stderr
    assert len(d.get("/v1/ports")) == 2
    d.stop()
    assert d.teardown().returncode == 0
    assert engine_pids(d) == [] and not (d.run_dir / "engine.sock").exists()
    assert d.teardown().returncode == 0


def test_the_man_page_has_every_option():
    page = TOP / "docs/man/ptnetd.8"
    options = set(re.findall(r"--([a-z][a-z-]*)", ptnetd("--help").stdout))
    documented = set(re.findall(r"^\.It Fl Fl ([a-z-]+)", page.read_text(), re.M))
    documented |= set(re.findall(r"^\.It Fl Fl [a-z-]+ , Fl Fl ([a-z-]+)", page.read_text(), re.M))
    assert options == documented
