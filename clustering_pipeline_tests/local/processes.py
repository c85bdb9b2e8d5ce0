"""Watching processes that are not our children."""

import time
from collections.abc import Callable

import psutil


def eventually(condition: Callable[[], bool], *, seconds: float = 20.0) -> bool:
    """Whether a condition comes true soon."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def ends(process: psutil.Process) -> bool:
    """Whether a process ends soon; somebody else may have yet to collect its exit code."""
    return eventually(lambda: not process.is_running() or process.status() == psutil.STATUS_ZOMBIE)
