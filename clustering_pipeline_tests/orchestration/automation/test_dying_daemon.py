"""The real sensor daemon, killed at each of its crash points: one run for each due definition."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from clustering_pipeline.local.connect import open_pipeline
from clustering_pipeline.local.stack import Stack
from clustering_pipeline.model.scope import LOCAL
from clustering_pipeline.orchestration.dagster_runs import unfinished
from clustering_pipeline.orchestration.instance import dagster_home, open_instance
from clustering_pipeline.settings import Settings
from clustering_pipeline_tests.orchestration.planted import planted
from clustering_pipeline_tests.orchestration.world import World
from clustering_pipeline_tests.sizes import FULL

PROGRAM = Path(__file__).parent / "dying_daemon.py"
ALL = ["TICK_CREATED", "TICK_HELD", "RUN_IDS_RESERVED", "RUN_CREATED", "RUN_LAUNCHED"]
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


def test_a_daemon_killed_in_its_look_makes_one_run_for_each_due_definition(local, stack):
    definitions = {}
    for point in CRASH_POINTS:
        collection = local.collection(planted(sizes={"sea": 5}))
        definitions[point] = local.define(
            collection, auto_execute_on_batch=True, auto_execute_cooldown_seconds=0
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
    made = [run.tags["dagster/partition"] for run in unfinished(local.instance)]
    assert sorted(made) == sorted(one.cluster_id for one in definitions.values())
    for one in definitions.values():
        local.pipeline.catalog.clusters.delete(LOCAL, one.cluster_id)
