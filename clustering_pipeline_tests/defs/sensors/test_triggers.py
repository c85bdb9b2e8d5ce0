"""Triggers make runs: once each time, late when nobody looked, with a history."""

from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from uuid import uuid4

import dagster as dg
import pytest

from clustering_pipeline.automation.drift import drift
from clustering_pipeline.defs.graph import stored_definitions
from clustering_pipeline.defs.instance.partitions import NAME
from clustering_pipeline.defs.instance.tags import ASSIGN
from clustering_pipeline.defs.jobs import build_jobs
from clustering_pipeline.defs.resources import RESOURCE
from clustering_pipeline.defs.sensors.runs import build_sensors
from clustering_pipeline.defs.sensors.triggers import look_at_triggers
from clustering_pipeline.model.automation.triggers import (
    CreateTriggerRequest,
    TriggerHistoryRequest,
)
from clustering_pipeline.model.definitions.cluster import ClusterRecord
from clustering_pipeline.model.definitions.validation import validate
from clustering_pipeline.model.scope import LOCAL
from clustering_pipeline.model.times import utc_now
from clustering_pipeline.pipeline.run.process import is_alive, this_process
from clustering_pipeline_tests.worlds.planted import planted
from clustering_pipeline_tests.worlds.world import KMEANS, World

CONFIG = KMEANS | {"algorithm_params": {"n_clusters": 2}}
SENSORS = {sensor.name: sensor for sensor in build_sensors(build_jobs(stored_definitions()))}
LOOK = SENSORS["run_triggers"]
HOURLY = {"interval_seconds": 3600}


@pytest.fixture
def there(world: World) -> Iterator[World]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield World(pipeline=world.pipeline, instance=instance)
        catalog = world.pipeline.catalog
        for cluster_id in catalog.clusters.ids():
            catalog.triggers.delete_of(cluster_id)
            catalog.clusters.delete(LOCAL, cluster_id)


@pytest.fixture
def definition(there: World) -> ClusterRecord:
    return there.define(there.collection(planted(sizes={"sea": 30, "court": 30})), CONFIG)


def trigger(world: World, definition: ClusterRecord, kind: str = "interval", **config):
    request = {
        "cluster_id": definition.cluster_id,
        "trigger_type": kind,
        "schedule_config": config or HOURLY,
    }
    wanted = validate(CreateTriggerRequest, request)
    return world.pipeline.catalog.triggers.create(LOCAL, wanted)


def come(world: World, made, seconds: float = 0) -> None:
    """The trigger's time was so long ago."""
    then = (utc_now() - timedelta(seconds=seconds)).isoformat(timespec="milliseconds")
    moment = then.replace("+00:00", "Z")
    table = world.pipeline.catalog.triggers.table
    changes = {"next_run_at": moment, "scheduled_for": moment}
    table.swap({"_id": made.trigger_id}, {"$set": changes})


def requested(world: World) -> list[dg.RunRequest]:
    context = dg.build_sensor_context(
        instance=world.instance, resources={RESOURCE: world.pipeline}, definitions=world.definitions
    )
    found = LOOK(context)
    return list(found.run_requests) if isinstance(found, dg.SensorResult) else []


def run(world: World, request: dg.RunRequest):
    cluster = world.pipeline.catalog.clusters.by_id(request.partition_key)
    tags = {**request.tags, "dagster/run_key": request.run_key}
    return world.ran(world.start(cluster, job=request.job_name, tags=tags), cluster)


def now_of(world: World, made):
    return world.pipeline.catalog.triggers.get(LOCAL, made.trigger_id)


