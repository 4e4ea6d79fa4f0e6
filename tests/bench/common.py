# SPDX-License-Identifier: BSD-2-Clause
"""What benchmarks in Python share: a daemon of their own, time, one form of
report. Only the standard library."""

import http.client
import json
import os
import pathlib
import resource
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

median = statistics.median


def say(what, value, *notes):
    """One line: what was measured, the figure, then what it is beside."""
    print(f"{what:44} {value:>14}  {'  '.join(n for n in notes if n)}".rstrip())
    sys.stdout.flush()


def milliseconds(seconds):
    return f"{seconds * 1000:.{1 if seconds > 0.01 else 2}f} ms"


def goal(seconds):
    return f"goal {seconds * 1000:g} ms" if seconds else ""


def timed(call, *args):
    start = time.perf_counter()
    call(*args)
    return time.perf_counter() - start


def allow_many_files():
    """As many descriptors as this user may have; children inherit it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


class Scratch:
    """A directory on a disk (not in memory: applies are durable)."""

    def __enter__(self):
        # ended from outside, everything is put away all the same
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
        base = os.environ.get("TMPDIR", "/var/tmp")
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="ptnet-bench.", dir=base))
        return self.path

    def __exit__(self, *_):
        shutil.rmtree(self.path, ignore_errors=True)


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=120)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Daemon:
    """A ptnetd on the engine backend with fresh state; ends with `with`."""

    def __init__(self, build, directory, prefix=()):
        self.directory = pathlib.Path(directory)
        self.run = self.directory / "r"
        self.command = [
            str(pathlib.Path(build).resolve() / "ptnetd"), "--backend", "engine",
            "--state-dir", str(self.directory / "s"), "--run-dir", str(self.run),
        ]
        self.prefix = list(prefix)

    def __enter__(self):
        self.directory.mkdir(exist_ok=True)
        self.log = open(self.directory / "log", "wb")
        self.process = subprocess.Popen([*self.prefix, *self.command],
                                        stdin=subprocess.DEVNULL,
                                        stdout=self.log, stderr=self.log)
        self.connection = UnixConnection(self.run / "ptnetd.sock")
        deadline = time.monotonic() + 20
        while True:
            try:
                self.request("GET", "/version")
                return self
            except OSError:
                self.connection.close()
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.__exit__()
                sys.exit("ptnetd did not start")
            time.sleep(0.01)

    def __exit__(self, *_):
        self.connection.close()
        self.process.terminate()
        self.process.wait()
        subprocess.run([*self.command, "--teardown"], check=False,
                       stdout=self.log, stderr=self.log)
        self.log.close()

    def request(self, method, path, body=None, kind="application/yaml"):
        """One request on the connection that is kept; what it answered."""
        headers = {"Content-Type": kind} if body is not None else {}
        self.connection.request(method, path, body, headers)
        answer = self.connection.getresponse()
        text = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{method} {path}: {answer.status} {text[:500]!r}")
        return text

    def get(self, path):
        return json.loads(self.request("GET", path))

    def apply(self, text):
        return self.request("POST", "/v1/apply", text)


def topology(name, ports, switch="vale0", first=0):
    """A topology with one switch and @ports ports on it, as bytes."""
    lines = ["apiVersion: ptnet/v1", "kind: Topology",
             f"metadata: {{name: {name}}}", "spec:",
             f"  switches: [{{name: {switch}}}]", "  ports:" if ports else "  ports: []"]
    lines += [f"  - {{name: p{i}, switch: {switch}}}"
              for i in range(first, first + ports)]
    return ("\n".join(lines) + "\n").encode()
