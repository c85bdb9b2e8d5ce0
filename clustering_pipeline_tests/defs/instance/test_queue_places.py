"""A run that waits has a task that says at which place, until it begins or is cancelled."""

from collections.abc import Iterator
from uuid import uuid4

import dagster as dg
import pytest
from dagster._core.remote_origin import (
    RegisteredCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)

from clustering_pipeline.automation.status import standing_of
from clustering_pipeline.defs.instance.home import dagster_home, open_instance
from clustering_pipeline.defs.instance.launcher import WorkerLauncher
from clustering_pipeline.defs.instance.queue import show_places
from clustering_pipeline.defs.instance.tags import tags_of
from clustering_pipeline.defs.resources import RESOURCE
from clustering_pipeline.defs.sensors.runs import follow_runs
from clustering_pipeline.model.definitions.cluster import ClusterRecord
from clustering_pipeline.model.errors import StateConflict, TaskNotFound
from clustering_pipeline.model.executions.task import TaskResponse
from clustering_pipeline.model.ids import run_id_of, task_id_of
from clustering_pipeline.model.scope import LOCAL
from clustering_pipeline.service.executions.begin import RunIdentity, new_execution
from clustering_pipeline.service.executions.cancel import cancel_queued
from clustering_pipeline.settings import Settings
from clustering_pipeline_tests.worlds.planted import planted
from clustering_pipeline_tests.worlds.world import World

ORIGIN = RemoteJobOrigin(
    RemoteRepositoryOrigin(RegisteredCodeLocationOrigin("here"), "there"), "execute_cluster"
)


@pytest.fixture(scope="module")
def documents(world: World):
    return world.collection(planted(sizes={"sea": 3}))


@pytest.fixture
def there(world: World) -> Iterator[World]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield World(pipeline=world.pipeline, instance=instance)
        show_places(world.pipeline.catalog, [])


def queued(world: World, definition: ClusterRecord, trigger: str = "batch") -> dg.DagsterRun:
    run = dg.DagsterRun(
        job_name="execute_cluster",
        run_id=str(uuid4()),
        status=dg.DagsterRunStatus.QUEUED,
        tags={**tags_of(trigger, LOCAL), "dagster/partition": definition.cluster_id},
        remote_job_origin=ORIGIN,
    )
    return world.instance.add_run(run)


def look(world: World) -> None:
    resources = {RESOURCE: world.pipeline}
    follow_runs(dg.build_sensor_context(instance=world.instance, resources=resources))


def task(world: World, run: dg.DagsterRun) -> TaskResponse:
    return world.pipeline.catalog.tasks.get(task_id_of(run.run_id))


def test_places_are_those_in_which_the_queue_goes(there, documents):
    wanted = ["schedule", "batch", "manual", "batch"]
    runs = [queued(there, there.define(documents), trigger) for trigger in wanted]
    for _ in range(2):
        look(there)
    assert [task(there, one).queue_position for one in runs] == [4, 2, 1, 3]
    there.instance.report_run_canceled(runs[2])
    look(there)
    assert [task(there, runs[one]).queue_position for one in (1, 3, 0)] == [1, 2, 3]
    with pytest.raises(TaskNotFound):
        task(there, runs[2])


def test_the_task_says_what_waits_and_the_definition_which_task(there, documents):
    definition = there.define(documents)
    run = queued(there, definition)
    look(there)
    shown = task(there, run)
    assert (shown.status, shown.run_id, shown.inputs, shown.queue_position) == (
        "QUEUED",
        run_id_of(run.run_id),
        [definition.cluster_id],
        1,
    )
    state = there.pipeline.catalog.clusters.by_id(definition.cluster_id).state
    assert (state.status, state.task_id) == ("QUEUED", shown.task_id)
    with pytest.raises(TaskNotFound):
        there.pipeline.catalog.tasks.get(shown.task_id, sees=lambda _scope: False)


