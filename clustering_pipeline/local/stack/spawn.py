"""Child processes that the kernel ends together with their parent."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

# Runs between fork and exec in an interpreter of its own: a callback in the forked copy of a
# process with threads may deadlock.  The check covers a parent that died before the request.
_LAUNCHER = """
import ctypes, os, signal, sys
parent, number, *command = sys.argv[1:]
PR_SET_PDEATHSIG = 1
ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, int(number))
if os.getppid() != int(parent):
    sys.exit("the parent is gone")
os.execv(command[0], command)
"""


def spawn_bound(
    command: Sequence[str],
    *,
    output: Path,
    inherit: Sequence[int] = (),
    environment: Mapping[str, str] | None = None,
    farewell: signal.Signals = signal.SIGTERM,
) -> subprocess.Popen[bytes]:
    """Start ``command``; it gets ``farewell`` when the calling *thread* ends, however it ends.

    Call it from the main thread.  The child has a session of its own, so Ctrl-C in a terminal
    reaches only its parent.  What it prints goes to the file ``output``; it keeps the descriptors
    in ``inherit`` open.
    """
    bound = [str(os.getpid()), str(int(farewell)), *command]
    launcher = [sys.executable, "-I", "-S", "-c", _LAUNCHER, *bound]
    with output.open("wb") as printed:
        return subprocess.Popen(  # noqa: S603 - our own command, no shell
            launcher,
            stdin=subprocess.DEVNULL,
            stdout=printed,
            stderr=subprocess.STDOUT,
            pass_fds=inherit,
            env=environment,
            start_new_session=True,
        )


LOOPBACK = "127.0.0.1"


def free_port() -> int:
    """A port nobody listened on a moment ago; somebody may before its user does."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def is_listening(port: int) -> bool:
    """Whether anybody answers there."""
    with socket.socket() as probe:
        return probe.connect_ex((LOOPBACK, port)) == 0
