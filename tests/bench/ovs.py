# SPDX-License-Identifier: BSD-2-Clause
"""Open vSwitch with its daemons and files in a directory of its own, on its
user space datapath."""

import os
import shutil
import subprocess
import time

SCHEMA = "/usr/share/openvswitch/vswitch.ovsschema"
PLAIN = "ovs-vswitchd"
WITH_DPDK = "/usr/lib/openvswitch-switch-dpdk/ovs-vswitchd-dpdk"


def installed(daemon=PLAIN):
    return bool(shutil.which(daemon) and os.path.exists(SCHEMA))


class Ovs:
    """Runs within `with`; @config are other_config settings, @prefix is put
    before the switch's command."""

    def __init__(self, directory, daemon=PLAIN, config=(), prefix=()):
        self.directory = directory
        self.daemon, self.config, self.prefix = daemon, config, prefix
        self.env = {**os.environ, "OVS_RUNDIR": str(directory),
                    "OVS_LOGDIR": str(directory), "OVS_DBDIR": str(directory)}
        self.db = f"unix:{directory}/db.sock"
        self.processes = []

    def __enter__(self):
        self.directory.mkdir()
        try:
            self.set_up()
        except BaseException:
            self.__exit__()
            raise
        return self

    def set_up(self):
        d = self.directory
        subprocess.run(["ovsdb-tool", "create", d / "conf.db", SCHEMA],
                       check=True, env=self.env)
        self.start(["ovsdb-server", d / "conf.db",
                    f"--remote=punix:{d}/db.sock"], "db")
        self.wait_for("db.sock")
        self.vsctl("--no-wait", "init")
        for setting in self.config:
            self.vsctl("--no-wait", "set", "Open_vSwitch", ".",
                       f"other_config:{setting}")
        self.start([*self.prefix, self.daemon, self.db, "--disable-system"],
                   "switch")
        self.wait_for("switch.ctl")

    def start(self, command, name):
        with open(self.directory / f"{name}.log", "wb") as log:
            self.processes.append(subprocess.Popen(
                [*command, "--unixctl", self.directory / f"{name}.ctl"],
                env=self.env, stdin=subprocess.DEVNULL, stdout=log, stderr=log))

    def wait_for(self, name):
        for _ in range(1000):
            if (self.directory / name).exists():
                return
            if self.processes[-1].poll() is not None:
                break
            time.sleep(0.01)
        raise RuntimeError(f"{self.processes[-1].args[0]} did not start")

    def vsctl(self, *arguments):
        subprocess.run(["ovs-vsctl", f"--db={self.db}", "--timeout=30",
                        *arguments], check=True, env=self.env,
                       stdout=subprocess.DEVNULL)

    def appctl(self, *arguments):
        subprocess.run(["ovs-appctl", "-t", self.directory / "switch.ctl",
                        *arguments], check=True, env=self.env,
                       stdout=subprocess.DEVNULL)

    def bridge(self, name):
        self.vsctl("add-br", name, "--", "set", "bridge", name,
                   "datapath_type=netdev")

    @property
    def switch_pid(self):
        return self.processes[-1].pid

    def __exit__(self, *_):
        for p in reversed(self.processes):
            p.terminate()
            p.wait()
        shutil.rmtree(self.directory, ignore_errors=True)
