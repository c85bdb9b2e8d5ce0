"""Definitions, batches, a queue and a daemon in memory, under a clock that somebody else moves.

The decisions are those of the package; here is only what MongoDB and Dagster do with them.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from clustering_pipeline.model.automation import BATCH, AutomaticDefinition
from clustering_pipeline.model.cluster import ClusterRecord
from clustering_pipeline.model.scope import LOCAL
from clustering_pipeline.orchestration.automation import settle
from clustering_pipeline.orchestration.automation.standing import automatic_of
from clustering_pipeline.orchestration.automation.tick import look
from clustering_pipeline_tests.model.factories import cluster, execution, request
from clustering_pipeline_tests.orchestration.automation.facts import NOON

TICK = timedelta(seconds=5)
OUTCOMES = {
    "completed": {"status": "completed"},
    "empty": {"status": "failed", "failure_category": "input_rejected"},
    "failed": {"status": "failed", "failure_category": "internal"},
    "killed": {"status": "failed", "failure_category": "interrupted"},
    "canceled": {"status": "canceled"},
}


@dataclass(kw_only=True)
class Run:
    """A run that Dagster made for a request."""

    run_id: str
    cluster_id: str
    cooldown: int
    began: datetime | None = None
    ended: bool = False
    covers: dict[str, int] = field(default_factory=dict)


@dataclass(kw_only=True)
class Simulated:
    """The catalog, Dagster and its daemon; methods are what happens to them."""

    now: datetime = NOON
    clusters: dict[str, ClusterRecord] = field(default_factory=dict)
    completed: dict[str, int] = field(default_factory=dict)
    documents: dict[str, int] = field(default_factory=dict)
    runs: dict[str, Run] = field(default_factory=dict)
    flying: list[Run] = field(default_factory=list)
    keys: dict[str, str] = field(default_factory=dict)
    arranged: dict[str, object] = field(default_factory=dict)
    waited: dict[str, int] = field(default_factory=dict)
    """Whole ticks in a row in which a definition was due and got no run."""
    made: int = 0

    # What ``look`` reads of a catalog.

    @property
    def automation(self) -> "Simulated":
        return self

    @property
    def batches(self) -> "Simulated":
        return self

    def definitions(self) -> list[AutomaticDefinition]:
        found = map(automatic_of, self.clusters.values())
        return [one for one in found if not one.archived]

    def completed_everywhere(self):
        return {LOCAL: self.completed}

    def places(self):
        return {one: place for one, place in self.arranged.items() if one in self.clusters}

    # What people and pipelines do.

    def create(self, *, collections: list[str], cooldown: int, threshold: int | None) -> str:
        self.made += 1
        cluster_id = f"clust_{self.made:04}"
        spec = request(
            cluster_name=f"definition {self.made}",
            collection_ids=collections,
            auto_execute_on_batch=True,
            auto_execute_cooldown_seconds=cooldown,
            auto_execute_min_documents=threshold,
        )
        settled = {one: self.completed.get(one, 0) for one in collections}
        made = cluster(spec, automation={"settled": settled})
        self.clusters[cluster_id] = made.model_copy(update={"cluster_id": cluster_id})
        return cluster_id

    def delete(self, cluster_id: str) -> None:
        del self.clusters[cluster_id]

    def respecify(self, cluster_id: str, **changes) -> None:
        record = self.clusters[cluster_id]
        spec = record.spec.model_copy(update=changes)
        self.clusters[cluster_id] = record.model_copy(update={"spec": spec})

    def archive(self, cluster_id: str, *, away: bool) -> None:
        self._state(cluster_id, archived_at=self.now if away else None)

    def complete_batch(self, collections: list[str], documents: int) -> None:
        for one in collections:
            self.completed[one] = self.completed.get(one, 0) + 1
            self.documents[one] = self.documents.get(one, 0) + documents

    # What the daemon and the runs do.

    def tick(self, *, dies_after: int | None = None) -> int:
        """One look; a daemon that dies has made only the first runs of it."""
        self.now += TICK
        found = look(self, self._count, self._in_flight, self.now)
        for request_ in found.requests[:dies_after]:
            self._submit(request_.run_key, request_.definition)
        if dies_after is None:
            self._measure([one.definition for one in found.lagging if one.standing.due])
        return len(found.requests)

    def begin(self, run_id: str) -> None:
        run = self.runs[run_id]
        record = self.clusters.get(run.cluster_id)
        if record is None or record.state.archived_at is not None:
            run.ended = True
            return
        automation = record.state.automation
        last = automation.batch_run_at
        assert last is None or (self.now - last).total_seconds() >= run.cooldown
        assert record.claim is None
        run.began = self.now
        run.covers = {one: self.completed.get(one, 0) for one in record.spec.collection_ids}
        self._state(
            run.cluster_id,
            automation=settle.begun(automation, BATCH, self.now),
            last_attempt_id=run_id,
        )

    def end(self, run_id: str, outcome: str) -> None:
        run = self.runs[run_id]
        run.ended = True
        if run.cluster_id not in self.clusters or run.began is None:
            return
        record = self.clusters[run.cluster_id]
        read = {} if outcome == "killed" else {"covered_batches": run.covers}
        told = execution(run_id=run_id, trigger=BATCH, **OUTCOMES[outcome], **read)
        self._state(run.cluster_id, automation=settle.ended(record, told, self.now))

    def lose(self, run_id: str) -> None:
        """The worker dies before it has told anybody anything."""
        self.runs[run_id].ended = True

    def waiting(self) -> list[str]:
        return [one.run_id for one in self._open() if one.began is None]

    def running(self) -> list[str]:
        return [one.run_id for one in self._open() if one.began is not None]

    def check(self) -> None:
        """What must hold at every moment."""
        flying = [one.cluster_id for one in self._open()]
        assert len(flying) == len(set(flying)), "two runs of one definition"
        starving = {one: count for one, count in self.waited.items() if count > 1}
        assert starving == {}, "due for more than two ticks"

    def settle_everything(self) -> None:
        """Nothing more arrives, nothing fails: all batches are dealt with in the end."""
        for cluster_id in self.clusters:
            self.archive(cluster_id, away=False)
            self.respecify(cluster_id, auto_execute_min_documents=None)
        for _ in range(12):
            self.now += timedelta(hours=2)
            self.tick()
            self.tick()
            self.check()
            for run_id in self.waiting():
                self.begin(run_id)
            for run_id in self.running():
                self.end(run_id, "completed")
        behind = {
            record.cluster_id
            for record in self.clusters.values()
            for one in record.spec.collection_ids
            if record.state.automation.settled.get(one, 0) < self.completed.get(one, 0)
        }
        assert behind == set()

    def _submit(self, key: str, definition: AutomaticDefinition) -> None:
        before = self.runs.get(self.keys.get(key, ""))
        if before is not None:
            # Dagster never makes a second run for a key; one that never began is counted.
            if before.ended and before.began is None:
                state = self.clusters[definition.cluster_id].state
                self._state(
                    definition.cluster_id,
                    automation=settle.failed(state.automation, self.now),
                    last_attempt_id=before.run_id,
                )
            return
        run_id = f"run_{len(self.runs)}"
        self.keys[key] = run_id
        made = Run(
            run_id=run_id,
            cluster_id=definition.cluster_id,
            cooldown=definition.cooldown_seconds,
        )
        self.runs[run_id] = made
        self.flying.append(made)

    def _measure(self, due: list[AutomaticDefinition]) -> None:
        flying = self._in_flight()
        held = {one.cluster_id for one in map(automatic_of, self.clusters.values()) if one.failures}
        left = {one.cluster_id for one in due} - flying.keys() - held
        self.waited = {one: self.waited.get(one, 0) + 1 for one in left}

    def _in_flight(self) -> dict[str, str]:
        return {one.cluster_id: one.run_id for one in self._open()}

    def _open(self) -> list[Run]:
        self.flying = [one for one in self.flying if not one.ended]
        return self.flying

    def _count(self, _scope, collections) -> int:
        return sum(self.documents.get(one, 0) for one in collections)

    def _state(self, cluster_id: str, **changes) -> None:
        record = self.clusters[cluster_id]
        state = record.state.model_copy(update=changes)
        self.clusters[cluster_id] = record.model_copy(update={"state": state})
