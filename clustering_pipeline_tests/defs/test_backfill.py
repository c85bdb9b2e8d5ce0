"""A backfill over definitions, as the UI starts one: through GraphQL, the daemons and the queue."""

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from importlib.resources import files
from uuid import uuid4

import dagster as dg
import pytest
import yaml
from dagster._core.execution.backfill import BulkActionStatus, PartitionBackfill
from dagster._core.remote_origin import InProcessCodeLocationOrigin
from dagster._core.test_utils import create_test_daemon_workspace_context
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import InProcessWorkspaceLoadTarget
from dagster._daemon.backfill import execute_backfill_iteration
from dagster._daemon.run_coordinator.queued_run_coordinator_daemon import QueuedRunCoordinatorDaemon
from dagster_graphql.client.query import LAUNCH_PARTITION_BACKFILL_MUTATION
from dagster_graphql.test.utils import execute_dagster_graphql
from pymongo import MongoClient

from clustering_pipeline.defs.instance.launcher import end_of
from clustering_pipeline.defs.instance.partitions import NAME
from clustering_pipeline.defs.instance.tags import NAMESPACE, PARTITION
from clustering_pipeline.defs.resources import RESOURCE
from clustering_pipeline.defs.sensors.runs import follow_runs
from clustering_pipeline.local.connect import open_pipeline
from clustering_pipeline.local.stack.client import Stack
from clustering_pipeline.model.definitions.cluster import ClusterRecord
from clustering_pipeline.model.executions.execution import ExecutionRecord
from clustering_pipeline.model.ids import run_id_of
from clustering_pipeline.pipeline.run.process import this_process
from clustering_pipeline.pipeline.stages.table import STAGES
from clustering_pipeline.settings import Settings
from clustering_pipeline_tests.service.executions.test_claims import under_way
from clustering_pipeline_tests.worlds.planted import planted
from clustering_pipeline_tests.worlds.world import KMEANS, World

MODULE = "clustering_pipeline.definitions"
LOG = logging.getLogger(__name__)
# Dagster's backfill calls what Dagster deprecates.
pytestmark = pytest.mark.filterwarnings("ignore:Function `AssetSelection.sources`")
# Runs are made in this process, where the queue would start others.
LAUNCHER = {
    "module": "dagster._core.launcher.sync_in_memory_run_launcher",
    "class": "SyncInMemoryRunLauncher",
}


@pytest.fixture(scope="module")
def there(stack: Stack) -> Iterator[World]:
    """The code location that a deployment loads, its instance under the queue's rules."""
    database = f"test_{uuid4().hex}"
    text = files("clustering_pipeline.defs.instance").joinpath("dagster.yaml").read_text()
    config = yaml.safe_load(text) | {"run_launcher": LAUNCHER}
    with ExitStack() as opened:
        patch = opened.enter_context(pytest.MonkeyPatch.context())
        for name in [one for one in os.environ if one.startswith(("CLUSTERING_", "DAGSTER_"))]:
            patch.delenv(name)
        patch.setenv("CLUSTERING_DATA_DIR", str(stack.data_dir))
        patch.setenv("CLUSTERING_MONGODB_DATABASE", database)
        instance = opened.enter_context(dg.instance_for_test(overrides=config))
        pipeline = opened.enter_context(open_pipeline(Settings()))
        world = World(pipeline=pipeline, instance=instance)
        yield world
        for name in world.made:
            pipeline.documents.delete_collection(name)
    with MongoClient(stack.mongodb_uri) as client:
        client.drop_database(database)


@pytest.fixture
def workspace(there: World) -> Iterator[WorkspaceProcessContext]:
    target = LoadableTargetOrigin(executable_path=sys.executable, module_name=MODULE)
    origin = InProcessCodeLocationOrigin(target, location_name=MODULE)
    load = InProcessWorkspaceLoadTarget(origin)
    with create_test_daemon_workspace_context(load, there.instance) as context:
        yield context


@pytest.fixture(scope="module")
def documents(there: World):
    return there.collection(planted(sizes={"sea": 12, "court": 9}))


def define(world: World, documents) -> ClusterRecord:
    made = world.define(documents, KMEANS | {"algorithm_params": {"n_clusters": 2}})
    world.instance.add_dynamic_partitions(NAME, [made.cluster_id])
    return made


