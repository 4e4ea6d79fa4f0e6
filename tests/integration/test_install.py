# SPDX-License-Identifier: BSD-2-Clause
"""What `make install` puts where, that a program can be built against it, and
that `make uninstall` takes all of it away."""

import os
import pathlib
import subprocess

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]

EXPECTED = [
    "bin/ptnetctl",
    "sbin/ptnetd",
    "sbin/ptnet-engine",
    "include/ptnet.h",
    "include/ptnet/netmap.h",
    "lib/libptnet.a",
    "lib/libptnet.so",
    "lib/libptnet.so.0",
    "lib/pkgconfig/libptnet.pc",
    "lib/systemd/system/ptnetd.service",
    "share/man/man8/ptnetctl.8",
    "share/man/man5/ptnet-topology.5",
    "share/man/man8/ptnetd.8",
    "share/ptnet/topology.schema.json",
    "share/bash-completion/completions/ptnetctl",
    "share/doc/ptnet/topologies/demo.yaml",
]

PROGRAM = r"""
#include <ptnet.h>
#include <errno.h>

int main(void)
{
	struct ptnet_port *p;

	return ptnet_open(&p, "/nowhere/ports/probe.sock", 0) != -ENOENT;
}
"""


def make(*words):
    # The make that runs the tests must not set this one's variables.
    env = {k: v for k, v in os.environ.items() if not k.startswith("MAKE")}
    subprocess.run(["make", "-s", "-C", TOP, *words], check=True, env=env)


@pytest.fixture
def prefix(tmp_path):
    words = [f"DESTDIR={tmp_path}", "PREFIX=/opt/ptnet"]
    # Another PREFIX before leaves no trace.
    for elsewhere in ["/elsewhere", "/opt/ptnet"]:
        make("install", words[0], f"PREFIX={elsewhere}")
    make("uninstall", words[0], "PREFIX=/elsewhere")
    yield tmp_path / "opt/ptnet"
    make("uninstall", *words)
    left = [str(p) for p in tmp_path.rglob("*") if not p.is_dir()]
    assert not left


def test_install(prefix):
    missing = [name for name in EXPECTED if not (prefix / name).exists()]
    assert not missing


@pytest.mark.parametrize("how", [[], ["-static"]])
def test_program_builds_against_it(prefix, tmp_path, how):
    flags = subprocess.run(
        ["pkg-config", "--cflags", "--libs", *(["--static"] if how else []), "libptnet"],
        env={
            **os.environ,
            "PKG_CONFIG_LIBDIR": str(prefix / "lib/pkgconfig"),
            "PKG_CONFIG_SYSROOT_DIR": str(tmp_path),
        },
        check=True, capture_output=True, text=True,
    ).stdout.split()
    source, program = tmp_path / "program.c", tmp_path / "program"
    source.write_text(PROGRAM)
    subprocess.run(["gcc", *how, "-o", program, source, *flags], check=True)
    env = {"LD_LIBRARY_PATH": str(prefix / "lib")}
    assert subprocess.run([program], env=env).returncode == 0
    source.unlink()
    program.unlink()
