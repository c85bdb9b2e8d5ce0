"""The file for production, as it is, over a real PostgreSQL: daemon, queue, limits, kills."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from importlib.resources import files
from pathlib import Path
from typing import Any
from uuid import uuid4

import boto3
import dagster as dg
import httpx
import psutil
import pytest
from pymongo import MongoClient

from clustering_pipeline.defs.instance import partitions, pools
from clustering_pipeline.defs.instance.home import open_instance
from clustering_pipeline.defs.instance.tags import PARTITION
from clustering_pipeline.local.connect import open_pipeline
from clustering_pipeline.local.stack.client import Stack
from clustering_pipeline.local.stack.spawn import free_port, spawn_bound
from clustering_pipeline.model.definitions.cluster import ClusterRecord
from clustering_pipeline.model.scope import LOCAL
from clustering_pipeline.settings import Settings
from clustering_pipeline_tests.automation.batched import LISTENS, ROOT
from clustering_pipeline_tests.defs import postgres
from clustering_pipeline_tests.sizes import FULL
from clustering_pipeline_tests.stores.artifacts import swift
from clustering_pipeline_tests.worlds.planted import planted
from clustering_pipeline_tests.worlds.world import KMEANS, World

LOCATION = "clustering_pipeline.definitions"
DEFINITIONS = 50
PARTITIONS = 1000
BUCKET = "production"
PATIENCE = 1500  # seconds
DOCUMENTS = planted(sizes={"sea": 12, "court": 9})
TWO = KMEANS | {"algorithm_params": {"n_clusters": 2}}
AT_WORK = {dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED}
LIMIT = 4
"""Runs of a namespace at a time, as the file has it."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A Dagster home with the file, and the variable that it reads."""
    folder = tmp_path_factory.mktemp("home")
    source = files("clustering_pipeline.defs.instance").joinpath("dagster.production.yaml")
    (folder / "dagster.yaml").write_text(source.read_text())
    bucket = tmp_path_factory.mktemp("swift")
    with (
        postgres.running() as url,
        swift.running(bucket) as endpoint,
        pytest.MonkeyPatch.context() as patch,
    ):
        for name in [key for key in os.environ if key.startswith(("CLUSTERING_", "DAGSTER_"))]:
            patch.delenv(name)
        patch.setenv("DAGSTER_HOME", str(folder))
        patch.setenv("DAGSTER_POSTGRES_URL", url)
        for name, value in s3_variables(endpoint).items():
            patch.setenv(name, value)
        boto3.client("s3").create_bucket(Bucket=BUCKET)
        yield folder


def s3_variables(endpoint: str) -> dict[str, str]:
    """One bucket for artifacts and for what runs print."""
    return {
        "AWS_ACCESS_KEY_ID": swift.KEY,
        "AWS_SECRET_ACCESS_KEY": swift.SECRET,
        "AWS_DEFAULT_REGION": swift.REGION,
        "AWS_ENDPOINT_URL_S3": endpoint,
        "AWS_ALLOW_HTTP": "true",
        "CLUSTERING_S3_ENDPOINT": endpoint,
        "CLUSTERING_ARTIFACTS": f"s3://{BUCKET}/runs",
        "DAGSTER_LOGS_BUCKET": BUCKET,
    }


@pytest.fixture(scope="module")
def world(stack: Stack, home: Path) -> Iterator[World]:
    """Stores of the worker's stack, and the instance of the home."""
    settings = Settings(
        data_dir=home / "data",
        mongodb_uri=stack.mongodb_uri,
        mongodb_database=f"test_{uuid4().hex}",
        qdrant_url=stack.qdrant_url,
    )
    assert settings.artifacts_root == f"s3://{BUCKET}/runs"
    with ExitStack() as opened:
        patch = opened.enter_context(pytest.MonkeyPatch.context())
        patch.setenv("CLUSTERING_DATA_DIR", str(settings.data_dir))
        patch.setenv("CLUSTERING_MONGODB_URI", stack.mongodb_uri)
        patch.setenv("CLUSTERING_MONGODB_DATABASE", settings.mongodb_database)
        patch.setenv("CLUSTERING_QDRANT_URL", stack.qdrant_url)
        patch.setenv("PYTHONPATH", str(ROOT), prepend=os.pathsep)
        pipeline = opened.enter_context(open_pipeline(settings))
        instance = opened.enter_context(open_instance(home))
        world = World(pipeline=pipeline, instance=instance)
        yield world
        for name in world.made:
            pipeline.documents.delete_collection(name)
    with MongoClient(stack.mongodb_uri) as client:
        client.drop_database(settings.mongodb_database)


@contextmanager
def daemon(home: Path) -> Iterator[subprocess.Popen[bytes]]:
    """``dagster-daemon run`` over the code location; what it leaves is ended."""
    process = spawn_bound(
        [sys.executable, "-m", "dagster._daemon", "run", "-m", LOCATION],
        output=home / "daemon.log",
        environment=dict(os.environ),
        farewell=signal.SIGINT,
    )
    try:
        yield process
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    # A code server that finds no database any more would wait for ever.
    children: list[psutil.Process] = []
    with suppress(psutil.NoSuchProcess):
        children = psutil.Process(process.pid).children(recursive=True)
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
        process.wait(60)
    _, alive = psutil.wait_procs(children, timeout=5)
    for child in alive:
        child.kill()


def runs_of(instance: dg.DagsterInstance) -> list[dg.DagsterRun]:
    return [run for run in instance.get_runs() if PARTITION in run.tags]


