"""What waits in the queue shows in the catalog; what is lost or unwanted is ended."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from uuid import uuid4

import dagster as dg
import pytest
from dagster._core.remote_origin import (
    RegisteredCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)

from clustering_pipeline.defs.instance.queue_launcher import queue_of
from clustering_pipeline.defs.resources import RESOURCE
from clustering_pipeline.defs.sensors.runs import follow_runs
from clustering_pipeline.model.definitions.cluster import ClusterRecord
from clustering_pipeline.model.executions.execution import ExecutionRecord
from clustering_pipeline.model.ids import run_id_of
from clustering_pipeline.model.scope import LOCAL, Owner
from clustering_pipeline.model.times import utc_now
from clustering_pipeline.pipeline.run.process import LOST_SECONDS, is_alive, this_process
from clustering_pipeline.service.executions.begin import RunIdentity, new_execution
from clustering_pipeline.service.executions.heartbeat import beating
from clustering_pipeline.service.executions.launch import new_identity
from clustering_pipeline_tests.worlds.planted import planted
from clustering_pipeline_tests.worlds.world import World


@pytest.fixture
def there(world: World) -> Iterator[World]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield World(pipeline=world.pipeline, instance=instance)


@pytest.fixture(scope="module")
def documents(world: World):
    return world.collection(planted(sizes={"sea": 3}))


@pytest.fixture
def definition(there: World, documents) -> ClusterRecord:
    return there.define(documents)


def made(world: World, definition: ClusterRecord, status: dg.DagsterRunStatus) -> dg.DagsterRun:
    run = dg.DagsterRun(
        job_name="execute_cluster",
        run_id=str(uuid4()),
        status=status,
        tags={"dagster/partition": definition.cluster_id},
        remote_job_origin=RemoteJobOrigin(
            RemoteRepositoryOrigin(RegisteredCodeLocationOrigin("here"), "there"), "execute_cluster"
        ),
    )
    return world.instance.add_run(run)


def look(world: World) -> str:
    context = dg.build_sensor_context(instance=world.instance, resources={RESOURCE: world.pipeline})
    return follow_runs(context).skip_message


def status(world: World, definition: ClusterRecord) -> str:
    return world.pipeline.catalog.clusters.by_id(definition.cluster_id).state.status


def test_a_definition_is_queued_while_its_run_is(there, definition):
    run = made(there, definition, dg.DagsterRunStatus.QUEUED)
    look(there)
    assert status(there, definition) == "QUEUED"
    before = there.pipeline.catalog.clusters.by_id(definition.cluster_id)
    look(there)
    assert there.pipeline.catalog.clusters.by_id(definition.cluster_id) == before
    there.instance.report_run_canceled(run)
    look(there)
    assert status(there, definition) == "PENDING"


def test_a_run_on_its_way_is_in_progress(there, definition):
    made(there, definition, dg.DagsterRunStatus.STARTING)
    look(there)
    assert status(there, definition) == "IN_PROGRESS"


def test_a_run_started_in_dagster_counts_for_its_namespace(there, definition):
    run = made(there, definition, dg.DagsterRunStatus.QUEUED)
    for _ in range(2):
        look(there)
        tags = there.instance.get_run_by_id(run.run_id).tags
        assert tags["clustering/namespace"] == "int_local/ns_default"


@pytest.mark.parametrize("leaves", ["archive", "delete"])
def test_a_queued_run_of_a_definition_that_went_is_cancelled(there, definition, leaves):
    run = made(there, definition, dg.DagsterRunStatus.QUEUED)
    catalog = there.pipeline.catalog
    if leaves == "archive":
        catalog.automation.archive(LOCAL, definition.cluster_id)
    else:
        catalog.clusters.delete(LOCAL, definition.cluster_id)
    assert "1 unwanted" in look(there)
    found = there.instance.get_run_by_id(run.run_id)
    assert found.status is dg.DagsterRunStatus.CANCELED
    if leaves == "archive":
        catalog.automation.unarchive(LOCAL, definition.cluster_id)
        assert status(there, definition) == "PENDING"


def claim(world: World, definition: ClusterRecord, owner: Owner) -> None:
    world.pipeline.catalog.clusters.claim(
        definition.cluster_id, owner, is_alive=lambda _owner: True
    )


def test_a_run_whose_machine_is_lost_ends_and_the_definition_is_free(there, definition):
    run = made(there, definition, dg.DagsterRunStatus.STARTED)
    run_id = run_id_of(run.run_id)
    claim(there, definition, Owner(run_id=run_id, host="elsewhere", pid=1))
    look(there)
    table, long_ago = there.pipeline.catalog.clusters.table, utc_now() - timedelta(hours=1)
    silent = {"claim.beat_at": long_ago.isoformat(), "claim.claimed_at": long_ago.isoformat()}
    assert there.pipeline.catalog.clusters.by_id(definition.cluster_id).claim is not None
    table.swap({"_id": definition.cluster_id}, {"$set": silent})
    assert "1 lost" in look(there)
    after = there.pipeline.catalog.clusters.by_id(definition.cluster_id)
    assert (after.claim, after.state.status) == (None, "INTERRUPTED")
    assert there.instance.get_run_by_id(run.run_id).status is dg.DagsterRunStatus.FAILURE


def launched(world: World, definition: ClusterRecord, run: dg.DagsterRun) -> ExecutionRecord:
    """An execution whose run was put into the queue."""
    executions = world.pipeline.catalog.executions
    identity = new_identity(run.run_id)
    executions.begin(new_execution(definition, identity, definition.resolved()))
    return executions.by_id(identity.run_id)


def after(world: World, definition: ClusterRecord, execution: ExecutionRecord) -> tuple:
    cluster = world.pipeline.catalog.clusters.by_id(definition.cluster_id)
    record = world.pipeline.catalog.executions.by_id(execution.run_id)
    return cluster.claim, record.status.value, record.error_message


def test_a_run_deleted_in_dagster_while_it_waited_frees_its_definition(there, definition):
    run = made(there, definition, dg.DagsterRunStatus.QUEUED)
    execution = launched(there, definition, run)
    claim(there, definition, Owner(run_id=execution.run_id, waits_in=queue_of(there.instance)))
    look(there)
    assert after(there, definition, execution)[0] is not None
    there.instance.delete_run(run.run_id)
    assert "1 lost" in look(there)
    message = f"the process of {execution.run_id} ended (the run was deleted in Dagster)"
    claimed, ended, error = after(there, definition, execution)
    assert (claimed, ended, message in error) == (None, "failed", True)


def test_a_run_that_waits_in_the_queue_of_another_instance_is_left_alone(there, definition):
    claim(there, definition, Owner(run_id=f"run_{uuid4().hex}", waits_in="another"))
    assert "0 lost" in look(there)


def test_a_queued_run_outlives_a_server_that_died_before_it_said_so(there, definition):
    run = made(there, definition, dg.DagsterRunStatus.QUEUED)
    execution = launched(there, definition, run)
    dead = this_process(execution.run_id, execution.task_id)
    claim(there, definition, dead.model_copy(update={"process_started": 1.0}))
    assert "0 lost" in look(there)
    claimed, ended, _ = after(there, definition, execution)
    assert (claimed.waits_in, ended) == (queue_of(there.instance), "pending")


@pytest.mark.parametrize("ends", ["report_run_failed", "report_run_canceled"])
def test_a_run_of_many_processes_ends_when_dagster_says_so(there, definition, ends):
    run = made(there, definition, dg.DagsterRunStatus.STARTED)
    execution = launched(there, definition, run)
    identity = RunIdentity(dagster_run_id=run.run_id, root_run_id=run.run_id, in_one_process=False)
    claim(there, definition, identity.owner)
    assert "0 lost" in look(there)
    getattr(there.instance, ends)(run)
    look(there)
    claimed, ended, _ = after(there, definition, execution)
    assert (claimed, ended) == (None, "failed" if ends == "report_run_failed" else "canceled")


def test_a_process_elsewhere_is_alive_while_it_is_heard_of():
    def heard(seconds: float) -> Owner:
        return Owner(
            run_id="run_x", host="elsewhere", beat_at=utc_now() - timedelta(seconds=seconds)
        )

    assert is_alive(heard(LOST_SECONDS / 2))
    assert not is_alive(heard(LOST_SECONDS * 2))


def test_a_run_says_that_it_is_alive(there, definition):
    claim(there, definition, Owner(run_id="run_beating", host="elsewhere"))
    catalog = there.pipeline.catalog

    def beaten() -> bool:
        held = catalog.clusters.by_id(definition.cluster_id).claim
        return held is not None and held.beat_at is not None

    with beating(catalog, "run_beating", seconds=0.01):
        waiting = threading.Event()
        for _ in range(2000):
            if beaten():
                break
            waiting.wait(0.01)
    assert beaten()
    catalog.clusters.release(definition.cluster_id, "run_beating")