def test_what_waits_in_the_queue_is_not_due_again(there, documents):
    definition = there.define(documents, auto_execute_on_batch=True)
    batches = there.pipeline.catalog.batches
    batches.complete(LOCAL, batches.open(LOCAL, [documents.collection_id]).batch_id)
    assert standing_of(there.pipeline, definition).due
    run = queued(there, definition)
    look(there)
    told = standing_of(there.pipeline, definition)
    assert (told.due, told.run_in_flight) == (False, run_id_of(run.run_id))
    assert told.waits_for == [f"{told.run_in_flight} is under way"]
    identity = RunIdentity(dagster_run_id=run.run_id, root_run_id=run.run_id)
    executions = there.pipeline.catalog.executions
    executions.begin(new_execution(definition, identity, definition.resolved()))
    executions.interrupt(told.run_in_flight)
    assert standing_of(there.pipeline, definition).run_in_flight is None


def test_a_run_that_was_launched_has_a_place_until_it_begins(there, documents):
    definition = there.define(documents)
    run = queued(there, definition)
    look(there)
    identity = RunIdentity(dagster_run_id=run.run_id, root_run_id=run.run_id)
    executions = there.pipeline.catalog.executions
    executions.begin(new_execution(definition, identity, definition.resolved()))
    assert (task(there, run).status, task(there, run).queue_position) == ("QUEUED", 1)
    executions.update(run_id_of(run.run_id), status="processing")
    assert (task(there, run).status, task(there, run).queue_position) == ("PROCESSING", None)
    executions.interrupt(run_id_of(run.run_id))
    assert task(there, run).status == "INTERRUPTED"


def test_a_run_that_waits_is_cancelled_through_its_task(world, documents, tmp_path, monkeypatch):
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    settings, catalog = Settings(data_dir=tmp_path), world.pipeline.catalog
    launcher = WorkerLauncher(settings=settings)
    with open_instance(dagster_home(settings)) as instance:
        there = World(pipeline=world.pipeline, instance=instance)
        definition = there.define(documents)
        run = queued(there, definition)
        look(there)
        waiting = catalog.tasks.find(task_id_of(run.run_id))
        cancel_queued(catalog, waiting, launcher)
        assert instance.get_run_by_id(run.run_id).status is dg.DagsterRunStatus.CANCELED
        with pytest.raises(StateConflict, match="has ended already"):
            cancel_queued(catalog, waiting, launcher)
        assert task(there, run).status == "CANCELED"
        look(there)
        assert catalog.queue.run_ids() == set()
        assert task(there, run).status == "CANCELED"
        execution = catalog.executions.latest(definition.cluster_id)
        assert (execution.status, execution.trigger) == ("canceled", "batch")
        assert catalog.clusters.by_id(definition.cluster_id).state.status == "PENDING"


@pytest.mark.parametrize(
    ("since", "left"),
    [
        pytest.param("PIPELINE_STARTING", "CANCELED", id="starting"),
        pytest.param("PIPELINE_START", "CANCELING", id="started"),
    ],
)
def test_a_run_that_has_just_left_the_queue_is_cancelled_too(
    world, documents, tmp_path, monkeypatch, *, since, left
):
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    settings, catalog = Settings(data_dir=tmp_path), world.pipeline.catalog
    launcher = WorkerLauncher(settings=settings)
    with open_instance(dagster_home(settings)) as instance:
        there = World(pipeline=world.pipeline, instance=instance)
        run = queued(there, there.define(documents))
        look(there)
        waiting = catalog.tasks.find(task_id_of(run.run_id))
        event = dg.DagsterEvent(event_type_value=since, job_name=run.job_name)
        instance.report_dagster_event(event, run_id=run.run_id)
        cancel_queued(catalog, waiting, launcher)
        assert instance.get_run_by_id(run.run_id).status.value == left
        assert task(there, run).status == "CANCELED"
        instance.report_run_canceled(run)
        look(there)