def watch_until(
    world: World, process: subprocess.Popen[bytes], *, done: Callable[[], bool]
) -> None:
    """Waits for it, and holds at every look that the limit is kept."""
    deadline = time.monotonic() + PATIENCE
    while not done():
        runs = runs_of(world.instance)
        assert len([run for run in runs if run.status in AT_WORK]) <= LIMIT
        assert process.poll() is None, "the daemon has ended"
        assert time.monotonic() < deadline, [(run.status, run.tags[PARTITION]) for run in runs]
        time.sleep(0.5)


def test_partitions_of_many_definitions_are_added_once(world: World):
    keys = [f"clust_{number:024d}" for number in range(PARTITIONS)]
    assert partitions.add(world.instance, keys) == keys
    assert partitions.add(world.instance, keys) == []
    assert len(world.instance.get_dynamic_partitions(partitions.NAME)) == PARTITIONS


def test_pools_are_there_whoever_asks_first(world: World, home: Path):
    with ThreadPoolExecutor(4) as threads, ExitStack() as opened:
        instances = [opened.enter_context(open_instance(home)) for _ in range(4)]
        list(threads.map(pools.introduce, instances))
    limits = {pool.name: pool.limit for pool in world.instance.event_log_storage.get_pool_limits()}
    assert limits == dict.fromkeys(pools.STAGES.values(), 6)


def keys_of(prefix: str) -> list[str]:
    answer = boto3.client("s3").list_objects_v2(Bucket=BUCKET, Prefix=prefix)
    return [entry["Key"] for entry in answer.get("Contents", [])]


def test_what_a_run_writes_and_prints_lies_in_the_bucket(world: World):
    definition = world.define(world.collection(DOCUMENTS), TWO)
    ran = world.execute(definition)
    assert ran.execution.status == "completed"
    assert any(ran.run_id in key for key in keys_of("runs/"))
    printed = [key for key in keys_of("dagster-logs/") if ran.result.run_id in key]
    assert {key.rpartition(".")[2] for key in printed} <= {"out", "err"} != set()
    assert printed


@contextmanager
def ui(home: Path) -> Iterator[str]:
    """``dagster-webserver`` over the code location; its address."""
    port = free_port()
    command = ["-m", "dagster_webserver", "-h", "127.0.0.1", "-p", str(port), "-m", LOCATION]
    process = spawn_bound(
        [sys.executable, *command],
        output=home / "webserver.log",
        environment=dict(os.environ),
        farewell=signal.SIGINT,
    )
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        _end(process)


SHOWN = """{
  runsOrError(filter: {statuses: [SUCCESS]}) { ... on Runs { count } }
  assetNodeOrError(assetKey: {path: ["published"]}) { ... on AssetNode { partitionKeys } }
}"""


def asked(url: str, query: str) -> dict[str, Any]:
    """The UI's answer, once it is up."""
    deadline = time.monotonic() + 120
    while True:
        with suppress(httpx.TransportError):
            return httpx.post(f"{url}/graphql", json={"query": query}, timeout=60).json()["data"]
        assert time.monotonic() < deadline
        time.sleep(1)


if FULL:

    @pytest.mark.timeout(2 * PATIENCE)
    def test_runs_of_the_queue_complete_within_limits(world: World, home: Path):
        """The daemon is killed in their middle; the UI shows all of them afterwards."""
        documents = world.collection(DOCUMENTS)
        made: list[ClusterRecord] = [
            world.define(documents, TWO, **LISTENS) for _ in range(DEFINITIONS)
        ]
        batches = world.pipeline.catalog.batches
        opened = batches.open(LOCAL, [documents.collection_id])
        batches.complete(LOCAL, opened.batch_id)
        clusters, started = world.pipeline.catalog.clusters, time.monotonic()

        def published() -> int:
            records = [clusters.by_id(record.cluster_id) for record in made]
            return sum(bool(record.state.last_run_id and not record.claim) for record in records)

        with daemon(home) as process:
            watch_until(world, process, done=lambda: published() >= DEFINITIONS // 3)
            process.send_signal(signal.SIGKILL)
        killed_after, killed_at = published(), time.monotonic()
        with daemon(home) as process:
            watch_until(
                world,
                process,
                done=lambda: (
                    published() == DEFINITIONS
                    and all(run.is_finished for run in runs_of(world.instance))
                ),
            )
        runs = [
            run
            for run in runs_of(world.instance)
            if run.tags[PARTITION] in {record.cluster_id for record in made}
        ]
        completed = [run for run in runs if run.status is dg.DagsterRunStatus.SUCCESS]
        assert sorted(run.tags[PARTITION] for run in completed) == sorted(
            record.cluster_id for record in made
        )
        # What died with the daemon was made up for by one more run each.
        assert len(runs) - len(completed) <= LIMIT
        printed = " ".join(keys_of("dagster-logs/"))
        assert all(run.run_id in printed for run in completed)
        with ui(home) as url:
            shown = asked(url, SHOWN)
        assert shown["runsOrError"]["count"] >= len(completed)
        assert len(shown["assetNodeOrError"]["partitionKeys"]) >= PARTITIONS
        print(  # noqa: T201 - asked for
            f"{DEFINITIONS} runs: killed after {killed_after} at {killed_at - started:.0f} s, all "
            f"complete at {time.monotonic() - started:.0f} s, {len(runs)} runs in all"
        )
