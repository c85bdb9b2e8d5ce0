"""The embedded stack, found by its data directory and shared by every process that uses it.

``attach`` starts it when it does not run, and holds a lease on it; it ends a while after its
last lease.  So nobody has to stop it, and a process that was killed leaves nothing behind.
"""

import atexit
import fcntl
import os
import subprocess
import sys
import threading
from collections.abc import Collection, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from clustering_pipeline.local.stack.leases import Lease, Message, connect
from clustering_pipeline.local.stack.mongod import check_platform
from clustering_pipeline.local.stack.services import MONGODB, QDRANT
from clustering_pipeline.local.stack.supervisor import GRACE_SECONDS, stack_folder
from clustering_pipeline.model.errors import LocalStackUnavailable

BOTH = frozenset({MONGODB, QDRANT})
_ATTEMPTS = 5


@dataclass(frozen=True, kw_only=True)
class Stack:
    """A running stack; a service that nobody asked for has no address."""

    data_dir: Path
    pid: int
    mongodb_uri: str | None
    qdrant_url: str | None

    def check(self) -> None:
        """Raise when the stack has ended since, which only a kill or a signal brings about."""
        if find(self.data_dir) != self:
            message = (
                f"the embedded stack of {self.data_dir} (process {self.pid}) is gone;"
                " run the command again, which starts a new one over the same data"
            )
            raise LocalStackUnavailable(message)


_leases: dict[Path, Lease] = {}
_lock = threading.Lock()


def attach(
    data_dir: Path,
    *,
    services: Collection[str] = BOTH,
    mongod: Path | None = None,
    journal: bool = True,
    grace: float = GRACE_SECONDS,
) -> Stack:
    """The stack of ``data_dir``, started if need be and kept until this process ends.

    ``mongod`` names the binary; ``grace`` is how many seconds a stack outlives its last user,
    and with ``journal`` it takes effect only where this call starts what it asks for.  Calling
    again is cheap, and starts anew what has ended meanwhile.
    """
    check_platform()
    data_dir = data_dir.expanduser().resolve()
    request = {
        "need": sorted(services),
        "mongod": str(mongod.absolute()) if mongod else None,
        "journal": journal,
    }
    with _lock:
        for _ in range(_ATTEMPTS):
            lease = _leases.get(data_dir) or connect_or_start(data_dir, grace=grace)
            answer = lease.ask(request)
            if answer is not None:
                _leases[data_dir] = lease
                return _stack(data_dir, answer)
            _forget(data_dir, lease)  # it was about to end when it accepted us
    message = (
        f"the embedded stack of {data_dir} ended as often as it was started; see its log there"
    )
    raise LocalStackUnavailable(message)


def find(data_dir: Path) -> Stack | None:
    """The stack of ``data_dir`` if it runs; never starts one."""
    data_dir = data_dir.expanduser().resolve()
    lease = connect(data_dir)
    if lease is None:
        return None
    answer = lease.ask({"need": []})
    lease.close()
    return None if answer is None else _stack(data_dir, answer)


def detach(data_dir: Path) -> None:
    """Give up this process's lease, if it holds one."""
    data_dir = data_dir.expanduser().resolve()
    with _lock:
        lease = _leases.pop(data_dir, None)
        if lease is not None:
            lease.close()


def _stack(data_dir: Path, answer: Message) -> Stack:
    if "error" in answer:
        raise LocalStackUnavailable(answer["error"])
    return Stack(data_dir=data_dir, **answer)


def _forget(data_dir: Path, lease: Lease) -> None:
    _leases.pop(data_dir, None)
    lease.close()


def _forget_all() -> None:
    for lease in _leases.values():
        lease.close()
    _leases.clear()


def _start_afresh() -> None:
    global _lock  # noqa: PLW0603 - a fork may copy it while another thread holds it
    _lock = threading.Lock()
    _forget_all()


atexit.register(_forget_all)
# Two processes must not read answers from one connection.
os.register_at_fork(after_in_child=_start_afresh)


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
    command = [
        sys.executable,
        "-P",
        "-m",
        "clustering_pipeline.local.stack.supervisor",
        str(data_dir),
    ]
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
