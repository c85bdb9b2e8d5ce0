"""Which process runs an execution, and whether it still does."""

import os
import socket
from contextlib import suppress

import psutil

from clustering_pipeline.model.definitions.cluster import ClusterRecord
from clustering_pipeline.model.errors import ExecutionInFlight
from clustering_pipeline.model.scope import Owner
from clustering_pipeline.model.times import utc_now

# Clocks that tell a process's start differ by ticks; two processes of one pid differ by more.
SAME_START_SECONDS = 1.0
# Long work may keep a process from telling that it is alive; beats come every 15 s otherwise.
LOST_SECONDS = 300.0


def this_process(run_id: str, task_id: str, *, pid: int | None = None) -> Owner:
    """This process, or another one here, as the owner of a run."""
    number = pid or os.getpid()
    with suppress(psutil.NoSuchProcess):
        started = psutil.Process(number).create_time()
        return Owner(
            run_id=run_id,
            task_id=task_id,
            host=socket.gethostname(),
            pid=number,
            process_started=started,
        )
    return Owner(run_id=run_id, task_id=task_id, host=socket.gethostname(), pid=number)


def is_alive(owner: Owner) -> bool:
    """Whether the owner's process still runs; one on another machine says so itself.

    So does a run that has a process for each of its stages.  One that waits in a queue is alive
    until whoever knows the queue says otherwise.
    """
    if owner.waits_in is not None:
        return True
    if owner.host != socket.gethostname():
        return _was_heard_of(owner)
    try:
        process = psutil.Process(owner.pid)
        started, status = process.create_time(), process.status()
    except psutil.NoSuchProcess:
        return False
    if status == psutil.STATUS_ZOMBIE:
        return False
    return bool(abs(started - (owner.process_started or started)) < SAME_START_SECONDS)


def holder_of(record: ClusterRecord) -> Owner | None:
    """Whose process runs the definition, if anybody's does."""
    return record.claim if record.claim is not None and is_alive(record.claim) else None


def require_idle(record: ClusterRecord) -> None:
    """Raises ExecutionInFlight while somebody runs the definition."""
    holder = holder_of(record)
    if holder is not None:
        does = "is being executed by" if holder.waits_in is None else "waits in the queue for"
        message = f"{record.name!r} {does} {holder.run_id}: cancel it first"
        raise ExecutionInFlight(message)


def _was_heard_of(owner: Owner) -> bool:
    heard = owner.beat_at or owner.claimed_at
    return heard is None or (utc_now() - heard).total_seconds() < LOST_SECONDS
