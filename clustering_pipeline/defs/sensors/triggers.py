"""Runs definitions whose triggers' time has come."""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial

import dagster as dg

from clustering_pipeline.automation.batches import SHOWN, next_mode
from clustering_pipeline.automation.document_counts import Counter
from clustering_pipeline.automation.drift import drift
from clustering_pipeline.automation.sources import Gathered, gathered_of
from clustering_pipeline.automation.triggers import Facts, Verdict, judge_trigger
from clustering_pipeline.defs.instance import partitions
from clustering_pipeline.defs.instance.internals import ExecutableDefinition
from clustering_pipeline.defs.instance.right_size import with_size
from clustering_pipeline.defs.instance.runs import by_key, in_flight
from clustering_pipeline.defs.instance.tags import JOBS, SEEN, tags_of, tags_of_mode
from clustering_pipeline.model.automation.schedules import ConditionalSchedule, EventSchedule
from clustering_pipeline.model.automation.triggers import TriggerRecord
from clustering_pipeline.model.definitions.automation import SCHEDULE
from clustering_pipeline.model.definitions.cluster import ClusterRecord
from clustering_pipeline.model.errors import ClusteringError, ClusterNotFound
from clustering_pipeline.model.filters.tree import parse_filter
from clustering_pipeline.model.ids import run_id_of
from clustering_pipeline.model.public_text import for_clients
from clustering_pipeline.model.times import utc_now
from clustering_pipeline.pipeline.run.pipeline import Pipeline
from clustering_pipeline.service.executions.begin import RunIdentity, new_execution
from clustering_pipeline.service.executions.finish import interrupt
from clustering_pipeline.stores.catalog import Catalog
from clustering_pipeline.stores.catalog.definitions.automatic import automatic_of

