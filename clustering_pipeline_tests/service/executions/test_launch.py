"""Runs in a process of their own: killed, cancelled, and followed by a run that ends clean."""

import json
import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack

import dagster as dg
import numpy as np
import pytest

from clustering_pipeline.defs.instance.home import dagster_home, open_instance
from clustering_pipeline.defs.instance.launcher import WorkerLauncher, WorkerRun
from clustering_pipeline.local.connect import open_pipeline
from clustering_pipeline.local.stack.client import Stack
from clustering_pipeline.local.stack.spawn import free_port
from clustering_pipeline.model.collections import CollectionRecord
from clustering_pipeline.model.definitions.cluster import ClusterRecord
from clustering_pipeline.model.definitions.execute import ExecuteClusterByIdRequest
from clustering_pipeline.model.definitions.patch import PatchClusterRequest
from clustering_pipeline.model.errors import ExecutionInFlight, InvalidRequest
from clustering_pipeline.model.executions.execution import ExecutionRecord
from clustering_pipeline.model.ids import run_mark
from clustering_pipeline.model.scope import LOCAL
from clustering_pipeline.pipeline.run.process import is_alive, this_process
from clustering_pipeline.pipeline.stages.table import STAGES
from clustering_pipeline.service.executions.launch import follow, launch
from clustering_pipeline.service.executions.plan import plan_of
from clustering_pipeline.settings import Settings
from clustering_pipeline_tests.sizes import size
from clustering_pipeline_tests.worlds.planted import WORDS, Documents, planted
from clustering_pipeline_tests.worlds.world import KMEANS, World

CONFIG = KMEANS | {"algorithm_params": {"n_clusters": 2}}
DOCUMENTS = size(ci=6_000, full=30_000)
NOTHING = ExecuteClusterByIdRequest()
# To lay out so many takes longer than all else that is done with them.
NO_MAP = ExecuteClusterByIdRequest(defer_visualization=True)
STAGE_NAMES = {stage.name for stage in STAGES}
FIELDS = ("cluster_id", "cluster_label", "distance_to_centroid")


@pytest.fixture(scope="module")
def settings(stack: Stack) -> Settings:
    return Settings(data_dir=stack.data_dir)


@pytest.fixture(scope="module")
def local(settings: Settings) -> Iterator[World]:
    """The stores and the Dagster instance that a launched process finds by itself."""
    with ExitStack() as opened:
        pipeline = opened.enter_context(open_pipeline(settings))
        instance = opened.enter_context(open_instance(dagster_home(settings)))
        world = World(pipeline=pipeline, instance=instance)
        before = set(pipeline.documents.collections())
        yield world
        for name in set(pipeline.documents.collections()) - before:
            pipeline.documents.delete_collection(name)


def start(
    settings: Settings,
    world: World,
    definition: ClusterRecord,
    request: ExecuteClusterByIdRequest = NOTHING,
) -> WorkerRun:
    return launch(
        WorkerLauncher(settings=settings),
        world.pipeline.catalog,
        LOCAL,
        definition.cluster_id,
        request,
    )


def define(world: World, documents: Documents) -> tuple[ClusterRecord, CollectionRecord]:
    collection = world.collection(documents)
    return world.define(collection, CONFIG, enrich_source_collection=True), collection


def few() -> Documents:
    return planted(sizes={"sea": 30, "court": 30})


def many() -> Documents:
    """So many that writing them takes a second; the rest takes none."""
    return Documents(
        vectors=np.random.default_rng(0).normal(size=(DOCUMENTS, 4)).astype(np.float32),
        payloads=[{"text": "tide"}] * DOCUMENTS,
        ids=list(range(DOCUMENTS)),
    )


def marks(world: World, definition: ClusterRecord, collection: CollectionRecord) -> Counter[str]:
    """How many documents hold the fields of which run; a document must hold all of them."""
    payloads = world.payloads(collection).values()
    assert all(set(FIELDS) <= one.keys() for one in payloads)
    return Counter(one[run_mark(definition.cluster_id)] for one in payloads)


