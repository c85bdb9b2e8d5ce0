"""Runs on other hosts: what their launcher would start, how they are cancelled, how they end."""

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path

import dagster as dg
import pytest
import yaml
from dagster._daemon.monitoring.run_monitoring import monitor_started_run
from dagster._daemon.run_coordinator import QueuedRunCoordinatorDaemon
from dagster._grpc.types import ExecuteRunArgs
from dagster._serdes import deserialize_value

from clustering_pipeline.api.server import serving
from clustering_pipeline.defs.instance.home import open_instance
from clustering_pipeline.defs.instance.launcher import end_of
from clustering_pipeline.defs.instance.queue_launcher import QueueLauncher, run_again
from clustering_pipeline.defs.instance.right_size import MEMORY
from clustering_pipeline.defs.resources import RESOURCE, opened_for
from clustering_pipeline.defs.sensors.runs import follow_runs
from clustering_pipeline.model.collections import CollectionRecord
from clustering_pipeline.model.definitions.cluster import ClusterRecord
from clustering_pipeline.model.definitions.execute import ExecuteClusterByIdRequest
from clustering_pipeline.model.errors import LocalStackUnavailable
from clustering_pipeline.model.scope import LOCAL
from clustering_pipeline.service.executions.cancel import cancel_execution
from clustering_pipeline.service.executions.launch import launch
from clustering_pipeline.settings import Settings
from clustering_pipeline_tests.api.served import Served
from clustering_pipeline_tests.defs.instance import clusters_of_machines as machines_of
from clustering_pipeline_tests.defs.instance.clusters_of_machines import IMAGE, Call, Machines
from clustering_pipeline_tests.worlds.planted import planted
from clustering_pipeline_tests.worlds.world import World

SOURCE = files("clustering_pipeline.defs.instance").joinpath("dagster.yaml")
KINDS = {"k8s": machines_of.kubernetes, "docker": machines_of.docker, "ecs": machines_of.ecs}
STARTS = {"k8s": "POST /apis/batch", "docker": "POST /v1.44/containers/create", "ecs": "RunTask"}
STOPS = {"k8s": "DELETE /apis/batch", "docker": "POST /v1.44/containers/c1/stop", "ecs": "StopTask"}
AWS = {
    "AWS_ACCESS_KEY_ID": "id",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "AWS_DEFAULT_REGION": "eu-central-1",
}


@dataclass(frozen=True, kw_only=True)
class Place:
    """A home whose launcher starts runs elsewhere, and the machines that are there."""

    kind: str
    world: World
    machines: Machines
    launcher: QueueLauncher

    @property
    def instance(self) -> dg.DagsterInstance:
        return self.world.instance

    def launched(self, definition: ClusterRecord) -> dg.DagsterRun:
        """A run that left the queue, as the daemon has it leave."""
        run = launch(
            self.launcher,
            self.world.pipeline.catalog,
            LOCAL,
            definition.cluster_id,
            ExecuteClusterByIdRequest(),
        )
        return self.dequeued(run.dagster_run_id)

    def dequeued(self, run_id: str) -> dg.DagsterRun:
        daemon = QueuedRunCoordinatorDaemon(interval_seconds=1)
        limits = self.instance.get_concurrency_config()
        queued = self.instance.get_run_by_id(run_id)
        daemon._dequeue_run(self.instance, None, queued, limits, None)
        return self.instance.get_run_by_id(run_id)


@contextmanager
def placed(world: World, home: Path, kind: str, stores: tuple[str, ...] = ()) -> Iterator[Place]:
    machines = Machines(answers=KINDS[kind])
    with ExitStack() as opened:
        port = opened.enter_context(machines_of.served(machines))
        patch = opened.enter_context(pytest.MonkeyPatch.context())
        for name, text in AWS.items():
            patch.setenv(name, text)
        patch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
        patch.setenv("DOCKER_HOST", f"tcp://127.0.0.1:{port}")
        patch.setenv("DAGSTER_CURRENT_IMAGE", IMAGE)
        patch.setenv("DAGSTER_HOME", str(home))
        config = yaml.safe_load(SOURCE.read_text())
        config["run_launcher"] = machines_of.launchers(home, port)[kind]
        (home / "dagster.yaml").write_text(yaml.safe_dump(config))
        sized = None if kind == "docker" else kind
        pipeline = replace(world.pipeline, run_resources=sized, on_this_host=stores)
        launcher = QueueLauncher(settings=Settings(data_dir=home), pipeline=pipeline)
        instance = opened.enter_context(open_instance(home))
        yield Place(
            kind=kind,
            world=replace(world, pipeline=pipeline, instance=instance),
            machines=machines,
            launcher=launcher,
        )


@pytest.fixture(scope="module")
def documents(world: World) -> CollectionRecord:
    return world.collection(planted(sizes={"sea": 12, "court": 9}))


@pytest.fixture
def definition(world: World, documents: CollectionRecord) -> ClusterRecord:
    return world.define(documents)


