# SPDX-License-Identifier: BSD-2-Clause
"""ptnetctl against a daemon of its own making: what it asks, what it shows,
and what it does when the other side is wrong, slow, hostile or not there."""

import http.server
import json
import os
import pathlib
import pty
import re
import select
import signal
import socket
import socketserver
import subprocess
import tempfile
import threading
import time

import pytest
import yaml

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("PTNET_BUILD", TOP / "build"))
PTNETCTL = BUILD / "ptnetctl"

GOOD = """\
apiVersion: ptnet/v1
kind: Topology
metadata: {name: edge}
spec:
  switches: [{name: vale0}]
  ports: [{name: probe, switch: vale0}]
"""

BAD = GOOD.replace("switch: vale0}]", "switch: vale1}, {name: 7, swich: vale0}]")

RESULT = {
    "revision": 3,
    "changed": True,
    "steps": [
        {"action": "create", "kind": "switch", "name": "vale0", "topology": "edge", "why": ""},
        {"action": "change", "kind": "port", "name": "probe", "topology": "edge",
         "why": "slots 1024 -> 512"},
        {"action": "replace", "kind": "pipe", "name": "p0", "topology": "edge", "why": "domain a -> b"},
        {"action": "delete", "kind": "port", "name": "old", "topology": "edge",
         "why": "not declared any more"},
    ],
    "summary": {"create": 1, "change": 1, "replace": 1, "delete": 1},
}
UNCHANGED = {"revision": 3, "changed": False, "steps": [],
             "summary": {"create": 0, "change": 0, "replace": 0, "delete": 0}}


def port(name, switch="vale0", tx=0, rx=0, state="up"):
    return {
        "kind": "Port", "name": name, "type": "host", "topology": "edge",
        "spec": {"name": name, "switch": switch},
        "status": {"state": state, "pid": 17, "socket": f"/x/{name}.sock", "worker": 0},
        "counters": {"tx_frames": tx, "tx_bytes": 64 * tx, "rx_frames": rx,
                     "rx_bytes": 64 * rx, "drops": {"rx_full": 2, "no_dest": 3}},
    }


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def address_string(self):
        return "unix"

    def handle_one(self):
        length = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(length)
        self.server.asked.append((self.command, self.path, body))
        answer = self.server.routes.get((self.command, self.path), (404, {"title": "Not Found"}))
        if callable(answer):
            answer = answer()
        if isinstance(answer, bytes):
            self.wfile.write(answer)
            self.close_connection = True
            return
        status, value = answer
        text = json.dumps(value).encode()
        self.send_response(status)
        kind = "application/problem+json" if status >= 400 else "application/json"
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = handle_one


class Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    request_queue_size = 64

    def get_request(self):
        request, _ = super().get_request()
        return request, ("unix", 0)

    def handle_error(self, *_):
        pass


@pytest.fixture
def scratch():
    with tempfile.TemporaryDirectory() as directory:
        yield pathlib.Path(directory)


@pytest.fixture
def server(scratch):
    """A daemon whose answers the test sets: routes[METHOD, PATH]."""
    with Server(str(scratch / "ptnetd.sock"), Handler) as fake:
        fake.routes, fake.asked = {}, []
        fake.address = f"unix:{scratch}/ptnetd.sock"
        thread = threading.Thread(target=fake.serve_forever, args=(0.02,))
        thread.start()
        yield fake
        fake.shutdown()
        thread.join()


def environment(**more):
    env = {k: v for k, v in os.environ.items() if k not in ("PTNET_SERVER", "NO_COLOR")}
    return {**env, **more}


def ctl(*arguments, server=None, stdin=None, env=None, **more):
    where = ["--server", server.address] if server else []
    return subprocess.run(
        [PTNETCTL, *where, *map(str, arguments)], input=stdin, text=True,
        capture_output="stdout" not in more, timeout=20, env=environment(**(env or {})), **more)