def test_a_time_that_was_missed_is_made_up_for_once(there, definition):
    made = trigger(there, definition)
    assert requested(there) == []
    come(there, made, seconds=10 * 86_400)
    (request,) = requested(there)
    # The daemon died before it made the run: the same request again, under the same key.
    assert [one.run_key for one in requested(there)] == [request.run_key]
    assert (request.tags["clustering/trigger"], request.tags["dagster/priority"]) == (
        "schedule",
        "-20",
    )
    ran = run(there, request)
    assert (ran.execution.status, ran.execution.trigger_id) == ("completed", made.trigger_id)
    assert ran.cluster.state.automation.batch_run_at is None
    assert requested(there) == []
    after = now_of(there, made)
    assert (after.execution_count, after.last_execution_job_id) == (1, ran.run_id)
    assert (after.last_execution_status, after.consecutive_failures) == ("completed", 0)
    assert 0 < (after.next_run_at - utc_now()).total_seconds() <= 3600
    page = there.pipeline.catalog.triggers.history(LOCAL, made.trigger_id, TriggerHistoryRequest())
    assert [(one.job_id, one.status, one.num_clusters) for one in page.executions] == [
        (ran.run_id, "completed", 2)
    ]


def test_a_run_that_ended_before_it_began_is_a_failure_in_the_history(there, definition):
    made = trigger(there, definition)
    come(there, made)
    (request,) = requested(there)
    there.instance.add_dynamic_partitions(NAME, [definition.cluster_id])
    there.instance.create_run_for_job(
        there.definitions.resolve_job_def("execute_cluster"),
        tags={**request.tags, "dagster/run_key": request.run_key},
        status=dg.DagsterRunStatus.CANCELED,
    )
    assert requested(there) == []
    after = now_of(there, made)
    assert (after.execution_count, after.consecutive_failures) == (1, 1)
    assert "before it began" in after.last_execution_error


def test_five_failures_in_a_row_end_the_trigger_until_it_is_resumed(there, definition):
    made = trigger(there, definition)
    for failures in range(1, 6):
        come(there, made)
        (request,) = requested(there)
        ended = dg.DagsterRun(
            job_name="execute_cluster",
            run_id=str(uuid4()),
            tags={**request.tags, "dagster/run_key": request.run_key},
            status=dg.DagsterRunStatus.FAILURE,
        )
        there.instance.add_run(ended)
        assert requested(there) == []
        assert now_of(there, made).consecutive_failures == failures
    assert now_of(there, made).status == "failed"
    come(there, made)
    assert requested(there) == []
    there.pipeline.catalog.triggers.resume(LOCAL, made.trigger_id)
    come(there, made)
    assert len(requested(there)) == 1


def test_two_triggers_of_one_definition_run_one_after_the_other(there, definition):
    for made in (trigger(there, definition), trigger(there, definition)):
        come(there, made)
    (first,) = requested(there)
    run(there, first)
    (second,) = requested(there)
    assert second.run_key != first.run_key


def test_triggers_that_a_run_keeps_waiting_hide_no_others(there, definition):
    waiting = [trigger(there, definition) for _ in range(2)]
    other = trigger(there, there.define(there.collection(planted(sizes={"sea": 3})), CONFIG))
    for seconds, made in enumerate([other, *waiting]):
        come(there, made, seconds=seconds)
    clusters = there.pipeline.catalog.clusters
    owner = this_process("run_held", "task_held")
    clusters.claim(definition.cluster_id, owner, is_alive=is_alive)
    looked, (request,), _ = look_at_triggers(there.pipeline, there.instance, utc_now(), most=2)
    assert (looked, request.partition_key) == (3, other.cluster_id)


def test_what_there_is_no_time_for_stays_due(there, definition):
    come(there, trigger(there, definition))
    look = partial(look_at_triggers, there.pipeline, there.instance, utc_now())
    assert look(budget=-1.0) == (1, [], [])
    assert len(look()[1]) == 1


def test_a_condition_is_judged_when_the_run_that_holds_the_definition_has_ended(there, definition):
    made = trigger(there, definition, "conditional", condition_type="volume", threshold=1)
    come(there, made)
    clusters = there.pipeline.catalog.clusters
    owner = this_process("run_held", "task_held")
    clusters.claim(definition.cluster_id, owner, is_alive=is_alive)
    assert requested(there) == []
    assert now_of(there, made).next_run_at <= utc_now()
    clusters.release(definition.cluster_id, "run_held")
    assert requested(there) == []
    assert now_of(there, made).next_run_at > utc_now()


