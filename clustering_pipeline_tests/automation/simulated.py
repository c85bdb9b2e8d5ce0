"""Definitions, batches, a queue and a daemon in memory, under a clock that somebody else moves.

The decisions are those of the package; here is only what MongoDB and Dagster do with them, and
in a ledger what is promised of them: ``check`` compares the two.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from clustering_pipeline.automation import due
from clustering_pipeline.automation.batches import Request, look
from clustering_pipeline.model.definitions.automation import BATCH, MANUAL, AutomaticDefinition
from clustering_pipeline.model.definitions.cluster import ClusterRecord
from clustering_pipeline.model.definitions.create import CreateClusterRequest
from clustering_pipeline.model.definitions.execute import ExecuteClusterByIdRequest
from clustering_pipeline.model.executions.execution import ExecutionRecord
from clustering_pipeline.model.scope import LOCAL
from clustering_pipeline.stores.catalog.definitions.automatic import Place, Source, automatic_of
from clustering_pipeline_tests.automation.facts import NOON
from clustering_pipeline_tests.automation.ledger import NOVELTY_SHARE, Ledger, Run
from clustering_pipeline_tests.model.factories import cluster, execution, request

TICK = timedelta(seconds=5)
OUTCOMES = {
    "completed": {"status": "completed"},
    "empty": {"status": "failed", "failure_category": "input_rejected"},
    "failed": {"status": "failed", "failure_category": "internal"},
    "killed": {"status": "failed", "failure_category": "interrupted"},
    "canceled": {"status": "canceled"},
}


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
    arranged: dict[str, Place] = field(default_factory=dict)
    ledgers: dict[str, Ledger] = field(default_factory=dict)
    made: int = 0
    newest: dict[str, ExecutionRecord] = field(default_factory=dict)
    novel: dict[str, int] = field(default_factory=dict)
    """Of the documents of a collection, those that are like none before them."""

    # What ``look`` reads of a catalog.

    @property
    def automation(self) -> "Simulated":
        return self

    @property
    def batches(self) -> "Simulated":
        return self

    @property
    def executions(self) -> "Simulated":
        return self

    def newest_results(self, cluster_id: str) -> ExecutionRecord | None:
        return self.newest.get(cluster_id)

    def sources(self, cluster_ids: Collection[str]) -> dict[str, Source]:
        records = [self.clusters[one] for one in cluster_ids if one in self.clusters]
        return {
            record.cluster_id: Source(
                name=record.name, published=record.state.last_run_id, holder=None
            )
            for record in records
        }

    def definitions(self) -> list[AutomaticDefinition]:
        found = map(automatic_of, self.clusters.values())
        return [one for one in found if not one.archived]

    def completed_everywhere(self):
        return {LOCAL: self.completed}

    def places(self):
        return {one: place for one, place in self.arranged.items() if one in self.clusters}

    # What people and pipelines do.

    def create(
        self, *, collections: list[str], cooldown: int, threshold: int | None, mode: str = "full"
    ) -> str:
        spec = request(
            collection_ids=collections,
            auto_execute_min_documents=threshold,
            auto_execute_mode=mode,
            auto_execute_full_run={"novelty_share": NOVELTY_SHARE, "age_seconds": 10**9},
            **self._listening(cooldown),
        )
        settled = {one: self.completed.get(one, 0) for one in collections}
        return self._created(spec, settled)

    def compose(self, sources: list[str], *, cooldown: int) -> str:
        """A definition over the groups of others."""
        spec = request(source_cluster_ids=sources, **self._listening(cooldown))
        return self._created(spec, {})

    def _listening(self, cooldown: int) -> dict[str, object]:
        self.made += 1
        return {
            "cluster_name": f"definition {self.made}",
            "auto_execute_on_batch": True,
            "auto_execute_cooldown_seconds": cooldown,
        }

    def _created(self, spec: CreateClusterRequest, settled: dict[str, int]) -> str:
        cluster_id = f"clust_{self.made:04}"
        self.ledgers[cluster_id] = Ledger(covered=dict(settled))
        made = cluster(spec, automation={"settled": settled})
        self.clusters[cluster_id] = made.model_copy(update={"cluster_id": cluster_id})
        return cluster_id

    def delete(self, cluster_id: str) -> None:
        del self.clusters[cluster_id], self.ledgers[cluster_id]
        self.newest.pop(cluster_id, None)

    def respecify(self, cluster_id: str, **changes) -> None:
        record = self.clusters[cluster_id]
        if record.spec.source_cluster_ids:
            # Of a composite definition it is refused.
            changes.pop("auto_execute_mode", None)
        spec = record.spec.model_copy(update=changes)
        self.clusters[cluster_id] = record.model_copy(update={"spec": spec})

    def archive(self, cluster_id: str, *, away: bool) -> None:
        self._state(cluster_id, archived_at=self.now if away else None)

    def complete_batch(self, collections: list[str], documents: int, novel: int = 0) -> None:
        for one in collections:
            self.novel[one] = self.novel.get(one, 0) + novel
            self.completed[one] = self.completed.get(one, 0) + 1
            self.documents[one] = self.documents.get(one, 0) + documents

    # What the daemon and the runs do.

    def tick(self, *, dies_after: int | None = None) -> int:
        """One look; a daemon that dies has made only the first runs of it."""
        self.now += TICK
        flying = self._in_flight()
        ought = {one for one in self.clusters if one not in flying and self._ought(one)}
        going = self._going(ought | flying.keys())
        first = {one: self._going_before(one, going) for one in ought}
        found = look(self, self._count, self._in_flight, self._apart, self.now)
        wanted = {one.definition.cluster_id for one in found.requests}
        assert wanted <= ought, "runs that ought not to be"
        assert not any(first[one] for one in wanted), "a later phase before an earlier one"
        served = {
            one.definition.cluster_id for one in found.requests[:dies_after] if self._submit(one)
        }
        if dies_after is None:
            self._note(first, served)
        return len(found.requests)

    def execute(self, cluster_id: str) -> None:
        """Somebody runs it by hand, which neither waits nor is refused unless a run goes on."""
        if cluster_id in self._in_flight() or self.clusters[cluster_id].state.archived_at:
            return
        made = self._made(cluster_id, trigger=MANUAL)
        self.begin(made.run_id)

    def begin(self, run_id: str) -> None:
        run = self.runs[run_id]
        record = self.clusters.get(run.cluster_id)
        if record is None or record.state.archived_at is not None:
            run.ended = True
            return
        ledger = self.ledgers[run.cluster_id]
        if run.trigger == BATCH and run.mode != "assign":
            assert not ledger.is_cooling(run.cooldown, self.now), "a run inside the cooldown"
            ledger.began = self.now
        run.began = self.now
        inputs = record.spec.collection_ids
        run.covers = {one: self.completed.get(one, 0) for one in inputs}
        run.documents = self._count(LOCAL, inputs)
        run.novel = sum(self.novel.get(one, 0) for one in inputs)
        run.grouped = self._sources_of(record) or {}
        self._state(
            run.cluster_id,
            automation=due.begun(record.state.automation, run.trigger, self.now, mode=run.mode),
            last_attempt_id=run_id,
        )

    def end(self, run_id: str, outcome: str) -> None:
        run = self.runs[run_id]
        run.ended = True
        if run.cluster_id not in self.clusters or run.began is None:
            return
        record, ledger = self.clusters[run.cluster_id], self.ledgers[run.cluster_id]
        read = {"covered_batches": run.covers, "source_execution_ids": sorted(run.grouped.values())}
        read = {} if outcome == "killed" else read
        if outcome == "completed":
            read |= self._publish(run, ledger)
            record = self.clusters[run.cluster_id]
        spec = record.resolved(ExecuteClusterByIdRequest(mode=run.mode))
        told = execution(run_id=run_id, trigger=run.trigger, spec=spec, **OUTCOMES[outcome], **read)
        self._state(run.cluster_id, automation=due.ended(record, told, self.now))
        if outcome == "completed":
            self.newest[run.cluster_id] = told
        if outcome in ("completed", "empty"):
            ledger.covers(run.covers, run.mode)
            ledger.grouped_runs = set(run.grouped.values()) or ledger.grouped_runs
        elif run.trigger == BATCH:
            ledger.fails(self.now, run.mode)

    def _publish(self, run: Run, ledger: Ledger) -> dict[str, object]:
        """What the run finds: documents that are like none before are in no group until all of
        them are clustered again.
        """
        self._state(run.cluster_id, last_run_id=run.run_id)
        documents, novel = run.documents, run.novel
        new = documents - ledger.documents
        ledger.grouped = novel if run.mode == "full" else ledger.grouped
        ledger.published, ledger.documents = True, documents
        ledger.pool = novel - ledger.grouped
        found = {"novelty_pool": ledger.pool, "new_documents": new, "drift": 0.0}
        return {"num_points": documents, "metrics": {"additional_properties": found}}

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
        late = {one: told.late for one, told in self.ledgers.items() if told.late > 1}
        assert late == {}, "uncovered for longer than the cooldown and two looks"
        for one in self.ledgers.values():
            # With each of the collections that both wait for: twice if it fails, once more if
            # somebody runs it by hand in between, which makes it start anew.
            turns = max(one.overtaken.values(), default=0)
            assert turns <= 3 * len(one.covered), "the same definition goes first again and again"

    def settle_everything(self) -> None:
        """Nothing more arrives, nothing fails: all batches are dealt with in the end."""
        for cluster_id in self.clusters:
            self.archive(cluster_id, away=False)
            self.respecify(cluster_id, auto_execute_min_documents=None)
        # Three phases may wait for one another, each of them a day for its cooldown, and those
        # that group the groups of others for these.
        for _ in range(72):
            if not any(map(self._behind, self.clusters)):
                break
            self.now += timedelta(hours=2)
            self.tick()
            self.tick()
            self.check()
            for run_id in self.waiting():
                self.begin(run_id)
            for run_id in self.running():
                self.end(run_id, "completed")
        for cluster_id, record in self.clusters.items():
            assert not self._behind(cluster_id)
            if record.spec.source_cluster_ids:
                continue
            collections = record.spec.collection_ids
            assert not self.ledgers[cluster_id].behind(collections, self.completed)
            settled = record.state.automation.settled
            assert {one: settled.get(one, 0) for one in collections} == {
                one: self.completed.get(one, 0) for one in collections
            }

    def _ought(self, cluster_id: str) -> bool:
        """Whether a batch waits or a threshold is passed, and nothing else is a reason to wait."""
        record, ledger = self.clusters[cluster_id], self.ledgers[cluster_id]
        spec, collections = record.spec, record.spec.collection_ids
        missing = (spec.auto_execute_min_documents or 0) > self._count(LOCAL, collections)
        if record.state.archived_at or missing:
            return False
        waits = ledger.is_to_be_tried_later(self.now)
        cools = ledger.is_cooling(spec.auto_execute_cooldown_seconds, self.now)
        if spec.source_cluster_ids:
            busy = self._in_flight().keys() & set(spec.source_cluster_ids)
            return bool(self._behind(cluster_id)) and not (busy or cools or waits)
        behind = bool(ledger.behind(collections, self.completed))
        if spec.auto_execute_mode == "full" or not ledger.published:
            return behind and not cools and not waits
        passed = spec.auto_execute_mode == "auto" and ledger.is_full_of_news
        assigns = behind and not (waits and not ledger.failed_in_full)
        return assigns or (passed and not cools and not waits)

    def _going(self, candidates: set[str]) -> list[tuple[int, str, set[str]]]:
        """Who may go first, by phase, with the collections whose batches it waits for."""
        if not self.arranged:
            return []
        return [
            (self._phase(one), one, self._behind(one))
            for one in candidates
            if self._is_in_service(one) and self.ledgers[one].failures < 2
        ]

    def _going_before(self, cluster_id: str, going: list[tuple[int, str, set[str]]]) -> set[str]:
        """The definitions of an earlier phase that go first with the same batch."""
        phase, mine = self._phase(cluster_id), self._behind(cluster_id) if going else set()
        covered = self.ledgers[cluster_id].covered
        return {
            one
            for other, one, theirs in going
            if other < phase
            and any(
                self.ledgers[one].covered.get(shared, 0) <= covered.get(shared, 0)
                for shared in theirs & mine
            )
        }

    def _sources_of(self, record: ClusterRecord) -> dict[str, str] | None:
        """Source to its newest run; None where one is gone or has none."""
        sources = record.spec.source_cluster_ids or []
        newest = {one: self.newest[one].run_id for one in sources if one in self.newest}
        return newest if len(newest) == len(sources) else None

    def _behind(self, cluster_id: str) -> set[str]:
        record = self.clusters[cluster_id]
        if record.spec.source_cluster_ids:
            grouped = self.ledgers[cluster_id].grouped_runs
            newest = self._sources_of(record) or {}
            return {one for one, run_id in newest.items() if run_id not in grouped}
        collections = record.spec.collection_ids
        return self.ledgers[cluster_id].behind(collections, self.completed)

    def _is_in_service(self, cluster_id: str) -> bool:
        record = self.clusters.get(cluster_id)
        return record is not None and record.state.archived_at is None

    def _phase(self, cluster_id: str) -> int:
        return self.arranged.get(cluster_id, Place()).phase

    def _note(self, first: dict[str, set[str]], served: set[str]) -> None:
        for cluster_id, ledger in self.ledgers.items():
            waits = cluster_id in first and cluster_id not in served
            if waits and first[cluster_id]:
                ledger.overtaken.update(first[cluster_id] & served)
            else:
                ledger.looked(waits=waits)

    def _submit(self, wanted: Request) -> bool:
        """Whether there is a run for it now, or one of old that is counted as lost."""
        cluster_id = wanted.definition.cluster_id
        before = self.runs.get(self.keys.get(wanted.run_key, ""))
        if before is None:
            cooldown = wanted.definition.cooldown_seconds
            made = self._made(cluster_id, cooldown=cooldown, mode=wanted.mode)
            self.keys[wanted.run_key] = made.run_id
            return True
        # Dagster never makes a second run for a key; one that never began is counted.
        if not before.ended or before.began is not None:
            return False
        state = self.clusters[cluster_id].state
        self._state(
            cluster_id,
            automation=due.failed(state.automation, self.now),
            last_attempt_id=before.run_id,
        )
        self.ledgers[cluster_id].fails(self.now)
        return True

    def _made(self, cluster_id: str, **facts) -> Run:
        if self.clusters[cluster_id].spec.source_cluster_ids:
            facts["mode"] = "composite"
        made = Run(run_id=f"run_{len(self.runs)}", cluster_id=cluster_id, **facts)
        self.runs[made.run_id] = made
        self.flying.append(made)
        return made

    def _in_flight(self) -> dict[str, str]:
        return {one.cluster_id: one.run_id for one in self._open()}

    def _open(self) -> list[Run]:
        self.flying = [one for one in self.flying if not one.ended]
        return self.flying

    def _apart(self, _cluster_id: str) -> str | None:
        return None

    def _count(self, _scope, collections) -> int:
        return sum(self.documents.get(one, 0) for one in collections)

    def _state(self, cluster_id: str, **changes) -> None:
        record = self.clusters[cluster_id]
        state = record.state.model_copy(update=changes)
        self.clusters[cluster_id] = record.model_copy(update={"state": state})
