"""Starting a supervisor, by one process at a time."""

import fcntl
import os
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from clustering_pipeline.local.lease import Lease, connect
from clustering_pipeline.local.supervisor import stack_folder
from clustering_pipeline.model.errors import LocalStackUnavailable

_LOG_LINES = 15


def connect_or_start(data_dir: Path, *, grace: float) -> Lease:
    """A lease on the stack of ``data_dir``, which runs afterwards."""
    lease = connect(data_dir)
    if lease is not None:
        return lease
    folder = stack_folder(data_dir)
    _make(folder)
    with _turn(folder):  # who waited here finds the stack of the one who did not
        lease = connect(data_dir)
        if lease is None:
            _start(folder, data_dir, grace)
            lease = connect(data_dir)
    if lease is None:
        raise LocalStackUnavailable(_failure(folder))
    return lease


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        message = f"cannot create {folder} ({error.strerror}); set CLUSTERING_DATA_DIR elsewhere"
        raise LocalStackUnavailable(message) from error


@contextmanager
def _turn(folder: Path) -> Generator[None]:
    with (folder / "start.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _start(folder: Path, data_dir: Path, grace: float) -> None:
    readable, writable = os.pipe()
    command = [sys.executable, "-P", "-m", "clustering_pipeline.local.supervisor", str(data_dir)]
    with os.fdopen(readable, "rb") as news, _log(folder).open("wb") as log:
        try:
            subprocess.run(  # noqa: S603 - our own module; it leaves a process of its own behind
                [*command, f"--grace={grace}", f"--detach={writable}"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=[writable],
                cwd="/",
                start_new_session=True,
                check=False,
            )
        finally:
            os.close(writable)
        ready = news.read()  # ends when the supervisor is ready, or ends itself
    if not ready:
        raise LocalStackUnavailable(_failure(folder))


def _failure(folder: Path) -> str:
    log = _log(folder)
    lines = log.read_text(errors="replace").splitlines()[-_LOG_LINES:]
    return "\n".join([f"the embedded stack did not start; {log} says:", *lines])


def _log(folder: Path) -> Path:
    return folder / "supervisor.log"
