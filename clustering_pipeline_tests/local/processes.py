"""Watching processes that are not our children."""

import time

import psutil


def ends(process: psutil.Process, *, seconds: float = 20.0) -> bool:
    """Whether a process, which need not be our child, ends soon."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not process.is_running() or process.status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.02)
    return False