@pytest.fixture(params=KINDS, scope="module")
def place(world: World, request, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with placed(world, tmp_path_factory.mktemp(request.param), request.param) as place:
        yield place


def started(kind: str, call: Call) -> tuple[str, list[str], int | None]:
    """Image, command and MB of memory of what a launcher asked for."""
    if kind == "docker":
        return call.body["Image"], call.body["Cmd"], None
    if kind == "ecs":
        (container,) = call.body["overrides"]["containerOverrides"]
        assert call.body["overrides"]["memory"] == str(container["memory"])
        return IMAGE, container["command"], container["memory"]
    (container,) = call.body["spec"]["template"]["spec"]["containers"]
    memory = container["resources"]["limits"]["memory"]
    return container["image"], container["args"], int(memory.removesuffix("Mi"))


def test_what_is_started_is_our_image_with_the_memory_that_is_expected(
    place: Place, definition: ClusterRecord
):
    run = place.launched(definition)
    (call,) = place.machines.asked(STARTS[place.kind])
    image, command, memory = started(place.kind, call)
    asked = None if place.kind == "docker" else int(run.tags[MEMORY])
    assert (image, command[:3], memory) == (IMAGE, ["dagster", "api", "execute_run"], asked)
    assert deserialize_value(command[3], ExecuteRunArgs).run_id == run.run_id
    assert '"module": "clustering_pipeline.definitions"' in command[3]

    cancel_execution(
        place.world.pipeline.catalog, LOCAL, f"run_{run.run_id.replace('-', '')}", place.launcher
    )
    assert len(place.machines.asked(STOPS[place.kind])) == 1
    assert place.instance.get_run_by_id(run.run_id).status is dg.DagsterRunStatus.CANCELED
    left = place.world.pipeline.catalog.clusters.by_id(definition.cluster_id)
    assert (left.claim, left.state.status) == (None, "CANCELED")


def test_a_worker_that_is_killed_is_run_again_with_more(place: Place, definition: ClusterRecord):
    first = place.launched(definition)
    place.instance.report_dagster_event(
        dg.DagsterEvent(dg.DagsterEventType.RUN_START.value, first.job_name), run_id=first.run_id
    )
    place.machines.ended = "OOMKilled"
    record = place.instance.get_run_record_by_id(first.run_id)
    monitor_started_run(place.instance, None, record, logging.getLogger("monitor"))
    place.machines.ended = None
    failed = place.instance.get_run_by_id(first.run_id)
    assert failed.status is dg.DagsterRunStatus.FAILURE
    again = run_again(place.instance, failed)
    if place.kind == "docker":
        # Nothing was asked for: Dagster's own retry takes it.
        assert (again, failed.tags["dagster/max_retries"]) == (None, "1")
    else:
        assert int(again.tags[MEMORY]) >= 1.5 * int(first.tags[MEMORY])
        place.dequeued(again.run_id)
        image, _, memory = started(place.kind, place.machines.asked(STARTS[place.kind])[-1])
        assert (image, memory) == (IMAGE, int(again.tags[MEMORY]))
    follow_runs(
        dg.build_sensor_context(instance=place.instance, resources={RESOURCE: place.world.pipeline})
    )
    assert place.world.pipeline.catalog.clusters.by_id(definition.cluster_id).claim is None


def test_a_run_over_http_is_ended_by_the_launcher(world, definition, tmp_path):
    with (
        placed(world, tmp_path, "k8s") as place,
        serving(place.launcher.settings, place.world.pipeline, place.launcher) as server,
    ):
        served = Served(
            url=server.url, settings=place.launcher.settings, pipeline=place.world.pipeline
        )
        with served.client() as client:
            task = client.post(f"/v1/clusters/{definition.cluster_id}/execute").json()
            place.dequeued(place.instance.get_runs()[0].run_id)
            assert client.delete(f"/v1/tasks/{task['task_id']}").status_code == 200
            assert client.get(f"/v1/tasks/{task['task_id']}").json()["status"] == "CANCELED"
        assert len(place.machines.asked(STOPS["k8s"])) == 1


def test_a_launcher_that_refuses_ends_the_run_with_what_it_says(world, definition, tmp_path):
    with placed(world, tmp_path, "k8s") as place:
        place.machines.refuses = True
        run = place.launched(definition)
        assert run.status is dg.DagsterRunStatus.FAILURE
        assert "Forbidden" in end_of(place.instance, run).reason


def test_stores_of_this_host_are_refused_before_anything_starts(world, definition, tmp_path):
    here = ("the artifacts in /srv/artifacts (CLUSTERING_ARTIFACTS)",)
    with placed(world, tmp_path, "k8s", here) as place:
        with pytest.raises(LocalStackUnavailable) as refused:
            place.launcher.check()
        assert refused.value.message == (
            "K8sRunLauncher starts runs on other hosts, which do not reach the artifacts in "
            "/srv/artifacts (CLUSTERING_ARTIFACTS): set what is in brackets to what every host "
            "reaches, or CLUSTERING_ARTIFACTS_SHARED=true for a folder that all of them mount"
        )
        with pytest.raises(LocalStackUnavailable):
            place.launched(definition)
        assert place.world.pipeline.catalog.clusters.by_id(definition.cluster_id).claim is None
        context = dg.build_init_resource_context(instance=place.instance)
        with pytest.raises(LocalStackUnavailable), opened_for(context, place.world.connect):
            pass
        assert place.machines.calls == []


def test_what_only_this_host_reaches_is_known_from_the_settings(tmp_path):
    embedded = Settings(data_dir=tmp_path).on_this_host
    assert [name.rpartition("(")[2] for name in embedded] == [
        "CLUSTERING_ARTIFACTS)",
        "CLUSTERING_MONGODB_URI)",
        "CLUSTERING_QDRANT_URL)",
    ]
    servers = {"mongodb_uri": "mongodb://db.example", "qdrant_url": "https://qdrant.example"}
    assert Settings(artifacts="s3://bucket/runs", **servers).on_this_host == ()
    assert Settings(artifacts="/mnt/runs", artifacts_shared=True, **servers).on_this_host == ()