def launch(workspace: WorkspaceProcessContext, definitions: list[ClusterRecord]) -> str:
    """What the button does."""
    params = {
        "assetSelection": [{"path": [stage.name]} for stage in STAGES],
        "partitionNames": [one.cluster_id for one in definitions],
    }
    answer = execute_dagster_graphql(
        workspace.create_request_context(),
        LAUNCH_PARTITION_BACKFILL_MUTATION,
        variables={"backfillParams": params},
    ).data["launchPartitionBackfill"]
    assert answer["__typename"] == "LaunchBackfillSuccess", answer
    return answer["backfillId"]


def look(workspace: WorkspaceProcessContext, backfill_id: str) -> PartitionBackfill:
    """One round of the backfill daemon."""
    errors = [one for one in execute_backfill_iteration(workspace, LOG) if one]
    assert errors == []
    return workspace.instance.get_backfill(backfill_id)


def dequeue(workspace: WorkspaceProcessContext) -> None:
    """One round of the queue; what it starts has ended when it is over."""
    daemon = QueuedRunCoordinatorDaemon(interval_seconds=1)
    with daemon:
        assert [one for one in daemon.run_iteration(workspace) if one] == []


def runs_of(world: World, backfill_id: str) -> dict[str, dg.DagsterRun]:
    """Definition to the one run of it that the backfill made."""
    wanted = dg.RunsFilter(tags={"dagster/backfill": backfill_id})
    made = world.instance.get_runs(wanted)
    found = {one.tags[PARTITION]: one for one in made}
    assert len(found) == len(made)
    return found


def in_progress(world: World, definition: ClusterRecord) -> dg.DagsterRun:
    """A run of the definition in another process, as Dagster knows of it."""
    run = dg.DagsterRun(
        job_name="execute_cluster",
        run_id=str(uuid4()),
        status=dg.DagsterRunStatus.STARTED,
        tags={PARTITION: definition.cluster_id},
    )
    return world.instance.add_run(run)


def follow(world: World) -> None:
    """One look of the sensor that tells the catalog what waits."""
    resources = {RESOURCE: world.pipeline}
    follow_runs(dg.build_sensor_context(instance=world.instance, resources=resources))


def status(world: World, definition: ClusterRecord) -> str:
    return world.pipeline.catalog.clusters.by_id(definition.cluster_id).state.status


def executions(world: World, definition: ClusterRecord) -> list[ExecutionRecord]:
    catalog = world.pipeline.catalog.executions
    return [catalog.by_id(one) for one in catalog.ids_of(definition.cluster_id)]


def test_each_definition_runs_once_and_one_that_is_in_flight_is_left_alone(
    there, workspace, documents
):
    catalog = there.pipeline.catalog
    free, queued, held = (define(there, documents) for _ in range(3))
    busy = in_progress(there, queued)
    other = under_way(there, held, this_process("run_other", "task_other"))
    everybody = [free, queued, held]

    backfill = launch(workspace, everybody)
    for _ in range(2):
        assert look(workspace, backfill).status is BulkActionStatus.REQUESTED
    follow(there)
    made = runs_of(there, backfill)
    assert made.keys() == {one.cluster_id for one in everybody}
    assert {one.tags[NAMESPACE] for one in made.values()} == {"int_local/ns_default"}
    assert status(there, free) == "QUEUED"

    # A namespace has two runs at a time, and one of them is busy.
    for _ in range(2):
        dequeue(workspace)
    follow(there)
    ended = runs_of(there, backfill)
    assert [ended[one.cluster_id].status.value for one in everybody] == [
        "SUCCESS",
        "QUEUED",
        "FAILURE",
    ]
    assert end_of(there.instance, ended[held.cluster_id]).reason == (
        f"definition {held.cluster_id} is being executed by {other.run_id}: wait, or cancel it"
    )
    (execution,) = executions(there, free)
    assert (execution.run_id, execution.status) == (
        run_id_of(ended[free.cluster_id].run_id),
        "completed",
    )
    after = catalog.clusters.by_id(free.cluster_id)
    assert (after.state.status, after.claim) == ("COMPLETED", None)
    assert after.state.last_run_id == execution.run_id
    # What the backfill may not run is what it was.
    assert executions(there, held) == [other]
    assert catalog.clusters.by_id(held.cluster_id).claim.run_id == other.run_id
    assert (status(there, queued), executions(there, queued)) == ("QUEUED", [])

    there.instance.report_run_canceled(busy)
    dequeue(workspace)
    assert status(there, queued) == "COMPLETED"
    # An asset that these definitions do not make is given up at the second look.
    states = [look(workspace, backfill).status for _ in range(4)]
    assert states[-1] is BulkActionStatus.COMPLETED_FAILED
    assert len(runs_of(there, backfill)) == len(everybody)
