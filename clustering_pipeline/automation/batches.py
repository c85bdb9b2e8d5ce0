"""One look over all definitions: what is due now, and what holds the others back."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from clustering_pipeline.automation.due import RunMode, behind, judge, thresholds_passed
from clustering_pipeline.automation.priority import Judged, choose, in_phases
from clustering_pipeline.automation.sources import Gathered, gathered
from clustering_pipeline.model.definitions.automation import AutoExecuteMode, AutomaticDefinition
from clustering_pipeline.model.definitions.cluster import ClusterRecord
from clustering_pipeline.model.definitions.execute import ExecuteClusterByIdRequest
from clustering_pipeline.model.errors import InvalidRequest, StateConflict
from clustering_pipeline.model.scope import Scope
from clustering_pipeline.pipeline.run.pipeline import Pipeline
from clustering_pipeline.pipeline.stages.assign_mode.published import IN_FULL, groups_to_join
from clustering_pipeline.stores.catalog import Catalog
from clustering_pipeline.stores.catalog.definitions.automatic import automatic_of

SHOWN = 5
Completed = Mapping[Scope, Mapping[str, int]]
Count = Callable[[Scope, Sequence[str]], int]
"""Documents in collections of a namespace, whatever the filters of definitions."""
InFlight = Callable[[], Mapping[str, str]]
"""Definition to the run that the orchestrator has queued or started for it."""
Apart = Callable[[str], str | None]
"""Why the documents of a definition can join no published group; None where they can."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A run that is wanted; the same key is never run twice."""

    definition: AutomaticDefinition
    run_key: str
    mode: RunMode = "full"
    because: Sequence[str] = ()
    """What asked for a full run where batches are assigned otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """What one look found."""

    definitions: int
    lagging: Sequence[Judged] = field(default_factory=list)
    requests: Sequence[Request] = field(default_factory=list)

    @property
    def summary(self) -> str:
        """The look in a sentence, with what holds back the first few."""
        held = [judged for judged in self.lagging if not judged.standing.due]
        counted = (
            f"{self.definitions} automatic definitions, {len(self.lagging)} with something new, "
            f"{len(self.requests)} to run now"
        )
        named = [f"{judged.definition.name!r}: {_spoken(judged)}" for judged in held[:SHOWN]]
        more = [f"{len(held) - SHOWN} more wait"] if len(held) > SHOWN else []
        return "; ".join([counted, *named, *more])


def look(catalog: Catalog, count: Count, in_flight: InFlight, apart: Apart, now: datetime) -> Tick:
    """Reads what there is and decides; the orchestrator is asked only when something lags."""
    definitions = catalog.automation.definitions()
    composites = gathered(catalog, definitions)
    completed = catalog.batches.completed_everywhere()
    lagging = [
        (definition, lag)
        for definition in definitions
        if (lag := _lag(definition, completed, composites)) or thresholds_passed(definition, now)
    ]
    if not lagging:
        return Tick(definitions=len(definitions))
    places, flying = catalog.automation.places(), in_flight()
    judged = [
        _judged(definition, lag, count, flying, composites.get(definition.cluster_id), now=now)
        for definition, lag in lagging
    ]
    placed = in_phases(judged, places)
    sure = {due.definition.cluster_id: _sure(due, apart, now) for due in choose(placed, places)}
    requests = [_request(due, completed, composites) for due in sure.values() if due.standing.due]
    return Tick(
        definitions=len(definitions),
        lagging=[sure.get(held.definition.cluster_id, held) for held in placed],
        requests=requests,
    )


def _lag(
    definition: AutomaticDefinition, completed: Completed, composites: Mapping[str, Gathered]
) -> dict[str, int]:
    sources = composites.get(definition.cluster_id)
    return sources.lag if sources else behind(definition, completed.get(definition.scope, {}))


def run_key(definition: AutomaticDefinition, completed: Mapping[str, int]) -> str:
    """Tells an attempt from the next: by what was completed, and by the attempt before it."""
    number = sum(completed.get(collection_id, 0) for collection_id in definition.collection_ids)
    return f"{definition.cluster_id}:batch:{number}:after:{definition.last_attempt_id or 'none'}"


def composite_key(definition: AutomaticDefinition, sources: Gathered) -> str:
    """The same of a composite definition: by the runs that it is to group."""
    runs = "/".join(sorted(run.run_id for run in sources.newest.values()))
    digest = hashlib.sha256(runs.encode()).hexdigest()[:16]
    return f"{definition.cluster_id}:sources:{digest}:after:{definition.last_attempt_id or 'none'}"


def _judged(
    definition: AutomaticDefinition,
    lag: Mapping[str, int],
    count: Count,
    flying: Mapping[str, str],
    sources: Gathered | None,
    *,
    now: datetime,
) -> Judged:
    run = flying.get(definition.cluster_id)
    waits = sources.waits(flying) if sources else None
    standing = judge(definition, lag, now, in_flight=run, sources_wait=waits)
    if standing.due and definition.min_documents is not None:
        # Counting takes a call for each collection, so only where nothing else holds it back.
        documents = count(definition.scope, definition.collection_ids)
        standing = judge(definition, lag, now, in_flight=run, documents=documents)
    return Judged(definition=definition, standing=standing)


def _sure(due: Judged, apart: Apart, now: datetime) -> Judged:
    """As it stands once somebody has looked whether its documents can join groups.

    That takes several calls, so it is asked only of those that would assign now.
    """
    definition, standing = due.definition, due.standing
    reason = apart(definition.cluster_id) if standing.mode == "assign" else None
    if reason is None:
        return due
    again = judge(
        definition,
        standing.behind,
        now,
        in_flight=standing.in_flight,
        documents=standing.documents,
        apart=reason,
    )
    return Judged(definition=definition, standing=again)


def _request(due: Judged, completed: Completed, composites: Mapping[str, Gathered]) -> Request:
    definition, standing = due.definition, due.standing
    sources = composites.get(definition.cluster_id)
    by_batches = run_key(definition, completed.get(definition.scope, {}))
    return Request(
        definition=definition,
        run_key=by_batches if sources is None else composite_key(definition, sources),
        mode=standing.mode,
        because=standing.because if standing.mode == "full" else (),
    )


def apart(pipeline: Pipeline, record: ClusterRecord) -> str | None:
    """Why documents can join no published group of the definition, or shall not; None where they
    can.
    """
    catalog = pipeline.catalog
    edits = catalog.edits.get(record.cluster_id).edits
    try:
        spec = record.resolved(ExecuteClusterByIdRequest(mode="assign"))
        groups_to_join(pipeline, spec, catalog.executions.published(record), edits)
    except (InvalidRequest, StateConflict) as error:
        return error.message.removesuffix(f": {IN_FULL}")
    if record.state.automation.full_of in {None, record.spec.grouping}:
        return None
    return f"{record.name!r} makes its groups in another way than its last full run did"


def next_mode(
    pipeline: Pipeline, record: ClusterRecord, asked: AutoExecuteMode, now: datetime
) -> tuple[RunMode, Sequence[str]]:
    """What a run does that a trigger starts in that mode, and why it does more than assign."""
    definition = replace(automatic_of(record), mode=asked)
    assigns = asked != "full" and definition.published is not None
    reason = apart(pipeline, record) if assigns else None
    standing = judge(definition, {record.cluster_id: 1}, now, apart=reason)
    return standing.mode, standing.because if standing.mode == "full" else ()


def without(tick: Tick, keys: Mapping[str, str]) -> Tick:
    """The look without the runs that there are already, by their keys."""
    fresh = [request for request in tick.requests if request.run_key not in keys]
    return replace(tick, requests=fresh)


def _spoken(judged: Judged) -> str:
    return ", ".join(judged.standing.reasons)
