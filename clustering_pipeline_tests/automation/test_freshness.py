"""Which definitions are overdue: in the catalog, and in Dagster's check."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import dagster as dg
import pytest

from clustering_pipeline.automation.overdue import all_overdue
from clustering_pipeline.automation.status import standing_of
from clustering_pipeline.defs.resources import RESOURCE
from clustering_pipeline.defs.sensors.overdue import ON_TIME, watch_overdue
from clustering_pipeline.model.automation.triggers import MOST_FAILURES, CreateTriggerRequest
from clustering_pipeline.model.definitions.automation import OVERDUE_AFTER_SECONDS
from clustering_pipeline.model.scope import LOCAL, Scope
from clustering_pipeline.model.times import iso, utc_now
from clustering_pipeline.pipeline.run.process import is_alive, this_process
from clustering_pipeline_tests.worlds.planted import planted
from clustering_pipeline_tests.worlds.world import KMEANS, World

CONFIG = KMEANS | {"algorithm_params": {"n_clusters": 2}}
LISTENS = {"auto_execute_on_batch": True, "auto_execute_cooldown_seconds": 0}
BEHIND = "a batch has completed that no run has dealt with"


@pytest.fixture
def there(world: World) -> Iterator[World]:
    """The world with an instance of its own, and no definition of an earlier test."""
    catalog = world.pipeline.catalog
    with dg.DagsterInstance.ephemeral() as instance:
        yield World(pipeline=world.pipeline, instance=instance)
        for cluster_id in catalog.clusters.ids():
            catalog.triggers.delete_of(cluster_id)
            catalog.clusters.delete(LOCAL, cluster_id)


@pytest.fixture(scope="module")
def documents(world: World):
    return world.collection(planted(sizes={"sea": 12, "court": 9}))


def complete(world: World, *collections, ago: float = 0.0) -> datetime:
    """A batch that completed so many seconds before now."""
    batches, then = world.pipeline.catalog.batches, utc_now() - timedelta(seconds=ago)
    made = batches.open(LOCAL, [one.collection_id for one in collections])
    batches.complete(LOCAL, made.batch_id)
    batches.table.swap({"_id": made.batch_id}, {"$set": {"ended_at": iso(then)}})
    return then


def found(world: World, later: float = 0.0, scope: Scope | None = None) -> dict[str, list[str]]:
    now = utc_now() + timedelta(seconds=later)
    late = all_overdue(world.pipeline, now, scope=scope)
    return {cluster_id: one.reasons for cluster_id, one in late.items()}


def test_a_batch_left_alone_makes_its_definition_overdue(there, documents):
    definition = there.define(documents, CONFIG, **LISTENS)
    there.define(documents, CONFIG)
    assert found(there, later=1e6) == {}
    then = complete(there, documents)
    assert found(there) == {}
    assert found(there, later=OVERDUE_AFTER_SECONDS + 60) == {definition.cluster_id: [BEHIND]}
    later = utc_now() + timedelta(seconds=OVERDUE_AFTER_SECONDS + 60)
    told = standing_of(there.pipeline, definition, later).overdue
    assert told is not None
    assert abs(told.since - then) < timedelta(seconds=1)


def test_another_namespace_is_not_ours(there, documents):
    definition = there.define(documents, CONFIG, **LISTENS)
    complete(there, documents)
    elsewhere = Scope(organization_id=LOCAL.organization_id, namespace_id="ns_elsewhere")
    assert found(there, later=1e5, scope=elsewhere) == {}
    assert set(found(there, later=1e5, scope=LOCAL)) == {definition.cluster_id}


def test_nothing_is_late_while_a_run_holds_the_definition(there, documents):
    definition = there.define(documents, CONFIG, **LISTENS)
    trigger(there, definition, {"interval_seconds": 300}, "interval")
    complete(there, documents)
    assert len(found(there, later=1e5)[definition.cluster_id]) == 2
    clusters = there.pipeline.catalog.clusters
    clusters.claim(definition.cluster_id, this_process("run_held", "task_held"), is_alive=is_alive)
    assert found(there, later=1e5) == {}
    held = clusters.by_id(definition.cluster_id)
    assert standing_of(there.pipeline, held, utc_now() + timedelta(days=1)).overdue is None
    clusters.release(definition.cluster_id, "run_held")


def test_an_archived_definition_promises_nothing(there, documents):
    definition = there.define(documents, CONFIG, **LISTENS)
    trigger(there, definition, {"interval_seconds": 300}, "interval")
    complete(there, documents)
    archived = there.pipeline.catalog.automation.archive(LOCAL, definition.cluster_id)
    assert found(there, later=1e5) == {}
    assert standing_of(there.pipeline, archived, utc_now() + timedelta(days=1)).overdue is None


@pytest.mark.parametrize(
    ("least", "late"), [pytest.param(21, True, id="reached"), pytest.param(22, False, id="not-yet")]
)
def test_documents_that_are_missing_make_nobody_late(there, documents, least, late):
    there.define(documents, CONFIG, auto_execute_min_documents=least, **LISTENS)
    complete(there, documents)
    assert bool(found(there, later=1e5)) is late


def trigger(world: World, definition, config: dict, kind: str):
    request = CreateTriggerRequest(
        cluster_id=definition.cluster_id, trigger_type=kind, schedule_config=config
    )
    return world.pipeline.catalog.triggers.create(LOCAL, request)


def test_a_trigger_by_the_clock_is_late_when_its_time_has_passed(there, documents):
    definition = there.define(documents, CONFIG)
    made = trigger(there, definition, {"interval_seconds": 600}, "interval")
    trigger(there, definition, {"event_type": "batch_completed", "event_threshold": 1}, "event")
    assert found(there, later=600 + OVERDUE_AFTER_SECONDS - 60) == {}
    reason = f"{made.trigger_id} (interval) has not run at its time"
    late = 600 + OVERDUE_AFTER_SECONDS + 60
    assert found(there, later=late) == {definition.cluster_id: [reason]}
    there.pipeline.catalog.triggers.pause(LOCAL, made.trigger_id)
    assert found(there, later=late) == {}


def test_a_trigger_that_stopped_after_failures_is_late_until_somebody_resumes_it(there, documents):
    definition = there.define(documents, CONFIG)
    made = trigger(there, definition, {"interval_seconds": 600}, "interval")
    triggers = there.pipeline.catalog.triggers
    for number in range(MOST_FAILURES):
        triggers.ended(made.trigger_id, f"run_{number}", status="failed", error="no documents")
    late = 600 + OVERDUE_AFTER_SECONDS + 60
    missed = f"{made.trigger_id} (interval) has not run at its time"
    stopped = "it has stopped after five failures in a row"
    assert found(there, later=late) == {definition.cluster_id: [f"{missed}; {stopped}"]}
    triggers.resume(LOCAL, made.trigger_id)
    assert found(there) == {}


def watch(world: World) -> list[dg.AssetObservation | dg.AssetCheckEvaluation]:
    """A look of the sensor, and what the daemon does with what it found."""
    result = watch_overdue(
        dg.build_sensor_context(instance=world.instance, resources={RESOURCE: world.pipeline})
    )
    if isinstance(result, dg.SkipReason):
        return []
    for event in result.asset_events:
        world.instance.report_runless_asset_event(event)
    return list(result.asset_events)


def told(events) -> list[tuple[object, ...]]:
    return [
        (one.passed, one.metadata["overdue"].value)
        if isinstance(one, dg.AssetCheckEvaluation)
        else (one.partition, one.metadata["overdue"].value)
        for one in events
    ]


def test_dagster_shows_what_is_overdue_until_it_no_longer_is(there, documents):
    first, second = (there.define(documents, CONFIG, **LISTENS) for _ in range(2))
    assert watch(there) == []
    complete(there, documents, ago=OVERDUE_AFTER_SECONDS + 60)
    ids = sorted([first.cluster_id, second.cluster_id])
    events = watch(there)
    assert told(events) == [(False, 2), *((one, True) for one in ids)]
    rows = events[0].metadata["definitions"].records
    assert [(one.data["definition"], one.data["why"]) for one in rows] == [
        (one, BEHIND) for one in ids
    ]
    assert watch(there) == []
    archive = there.pipeline.catalog.automation.archive
    archive(LOCAL, first.cluster_id)
    assert told(watch(there)) == [(False, 1), (first.cluster_id, False)]
    archive(LOCAL, second.cluster_id)
    assert told(watch(there)) == [(True, 0), (second.cluster_id, False)]
    assert watch(there) == []


def test_somebody_who_asks_in_dagster_is_told_and_the_sensor_knows(there, documents):
    definition = there.define(documents, CONFIG, **LISTENS)
    complete(there, documents, ago=OVERDUE_AFTER_SECONDS + 60)
    job = there.definitions.resolve_implicit_global_asset_job_def()
    result = job.get_subset(asset_selection=set(), asset_check_selection={ON_TIME})
    (evaluation,) = result.execute_in_process(
        instance=there.instance, resources={RESOURCE: there.pipeline}
    ).get_asset_check_evaluations()
    assert (evaluation.passed, evaluation.metadata["overdue"].value) == (False, 1)
    assert watch(there) == []
    there.pipeline.catalog.automation.archive(LOCAL, definition.cluster_id)
    assert told(watch(there)) == [(True, 0), (definition.cluster_id, False)]