def test_paused_and_archived_ones_do_not_run(there, definition):
    made = trigger(there, definition)
    come(there, made)
    catalog = there.pipeline.catalog
    catalog.triggers.pause(LOCAL, made.trigger_id)
    assert requested(there) == []
    catalog.triggers.resume(LOCAL, made.trigger_id)
    come(there, made)
    catalog.automation.archive(LOCAL, definition.cluster_id)
    assert requested(there) == []
    assert now_of(there, made).next_run_at > utc_now()


def test_a_trigger_without_its_definition_goes(there, definition):
    made = trigger(there, definition)
    come(there, made)
    there.pipeline.catalog.clusters.delete(LOCAL, definition.cluster_id)
    assert requested(there) == []
    assert there.pipeline.catalog.triggers.due(utc_now() + timedelta(days=9)) == []


def test_completed_batches_fire_an_event(there, definition):
    made = trigger(
        there,
        definition,
        "event",
        event_type="batch_completed",
        event_threshold=2,
        cooldown_seconds=0,
    )
    batches = there.pipeline.catalog.batches
    found = []
    for _ in range(2):
        batches.complete(LOCAL, batches.open(LOCAL, definition.spec.collection_ids).batch_id)
        come(there, made)
        found.append(requested(there))
    assert [len(one) for one in found] == [0, 1]
    run(there, found[1][0])
    assert requested(there) == []
    after = now_of(there, made)
    assert (after.execution_count, after.event_counter) == (1, 0)
    come(there, made)
    assert requested(there) == []


def begun(world: World, request: dg.RunRequest) -> dg.DagsterRun:
    """The run, as far as Dagster knows of it."""
    own = {"dagster/partition": request.partition_key, "dagster/run_key": request.run_key}
    return world.instance.add_run(
        dg.DagsterRun(
            job_name="execute_cluster",
            run_id=str(uuid4()),
            status=dg.DagsterRunStatus.STARTED,
            tags={**request.tags, **own},
        )
    )


@pytest.mark.parametrize("event", ["batch_completed", "documents_updated"])
def test_what_happens_before_somebody_hears_of_its_run_is_counted_the_next_time(
    there, definition, event
):
    made = trigger(there, definition, "event", event_type=event, cooldown_seconds=0)
    catalog, inputs = there.pipeline.catalog, definition.spec.collection_ids

    def happen() -> None:
        batches = catalog.batches
        batches.complete(LOCAL, batches.open(LOCAL, inputs).batch_id)
        catalog.triggers.updated_documents(LOCAL, inputs[0], 1)

    happen()
    come(there, made)
    run_of_it = begun(there, requested(there)[0])
    happen()
    assert requested(there) == []
    assert now_of(there, made).execution_count == 1
    there.instance.report_run_canceled(run_of_it)
    come(there, made)
    (second,) = requested(there)
    begun(there, second)
    assert requested(there) == []
    come(there, made)
    there.instance.wipe()
    assert requested(there) == []


def test_a_condition_was_about_the_groups_that_were_published_when_it_fired(there, definition):
    first = there.execute(definition)
    made = trigger(there, definition, "conditional", condition_type="volume", threshold=1)
    (collection,) = there.pipeline.catalog.collections.resolve(
        LOCAL, definition.spec.collection_ids
    )
    there.add(collection.qdrant_collection, planted(sizes={"sea": 3}, seed=3, first_id=100))
    come(there, made)
    begun(there, requested(there)[0])
    there.pipeline.catalog.clusters.update_state(definition.cluster_id, last_run_id="run_since")
    assert requested(there) == []
    assert now_of(there, made).last_execution_job_id is not None
    judged = there.pipeline.catalog.triggers.table.find_one({"_id": made.trigger_id})
    assert judged["judged_run_id"] == first.run_id


def test_documents_added_during_a_run_are_counted(there, definition):
    clusters = there.pipeline.catalog.clusters
    owner = this_process("run_held", "task_held")
    clusters.claim(definition.cluster_id, owner, is_alive=is_alive)
    made = trigger(there, definition, "event", event_type="documents_added", event_threshold=3)
    come(there, made)
    assert requested(there) == []
    (collection,) = there.pipeline.catalog.collections.resolve(
        LOCAL, definition.spec.collection_ids
    )
    there.add(collection.qdrant_collection, planted(sizes={"sea": 3}, seed=3, first_id=100))
    clusters.release(definition.cluster_id, "run_held")
    come(there, made)
    assert len(requested(there)) == 1