def wait_until(holds, *, seconds: float = 120.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_a_run_killed_in_the_middle_of_the_write_back_is_made_good_by_the_next(local, settings):
    definition, collection = define(local, many())
    first = local.execute(definition, request=NO_MAP)
    # Other groups: every document has another distance to write.
    more = PatchClusterRequest(algorithm_params={"n_clusters": 3})
    definition = local.pipeline.catalog.clusters.patch(LOCAL, definition.cluster_id, more)
    executions = local.pipeline.catalog.executions
    launched = start(settings, local, definition, NO_MAP)

    def writing() -> bool:
        found = executions.by_id(launched.run_id)
        return found.progress is not None and (
            (found.progress.stage, found.progress.done > 0) == ("enriched_documents", True)
        )

    wait_until(lambda: writing() or launched.process.poll() is not None)
    os.kill(launched.process.pid, signal.SIGKILL)
    killed = follow(launched, local.pipeline.catalog, lambda _execution: None)

    written = marks(local, definition, collection)
    assert written.keys() == {first.run_id, launched.run_id}
    assert (killed.status, killed.failure_category) == ("failed", "interrupted")
    assert killed.write_back.status == "failed"
    state = local.pipeline.catalog.clusters.by_id(definition.cluster_id).state
    assert (state.status, state.last_run_id) == ("INTERRUPTED", launched.run_id)
    dagster_run = local.instance.get_run_by_id(launched.execution.dagster_run_id)
    assert dagster_run.status is dg.DagsterRunStatus.FAILURE

    after = local.execute(definition, request=NO_MAP)
    assert after.result.success
    assert after.execution.write_back.status == "completed"
    # What the killed run left was finished in its name, and nothing differed after that.
    assert marks(local, definition, collection) == {launched.run_id: DOCUMENTS}
    assert (after.cluster.state.status, after.cluster.claim) == ("COMPLETED", None)


def test_a_launched_run_is_followed_to_its_end_and_cancelled_by_ctrl_c(local, settings):
    definition, collection = define(local, few())
    launched = start(settings, local, definition)

    def interrupt_once_it_runs(execution: ExecutionRecord) -> None:
        if execution.status == "processing":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        follow(launched, local.pipeline.catalog, interrupt_once_it_runs)
    execution = local.pipeline.catalog.executions.by_id(launched.run_id)
    cluster = local.pipeline.catalog.clusters.by_id(definition.cluster_id)
    dagster_run = local.instance.get_run_by_id(launched.execution.dagster_run_id)
    assert (execution.status, execution.failure_category) == ("canceled", None)
    assert (cluster.state.status, cluster.claim) == ("CANCELED", None)
    assert dagster_run.status is dg.DagsterRunStatus.CANCELED

    stages: list[str] = []

    def watch(execution: ExecutionRecord) -> None:
        if execution.progress:
            stages.append(execution.progress.stage)

    ended = follow(start(settings, local, definition), local.pipeline.catalog, watch)
    assert ended.status == "completed"
    assert len(stages) > 1
    assert marks(local, definition, collection) == {ended.run_id: 60}


def test_a_process_that_ends_before_it_begins_has_failed(local, settings):
    definition, _ = define(local, few())
    launched = start(settings, local, definition)
    launched.process.kill()
    ended = follow(launched, local.pipeline.catalog, lambda _execution: None)
    assert (ended.status, ended.failure_category) == ("failed", "interrupted")
    assert f"ended (no output, see {launched.log})" in ended.whole_error
    assert local.instance.get_run_by_id(launched.execution.dagster_run_id) is None
    cluster = local.pipeline.catalog.clusters.by_id(definition.cluster_id)
    assert (cluster.state.status, cluster.claim) == ("INTERRUPTED", None)


def test_nothing_is_launched_while_a_run_is_under_way(local, settings):
    definition, _ = define(local, few())
    clusters = local.pipeline.catalog.clusters
    clusters.claim(definition.cluster_id, this_process("run_x", "task_x"), is_alive=is_alive)
    with pytest.raises(ExecutionInFlight, match=r"is being executed by run_x: wait, or cancel it"):
        start(settings, local, definition)
    assert local.pipeline.catalog.executions.latest(definition.cluster_id) is None


def test_nothing_is_launched_that_has_nothing_to_group(local, settings):
    definition, _ = define(local, few())
    request = ExecuteClusterByIdRequest(mode="composite")
    with pytest.raises(InvalidRequest, match="at least two executions, not of 0"):
        launch(
            WorkerLauncher(settings=settings),
            local.pipeline.catalog,
            LOCAL,
            definition.cluster_id,
            request,
        )
    assert local.pipeline.catalog.clusters.by_id(definition.cluster_id).claim is None


def test_labels_alone_are_launched_as_a_job_of_their_own(settings, local):
    definition, _ = define(local, few())
    catalog = local.pipeline.catalog
    local.execute(definition)
    plan = plan_of(local.pipeline, definition.resolved())
    launched = launch(
        WorkerLauncher(settings=settings), catalog, LOCAL, definition.cluster_id, NOTHING, plan=plan
    )
    ended = follow(launched, catalog, lambda _execution: None)
    assert (plan, ended.status, ended.plan) == ("relabel", "completed", "relabel")
    assert [one.name for one in ended.stages] == [
        "definition",
        "cluster_labels",
        "published",
        "enriched_documents",
    ]


def test_every_line_of_a_run_is_json_that_says_what_it_belongs_to(settings, local, monkeypatch):
    """The model cannot be reached: keyphrases take the place of its labels, and that is told."""
    definition = local.define(
        local.collection(few()), CONFIG, llm_labeling={"enabled": True, "model_name": "m"}
    )
    monkeypatch.setenv("CLUSTERING_LLM_API_KEY", "sk-s3cret")
    monkeypatch.setenv("CLUSTERING_LLM_BASE_URL", f"http://127.0.0.1:{free_port()}/v1")
    launcher = WorkerLauncher(settings=Settings(data_dir=settings.data_dir, log="json"))
    catalog = local.pipeline.catalog
    launched = launch(launcher, catalog, LOCAL, definition.cluster_id, NO_MAP)
    assert follow(launched, catalog, lambda _execution: None).status == "completed"

    text = launched.log.read_text()
    lines = [json.loads(line) for line in text.splitlines()]
    belongs = {(line["run_id"], line["definition"]) for line in lines}
    assert belongs == {(launched.run_id, definition.cluster_id)}
    events = [(line["stage"], line["event"]) for line in lines if line["stage"] in STAGE_NAMES]
    begun = [stage for stage, event in events if event == "stage started"]
    ended = {line["stage"]: line for line in lines if line["event"] == "stage ended"}
    assert set(begun) == set(ended) == STAGE_NAMES - {"enriched_documents"}
    assert (ended["embeddings"]["documents"], ended["embeddings"]["seconds"] > 0) == (60, True)
    assert ("cluster_labels", "keyphrases in place of a label") in events
    assert ("cluster_labels", "call retried") in events
    assert not [word for word in (*WORDS["sea"], *WORDS["court"], "s3cret") if word in text]


def test_the_lines_of_a_run_are_on_its_page_in_dagster(local):
    definition, _ = define(local, few())
    ran = local.execute(definition)
    lines = [
        entry.user_message
        for entry in local.instance.all_logs(ran.result.run_id)
        if entry.dagster_event is None
    ]
    belongs = f"run_id={ran.run_id} definition={definition.cluster_id} stage="
    assert all(belongs in line for line in lines)
    ended = [line.rpartition("stage=")[2] for line in lines if line.startswith("stage ended ")]
    assert set(ended) == STAGE_NAMES
    assert [line for line in lines if line.startswith("stage ended") and " documents=60 " in line]
