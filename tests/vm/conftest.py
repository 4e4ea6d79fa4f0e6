# SPDX-License-Identifier: BSD-2-Clause
"""What tests of virtual machines share: real guests on stock QEMU.

    world.apply(...)                            # a Daemon of tests/integration
    [vm] = world.boot("web")                    # Debian's kernel, busybox, ptnet.ko
    vm.run("ip link set eth0 up")               # what it prints; must succeed
    vm.end()                                    # no complaint in the kernel's log

tests/kernel/guest boots them; tests/vm/agent runs the commands in there.
Kernels are those of $PTNET_KERNELS, or ./build/kernels. $PTNET_BACKEND is the
engine, or the kernel, where that has the module: in a guest, whose VMs are
guests of a guest then (tests/kernel/cases/vm_kernel).
"""

import contextlib
import importlib.util
import json
import os
import pathlib
import re
import shlex
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]


def load(path):
    spec = importlib.util.spec_from_file_location("integration", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


integration = load(TOP / "tests/integration/conftest.py")
BUILD, Daemon = integration.BUILD, integration.Daemon
KERNELS = pathlib.Path(os.environ.get("PTNET_KERNELS", BUILD / "kernels")).resolve()
BACKEND = os.environ.get("PTNET_BACKEND", "engine")
# Of a VM. S3 wants some, two guests of a guest must fit into that.
MEMORY = "512M" if BACKEND == "engine" else "224M"
# Two processors on uml's one wait for each other for most of a boot.
PROCESSORS = "2" if BACKEND == "engine" else "1"
BOOT_SECONDS = 120
END_SECONDS = 60
MONITOR_SECONDS = 30
# For tools that no busybox has, and netmap programs.
TOOLS = ["/sbin/ethtool", *[f"{BUILD}/tests/kernel/{tool}:/bin/{tool}"
                            for tool in ("tool_port", "tool_udp")]]


def topology(name):
    return (TOP / f"topologies/{name}.yaml").read_text()


def ctl(d, *words):
    """What ptnetctl says in JSON."""
    run = subprocess.run(
        [BUILD / "ptnetctl", "--server", f"unix:{d.socket}", *words, "-o", "json"],
        capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def interface(d, name):
    """A VM's interface as `ptnetctl vm status` shows it."""
    found = ctl(d, "vm", "status", name.split(".")[0])
    return next(port for port in found if port["name"] == name)


def place(d, port):
    """Where a host program opens a port."""
    return d.get(f"/v1/ports/{port}")["status"]["socket"]


engine_only = pytest.mark.skipif(BACKEND != "engine", reason="is about the engine")


def engine_pid(d):
    """Who has the engine's log open as its stderr."""
    log = str(d.run_dir / "engine.log")
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            if os.readlink(f"/proc/{name}/fd/2") == log:
                return int(name)
        except OSError:
            pass
    return None


def until(true, seconds, what):
    """Wait until it is true; returns what it was."""
    deadline = time.monotonic() + seconds
    while not (value := true()):
        assert time.monotonic() < deadline, what
        time.sleep(0.02)
    return value


class Monitor:
    """QEMU's, from which it says what happens, too."""

    def __init__(self, path):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(MONITOR_SECONDS)
        self.sock.connect(str(path))
        self.file = self.sock.makefile()
        self.file.readline()
        self.ask("qmp_capabilities")

    def close(self):
        self.file.close()
        self.sock.close()

    def ask(self, command, files=(), **arguments):
        line = json.dumps({"execute": command, "arguments": arguments}) + "\n"
        socket.send_fds(self.sock, [line.encode()], files)
        while "event" in (said := json.loads(self.file.readline())):
            pass
        assert "return" in said, said

    def event(self, name, seconds):
        """What the next one of these says."""
        self.sock.settimeout(seconds)
        while (said := json.loads(self.file.readline()))["event"] != name:
            pass
        self.sock.settimeout(MONITOR_SECONDS)
        return said.get("data")


class VM:
    """A guest of QEMU that is attached to a VM's interfaces."""

    def __init__(self, d, name, directory, kernel="6.1", qemu=(), by_run=False,
                 plugged=True, modules=(), files=(), append=()):
        self.d, self.name, self.kernel = d, name, kernel
        self.directory = directory
        self.by_run = by_run # ptnetctl adds the interfaces' options
        self.plugged = plugged # they are there when the guest boots
        self.modules, self.files = list(modules), list(files)
        self.append = list(append) # words for the kernel
        self.log_path = directory / "kernel"
        self.qemu = [str(word) for word in qemu]
        self.agent = None
        self.qmp = None
        self.mute = 0 # files that it has been given for their numbers
        self.process = None

    def module(self, name="ptnet.ko"):
        release = (KERNELS / self.kernel / "release").read_text().strip()
        return BUILD / "kmod" / release / name

    def channel(self, name):
        return self.directory / f"{name}.sock"

    def words(self):
        return ctl(self.d, "vm", "args", self.name)

    def launch(self):
        agent, monitor = self.channel("agent"), self.channel("monitor")
        words = [] if self.by_run or not self.plugged else self.words()
        words += self.qemu + [
            "-chardev", f"socket,id=agent,path={agent},server=on,wait=off",
            "-device", "virtserialport,chardev=agent,name=agent,id=agent",
            "-qmp", f"unix:{monitor},server=on,wait=off",
        ]
        command = [
            TOP / "tests/kernel/guest", "--root", "none", "--kernel", self.kernel,
            "--kernels", KERNELS, "--module", self.module(), "--mem", MEMORY,
            "--smp", PROCESSORS, "--timeout", "600", "--log", self.log_path,
            *[f"--qemu={word}" for word in words],
            *[word for tool in [*TOOLS, f"{self.module('ptnetmap.ko')}:/guest/ptnetmap.ko",
                                *self.files]
              for word in ("--file", tool)],
            *[word for name in self.modules for word in ("--modprobe", name)],
            *[f"--append={word}" for word in self.append],
            "--", TOP / "tests/vm/agent",
        ]
        if self.by_run:
            command = self.run_command(command)
        with open(self.directory / "guest", "wb") as out:
            self.process = subprocess.Popen(
                list(map(str, command)), stdin=subprocess.DEVNULL, stdout=out,
                stderr=subprocess.STDOUT)
        return self

    def run_command(self, command):
        """The same by `ptnetctl vm run`, which adds the interfaces' options."""
        words = [shlex.quote(str(word)) for word in command]
        qemu = self.directory / "qemu"
        qemu.write_text("#!/bin/sh\n"
                        'for word; do set -- "$@" "--qemu=$word"; shift; done\n'
                        f'exec {" ".join(words[:-2])} "$@" {" ".join(words[-2:])}\n')
        qemu.chmod(0o755)
        return [BUILD / "ptnetctl", "--server", f"unix:{self.d.socket}", "vm", "run",
                self.name, "--", qemu]

    def said(self):
        """What the guest's runner has printed: why it ended."""
        return (self.directory / "guest").read_text(errors="replace")

    def wait_until_up(self):
        def connected():
            assert self.process.poll() is None, self.said()
            self.agent = socket.socket(socket.AF_UNIX)
            try:
                self.agent.connect(str(self.channel("agent")))
                return True
            except OSError:
                self.agent.close()
                return False

        until(connected, BOOT_SECONDS, "no QEMU")
        self.run("true", BOOT_SECONDS)
        return self

    def receive(self, done):
        data = b""
        while not done(data):
            try:
                more = self.agent.recv(65536)
            except ConnectionResetError:
                more = b""
            if not more:
                self.process.wait(END_SECONDS)
                raise AssertionError(f"{self.name} ended: {self.said()}")
            data += more
        return data

    def ask(self, command, seconds=30):
        """Run it in the guest; its exit code and what it printed."""
        self.tell(command)
        return self.answer(command, seconds)

    def tell(self, command):
        self.agent.sendall(command.replace("\n", " ").encode() + b"\n")

    def answer(self, command, seconds=30):
        self.agent.settimeout(seconds)
        try:
            head, _, data = self.receive(lambda data: b"\n" in data).partition(b"\n")
            code, length = map(int, head.split())
            data += self.receive(lambda more: len(data) + len(more) >= length)
        except TimeoutError:
            raise AssertionError(f"{self.name}: no answer to {command}") from None
        return code, data.decode(errors="replace")

    def run(self, command, seconds=30):
        """What it printed; it must succeed."""
        code, text = self.ask(command, seconds)
        assert code == 0, f"{self.name}: {command}: exit code {code}\n{text}"
        return text

    def address(self, device, address):
        self.run(f"ip addr add {address} dev {device} && ip link set {device} up")
        self.wait_for_carrier(device)

    def wait_for_carrier(self, device, up=True, seconds=15):
        path = f"/sys/class/net/{device}/carrier"
        until(lambda: self.ask(f"cat {path}")[1].strip() == str(int(up)), seconds,
              f"{self.name}: the carrier of {device} is not {up}")

    def ping(self, address, count=3, more=""):
        """Each of them must be answered."""
        text = self.run(f"ping -c {count} -W 5 {more} {address}", 60)
        assert f"{count} packets received" in text, text

    def wait_for_ping(self, address, seconds=15):
        until(lambda: self.ask(f"ping -c 1 -W 1 {address}")[0] == 0, seconds,
              f"{self.name}: {address} does not answer")

    def counts(self, device):
        """ethtool -S"""
        text = self.run(f"ethtool -S {device}")
        return {k: int(v) for k, v in re.findall(r"(\w+): (\d+)", text)}

    def monitor(self, command, **more):
        """One command to QEMU's monitor, whose connection stays."""
        self.qmp = self.qmp or Monitor(self.channel("monitor"))
        self.qmp.ask(command, **more)

    @contextlib.contextmanager
    def booting(self):
        """Within, another kernel takes the guest over; after it, it is up."""
        self.monitor("query-status") # reads what happened before
        yield
        while not self.qmp.event("VSERPORT_CHANGE", BOOT_SECONDS)["open"]:
            pass
        self.agent.close()
        self.wait_until_up()

    def plug_options(self):
        return dict(pair.split("=") for word in self.words()[1:4:2]
                    for pair in word.split(",")[1:])

    def plug(self, bus):
        """Give the running guest its first interface."""
        options = self.plug_options()
        path = {"type": "unix", "data": {"path": options["path"]}}
        self.monitor("chardev-add", id=options["chardev"], backend={
            "type": "socket", "data": {"addr": path, "server": False}})
        self.monitor("device_add", driver="ivshmem-doorbell", id="plugged", bus=bus,
                     chardev=options["chardev"], vectors=int(options["vectors"]),
                     ioeventfd=True)

    def unplug(self):
        """The guest is asked to let go of it; once it has, QEMU hangs up."""
        self.monitor("device_del", id="plugged")
        until(self.hangs_up, 30, "the guest keeps it")
        self.fill_numbers()

    def fill_numbers(self):
        """QEMU 7.2 listens on to the eventfds of a device that is gone, by their
        numbers, and dies if a file with one of these has something to say. So
        none is opened meanwhile, and then mute ones get all the numbers: see
        ptnet(4)."""
        mute = os.eventfd(0)
        for _ in range(2 + 2 * int(self.plug_options()["vectors"])):
            self.mute += 1
            self.monitor("getfd", files=[mute], fdname=f"mute{self.mute}")
        os.close(mute)

    def hangs_up(self):
        try:
            self.monitor("chardev-remove", id=self.plug_options()["chardev"])
            return True
        except AssertionError: # in use
            return False

    def pid(self):
        """QEMU's, as the backend sees it."""
        ports = ctl(self.d, "vm", "status", self.name)
        return ports[0]["status"]["pid"]

    def kill(self):
        """QEMU dies at once."""
        os.kill(self.pid(), signal.SIGKILL)
        self.process.wait(END_SECONDS)
        self.hang_up()

    def end(self):
        """The driver unloads, the guest powers off, the kernel was content."""
        self.tell("end")
        code = self.process.wait(END_SECONDS)
        self.hang_up()
        assert code == 0, self.said()

    def clean_up(self):
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait()
        self.hang_up()

    def hang_up(self):
        for connection in filter(None, (self.agent, self.qmp)):
            connection.close()


@pytest.fixture(scope="module")
def world():
    """A daemon, and a way to boot VMs."""
    directory = pathlib.Path(tempfile.mkdtemp(prefix="ptnet-"))
    d = Daemon(directory, backend=BACKEND).start()
    vms = []

    def boot(*names, wait=True, **more):
        made = []
        for name in names:
            own = directory / f"{name}-{len(vms)}"
            own.mkdir()
            made.append(VM(d, name, own, **more).launch())
            vms.append(made[-1])
        for vm in made if wait else []:
            vm.wait_until_up()
        return made

    def end_vms():
        """Those that run: others are to have their ports, or their memory."""
        for vm in vms:
            if vm.process.poll() is None:
                vm.end()

    d.boot, d.end_vms = boot, end_vms
    d.kill_engine = lambda: os.kill(engine_pid(d), signal.SIGKILL)
    yield d
    for vm in vms:
        vm.clean_up()
    d.end()
    # the keeper removes its socket a moment after the engine's end
    until(lambda: not (d.run_dir / "keeper.sock").exists(), 5, "the keeper stays")
    shutil.rmtree(directory)
