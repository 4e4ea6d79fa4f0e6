# SPDX-License-Identifier: BSD-2-Clause
"""What tests of whole programs share: a daemon in directories of its own.

    def test_something(daemon):
        d = daemon()                    # ptnetd --backend fake
        d = daemon(backend="engine")    # with an engine of its own
        d.apply(text)
        d.get("/v1/ports")

    net = Net(directory)                # what moves frames, and ptnetctl
    Running(net, "recv", "--port", "a") # one that has attached

The programs are those of $PTNET_BUILD, or ./build. Whatever a test leaves
running is ended, and its directories removed.
"""

import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("PTNET_BUILD", TOP / "build")).resolve()
START_SECONDS = 20
PATIENCE = 60  # seconds, for anything that must end at all; sanitizers are slow
# What moves frames: "engine", or where its module is loaded "kernel".
BACKEND = os.environ.get("PTNET_BACKEND", "engine")


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a UNIX socket."""

    def __init__(self, path, timeout=30):
        super().__init__("localhost", timeout=timeout)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.text = response.read()
        self.type = response.headers.get("Content-Type")

    @property
    def json(self):
        return json.loads(self.text)

    def __repr__(self):
        return f"{self.status} {self.text[:2000]!r}"


class Daemon:
    """A ptnetd with --state-dir DIR/state and --run-dir DIR/run."""

    def __init__(self, directory, backend="fake", arguments=(), env=None, prefix=()):
        self.directory = pathlib.Path(directory)
        self.state_dir = self.directory / "state"
        self.run_dir = self.directory / "run"
        self.socket = self.run_dir / "ptnetd.sock"
        self.log_path = self.directory / "ptnetd.log"
        self.backend = backend
        self.arguments = list(arguments)
        self.env = env or {}
        self.prefix = list(prefix)  # a program that runs it
        self.process = None

    @property
    def command(self):
        return [*self.prefix, str(BUILD / "ptnetd"), "--backend", self.backend,
                "--state-dir", str(self.state_dir),
                "--run-dir", str(self.run_dir), *self.arguments]

    @property
    def log(self):
        return self.log_path.read_text(errors="replace")

    def launch(self, env=None, **more):
        """Start it without waiting for anything."""
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env={**os.environ, **self.env, **(env or {})}, **more)
        return self

    def start(self, env=None, **more):
        """Start it and wait until it answers."""
        self.launch(env, **more)
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                self.request("GET", "/version")
                return self
            except OSError:
                pass
            assert self.process.poll() is None, f"ptnetd ended:\n{self.log}"
            assert time.monotonic() < deadline, f"ptnetd is not ready:\n{self.log}"
            time.sleep(0.01)

    def refuses_to_start(self, env=None, **more):
        """Start it; it must end with 1 and a sentence, which is returned."""
        self.log_path.write_bytes(b"")
        self.launch(env, **more)
        assert self.process.wait(START_SECONDS) == 1, self.log
        self.process = None
        return self.log

    def signal(self, number):
        self.process.send_signal(number)
        code = self.process.wait(START_SECONDS)
        self.process = None
        return code

    def stop(self):
        """End it as a service manager would; the engine goes on."""
        assert self.signal(signal.SIGTERM) == 0, self.log

    def kill(self):
        """End it with no chance to do anything."""
        self.signal(signal.SIGKILL)

    def restart(self, env=None):
        self.stop()
        return self.start(env)

    def teardown(self):
        """End the engine and everything in it."""
        return subprocess.run([*self.command, "--teardown"], timeout=30,
                              capture_output=True, check=False)

    def connection(self, timeout=30):
        return UnixConnection(self.socket, timeout)

    def request(self, method, path, body=None, content_type=None, headers=None):
        """One request; a body that is not text or bytes is sent as JSON."""
        headers = dict(headers or {})
        if body is not None and not isinstance(body, (str, bytes)):
            body, content_type = json.dumps(body), content_type or "application/json"
        if content_type:
            headers["Content-Type"] = content_type
        if isinstance(body, str):
            body = body.encode()
        connection = self.connection()
        try:
            connection.request(method, path, body, headers)
            return Answer(connection.getresponse())
        finally:
            connection.close()

    def get(self, path):
        """A GET that must succeed, as Python values."""
        answer = self.request("GET", path)
        assert answer.status == 200, answer
        return answer.json

    def send(self, path, *texts):
        """Sources by POST; names are 0.yaml, 1.yaml, ..."""
        sources = [{"name": f"{i}.yaml", "text": t} for i, t in enumerate(texts)]
        return self.request("POST", path, {"sources": sources})

    def apply(self, *texts):
        """An apply that must succeed; returns the result."""
        answer = self.send("/v1/apply", *texts)
        assert answer.status == 200, answer
        return answer.json

    def end(self):
        if self.process:
            self.process.kill()
            self.process.wait()
        if self.backend == "kernel" or (self.run_dir / "engine.sock").exists():
            self.teardown()


class Net(Daemon):
    """A daemon that moves frames, and ptnetctl that speaks with it."""

    def __init__(self, directory, backend=BACKEND, **more):
        super().__init__(directory, backend=backend, **more)

    def command_line(self, *args):
        return [BUILD / "ptnetctl", "--server", f"unix:{self.socket}",
                *map(str, args)]

    def ctl(self, *args, check=True, **more):
        done = subprocess.run(self.command_line(*args), text=True,
                              capture_output=True, timeout=PATIENCE,
                              check=False, **more)
        assert not check or done.returncode == 0, (args, done)
        return done

    def json(self, *args):
        return json.loads(self.ctl(*args, "-o", "json").stdout)

    def port(self, name):
        found = self.json("get", "ports", name)
        return found[0] if isinstance(found, list) else found


class Running:
    """A `traffic` command that has attached: it said "ready"."""

    all = []

    def __init__(self, net, *args):
        self.process = subprocess.Popen(
            net.command_line("traffic", *args, "-o", "json"), text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.all.append(self)
        line = self.process.stderr.readline()
        if line != "ready\n":
            pytest.fail(line + self.process.stderr.read())

    def kill(self):
        self.process.kill()
        self.process.communicate()

    def result(self, status=0, interrupt=None):
        if interrupt:
            self.process.send_signal(interrupt)
        out, self.err = self.process.communicate(timeout=PATIENCE)
        assert self.process.returncode == status, (self.err, out)
        return json.loads(out)


def program(name):
    path = BUILD / name
    if not path.exists():
        pytest.skip(f"{path} is not built")
    return path


@pytest.fixture
def scratch():
    """A directory with a short path, as sockets need it."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="ptnet-"))
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def make_daemon(scratch):
    """Daemon(...) in a directory that goes with the test; not started."""
    made = []

    def make(name="d", **more):
        program("ptnetd")
        if more.get("backend") in ("engine", "auto"):
            program("ptnet-engine")
        directory = scratch / name
        directory.mkdir(exist_ok=True)
        made.append(Daemon(directory, **more))
        return made[-1]

    yield make
    for d in made:
        d.end()


@pytest.fixture
def daemon(make_daemon):
    """A started daemon: daemon(backend="engine")."""

    def started(name="d", **more):
        return make_daemon(name, **more).start()

    return started


def topology(name="edge", ports=("a", "b"), switch="vale0", **port):
    """A topology with one switch and some ports on it, as text."""
    lines = [
        "apiVersion: ptnet/v1", "kind: Topology", f"metadata: {{name: {name}}}",
        "spec:", f"  switches: [{{name: {switch}}}]", "  ports:",
    ]
    more = "".join(f", {k}: {v}" for k, v in port.items())
    lines += [f"    - {{name: {p}, switch: {switch}{more}}}" for p in ports]
    return "\n".join(lines) + "\n"
