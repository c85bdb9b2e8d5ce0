"""Runs over HTTP pass through Dagster's queue: its limits, its daemon, a server that is killed."""

import json
import os
import signal
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from importlib.resources import files
from pathlib import Path
from uuid import uuid4

import dagster as dg
import httpx
import psutil
import pytest
from pymongo import MongoClient

from clustering_pipeline.defs.instance.home import open_instance
from clustering_pipeline.defs.instance.tags import NAME, NAMESPACE, PARTITION, namespace_tag
from clustering_pipeline.defs.sensors.lost_runs import free_lost
from clustering_pipeline.local.connect import open_pipeline
from clustering_pipeline.local.stack.client import Stack
from clustering_pipeline.local.stack.spawn import spawn_bound
from clustering_pipeline.model.collections import RegisterCollectionRequest
from clustering_pipeline.model.definitions.cluster import ClusterRecord
from clustering_pipeline.model.definitions.create import CreateClusterRequest
from clustering_pipeline.model.definitions.validation import validate
from clustering_pipeline.model.errors import ClusterNotFound
from clustering_pipeline.model.scope import LOCAL, Scope
from clustering_pipeline.model.tenants import Access
from clustering_pipeline.model.times import utc_now
from clustering_pipeline.settings import Settings
from clustering_pipeline_tests.automation.batched import ROOT
from clustering_pipeline_tests.cli.command import PROGRAM
from clustering_pipeline_tests.sizes import FULL, size
from clustering_pipeline_tests.worlds.planted import planted
from clustering_pipeline_tests.worlds.world import FEATURE, World

PROJECT = """
from clustering_pipeline.as_code import cluster_definitions

defs = cluster_definitions("topics.json")
"""
MANY, FEW = size(ci=3, full=30), size(ci=1, full=10)
LIMIT = 2
"""Runs of a namespace at a time, as the file of an embedded home has it."""
PATIENCE = size(ci=240, full=1800)  # seconds
AT_WORK = {dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED}
CONFIG = {
    "feature_uri": FEATURE,
    "clustering_method": "kmeans",
    "algorithm_params": {"n_clusters": 2},
}


@dataclass(kw_only=True)
class Place:
    """A Dagster home, stores, and servers over them as a person starts them."""

    home: Path
    world: World

    def tenant(self) -> Scope:
        catalog = self.world.pipeline.catalog
        organization = catalog.organizations.create(f"press {uuid4().hex[:6]}")
        scope = catalog.namespaces.create(organization.organization_id, "main").scope
        known = RegisterCollectionRequest(collection_name=self.world.made[0])
        catalog.collections.register(scope, known)
        return scope

    def define(self, scope: Scope, name: str) -> ClusterRecord:
        """A definition of a few documents."""
        request = {
            "cluster_name": name,
            "collection_ids": [self.world.made[0]],
            "vector_config": CONFIG,
        }
        wanted = validate(CreateClusterRequest, request)
        return self.world.pipeline.catalog.clusters.create(scope, wanted)

    def client(self, url: str, scope: Scope) -> httpx.Client:
        keys = self.world.pipeline.catalog.keys
        key = keys.create(scope.organization_id, access=Access.WRITE).secret
        headers = {"Authorization": f"Bearer {key}", "X-Namespace": scope.namespace_id}
        return httpx.Client(base_url=url, headers=headers, timeout=120)

    def is_at_work(self, name: str) -> bool:
        """Whether a run of the definition of that name does."""
        catalog = self.world.pipeline.catalog
        with suppress(ClusterNotFound):
            return catalog.clusters.get(LOCAL, name).claim is not None
        return False

    def look(self) -> None:
        """Looks for runs that are lost, as the daemon does."""
        free_lost(self.world.pipeline.catalog, self.world.instance)

    @property
    def runs(self) -> list[dg.DagsterRun]:
        return self.world.instance.get_runs()


