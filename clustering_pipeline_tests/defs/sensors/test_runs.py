"""Sensors, called as functions: what they ask Dagster for, and what they tell the catalog."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import dagster as dg
import pytest
from sqlalchemy.exc import IntegrityError

from clustering_pipeline.definitions import build
from clustering_pipeline.defs.graph import stored_definitions
from clustering_pipeline.defs.instance import partitions
from clustering_pipeline.defs.instance.partitions import NAME
from clustering_pipeline.defs.jobs import build_jobs
from clustering_pipeline.defs.resources import RESOURCE
from clustering_pipeline.defs.sensors.runs import build_sensors, sync_partitions
from clustering_pipeline.model.definitions.cluster import ClusterRecord
from clustering_pipeline.model.errors import LocalStackUnavailable
from clustering_pipeline.model.executions.execution import WriteBack
from clustering_pipeline.model.status import ExecutionStatus
from clustering_pipeline.pipeline.run.pipeline import Pipeline
from clustering_pipeline.pipeline.run.process import is_alive, this_process
from clustering_pipeline.service.executions.begin import RunIdentity, new_execution
from clustering_pipeline_tests.worlds.planted import planted
from clustering_pipeline_tests.worlds.world import World

SENSORS = {sensor.name: sensor for sensor in build_sensors(build_jobs(stored_definitions()))}


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as fresh:
        yield fresh


@pytest.fixture(scope="module")
def definition(world: World) -> ClusterRecord:
    return world.define(world.collection(planted(sizes={"sea": 3})))


def sync(world: World, instance: dg.DagsterInstance) -> dg.SkipReason:
    context = dg.build_sensor_context(instance=instance, resources={RESOURCE: world.pipeline})
    return sync_partitions(context)


def test_partitions_follow_the_stored_definitions(world, instance, definition):
    instance.add_dynamic_partitions(NAME, ["clust_gone"])
    assert sync(world, instance) == dg.SkipReason("1 partitions added, 1 removed")
    assert instance.get_dynamic_partitions(NAME) == [definition.cluster_id]


def test_partitions_that_are_current_are_left_alone(world, instance, definition):
    instance.add_dynamic_partitions(NAME, [definition.cluster_id])
    assert sync(world, instance) == dg.SkipReason("the partitions are current")
    assert instance.get_dynamic_partitions(NAME) == [definition.cluster_id]


def test_partitions_by_the_thousand_are_added_whole(instance):
    wanted = [f"clust_{number:04}" for number in range(2500)]
    instance.add_dynamic_partitions(NAME, wanted[:100])
    assert partitions.add(instance, wanted) == wanted[100:]
    assert instance.get_dynamic_partitions(NAME) == wanted
    assert partitions.add(instance, wanted) == []


@dataclass
class Contested:
    """An instance to which another sensor adds one of the keys at the same moment."""

    instance: dg.DagsterInstance
    met: bool = False

    def get_dynamic_partitions(self, name: str) -> list[str]:
        return list(self.instance.get_dynamic_partitions(name))

    def add_dynamic_partitions(self, name: str, keys: list[str]) -> None:
        if not self.met:
            self.met = True
            self.instance.add_dynamic_partitions(name, keys[:1])
            statement = "INSERT"
            raise IntegrityError(statement, None, ValueError())
        self.instance.add_dynamic_partitions(name, keys)


def test_partitions_that_two_sensors_add_at_once_are_there_once(instance):
    assert partitions.add(Contested(instance), ["clust_1", "clust_2"]) == ["clust_1", "clust_2"]
    assert instance.get_dynamic_partitions(NAME) == ["clust_1", "clust_2"]


def end(world: World, definition: ClusterRecord, run_id: str, sensor: str, **left) -> None:
    """A run that left its execution open, and the sensor that hears of its end."""
    identity = RunIdentity(dagster_run_id=run_id, root_run_id=run_id)
    catalog = world.pipeline.catalog
    owner = this_process(identity.run_id, identity.task_id)
    catalog.clusters.claim(definition.cluster_id, owner, is_alive=is_alive)
    catalog.executions.begin(new_execution(definition, identity, definition.resolved()))
    catalog.executions.update(identity.run_id, status=ExecutionStatus.PROCESSING, **left)
    run = dg.DagsterRun(
        job_name="execute_cluster",
        run_id=run_id,
        status=dg.DagsterRunStatus[sensor.removeprefix("record_").upper()],
    )
    with dg.DagsterInstance.ephemeral() as instance:
        context = dg.build_run_status_sensor_context(
            sensor_name=sensor,
            dagster_instance=instance,
            dagster_run=run,
            dagster_event=dg.DagsterEvent("PIPELINE_START", "execute_cluster"),
            resources={RESOURCE: world.pipeline},
        )
        SENSORS[sensor](context)


@pytest.mark.parametrize(
    ("sensor", "expected"),
    [
        pytest.param("record_failure", ("failed", "INTERRUPTED", "interrupted"), id="died"),
        pytest.param("record_canceled", ("canceled", "CANCELED", None), id="cancelled"),
        pytest.param("record_success", ("completed", "PENDING", None), id="done"),
    ],
)
def test_an_execution_left_open_is_closed(world, definition, sensor, expected):
    run_id = sensor.replace("_", "")
    end(world, definition, run_id, sensor)
    record = world.pipeline.catalog.executions.by_id(f"run_{run_id}")
    cluster = world.pipeline.catalog.clusters.by_id(definition.cluster_id)
    assert (record.status, cluster.state.status, record.failure_category) == expected
    assert cluster.state.failure_category == record.failure_category
    assert cluster.claim is None


def test_a_write_back_cut_short_is_no_longer_under_way(world, definition):
    end(world, definition, "cut", "record_failure", write_back=WriteBack(status="writing"))
    assert world.pipeline.catalog.executions.by_id("run_cut").write_back == WriteBack(
        status="failed",
        error="the process of run_cut ended without saying so; execute the definition again",
    )


def test_a_run_that_cannot_open_its_stores_says_why(world, definition):
    @contextmanager
    def connect() -> Iterator[Pipeline]:
        message = "the Qdrant engine is not installed"
        raise LocalStackUnavailable(message)
        yield world.pipeline

    run_id = "0" * 32
    identity = RunIdentity(dagster_run_id=run_id, root_run_id=run_id)
    made = new_execution(definition, identity, definition.resolved())
    world.pipeline.catalog.executions.begin(made)
    world.instance.add_dynamic_partitions(NAME, [definition.cluster_id])
    result = (
        build(connect)
        .resolve_job_def("execute_cluster")
        .execute_in_process(
            instance=world.instance,
            run_id=run_id,
            partition_key=definition.cluster_id,
            raise_on_error=False,
        )
    )
    context = dg.build_run_status_sensor_context(
        sensor_name="record_failure",
        dagster_instance=world.instance,
        dagster_run=result.dagster_run,
        dagster_event=result.all_events[-1],
        resources={RESOURCE: world.pipeline},
    )
    SENSORS["record_failure"](context)
    assert world.pipeline.catalog.executions.by_id(made.run_id).error_message == (
        f"the process of {made.run_id} ended (the Qdrant engine is not installed); execute the "
        "definition again"
    )


def test_an_execution_that_ended_stays_as_it_is(world, definition):
    end(world, definition, "over", "record_canceled")
    before = world.pipeline.catalog.executions.by_id("run_over")
    end(world, definition, "other", "record_canceled")
    again = RunIdentity(dagster_run_id="over", root_run_id="over")
    assert world.pipeline.catalog.executions.by_id(again.run_id) == before


def test_a_run_of_something_else_is_none_of_our_business(world, instance):
    context = dg.build_run_status_sensor_context(
        sensor_name="record_failure",
        dagster_instance=instance,
        dagster_run=dg.DagsterRun(job_name="theirs", status=dg.DagsterRunStatus.FAILURE),
        dagster_event=dg.DagsterEvent("PIPELINE_FAILURE", "theirs"),
        resources={RESOURCE: world.pipeline},
    )
    assert SENSORS["record_failure"](context) is None
