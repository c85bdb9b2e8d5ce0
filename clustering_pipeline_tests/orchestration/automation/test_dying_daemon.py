"""The real sensor daemon, killed at each of its crash points: one run for each due definition.

The table of the points is printed: ``pytest -rP`` shows it.
"""

import inspect
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.execution.api import execute_run
from dagster._daemon import sensor

from clustering_pipeline.local.connect import open_pipeline
from clustering_pipeline.local.stack import Stack
from clustering_pipeline.model.clock import utc_now
from clustering_pipeline.model.scope import LOCAL
from clustering_pipeline.orchestration.automation.counting import Counter
from clustering_pipeline.orchestration.automation.tick import look
from clustering_pipeline.orchestration.dagster_runs import in_flight, unfinished
from clustering_pipeline.orchestration.instance import dagster_home, open_instance
from clustering_pipeline.settings import Settings
from clustering_pipeline_tests.orchestration.planted import planted
from clustering_pipeline_tests.orchestration.world import KMEANS, World
from clustering_pipeline_tests.sizes import FULL

TWO_GROUPS = KMEANS | {"algorithm_params": {"n_clusters": 2}}
PROGRAM = Path(__file__).parent / "dying_daemon.py"
# Those that Dagster's own tests kill its sensor daemon at, in the order in which it passes them.
ALL = [
    "TICK_CREATED",
    "TICK_HELD",
    "AUTOMATION_EVALUATIONS_ADDED",
    "RUN_IDS_RESERVED",
    "RUN_CREATED",
    "RUN_LAUNCHED",
    "RUN_IDS_ADDED_TO_EVALUATIONS",
]
CRASH_POINTS = ALL if FULL else ["RUN_CREATED"]


@pytest.fixture
def local(stack: Stack) -> Iterator[World]:
    settings = Settings(data_dir=stack.data_dir)
    with ExitStack() as opened:
        pipeline = opened.enter_context(open_pipeline(settings))
        instance = opened.enter_context(open_instance(dagster_home(settings)))
        world = World(pipeline=pipeline, instance=instance)
        yield world
        for run in unfinished(instance):
            instance.report_run_canceled(run)
        for name in world.made:
            pipeline.documents.delete_collection(name)


def worked_off(world: World, run: dg.DagsterRun) -> dg.DagsterRun:
    """What a worker does with a queued run."""
    starting = dg.DagsterEventType.PIPELINE_STARTING
    event = dg.DagsterEvent(event_type_value=starting.value, job_name=run.job_name)
    world.instance.report_dagster_event(event, run_id=run.run_id)
    job = InMemoryJob(world.definitions.resolve_job_def(run.job_name))
    execute_run(job, world.instance.get_run_by_id(run.run_id), world.instance)
    return world.instance.get_run_by_id(run.run_id)


def lagging(world: World) -> int:
    pipeline, flying = world.pipeline, in_flight(world.instance)
    return len(
        look(pipeline.catalog, Counter(pipeline=pipeline), lambda: flying, utc_now()).lagging
    )


def test_these_are_all_crash_points_of_the_daemon():
    named = re.findall(r'check_for_debug_crash\(\s*\w+, "(\w+)"', inspect.getsource(sensor))
    assert sorted(named) == sorted(ALL)


def test_a_daemon_killed_in_its_look_makes_one_run_for_each_due_definition(local, stack):
    definitions = {}
    for point in CRASH_POINTS:
        collection = local.collection(planted(sizes={"sea": 5}))
        definitions[point] = local.define(
            collection, TWO_GROUPS, auto_execute_on_batch=True, auto_execute_cooldown_seconds=0
        )
    pairs = [f"{one.spec.collection_ids[0]}={point}" for point, one in definitions.items()]
    home = dagster_home(Settings(data_dir=stack.data_dir))
    own = {"DAGSTER_HOME": str(home), "CLUSTERING_DATA_DIR": str(stack.data_dir)}
    done = subprocess.run(
        [sys.executable, str(PROGRAM), *pairs],
        env=os.environ | own,
        capture_output=True,
        text=True,
        check=False,
    )
    codes = done.stdout.strip().splitlines()[-1:]
    assert codes == [",".join(["0,-9,0,0"] * len(CRASH_POINTS))], done.stderr[-3000:]
    made = {run.tags["dagster/partition"]: run for run in unfinished(local.instance)}
    assert len(made) == len(unfinished(local.instance))
    assert made.keys() == {one.cluster_id for one in definitions.values()}
    print(f"\n{'daemon killed at':32} runs  then the run  batches left")  # noqa: T201 - asked for
    for point, one in definitions.items():
        status = worked_off(local, made[one.cluster_id]).status
        state = local.pipeline.catalog.clusters.by_id(one.cluster_id).state
        assert status is dg.DagsterRunStatus.SUCCESS
        assert state.automation.settled == {one.spec.collection_ids[0]: 1}
        print(f"{point:32} 1     {status.value:12}  none")  # noqa: T201 - asked for
    assert lagging(local) == 0
    for one in definitions.values():
        local.pipeline.catalog.clusters.delete(LOCAL, one.cluster_id)
