"""What a run is expected to need reaches its launcher, and too little of it is made up for once."""

import json
from collections.abc import Iterator
from dataclasses import replace

import dagster as dg
import pytest

from clustering_pipeline.defs.graph import stored_definitions
from clustering_pipeline.defs.instance.home import dagster_home, open_instance
from clustering_pipeline.defs.instance.launcher import end_of
from clustering_pipeline.defs.instance.queue_launcher import run_again, submit
from clustering_pipeline.defs.instance.right_size import (
    ECS_PAIRS,
    MEMORY,
    NOTE,
    UNKNOWN,
    Size,
    ecs_pair,
    right_sized,
    tags_of_need,
)
from clustering_pipeline.defs.jobs import build_jobs
from clustering_pipeline.defs.resources import RESOURCE
from clustering_pipeline.defs.sensors.runs import build_sensors, follow_runs
from clustering_pipeline.engine.limits import Need
from clustering_pipeline.model.definitions.cluster import ClusterRecord
from clustering_pipeline.model.executions.execution import ExecutionRecord
from clustering_pipeline.model.ids import task_id_of
from clustering_pipeline.service.executions.begin import new_execution
from clustering_pipeline.service.executions.launch import new_identity
from clustering_pipeline.service.executions.prediction import predicted
from clustering_pipeline.settings import Settings
from clustering_pipeline_tests.worlds.planted import planted
from clustering_pipeline_tests.worlds.world import World

SENSORS = {sensor.name: sensor for sensor in build_sensors(build_jobs(stored_definitions()))}
KILLED = "Container 'dagster' status: Terminated with exit code 137: OOMKilled"


@pytest.fixture(scope="module")
def definition(world: World) -> ClusterRecord:
    return world.define(world.collection(planted(sizes={"sea": 12, "court": 9})))