AT_ONCE = 200
BUDGET_SECONDS = 20.0
"""Nothing more is looked at later than that: Dagster gives up on a look after a minute."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Looking:
    """One look: the stores, what runs, and the runs there are for the triggers that are due."""

    pipeline: Pipeline
    counter: Counter
    flying: Mapping[str, str]
    made: Mapping[str, dg.DagsterRun]
    now: datetime
    waits: list[str] = field(default_factory=list)
    """Why triggers whose time has come start no run now, in sentences."""

    def wait(self, trigger: TriggerRecord, reason: str) -> None:
        """Notes what a trigger waits for."""
        self.waits.append(f"{trigger.trigger_id}: {reason}")


def triggers_sensor(jobs: Sequence[ExecutableDefinition]) -> dg.SensorDefinition:
    """The sensor that starts one of ``jobs`` for each trigger that fires."""

    @dg.sensor(
        jobs=jobs, minimum_interval_seconds=10, default_status=dg.DefaultSensorStatus.RUNNING
    )
    def run_triggers(
        context: dg.SensorEvaluationContext, clustering: dg.ResourceParam[Pipeline]
    ) -> dg.SensorResult | dg.SkipReason:
        """Runs what cron expressions, intervals, events and conditions ask for, once each time.

        A time that passed while nobody looked is made up for once.
        """
        due, requests, waits = look_at_triggers(clustering, context.instance, utc_now())
        if not due:
            return dg.SkipReason("no trigger's time has come")
        if not requests:
            return dg.SkipReason(_why_none(due, waits))
        partitions.add(context.instance, [str(request.partition_key) for request in requests])
        return dg.SensorResult(run_requests=requests)

    return run_triggers


def look_at_triggers(
    pipeline: Pipeline,
    instance: dg.DagsterInstance,
    now: datetime,
    *,
    most: int = AT_ONCE,
    budget: float = BUDGET_SECONDS,
) -> tuple[int, list[dg.RunRequest], list[str]]:
    """How many triggers' time has come by ``now``, the runs that they want, and what others wait
    for.

    At most so many are looked at, besides those that a run keeps waiting; the others, and what
    ``budget`` seconds do not suffice for, stay due.
    """
    deadline = time.monotonic() + budget
    due = pipeline.catalog.triggers.due(now, limit=most)
    if not due:
        return 0, [], []
    flying = in_flight(instance)
    if len(due) == most:
        due = _with_others(pipeline.catalog, flying, due, now)
    looking = Looking(
        pipeline=pipeline,
        counter=Counter(pipeline=pipeline),
        flying=flying,
        made=by_key(instance, [trigger.run_key for trigger in due]),
        now=now,
    )
    return len(due), list(_requests(looking, due, deadline=deadline)), looking.waits


def _why_none(due: int, waits: Sequence[str]) -> str:
    more = [f"{len(waits) - SHOWN} more wait"] if len(waits) > SHOWN else []
    looked = f"{due} triggers looked at, none of them starts a run now"
    return "; ".join([looked, *waits[:SHOWN], *more])


def _with_others(
    catalog: Catalog, flying: Mapping[str, str], due: Sequence[TriggerRecord], now: datetime
) -> list[TriggerRecord]:
    """And as many that no run keeps waiting: those may be so many that they hide the others."""
    held = flying.keys() | {record.cluster_id for record in catalog.automation.held()}
    free = catalog.triggers.due(now, limit=len(due), besides=held)
    return [*free, *(trigger for trigger in due if trigger.cluster_id in held)]


def _requests(
    looking: Looking, due: Sequence[TriggerRecord], *, deadline: float
) -> Iterator[dg.RunRequest]:
    taken = set(looking.flying)
    for trigger in due:
        if time.monotonic() > deadline:
            return
        record = _definition(looking, trigger)
        if record is None or _made(looking, record, trigger):
            continue
        if record.cluster_id in taken or record.claim is not None:
            # Its time stays due until the run that holds the definition has ended.
            _count_from_now(looking, record, trigger)
            holder = looking.flying.get(record.cluster_id) or (record.claim and record.claim.run_id)
            looking.wait(trigger, f"{holder or 'a run of another trigger'} is under way")
            continue
        seen = _wanted(looking, record, trigger)
        if seen is not None:
            taken.add(record.cluster_id)
            yield _run_request(looking, record, trigger, seen)


def _run_request(
    looking: Looking, record: ClusterRecord, trigger: TriggerRecord, seen: Mapping[str, str]
) -> dg.RunRequest:
    mode, because = next_mode(looking.pipeline, record, trigger.mode, looking.now)
    tags = tags_of(SCHEDULE, record.scope, trigger_id=trigger.trigger_id)
    return dg.RunRequest(
        run_key=trigger.run_key,
        partition_key=record.cluster_id,
        job_name=JOBS[mode],
        tags=with_size(
            looking.pipeline, record.cluster_id, {**tags, **tags_of_mode(mode, because), **seen}
        ),
    )


def _definition(looking: Looking, trigger: TriggerRecord) -> ClusterRecord | None:
    catalog = looking.pipeline.catalog
    try:
        record = catalog.clusters.by_id(trigger.cluster_id)
    except ClusterNotFound:
        catalog.triggers.delete_of(trigger.cluster_id)
        return None
    if record.state.archived_at is not None:
        catalog.triggers.looked(trigger)
        looking.wait(trigger, f"{record.name!r} is archived")
        return None
    return record


def _made(looking: Looking, record: ClusterRecord, trigger: TriggerRecord) -> bool:
    """Notes the firing of a run that was made; whether there is one."""
    catalog, run = looking.pipeline.catalog, looking.made.get(trigger.run_key)
    if run is None:
        return False
    catalog.triggers.fired(trigger, run_id_of(run.run_id), **json.loads(run.tags.get(SEEN, "{}")))
    if run.is_finished:
        _told_of(catalog, record, trigger, run)
    return True


def _count_from_now(looking: Looking, record: ClusterRecord, trigger: TriggerRecord) -> None:
    """What is added during the run counts, too, for a trigger that has not looked yet."""
    if trigger.seen_documents is None and isinstance(trigger.schedule, EventSchedule):
        documents = _documents(looking, record, _sources(looking, record))
        looking.pipeline.catalog.triggers.looked(trigger, seen_documents=documents)


def _wanted(
    looking: Looking, record: ClusterRecord, trigger: TriggerRecord
) -> Mapping[str, str] | None:
    """What a run is to carry, if one is to be made; notes a look in vain."""
    catalog, schedule = looking.pipeline.catalog, trigger.schedule
    if not isinstance(schedule, EventSchedule | ConditionalSchedule):
        return dict[str, str]()
    sources = _sources(looking, record)
    facts = _facts(looking, record, sources)
    try:
        verdict = judge_trigger(trigger, schedule, facts, looking.now)
    except Exception as error:  # noqa: BLE001 - others' triggers are looked at all the same
        catalog.triggers.looked(trigger, last_execution_error=_said(error))
        return None
    verdict = _with_sources(looking, verdict, sources)
    if verdict.fires:
        return {SEEN: json.dumps(_seen(trigger, facts))}
    first = trigger.seen_documents is None
    seen = {"seen_documents": facts.documents} if first else {}
    catalog.triggers.looked(trigger, event_counter=verdict.counter, **seen)
    looking.wait(trigger, str(verdict.waits))
    return None


def _sources(looking: Looking, record: ClusterRecord) -> Gathered | None:
    """What a composite definition has to group."""
    if not record.spec.source_cluster_ids:
        return None
    return gathered_of(looking.pipeline.catalog, automatic_of(record))


def _with_sources(looking: Looking, verdict: Verdict, sources: Gathered | None) -> Verdict:
    """A composite definition sees documents only once its sources have run, and each set once."""
    if sources is None or not verdict.fires:
        return verdict
    none = None if sources.fresh else "none of its sources has published since its last run"
    waits = sources.waits(looking.flying) or none
    return replace(verdict, fires=waits is None, waits=waits)


def _said(error: Exception) -> str:
    known = isinstance(error, ClusteringError)
    return for_clients(error.message if known else f"{type(error).__name__}: {error}")


def _told_of(
    catalog: Catalog, record: ClusterRecord, trigger: TriggerRecord, run: dg.DagsterRun
) -> None:
    """A run that ended before it began is in the history all the same, as a failure."""
    identity = RunIdentity(
        dagster_run_id=run.run_id,
        root_run_id=run.root_run_id or run.run_id,
        trigger=SCHEDULE,
        trigger_id=trigger.trigger_id,
    )
    catalog.executions.begin(new_execution(record, identity, record.resolved()))
    interrupt(catalog, identity.run_id, reason="before it began")


def _seen(trigger: TriggerRecord, facts: Facts) -> dict[str, object]:
    """What made it fire: what happens until somebody hears of its run is counted the next time."""
    return {
        "updates": trigger.updates,
        "seen_documents": facts.documents,
        "seen_batches": facts.batches,
        "judged_run_id": facts.published_run_id,
    }


def _facts(looking: Looking, record: ClusterRecord, sources: Gathered | None) -> Facts:
    catalog, inputs = looking.pipeline.catalog, list(record.spec.collection_ids or ())
    run = catalog.executions.published(record)
    return Facts(
        documents=_documents(looking, record, sources),
        batches=sources.batches
        if sources
        else sum(catalog.batches.completed(record.scope, inputs).values()),
        published_run_id=run.run_id if run else None,
        published_documents=(run.source_documents or 0) if run else 0,
        selected=partial(_selected, looking.pipeline, record),
        metrics={
            name: value
            for name, value in (record.state.quality_metrics or {}).items()
            if isinstance(value, int | float)
        },
        drift=partial(drift, looking.pipeline, run) if run else _nothing,
    )


def _documents(looking: Looking, record: ClusterRecord, sources: Gathered | None) -> int:
    if sources is not None:
        return sources.documents
    return looking.counter(record.scope, list(record.spec.collection_ids or ()))


def _selected(pipeline: Pipeline, record: ClusterRecord) -> int:
    inputs = pipeline.catalog.collections.resolve(record.scope, record.spec.collection_ids or ())
    tree = parse_filter(record.spec.filters)
    return sum(
        pipeline.documents.count(collection.qdrant_collection, tree) for collection in inputs
    )


def _nothing(_measure: str) -> float:
    return 0.0