@pytest.fixture(scope="module")
def place(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    home = tmp_path_factory.mktemp("home")
    source = files("clustering_pipeline.defs.instance").joinpath("dagster.yaml")
    (home / "dagster.yaml").write_text(source.read_text())
    settings = Settings(
        data_dir=home / "data",
        mongodb_uri=stack.mongodb_uri,
        mongodb_database=f"test_{uuid4().hex}",
        qdrant_url=stack.qdrant_url,
    )
    with ExitStack() as opened:
        patch = opened.enter_context(pytest.MonkeyPatch.context())
        patch.setenv("DAGSTER_HOME", str(home))
        patch.setenv("DAGSTER_EVENT_LOG_CONSUMER_DAEMON_INTERVAL_SECONDS", "1")
        patch.setenv("CLUSTERING_DATA_DIR", str(settings.data_dir))
        patch.setenv("CLUSTERING_MONGODB_URI", stack.mongodb_uri)
        patch.setenv("CLUSTERING_MONGODB_DATABASE", settings.mongodb_database)
        patch.setenv("CLUSTERING_QDRANT_URL", stack.qdrant_url)
        patch.setenv("PYTHONPATH", str(ROOT), prepend=os.pathsep)
        patch.setenv("PYTHONUNBUFFERED", "1")
        pipeline = opened.enter_context(open_pipeline(settings))
        instance = opened.enter_context(open_instance(home))
        world = World(pipeline=pipeline, instance=instance)
        world.collection(planted(sizes={"sea": 12, "court": 12}))
        yield Place(home=home, world=world)
        for name in world.made:
            pipeline.documents.delete_collection(name)
    with MongoClient(stack.mongodb_uri) as client:
        client.drop_database(settings.mongodb_database)


@contextmanager
def serving() -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """``clustering-pipeline serve``; its address."""
    server = subprocess.Popen(
        [*PROGRAM, "serve", "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=dict(os.environ),
        start_new_session=True,
    )
    with server:
        try:
            yield server.stdout.readline().split()[1], server
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(60)


@pytest.fixture(scope="module")
def daemon(place: Place) -> Iterator[None]:
    """``dagster-daemon run`` over the code location."""
    process = spawn_bound(
        [sys.executable, "-m", "dagster._daemon", "run", "-m", "clustering_pipeline.definitions"],
        output=place.home / "daemon.log",
        environment=dict(os.environ),
        farewell=signal.SIGINT,
    )
    yield
    process.send_signal(signal.SIGINT)
    process.wait(60)


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def execute(client: httpx.Client, definition: ClusterRecord, **headers: str) -> dict:
    answer = client.post(f"/v1/clusters/{definition.cluster_id}/execute", headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_without_a_daemon_a_run_is_taken_and_says_what_it_waits_for(place: Place):
    scope = place.tenant()
    definition, other = place.define(scope, "tides, weekly"), place.define(scope, "courts")
    with serving() as (url, _), place.client(url, scope) as client:
        task = execute(client, definition, **{"Idempotency-Key": "monday"})
        again = execute(client, definition, **{"Idempotency-Key": "monday"})
        assert (again["task_id"], again["run_id"]) == (task["task_id"], task["run_id"])
        shown = client.get(f"/v1/tasks/{task['task_id']}").json()
        assert "Dagster's daemon" in shown["additional_data"]["waits_for"]
        (run,) = [run for run in place.runs if run.tags[PARTITION] == definition.cluster_id]
        assert run.status is dg.DagsterRunStatus.QUEUED
        origin = run.remote_job_origin
        label = origin.repository_origin.get_label()
        assert (origin.job_name, label) == (
            "execute_cluster",
            "__repository__@clustering_pipeline.definitions",
        )
        assert run.tags[NAME] == "tides, weekly"
        assert run.tags[NAMESPACE] == namespace_tag(scope)

        second = client.post(f"/v1/clusters/{definition.cluster_id}/execute")
        assert (second.status_code, "waits in the queue" in second.text) == (409, True)
        state = place.world.pipeline.catalog.clusters.by_id(definition.cluster_id).state
        assert (state.status, state.task_id) == ("QUEUED", task["task_id"])

        assert client.delete(f"/v1/tasks/{task['task_id']}").status_code == 200
        assert client.get(f"/v1/tasks/{task['task_id']}").json()["status"] == "CANCELED"
        assert place.world.instance.get_run_by_id(run.run_id).status.value == "CANCELED"
        left = place.world.pipeline.catalog.clusters.by_id(definition.cluster_id)
        assert (left.state.status, left.claim) == ("CANCELED", None)

        execute(client, other)
        assert client.delete(f"/v1/clusters/{other.cluster_id}").status_code == 200
        ends = {run.status for run in place.runs if run.tags[PARTITION] == other.cluster_id}
        assert ends == {dg.DagsterRunStatus.CANCELED}


def test_limits_hold_for_runs_over_http_and_a_killed_server_changes_nothing(
    place: Place, daemon: None
):
    scopes = place.tenant(), place.tenant()
    many = [place.define(scopes[0], f"many {number}") for number in range(MANY)]
    few = [place.define(scopes[1], f"few {number}") for number in range(FEW)]
    tasks: list[str] = []
    with serving() as (url, server):
        with place.client(url, scopes[0]) as client:
            tasks += [execute(client, one)["task_id"] for one in many]
        with place.client(url, scopes[1]) as client:
            tasks += [execute(client, one)["task_id"] for one in few[1:]]
        server.kill()
        server.wait(60)
    most: Counter[str] = Counter()
    first: dict[str, int] = {}
    ids = {one.cluster_id for one in (*many, *few)}

    def over() -> bool:
        runs = [run for run in place.runs if run.tags[PARTITION] in ids]
        at_work = Counter(run.tags[NAMESPACE] for run in runs if run.status in AT_WORK)
        for name, count in at_work.items():
            first.setdefault(name, sum(run.is_finished for run in runs))
            most[name] = max(most[name], count)
        return len(runs) == MANY + FEW and all(run.is_finished for run in runs)

    with serving() as (url, _), place.client(url, scopes[1]) as client:
        tasks.append(execute(client, few[0])["task_id"])
        wait_until(over)
        ends = [client.get(f"/v1/tasks/{task}").json()["status"] for task in tasks[MANY:]]
        assert ends == ["COMPLETED"] * FEW
    clusters = place.world.pipeline.catalog.clusters
    records = [clusters.by_id(one.cluster_id) for one in (*many, *few)]
    assert {(one.state.status.value, one.claim) for one in records} == {("COMPLETED", None)}
    assert max(most.values()) <= LIMIT, most
    # The first of the other tenant's starts while the first of the many are at work.
    assert first[namespace_tag(scopes[1])] <= LIMIT, first


@contextmanager
def materializing(project: Path) -> Iterator[subprocess.Popen[bytes]]:
    """``dagster asset materialize`` of a team's project, as a person types it."""
    command = [sys.executable, "-m", "dagster", "asset", "materialize", "--select", "*"]
    with (project / "output").open("wb") as output:
        process = subprocess.Popen(
            [*command, "-f", "team.py"],
            cwd=project,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        with process:
            yield process


def kill(process: subprocess.Popen[bytes], *, whole: bool) -> None:
    """All of a run; or its steps, whichever works, until the run has ended of it."""
    while process.poll() is None:
        if whole:
            os.killpg(process.pid, signal.SIGKILL)
        with suppress(psutil.NoSuchProcess):
            for child in psutil.Process(process.pid).children(recursive=True):
                if "spawn_main" in " ".join(child.cmdline()):
                    child.kill()
        time.sleep(0.5)


if FULL:

    def test_a_run_over_http_starts_within_seconds(place: Place, daemon: None):
        scope = place.tenant()
        executions, waits = place.world.pipeline.catalog.executions, []
        with serving() as (url, _), place.client(url, scope) as client:
            for number in range(10):
                run_id = execute(client, place.define(scope, f"soon {number}"))["run_id"]
                wait_until(lambda run_id=run_id: executions.by_id(run_id).status == "completed")
                record = executions.by_id(run_id)
                waits.append((record.started_at - record.created_at).total_seconds())
        print(f"run started after {statistics.median(waits):.1f} s in the median")  # noqa: T201 - asked for
        assert statistics.median(waits) < 5

    @pytest.mark.parametrize("killed", ["nothing", "step", "run"])
    def test_a_definition_as_code_runs_in_a_process_for_each_step(
        place: Place, tmp_path: Path, killed: str
    ):
        """Dagster's default executor, beside whoever looks for runs that are lost."""
        catalog, name = place.world.pipeline.catalog, place.world.name("topics")
        request = {
            "cluster_name": name,
            "collection_ids": [place.world.made[0]],
            "vector_config": CONFIG,
        }
        (tmp_path / "topics.json").write_text(json.dumps(request))
        (tmp_path / "team.py").write_text(PROJECT)
        with materializing(tmp_path) as process:
            if killed != "nothing":
                wait_until(lambda: place.is_at_work(name))
                kill(process, whole=killed == "run")
            while process.poll() is None:
                place.look()
                time.sleep(0.5)
        record = catalog.clusters.get(LOCAL, name)
        if killed == "run":
            # There is no code server here that would notice it sooner.
            long_ago = (utc_now() - timedelta(hours=1)).isoformat()
            silent = {"claim.beat_at": long_ago, "claim.claimed_at": long_ago}
            catalog.clusters.table.swap({"_id": record.cluster_id}, {"$set": silent})
        place.look()
        record = catalog.clusters.by_id(record.cluster_id)
        (execution,) = catalog.executions.ids_of(record.cluster_id)
        ended = "completed" if killed == "nothing" else "failed"
        assert (record.claim, catalog.executions.by_id(execution).status) == (None, ended)
        if killed != "nothing":
            with materializing(tmp_path) as process:
                assert process.wait(PATIENCE) == 0
            assert catalog.clusters.by_id(record.cluster_id).state.status == "COMPLETED"
