"""The process that owns an embedded stack, and ends it with the last process that uses it.

Run as ``python -m clustering_pipeline.local.stack.supervisor DATA_DIR``; ``attach`` does.
Every open connection to its socket is a lease.  The kernel closes a connection when its process
ends, however it ends, so no lease outlives its holder.
"""

import argparse
import fcntl
import importlib.util
import json
import os
import socket
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from clustering_pipeline.garbage import collect_rarely
from clustering_pipeline.local.atomic import write_atomically
from clustering_pipeline.local.stack import leases as wire
from clustering_pipeline.local.stack.leases import Leases
from clustering_pipeline.local.stack.services import Services
from clustering_pipeline.model.errors import LocalStackUnavailable

GRACE_SECONDS = 10.0
_LOCK_POLL_SECONDS = 0.05


def stack_folder(data_dir: Path) -> Path:
    """Where a data directory keeps its stack."""
    return data_dir / "stack"


def supervise(
    data_dir: Path, *, grace: float, patience: float = 30.0, ready: int | None = None
) -> None:
    """Own the stack of ``data_dir`` until nobody needs it; tell the descriptor ``ready`` so.

    ``patience`` is how many seconds to wait for the servers of the last stack to end.
    """
    folder = stack_folder(data_dir)
    folder.mkdir(parents=True, exist_ok=True)
    lock = _lock(folder, patience=patience)
    services = Services(folder, lock=lock)
    leases = Leases(_listener(data_dir), lambda request: _answer(request, services, folder, lock))
    if ready is not None:
        os.write(ready, b"ready")
        os.close(ready)
    try:
        leases.serve(grace=grace)
    finally:
        leases.close()
        services.stop()
        if _still_there(folder, lock):
            _notice(folder).unlink(missing_ok=True)


def _answer(request: wire.Message, services: Services, folder: Path, lock: int) -> wire.Message:
    if not _still_there(folder, lock):  # who asks is to get a stack over the new directory
        sys.exit(f"{folder} was deleted; this stack ends")
    answer = {"pid": os.getpid(), **services.require(request)}
    notice = json.dumps(answer, indent=1)
    if not _notice(folder).exists() or _notice(folder).read_text() != notice:
        write_atomically(_notice(folder), notice)
    return answer


def _notice(folder: Path) -> Path:
    """For people who look; processes ask the supervisor, whose word is never stale."""
    return folder / "stack.json"


def _lock(folder: Path, *, patience: float) -> int:
    """The right to the folder, which the last stack's servers hold until they have ended."""
    lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    deadline = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                os.close(lock)
                raise LocalStackUnavailable(_held(folder)) from None
            time.sleep(_LOCK_POLL_SECONDS)
        else:
            return lock


def _still_there(folder: Path, lock: int) -> bool:
    try:
        return os.path.samestat((folder / "lock").stat(), os.fstat(lock))
    except FileNotFoundError:
        return False


def _held(folder: Path) -> str:
    return (
        f"{folder} is in use by a stack this process cannot reach (another container, user or"
        " network namespace); use it from there, or set CLUSTERING_DATA_DIR to another directory"
    )


def _listener(data_dir: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(wire.address(data_dir))
    listener.listen()
    return listener


def _detach() -> None:
    """Leave the process that started this one; it waits for the first half only."""
    if os.fork():
        os._exit(0)


def _leave_out_the_client() -> None:
    """Let ``qdrant_client.grpc`` be imported without the client around it.

    The server needs the messages only; the models of the client take a second to import.
    """
    spec = importlib.util.find_spec("qdrant_client")
    if spec is not None:
        sys.modules["qdrant_client"] = importlib.util.module_from_spec(spec)


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line of the supervisor."""
    parser = argparse.ArgumentParser(prog="clustering_pipeline.local.stack.supervisor")
    parser.add_argument("data_dir", type=Path)
    parser.add_argument("--grace", type=float, default=GRACE_SECONDS)
    parser.add_argument("--detach", type=int, metavar="FD", help="tell this descriptor when ready")
    options = parser.parse_args(arguments)
    collect_rarely()  # an answer is a hundred thousand objects that refer to nothing
    _leave_out_the_client()
    if options.detach is not None:
        _detach()
    try:
        supervise(options.data_dir, grace=options.grace, ready=options.detach)
    except LocalStackUnavailable as error:
        sys.exit(error.message)


if __name__ == "__main__":
    main()
