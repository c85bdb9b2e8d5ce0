"""Whose data: every record belongs to one namespace of one organisation."""

from dataclasses import dataclass

from clustering_pipeline.model.base import Record
from clustering_pipeline.model.times import Moment


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """A namespace; nothing is read or written across its border."""

    organization_id: str
    namespace_id: str

    def fields(self) -> dict[str, str]:
        """The two ids as they stand in every stored record."""
        return {"organization_id": self.organization_id, "namespace_id": self.namespace_id}


LOCAL = Scope(organization_id="int_local", namespace_id="ns_default")
"""Where a laptop keeps its records: one organisation, one namespace."""


class Scoped(Record):
    """A record of one namespace."""

    organization_id: str
    namespace_id: str

    @property
    def scope(self) -> Scope:
        """The namespace that the record belongs to."""
        return Scope(organization_id=self.organization_id, namespace_id=self.namespace_id)


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
    waits_in: str | None = None
    """The storage of runs in whose queue the run waits: it has no process yet."""
