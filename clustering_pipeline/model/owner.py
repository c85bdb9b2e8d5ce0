"""Who is running a definition right now."""

from clustering_pipeline.model.base import Record
from clustering_pipeline.model.times import Moment


class Owner(Record):
    """The run that holds a definition, and the process it runs in once it has one."""

    run_id: str
    task_id: str | None = None
    host: str | None = None
    pid: int | None = None
    process_started: float | None = None
    """Seconds since the epoch: with the pid it tells a process from a later one of that number."""
    claimed_at: Moment | None = None
    beat_at: Moment | None = None
    """When it last said that it is alive."""