@pytest.fixture(scope="module")
def sized(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Stores whose settings ask for tags of Kubernetes, and an instance of its own."""
    settings = Settings(data_dir=tmp_path_factory.mktemp("data"))
    with open_instance(dagster_home(settings)) as instance:
        yield replace(world.over(run_resources="k8s"), instance=instance)


def execution_of(definition: ClusterRecord, number: int) -> ExecutionRecord:
    return new_execution(definition, new_identity(f"{number:032x}"), definition.resolved())


def submitted(world: World, definition: ClusterRecord, number: int) -> dg.DagsterRun:
    execution = execution_of(definition, number)
    world.pipeline.catalog.executions.begin(execution)
    submit(world.instance, execution, right_sized(world.pipeline, definition.resolved()))
    return world.instance.get_run_by_id(execution.dagster_run_id)


def memory_limit(run: dg.DagsterRun) -> str:
    config = json.loads(run.tags["dagster-k8s/config"])["container_config"]
    return config["resources"]["limits"]["memory"]


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        pytest.param((300, 1), (2048, 1), id="no-task-of-one-processor-is-smaller"),
        pytest.param((2049, 1), (3072, 1), id="rounded-up"),
        pytest.param((8193, 1), (9216, 2), id="more-memory-means-more-processors"),
        pytest.param((30721, 2), (32768, 8), id="in-steps-of-four"),
        pytest.param((61441, 2), (65536, 16), id="in-steps-of-eight"),
        pytest.param((900_000, 2), (122_880, 16), id="more-than-the-largest"),
    ],
)
def test_an_ecs_task_is_a_pair_that_there_is(asked, given):
    pair = ecs_pair(Size(memory=asked[0], cpus=asked[1]))
    assert (pair.memory, pair.cpus) == given
    assert any(pair.cpus == cpus and pair.memory in steps for cpus, steps in ECS_PAIRS)


@pytest.mark.parametrize(
    ("kind", "tags"),
    [
        pytest.param(
            "k8s",
            {
                "dagster-k8s/config": {
                    "container_config": {
                        "resources": {
                            "requests": {"cpu": "2", "memory": "2500Mi"},
                            "limits": {"memory": "2500Mi"},
                        }
                    }
                }
            },
            id="k8s",
        ),
        pytest.param("ecs", {"ecs/memory": 4096, "ecs/cpu": 2048}, id="ecs"),
        pytest.param(
            "ray", {"dagster-ray/config": {"num_cpus": 2, "memory": 2500 * 2**20}}, id="ray"
        ),
    ],
)
def test_each_launcher_reads_it_in_its_own_way(kind, tags):
    written = tags_of_need(kind, memory=2500, seconds=300)
    assert {name: json.loads(written[name]) for name in tags} == tags
    assert written["clustering/expected_seconds"] == "300"


def test_what_no_task_holds_is_said():
    tags = tags_of_need("ecs", memory=200_000, seconds=9000)
    assert (tags["ecs/memory"], tags[MEMORY]) == ("122880", "122880")
    assert tags[NOTE] == "200000 MB are expected, and the largest that ecs has are 122880"


def test_more_documents_and_longer_vectors_need_more(world: World, definition: ClusterRecord):
    few = predicted(world.pipeline, definition.resolved())
    more = world.define(world.collection(planted(sizes={"sea": 600, "court": 600}, dimensions=64)))
    many = predicted(world.pipeline, more.resolved())
    light = predicted(world.pipeline, more.resolved(), plan="relabel")
    assert few.memory < light.memory <= many.memory
    assert few.seconds < many.seconds
    assert isinstance(few, Need)


def test_nothing_is_known_of_an_empty_or_lost_collection(sized: World):
    empty = sized.collection(planted(sizes={"sea": 1}))
    nobody = {"field": "subject", "operator": "eq", "value": "none"}
    definition = sized.define(empty, filters={"AND": [nobody]})
    assert right_sized(sized.pipeline, definition.resolved()) == {MEMORY: UNKNOWN}
    sized.pipeline.documents.delete_collection(empty.qdrant_collection)
    assert right_sized(sized.pipeline, definition.resolved()) == {MEMORY: UNKNOWN}


def test_it_is_off_unless_asked_for_and_a_persons_tags_win(
    world: World, sized: World, definition: ClusterRecord
):
    spec = definition.resolved()
    assert right_sized(world.pipeline, spec) == {}
    own = {"dagster-k8s/config": "{}"}
    assert right_sized(sized.pipeline, spec, given=own) == {}
    assert right_sized(sized.pipeline, spec, given={"ecs/memory": "1"}) != {}


def test_a_run_started_in_dagster_is_sized_while_it_waits(sized: World, definition: ClusterRecord):
    execution = execution_of(definition, 1)
    submit(sized.instance, execution)
    resources = {RESOURCE: sized.pipeline}
    follow_runs(dg.build_sensor_context(instance=sized.instance, resources=resources))
    run = sized.instance.get_run_by_id(execution.dagster_run_id)
    assert memory_limit(run) == f"{run.tags[MEMORY]}Mi"
    assert run.tags["dagster/max_retries"] == "0"


def repeats(world: World, run: dg.DagsterRun) -> list[dg.DagsterRun]:
    """The runs that repeat it."""
    return world.instance.get_runs(dg.RunsFilter(tags={"dagster/parent_run_id": run.run_id}))


def fail(world: World, run: dg.DagsterRun, message: str) -> dg.DagsterRun:
    """Reports the failure, as run monitoring does, and lets the sensor hear of it."""
    world.instance.report_run_failed(run, message)
    ended = world.instance.get_run_by_id(run.run_id)
    for _ in range(2):
        context = dg.build_run_status_sensor_context(
            sensor_name="record_failure",
            dagster_instance=world.instance,
            dagster_run=ended,
            dagster_event=dg.DagsterEvent("PIPELINE_FAILURE", run.job_name),
            resources={RESOURCE: world.pipeline},
        )
        SENSORS["record_failure"](context)
    return ended


def test_too_little_memory_is_made_up_for_once_with_half_as_much_again(
    sized: World, definition: ClusterRecord
):
    catalog, first = sized.pipeline.catalog, submitted(sized, definition, 2)
    before = int(first.tags[MEMORY])
    fail(sized, first, KILLED)
    (again,) = repeats(sized, first)
    assert again.status is dg.DagsterRunStatus.QUEUED
    assert memory_limit(again) == f"{-(-before * 3 // 2)}Mi"
    assert again.root_run_id == again.parent_run_id == first.run_id
    assert again.remote_job_origin == first.remote_job_origin
    said = f"{before} MB were too little, exit code 137: it has {again.tags[MEMORY]} MB now"
    assert again.tags["clustering/retry_reason"] == said
    assert catalog.executions.by_id(f"run_{first.run_id}").error_message == (
        f"the process of run_{first.run_id} ended ({before} MB were too little, exit code 137); "
        "it runs once more by itself"
    )
    resources = {RESOURCE: sized.pipeline}
    follow_runs(dg.build_sensor_context(instance=sized.instance, resources=resources))
    task = catalog.tasks.get(task_id_of(first.run_id))
    assert (task.status, task.additional_data["retry_reason"]) == ("QUEUED", said)

    fail(sized, again, KILLED)
    assert repeats(sized, again) == []
    assert run_again(sized.instance, sized.instance.get_run_by_id(again.run_id)) is None


@pytest.mark.parametrize(
    ("number", "message"),
    [
        pytest.param(6, "Container 'run' failed - exit code 137.", id="ecs"),
        pytest.param(7, "ray.exceptions.OutOfMemoryError: the node ran low", id="ray"),
        pytest.param(8, "DoesNotFit: the system ended the fit, most likely", id="child"),
    ],
)
def test_others_say_it_in_their_own_words(sized, definition, number, message):
    first = submitted(sized, definition, number)
    fail(sized, first, message)
    assert int(repeats(sized, first)[0].tags[MEMORY]) > int(first.tags[MEMORY])


@pytest.mark.parametrize(
    ("number", "message"),
    [
        pytest.param(3, "K8s job failed", id="a-crash-as-it-was"),
        pytest.param(4, '{"OOMKilled": false, "ExitCode": 1}', id="docker-says-no"),
    ],
)
def test_a_crash_is_run_once_more_with_the_same(sized, definition, number, message):
    first = submitted(sized, definition, number)
    fail(sized, first, message)
    (again,) = repeats(sized, first)
    assert memory_limit(again) == memory_limit(first)
    assert again.tags["clustering/retry_reason"] == "the one before crashed"


def test_the_largest_task_is_not_tried_twice(sized: World, definition: ClusterRecord):
    execution = execution_of(definition, 9)
    submit(sized.instance, execution, tags_of_need("ecs", memory=200_000, seconds=9000))
    ended = fail(sized, sized.instance.get_run_by_id(execution.dagster_run_id), KILLED)
    assert repeats(sized, ended) == []
    assert end_of(sized.instance, ended).reason == "122880 MB were too little, exit code 137"


def test_a_kill_where_nothing_was_asked_for_is_left_to_dagster(sized, definition):
    execution = execution_of(definition, 5)
    submit(sized.instance, execution)
    ended = fail(sized, sized.instance.get_run_by_id(execution.dagster_run_id), KILLED)
    assert repeats(sized, ended) == []
    assert ended.tags["dagster/max_retries"] == "1"
    assert not end_of(sized.instance, ended).runs_again
