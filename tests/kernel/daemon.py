# SPDX-License-Identifier: BSD-2-Clause
"""ptnetd on the module, for cases that are scripts; and how they are told."""

import contextlib
import os
import pathlib
import shutil
import sys
import tempfile
import traceback

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(TOP / "tests/integration"))
os.environ["PTNET_BACKEND"] = "kernel"
from conftest import BUILD, Net, Running  # noqa: E402


@contextlib.contextmanager
def running_net(**more):
    """A started daemon; what it declared in the module ends with it."""
    directory = pathlib.Path(tempfile.mkdtemp(prefix="ptnet-"))
    net = Net(directory, **more)
    try:
        yield net.start()
    finally:
        if net.process:
            net.kill()
        net.backend = "kernel"
        net.teardown()
        shutil.rmtree(directory)


def perform(tests):
    """Each of them, or those named, with its verdict in TAP; the exit code."""
    failed = 0
    tests = [t for t in tests if not sys.argv[1:] or t.__name__ in sys.argv[1:]]
    print(f"1..{len(tests)}")
    for number, test in enumerate(tests, 1):
        try:
            test()
            print(f"ok {number} - {test.__name__}", flush=True)
        except BaseException as error:  # any: it is told, and the next one runs
            failed = 1
            print(f"not ok {number} - {test.__name__}: {error!r}")
            traceback.print_exc(file=sys.stdout)
            sys.stdout.flush()
    return failed


__all__ = ["BUILD", "Net", "Running", "TOP", "perform", "running_net"]