class Unreadable:
    """Artifacts that are not what they were."""

    def read_frame(self, key: str, *_: object, **__: object) -> None:
        message = f"{key} has columns of another length"
        raise ValueError(message)


def test_a_trigger_that_cannot_be_judged_stops_no_other(there, definition):
    there.execute(definition)
    broken = trigger(there, definition, "conditional", condition_type="drift", threshold=0.5)
    other = trigger(there, there.define(there.collection(planted(sizes={"sea": 3})), CONFIG))
    come(there, broken, seconds=9)
    come(there, other)
    (request,) = requested(there.over(artifacts=Unreadable()))
    assert request.partition_key == other.cluster_id
    after = now_of(there, broken)
    assert after.last_execution_error.endswith("has columns of another length")
    assert after.next_run_at > utc_now()


def test_documents_far_from_every_group_are_drift(there, definition):
    ran = there.execute(definition)
    made = trigger(there, definition, "conditional", condition_type="drift", threshold=0.5)
    come(there, made)
    assert requested(there) == []
    (collection,) = there.pipeline.catalog.collections.resolve(
        LOCAL, definition.spec.collection_ids
    )
    there.add(collection.qdrant_collection, planted(sizes={"sea": 20}, seed=3, first_id=100))
    assert drift(there.pipeline, ran.execution, "share_far") < 0.3
    there.add(collection.qdrant_collection, planted(sizes={"space": 80}, seed=3, first_id=200))
    assert drift(there.pipeline, ran.execution, "share_far") > 0.6
    assert drift(there.pipeline, ran.execution, "mean_cosine") > 0.2
    come(there, made)
    assert len(requested(there)) == 1


def test_documents_that_no_group_reached_are_a_reason_to_run(there, definition):
    pooled = {"condition_type": "drift", "metric": "novelty_pool", "threshold": 50}
    fallen = {"condition_type": "drift", "metric": "drift", "threshold": 0.2}
    triggers = [trigger(there, definition, "conditional", **one) for one in (pooled, fallen)]

    def fired() -> list[int]:
        for made in triggers:
            come(there, made)
        wanted = [one.tags["clustering/trigger_id"] for one in requested(there)]
        return [number for number, made in enumerate(triggers) if made.trigger_id in wanted]

    there.execute(definition)
    (collection,) = there.pipeline.catalog.collections.resolve(
        LOCAL, definition.spec.collection_ids
    )
    there.add(collection.qdrant_collection, planted(sizes={"space": 80}, seed=3, first_id=200))
    assert fired() == []
    ran = there.execute(definition, job=ASSIGN)
    assert drift(there.pipeline, ran.execution, "novelty_pool") > 50
    assert drift(there.pipeline, ran.execution, "drift") > 0.2
    # One of the two starts a run; the other's time stays due until that one has ended.
    assert len(fired()) == 1
    there.pipeline.catalog.triggers.pause(LOCAL, triggers[0].trigger_id)
    assert fired() == [1]


def test_a_trigger_says_what_its_runs_do(there, definition):
    """In mode assign, the first run is a full one."""
    request = {
        "cluster_id": definition.cluster_id,
        "execution_config": {
            "collection_ids": list(definition.spec.collection_ids),
            "config": {"mode": "assign"},
        },
        "trigger_type": "interval",
        "schedule_config": HOURLY,
    }
    made = there.pipeline.catalog.triggers.create(LOCAL, validate(CreateTriggerRequest, request))
    modes = []
    for _ in range(2):
        come(there, made)
        (wanted,) = requested(there)
        modes.append((wanted.job_name, run(there, wanted).execution.mode))
        come(there, made)
        assert requested(there) == []
    assert modes == [("execute_cluster", "full"), ("assign_documents", "assign")]
