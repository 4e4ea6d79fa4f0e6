# SPDX-License-Identifier: BSD-2-Clause
"""A store that is locked, read-only, full, damaged, or of another version:
the daemon says so, and what was stored is there when the trouble is over."""

import os
import resource
import shutil
import sqlite3
import subprocess

import pytest

from conftest import topology

root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


@pytest.fixture
def d(daemon):
    made = daemon()
    made.apply(topology())
    return made


def database(d):
    return d.state_dir / "ptnet.db"


def assert_kept(d):
    assert [t["name"] for t in d.get("/v1/topologies")] == ["edge"]
    assert [p["name"] for p in d.get("/v1/ports")] == ["a", "b"]
    status = d.get("/v1/status")
    assert status["inSync"] is True and status["revision"] == 1


def test_locked_by_another_program(d):
    other = sqlite3.connect(database(d), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    answer = d.send("/v1/apply", topology("more", "c", "s7"))
    assert answer.status == 503 and "another program" in answer.json["detail"]
    assert int(answer.headers["Retry-After"]) >= 1
    assert_kept(d)
    other.execute("ROLLBACK")
    other.close()
    assert d.apply(topology("more", "c", "s7"))["revision"] == 2


def test_locked_at_the_start(d):
    d.stop()
    other = sqlite3.connect(database(d), isolation_level=None)
    other.execute("PRAGMA locking_mode = EXCLUSIVE")
    other.execute("BEGIN EXCLUSIVE")
    assert "another program" in d.refuses_to_start()
    other.close()
    d.start()
    assert_kept(d)


def test_of_a_newer_version(d):
    d.stop()
    other = sqlite3.connect(database(d))
    other.execute("PRAGMA user_version = 99")
    other.close()
    before = database(d).read_bytes()
    said = d.refuses_to_start()
    assert "newer ptnetd" in said and str(database(d)) in said
    assert database(d).read_bytes() == before
    other = sqlite3.connect(database(d))
    other.execute("PRAGMA user_version = 1")
    other.close()
    d.start()
    assert_kept(d)


@pytest.mark.parametrize("damage", ["header", "middle", "cut", "text"])
def test_damaged(d, damage):
    d.stop()
    good = database(d).read_bytes()
    bad = {
        "header": b"\xff" * 100 + good[100:],
        "middle": good[:4096] + b"\x5a" * 4096 + good[8192:],
        "cut": good[:5000],
        "text": b"this is no database, but long enough to look at\n" * 100,
    }[damage]
    database(d).write_bytes(bad)
    said = d.refuses_to_start()
    assert "damaged" in said
    assert database(d).read_bytes() == bad
    database(d).write_bytes(good)
    d.start()
    assert_kept(d)


def test_damaged_content(d):
    d.stop()
    other = sqlite3.connect(database(d))
    other.execute("UPDATE topologies SET document = '{\"kind\": 7}'")
    other.commit()
    other.close()
    said = d.refuses_to_start()
    assert "topology edge" in said


def test_of_another_program(make_daemon):
    d = make_daemon()
    d.state_dir.mkdir()
    other = sqlite3.connect(database(d))
    other.execute("CREATE TABLE bookmarks (url TEXT)")
    other.close()
    assert "another program" in d.refuses_to_start()


# For whom permissions count, root too.
UNPRIVILEGED = ["setpriv", "--bounding-set=-all"] if os.geteuid() == 0 else []


def test_read_only(make_daemon):
    d = make_daemon(prefix=UNPRIVILEGED).start()
    d.apply(topology())
    d.stop()
    database(d).chmod(0o400)
    assert "cannot be written" in d.refuses_to_start()
    database(d).chmod(0o600)
    d.start()
    assert_kept(d)


def test_a_directory_that_is_not_ours(make_daemon):
    d = make_daemon(prefix=UNPRIVILEGED)
    d.state_dir.mkdir(mode=0o500)
    assert f"{d.state_dir}/ptnetd.lock: Permission denied" in d.refuses_to_start()


def test_full(make_daemon):
    """A limit on files' sizes is as good as a full disk."""
    d = make_daemon()
    limit = 400 * 1024
    d.start(preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)))
    d.apply(topology())
    big = topology("big", "c", "s7") + "# " + "x" * 600_000 + "\n"
    answer = d.send("/v1/apply", big)
    assert answer.status == 507 and "no space" in answer.json["detail"], answer
    assert_kept(d)
    # smaller ones go on, and so does the next daemon
    assert d.apply(topology("more", "c", "s7"))["revision"] == 2
    assert d.request("DELETE", "/v1/topologies/more").status == 200
    d.restart()
    assert [t["name"] for t in d.get("/v1/topologies")] == ["edge"]


@root
def test_full_disk(make_daemon, scratch):
    d = make_daemon()
    d.state_dir.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=512k", "none", d.state_dir],
                             capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("no file system can be mounted here")
    try:
        d.start()
        d.apply(topology())
        big = topology("big", "c", "s7") + "# " + "x" * 900_000 + "\n"
        answer = d.send("/v1/apply", big)
        assert answer.status == 507, answer
        assert_kept(d)
        d.kill()
        d.start()
        assert_kept(d)
        d.stop()
    finally:
        subprocess.run(["umount", "-l", d.state_dir], check=False)


def test_a_copy_of_the_files_is_a_backup(d, make_daemon):
    d.stop()
    other = make_daemon("copy")
    shutil.copytree(d.state_dir, other.state_dir)
    other.start()
    assert_kept(other)