def on_terminal(arguments, act=lambda fd: None, env=None, stdout=True):
    """Run with stdin, stderr (and stdout) on a terminal; what it showed."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [PTNETCTL, *map(str, arguments)], stdin=slave, stderr=slave, start_new_session=True,
        stdout=slave if stdout else subprocess.DEVNULL, env=environment(TERM="xterm", **(env or {})))
    os.close(slave)
    shown = b""
    acted = False
    try:
        while True:
            if not select.select([master], [], [], 10)[0]:
                raise AssertionError(f"nothing more after {shown!r}")
            try:
                data = os.read(master, 65536)
            except OSError:
                break
            if not data:
                break
            shown += data
            if not acted:
                acted = True
                act(master)
        return process.wait(timeout=10), shown.decode()
    finally:
        process.kill()
        process.wait()
        os.close(master)


@pytest.fixture
def good(scratch):
    path = scratch / "edge.yaml"
    path.write_text(GOOD)
    return path


# --- help, man page, completion -------------------------------------------


def commands():
    text = ctl("help").stdout.split("Commands:\n")[1].split("\n\n")[0]
    return re.findall(r"^  ([a-z]+)", text, re.M)


def long_options(text):
    return set(re.findall(r"^\s+(?:-\w, )?(--[a-z-]+)", text, re.M))


def test_every_command_has_help_without_a_daemon():
    assert {"apply", "plan", "validate", "get", "describe", "delete", "export", "status",
            "top", "census", "traffic", "version", "completion"} <= set(commands())
    for command in commands():
        forms = [ctl("help", command), ctl(command, "--help"), ctl("-h", command, "x")]
        assert [f.returncode for f in forms] == [0, 0, 0]
        assert forms[0].stdout == forms[1].stdout
        assert forms[0].stdout.startswith(f"usage: ptnetctl {command}")
        assert max(map(len, forms[0].stdout.splitlines())) <= 80


def man_page():
    """The page's text without its markup; a heading a line of its own."""
    text = (TOP / "docs/man/ptnetctl.8").read_text().replace("\\-", "-")
    text = re.sub(r"\\f[BIR]|\\&", "", text)
    return re.sub(r'^\.[A-Z]+ ?"?(.*?)"?$', r"\1", text, flags=re.M)


def test_the_man_page_tells_what_help_tells():
    text = man_page()
    for command in commands():
        usage = ctl("help", command).stdout
        synopsis = usage.splitlines()[0].removeprefix("usage: ptnetctl ")
        assert f"\n{synopsis}\n" in text, synopsis
        section = text.split(f"\n{synopsis}\n")[1]
        for option in long_options(usage.split("Options of all commands")[0]):
            assert option in section, f"{option} of {command}"
    for option in long_options(ctl("help").stdout):
        assert option in text


def complete(line):
    script = f"""
        source <({PTNETCTL} completion bash)
        COMP_LINE={line!r} COMP_POINT={len(line)} COMP_CWORD=1 COMP_WORDS=()
        _ptnetctl 2>&1
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=20,
                          env=environment())
    return done.stdout.split()


@pytest.mark.parametrize("line, expected", [
    ("ptnetctl val", ["validate"]),
    ("ptnetctl get sw", ["switches"]),
    ("ptnetctl -o ya", ["yaml"]),
    ("ptnetctl get ports -o js", ["json"]),
    ("ptnetctl plan --det", ["--detailed-exitcode"]),
    ("ptnetctl --server unix:/x -o json pl", ["plan"]),
    ("ptnetctl delete to", ["topology"]),
    ("ptnetctl help des", ["describe"]),
    ("ptnetctl traffic se", ["send"]),
    ("ptnetctl apply -f /etc/hostn", ["/etc/hostname"]),
])
def test_bash_completes(line, expected):
    assert complete(line) == expected


def test_bash_completes_names_that_the_daemon_knows(server):
    server.routes["GET", "/v1/ports"] = 200, [port("probe"), port("private"), port("other")]
    line = f"{PTNETCTL} --server {server.address} get ports pr"
    assert complete(line) == ["probe", "private"]
    assert complete(f"{PTNETCTL} --server unix:/nowhere get ports pr") == []


# --- arguments ------------------------------------------------------------


@pytest.mark.parametrize("arguments, words", [
    ([], "expected a command"),
    (["aply"], "did you mean apply?"),
    (["get"], "expects a KIND"),
    (["get", "prots"], "did you mean ports?"),
    (["get", "--serwer=x", "ports"], "did you mean --server?"),
    (["get", "ports", "a", "b"], "one KIND and a NAME"),
    (["get", "ports", "-o", "xml"], "table, json, yaml or name"),
    (["get", "ports", "-o"], "needs a value"),
    (["get", "-x"], "no option -x"),
    (["status", "--no-color=1"], "takes no value"),
    (["status", "now"], "takes no argument"),
    (["status", "--timeout", "0"], "seconds"),
    (["status", "--timeout", "1e9"], "seconds"),
    (["top", "-n", "-1"], "a number from"),
    (["apply"], "expects a FILE"),
    (["delete"], "topology NAME"),
    (["delete", "topology"], "expects a NAME"),
    (["delete", "port", "x"], "only topologies"),
    (["describe", "port"], "a KIND and a NAME"),
    (["completion", "fish"], "bash"),
    (["--server", "http://10.1.1.1:80", "status"], "this host"),
    (["--server", "nonsense", "status"], "unix:PATH"),
])
def test_wrong_arguments_are_told(arguments, words):
    done = ctl(*arguments)
    assert done.returncode == 1
    assert words in done.stderr
    assert done.stdout == ""


def test_options_stand_anywhere_and_the_environment_is_heard(server):
    server.routes["GET", "/v1/ports"] = 200, [port("probe")]
    forms = [["-o", "name", "get", "ports"], ["get", "-oname", "ports"],
             ["get", "ports", "--output=name"], ["get", "-o", "name", "--", "ports"]]
    for form in forms:
        done = ctl(*form, env={"PTNET_SERVER": server.address})
        assert (done.returncode, done.stdout, done.stderr) == (0, "probe\n", "")
    done = ctl("get", "ports", "-o", "name", server=server, env={"PTNET_SERVER": "unix:/nowhere"})
    assert done.stdout == "probe\n"


# --- a daemon that is not there, or hangs ---------------------------------


def test_a_daemon_that_is_not_there_is_told_within_a_second(scratch):
    began = time.monotonic()
    done = ctl("get", "ports", "--server", f"unix:{scratch}/ptnetd.sock")
    assert time.monotonic() - began < 1
    assert done.returncode == 1 and done.stdout == ""
    for words in [f"unix:{scratch}/ptnetd.sock", "systemctl start ptnetd",
                  f"ptnetd --run-dir {scratch}"]:
        assert words in done.stderr
    # the same where a dead daemon left its socket
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(scratch / "ptnetd.sock"))
    done = ctl("get", "ports", "--server", f"unix:{scratch}/ptnetd.sock")
    assert done.returncode == 1 and "systemctl start ptnetd" in done.stderr


def test_users_find_their_own_daemon(scratch):
    done = ctl("status", env={"XDG_RUNTIME_DIR": str(scratch)})
    expected = "unix:/run/ptnet" if os.geteuid() == 0 else f"unix:{scratch}/ptnet"
    assert f"{expected}/ptnetd.sock" in done.stderr


def test_a_daemon_that_hangs_is_left_in_time(server):
    server.routes["GET", "/v1/ports"] = lambda: time.sleep(1.5) or (200, [])
    began = time.monotonic()
    done = ctl("get", "ports", "--timeout", "0.3", server=server)
    assert time.monotonic() - began < 1.2
    assert done.returncode == 1 and "within 0.3 s" in done.stderr


# --- validate -------------------------------------------------------------


def test_validate_tells_everything_with_its_place(scratch):
    bad, good = scratch / "bad.yaml", scratch / "good.yaml"
    bad.write_text(BAD)
    good.write_text(GOOD)
    done = ctl("validate", good, bad)
    assert done.returncode == 1 and done.stdout == ""
    lines = done.stderr.splitlines()
    assert len(lines) >= 3
    assert all(re.match(rf"{re.escape(str(bad))}:6:\d+: ", line) for line in lines)
    assert any("spec.ports[0].switch" in line and "vale0?" in line for line in lines)
    assert any("spec.ports[1].swich" in line and "switch?" in line for line in lines)


def test_validate_takes_files_directories_and_standard_input(scratch, good):
    for number, name in enumerate(["b.json", "a.yml"]):
        text = GOOD.replace("edge", f"t{number}").replace("vale0", f"v{number}")
        text = text.replace("probe", f"p{number}")
        (scratch / name).write_text(json.dumps(yaml.safe_load(text)) if "json" in name else text)
    (scratch / ".hidden.yaml").write_text("{")
    (scratch / "notes.txt").write_text("{")
    done = ctl("validate", scratch, "-o", "name")
    assert (done.returncode, done.stdout) == (0, "t1\nt0\nedge\n")
    done = ctl("validate", "-f", "-", stdin=GOOD)
    assert (done.returncode, done.stdout) == (0, "valid: 1 file, 1 topology, 2 objects\n")
    done = ctl("validate", "-", stdin=BAD)
    assert done.returncode == 1 and done.stderr.startswith("<stdin>:6:")
    done = ctl("validate", good, good)
    assert done.returncode == 1 and f"{good}:3:" in done.stderr
    verdict = json.loads(ctl("validate", "-", "-o", "json", stdin=BAD).stdout)
    assert not verdict["valid"] and verdict["errors"][0]["line"] == 6


@pytest.mark.parametrize("path, words", [
    ("nowhere.yaml", "No such file"), ("empty", "no *.yaml"), ("/dev/full", "MiB")])
def test_files_that_cannot_be_read_are_told(scratch, path, words):
    (scratch / "empty").mkdir()
    done = ctl("validate", scratch / path)
    assert done.returncode == 1 and words in done.stderr and path in done.stderr


def test_text_of_a_file_does_not_reach_the_terminal_raw():
    done = ctl("validate", "-", stdin='"\\e[31m\\u202e\\u0007": 1\n')
    assert done.returncode == 1
    assert "?[31m\\u202e?" in done.stderr and "\x1b" not in done.stderr


# --- apply, plan, delete --------------------------------------------------


def test_apply_sends_all_sources_at_once_and_shows_each_step(server, scratch, good):
    more = scratch / "more.yaml"
    more.write_text(GOOD.replace("edge", "t").replace("vale0", "v").replace("probe", "p"))
    server.routes["POST", "/v1/apply"] = 200, RESULT
    done = ctl("apply", good, "-f", more, server=server)
    assert (done.returncode, done.stderr) == (0, "")
    (asked,) = server.asked
    assert json.loads(asked[2]) == {"sources": [
        {"name": str(good), "text": GOOD}, {"name": str(more), "text": more.read_text()}]}
    lines = done.stdout.splitlines()
    assert [line.split()[:4] for line in lines[:4]] == [
        ["+", "create", "switch", "vale0"], ["~", "change", "port", "probe"],
        ["!", "replace", "pipe", "p0"], ["-", "delete", "port", "old"]]
    assert lines[1].endswith("slots 1024 -> 512") and "(edge)" in lines[1]
    assert lines[4:] == ["revision 3: 1 created, 1 changed, 1 replaced, 1 deleted"]
    assert json.loads(ctl("apply", good, "-o", "json", server=server).stdout) == RESULT
    server.routes["POST", "/v1/apply"] = 200, UNCHANGED
    assert ctl("apply", good, server=server).stdout == "no changes\n"


def test_what_is_invalid_never_reaches_the_daemon(server):
    for command in "apply", "plan":
        done = ctl(command, "-", stdin=BAD, server=server)
        assert done.returncode == 1 and "<stdin>:6:" in done.stderr
    done = ctl("delete", "-f", "-", stdin=BAD, server=server)
    assert done.returncode == 1 and "<stdin>:6:" in done.stderr
    assert server.asked == []


def test_plan_does_nothing_and_has_an_exit_code_for_scripts(server, good):
    server.routes["POST", "/v1/plan"] = 200, RESULT
    done = ctl("plan", good, server=server)
    assert done.returncode == 0
    assert done.stdout.endswith("plan: 1 to create, 1 to change, 1 to replace, 1 to delete\n")
    assert ctl("plan", "--detailed-exitcode", good, server=server).returncode == 2
    server.routes["POST", "/v1/plan"] = 200, UNCHANGED
    assert ctl("plan", "--detailed-exitcode", good, server=server).returncode == 0
    server.routes["POST", "/v1/plan"] = 503, {"title": "Service Unavailable"}
    assert ctl("plan", "--detailed-exitcode", good, server=server).returncode == 1
    assert {path for _, path, _ in server.asked} == {"/v1/plan"}


def test_the_daemons_errors_are_told_like_our_own(server, good):
    server.routes["POST", "/v1/apply"] = 409, {
        "title": "Conflict", "status": 409, "detail": "not this",
        "errors": [
            {"file": "edge.yaml", "line": 5, "column": 21, "path": "spec.switches[0].name",
             "message": "vale0 belongs to topology core", "hint": "choose another name"},
            {"message": "and\x1b[2J this"}]}
    done = ctl("apply", good, server=server)
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr == (
        "edge.yaml:5:21: spec.switches[0].name: vale0 belongs to topology core"
        " (choose another name)\nand?[2J this\n")
    server.routes["POST", "/v1/apply"] = 507, {"title": "Insufficient Storage", "detail": "disk full"}
    done = ctl("apply", good, server=server)
    assert (done.returncode, done.stderr) == (1, "ptnetctl: Insufficient Storage: disk full\n")
    server.routes["POST", "/v1/apply"] = b"HTTP/1.1 500 Oops\r\n\r\n<html>"
    done = ctl("apply", good, server=server)
    assert (done.returncode, done.stderr) == (1, "ptnetctl: ptnetd answered 500 Internal Server Error\n")


def test_delete_by_name_and_by_file(server, good):
    server.routes["POST", "/v1/delete"] = 200, RESULT
    server.routes["POST", "/v1/delete?dryRun=true"] = 200, RESULT
    assert ctl("delete", "topology", "a", "b", server=server).returncode == 0
    done = ctl("delete", "--dry-run", "-f", good, server=server)
    assert done.stdout.splitlines()[-1].startswith("plan: ")
    assert [(path, json.loads(body)) for _, path, body in server.asked] == [
        ("/v1/delete", {"topologies": ["a", "b"]}),
        ("/v1/delete?dryRun=true", {"topologies": ["edge"]})]


# --- get, describe, export, status, census, version -----------------------


LIST = [port("probe", tx=7), port("other", state="faulted")]


def test_get_writes_what_was_asked_for(server):
    server.routes["GET", "/v1/ports"] = 200, LIST
    server.routes["GET", "/v1/ports/probe"] = 200, LIST[0]
    lines = ctl("get", "ports", server=server).stdout.splitlines()
    assert lines[0].split() == ["NAME", "TYPE", "TOPOLOGY", "ON", "STATE", "PID", "TX", "RX", "DROPS"]
    assert lines[1].split() == ["probe", "host", "edge", "vale0", "up", "17", "7", "0", "5"]
    assert json.loads(ctl("get", "port", "-o", "json", server=server).stdout) == LIST
    assert yaml.safe_load(ctl("get", "po", "-o", "yaml", server=server).stdout) == LIST
    assert ctl("get", "ports", "-o", "name", server=server).stdout == "probe\nother\n"
    assert json.loads(ctl("get", "port", "probe", "-o", "json", server=server).stdout) == LIST[0]
    assert ctl("get", "port", "probe", "-o", "name", server=server).stdout == "probe\n"
    done = ctl("get", "port", "no/../such", server=server)
    assert done.returncode == 1 and "Not Found" in done.stderr
    assert server.asked[-1][1] == "/v1/ports/no%2F..%2Fsuch"


def test_an_empty_list_is_no_error(server):
    server.routes["GET", "/v1/pipes"] = 200, []
    done = ctl("get", "pipes", server=server)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "no pipes\n")
    assert ctl("get", "pipes", "-o", "json", server=server).stdout == "[]\n"


def test_get_fdb_of_one_switch_or_all(server):
    entry = {"mac": "02:00:00:00:00:01", "port": "probe", "static": False, "ageMs": 1500}
    server.routes["GET", "/v1/switches"] = 200, [{"name": "a"}, {"name": "b"}]
    server.routes["GET", "/v1/switches/a/fdb"] = 200, [entry]
    server.routes["GET", "/v1/switches/b/fdb"] = 200, [entry]
    assert json.loads(ctl("get", "fdb", "a", "-o", "json", server=server).stdout) == [entry]
    every = json.loads(ctl("get", "fdb", "-o", "json", server=server).stdout)
    assert [e["switch"] for e in every] == ["a", "b"]
    table = ctl("get", "fdb", server=server).stdout.splitlines()
    assert table[1].split() == ["a", "02:00:00:00:00:01", "probe", "no", "1.5", "s"]


def test_describe_shows_every_field(server):
    server.routes["GET", "/v1/switches/vale0"] = 200, {
        "kind": "Switch", "name": "vale0", "topology": "edge", "spec": {"macAgeing": "300s"},
        "status": {"state": "up", "ports": 2}, "counters": {"flooded": 9}}
    server.routes["GET", "/v1/ports"] = 200, LIST + [port("elsewhere", "vale1")]
    shown = ctl("describe", "switch", "vale0", server=server).stdout
    for words in ["macAgeing:", "300s", "flooded:", "probe", "other"]:
        assert words in shown
    assert "elsewhere" not in shown


def test_export_can_be_applied_again(server, scratch):
    documents = {name: yaml.safe_load(GOOD.replace("edge", name)) for name in ("edge", "lab")}
    server.routes["GET", "/v1/topologies"] = 200, [{"name": "edge"}, {"name": "lab"}]
    for name, document in documents.items():
        server.routes["GET", f"/v1/topologies/{name}"] = 200, document
    text = ctl("export", server=server).stdout
    assert list(yaml.safe_load_all(text)) == list(documents.values())
    assert ctl("validate", "-", stdin=ctl("export", "lab", server=server).stdout).returncode == 0
    assert json.loads(ctl("export", "lab", "-o", "json", server=server).stdout) == documents["lab"]
    assert ctl("export", "none", server=server).returncode == 1


def test_status_census_and_version(server):
    status = {"version": "0.1.0", "revision": 4, "inSync": False,
              "backend": {"name": "fake", "version": "1", "revision": 4, "workers": 1,
                          "features": ["switch"]}, "counts": {"ports": 12}}
    census = {"regions": 1, "buffers": 100, "free": 90, "slots": 8, "extra": 0, "lost": 2, "twice": 0}
    version = {"version": "9.9", "backend": {"name": "fake", "version": "8.8"}}
    server.routes["GET", "/v1/status"] = 200, status
    server.routes["GET", "/v1/census"] = 200, census
    server.routes["GET", "/version"] = 200, version
    shown = ctl("status", server=server).stdout
    assert re.search(r"^in sync +no", shown, re.M) and re.search(r"^ports +12$", shown, re.M)
    assert re.search(r"^lost +2 ", ctl("census", server=server).stdout, re.M)
    for command, value in ("status", status), ("census", census):
        assert json.loads(ctl(command, "-o", "json", server=server).stdout) == value
    both = json.loads(ctl("version", "-o", "json", server=server).stdout)
    assert both["server"] == version and both["client"]["version"]
    assert "9.9" in ctl("version", server=server).stdout
    assert ctl("version", "--client").returncode == 0
    done = ctl("version", "--server", "unix:/nowhere/x.sock")
    assert done.returncode == 1 and done.stdout.startswith("ptnetctl")


# --- hostile servers and broken outputs -----------------------------------


def answer(body, head="Content-Length: %d"):
    return f"HTTP/1.1 200 OK\r\n{head % len(body) if '%' in head else head}\r\n\r\n{body}".encode()


BROKEN = {
    "nothing": b"",
    "zeros": b"\0" * 1000,
    "cut": b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n[",
    "words": answer("nonsense"),
    "deep": answer("[" * 100000),
    "duplicate keys": answer('{"a":1,"a":2}'),
    "huge number": answer("[1e999999]"),
    "surrogate": answer('"\\ud800"'),
    "endless": b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n",
    "encoding": answer("[]", "Transfer-Encoding: x"),
    "headers": b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 20000 + b"\r\n",
    "escapes": b"HTTP/1.1 404 \x1b[2J\r\n\r\n\x1b[2J",
    "control": answer("[\x01]"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_answer_is_an_error(server, kind):
    server.routes["GET", "/v1/ports"] = BROKEN[kind]
    server.routes["GET", "/v1/switches"] = BROKEN[kind]
    for command in ["get", "ports"], ["get", "fdb"], ["top", "-b", "-n1"]:
        done = ctl(*command, server=server)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.startswith("ptnetctl: ") and "\x1b" not in done.stderr


@pytest.mark.parametrize("value", [
    None, 7, "text", {}, {"steps": 7}, [None, 7, "x", [], {}], [{"name": 7, "spec": [], "status": 1}],
    {"steps": [None, {"action": 1}], "summary": [], "revision": "x"},
    {"errors": [None, 5, {"line": -1, "message": 9}]},
    {"metadata": 5, "spec": None, "name": {}, "counts": []},
])
def test_json_of_another_shape_is_no_crash(server, good, value):
    paths = ["switches", "switches/x", "switches/x/fdb", "ports", "ports/x", "topologies",
             "topologies/x", "status", "census"]
    for path in paths:
        server.routes["GET", f"/v1/{path}"] = 200, value
    for path in "apply", "plan", "delete":
        server.routes["POST", f"/v1/{path}"] = 200, value
    server.routes["GET", "/version"] = 422, value
    tried = [["get", "ports"], ["get", "port", "x"], ["get", "fdb"], ["get", "fdb", "x"],
             ["get", "topology", "x"], ["get", "topology", "x", "-o", "name"],
             ["describe", "switch", "x"], ["describe", "topology", "x"], ["export"],
             ["export", "x"], ["export", "x", "-o", "name"], ["status"], ["census"], ["version"],
             ["top", "-bn1", "-d.1"], ["apply", good], ["plan", good], ["delete", "topology", "x"],
             ["apply", good, "-o", "name"]]
    for command in tried:
        done = ctl(*command, server=server)
        assert done.returncode in (0, 1), (command, done.stderr)
        assert "Sanitizer" not in done.stderr


EVIL = "\x1b]0;owned\x07\x9b2J\x7f\u202eevil"


@pytest.mark.parametrize("form", ["table", "json", "yaml", "name"])
def test_escapes_of_a_server_are_not_obeyed(server, form):
    evil = port(EVIL)
    evil["status"]["state"] = evil["topology"] = evil["spec"]["switch"] = EVIL
    server.routes["GET", "/v1/ports"] = 200, [evil]
    done = ctl("get", "ports", "-o", form, server=server)
    assert done.returncode == 0 and "evil" in done.stdout
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", done.stdout)
    if form == "json":
        assert json.loads(done.stdout) == [evil]
    if form == "yaml":
        assert yaml.safe_load(done.stdout) == [evil]


def test_output_that_cannot_be_written_is_an_error(server):
    server.routes["GET", "/v1/ports"] = 200, LIST
    command = f"{PTNETCTL} --server {server.address} get ports"
    for redirect in ">/dev/full", ">&-", "| true; exit ${PIPESTATUS[0]}":
        script = command + " " + redirect
        if "true" in redirect:
            script = "(sleep 0.1; " + command + ") " + redirect
        done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=20,
                              env=environment())
        assert done.returncode == 1, redirect
        assert ("cannot write" in done.stderr) == ("true" not in redirect)
    done = subprocess.run(["bash", "-c", command + " <&- 2>&-"], capture_output=True, timeout=20,
                          env=environment())
    assert done.returncode == 0 and done.stdout


# --- terminals ------------------------------------------------------------


def big(objects):
    ports = "".join(f"    - {{name: p{i}, switch: vale0}}\n" for i in range(objects - 1))
    return GOOD.split("  ports:")[0] + "  ports:\n" + ports


def test_progress_is_shown_on_a_terminal_only(server, scratch):
    path = scratch / "big.yaml"
    path.write_text(big(1000))
    server.routes["POST", "/v1/apply"] = 200, UNCHANGED
    at = ["--server", server.address, "apply", path]
    status, shown = on_terminal(at, stdout=False)
    assert status == 0
    assert "applying 1000 objects" in shown and shown.endswith("\r\x1b[K")
    done = ctl(*at)
    assert (done.returncode, done.stderr) == (0, "")
    # few objects show it only when it lasts
    path.write_text(GOOD)
    assert on_terminal(at, stdout=False) == (0, "")
    server.routes["POST", "/v1/apply"] = lambda: time.sleep(0.8) or (200, UNCHANGED)
    assert "applying 2 objects: 0." in on_terminal(at, stdout=False)[1]


def test_colours_are_for_terminals_that_want_them(server):
    server.routes["GET", "/v1/ports"] = 200, LIST
    at = ["--server", server.address, "get", "ports"]
    assert "\x1b[31mfaulted" in on_terminal(at)[1]
    assert "\x1b" not in on_terminal([*at, "--no-color"])[1]
    assert "\x1b" not in on_terminal(at, env={"NO_COLOR": "1"})[1]
    assert "\x1b" not in ctl(*at).stdout


class Moving:
    """Ports whose counters go up by 1,000 frames with each reading."""

    def __init__(self):
        self.reading = 0

    def __call__(self):
        self.reading += 1
        return 200, [port("still", tx=5), port("busy", tx=1000 * self.reading)]


def test_top_streams_rates(server):
    server.routes["GET", "/v1/ports"] = Moving()
    done = ctl("top", "-b", "-n", "2", "-d", "0.2", "-o", "json", server=server)
    samples = [json.loads(line) for line in done.stdout.splitlines()]
    assert (done.returncode, len(samples)) == (0, 2)
    still, busy = samples[1]
    assert still["tx_pps"] == 0 and 2000 < busy["tx_pps"] <= 5001
    assert abs(busy["tx_bps"] - busy["tx_pps"] * 512) <= 512
    table = ctl("top", "-bn1", "-d0.1", server=server).stdout
    assert re.search(r"^busy .* \d\.\d+k ", table, re.M)


def test_top_takes_the_terminal_and_gives_it_back(server):
    server.routes["GET", "/v1/ports"] = Moving()

    def quit_later(fd):
        time.sleep(0.5)
        os.write(fd, b"xq")

    at = ["--server", server.address, "top", "-d", "0.2"]
    status, shown = on_terminal(at, quit_later)
    assert status == 0
    assert shown.startswith("\x1b[?1049h") and shown.endswith("\x1b[?1049l")
    assert shown.index("busy") < shown.index("still")


def test_top_outlives_the_daemon_and_ends_by_a_signal(server):
    moving, gone = Moving(), threading.Event()
    server.routes["GET", "/v1/ports"] = lambda: (
        (503, {"title": "Service Unavailable"}) if gone.is_set() else moving())

    def interrupt(fd):
        gone.set()
        time.sleep(0.5)
        gone.clear()
        os.write(fd, b"\x03" if os.isatty(fd) else b"q")
        os.write(fd, b"q")

    status, shown = on_terminal(["--server", server.address, "top", "-d", "0.1"], interrupt)
    assert status == 0 and "Service Unavailable" in shown
    process = subprocess.Popen([PTNETCTL, "--server", server.address, "top", "-b", "-d", "0.1"],
                               stdout=subprocess.PIPE, env=environment())
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=5) == -signal.SIGINT
    process.stdout.close()


# --- the real daemon ------------------------------------------------------


@pytest.fixture
def real(daemon):
    """--server of a ptnetd whose backend moves nothing."""
    return ["--server", f"unix:{daemon().socket}"]


def test_the_life_of_a_topology(real, scratch, good):
    assert ctl("plan", "--detailed-exitcode", good, *real).returncode == 2
    done = ctl("apply", good, *real)
    assert done.returncode == 0
    assert done.stdout.endswith("revision 1: 2 created, 0 changed, 0 replaced, 0 deleted\n")
    assert ctl("apply", good, *real).stdout == "no changes\n"
    assert ctl("plan", "--detailed-exitcode", good, *real).returncode == 0
    assert ctl("get", "ports", "-o", "name", *real).stdout == "probe\n"
    for kind, name in ("switch", "vale0"), ("port", "probe"), ("topology", "edge"):
        assert name in ctl("describe", kind, name, *real).stdout
        assert ctl("get", kind, name, *real).stdout.startswith("NAME")
    exported = ctl("export", *real).stdout
    assert ctl("plan", "--detailed-exitcode", "-", *real, stdin=exported).returncode == 0
    status = json.loads(ctl("status", "-o", "json", *real).stdout)
    assert status["inSync"] and status["counts"]["ports"] == 1
    assert "probe" in ctl("top", "-bn1", "-d0.1", *real).stdout
    assert ctl("delete", "topology", "edge", "--dry-run", *real).returncode == 0
    assert ctl("get", "topologies", "-o", "name", *real).stdout == "edge\n"
    assert ctl("delete", "-f", good, *real).returncode == 0
    assert ctl("get", "ports", "-o", "json", *real).stdout == "[]\n"
    done = ctl("delete", "topology", "edge", *real)
    assert done.returncode == 1 and "edge" in done.stderr


def test_a_clash_with_another_topology_has_its_place(real, scratch, good):
    assert ctl("apply", good, *real).returncode == 0
    other = scratch / "other.yaml"
    other.write_text(GOOD.replace("edge", "other").replace("probe", "own"))
    done = ctl("apply", other, *real)
    assert done.returncode == 1 and done.stdout == ""
    assert re.match(rf"{re.escape(str(other))}:5:\d+: .*vale0.*edge", done.stderr)
    assert ctl("get", "topologies", "-o", "name", *real).stdout == "edge\n"


def test_a_thousand_objects_are_applied_at_once(real):
    done = ctl("apply", "-", *real, stdin=big(1000))
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) == 1001
    assert len(json.loads(ctl("get", "ports", "-o", "json", *real).stdout)) == 999
