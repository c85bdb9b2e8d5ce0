"""Labels by a language model: only when the definition asks, and never at the run's expense."""

import json
from collections.abc import Iterator

import pytest

from clustering_pipeline.defs.instance.tags import RELABEL
from clustering_pipeline.labeling import LabelingConfig, open_provider
from clustering_pipeline.model.collections import CollectionRecord
from clustering_pipeline.pipeline.run.pipeline import ProviderOf
from clustering_pipeline_tests.labeling.loopback import Reply, Server, named, serving, well
from clustering_pipeline_tests.worlds.planted import is_about, planted
from clustering_pipeline_tests.worlds.world import KMEANS, Ran, World

CONFIG = KMEANS | {"algorithm_params": {"n_clusters": 2}}
BY_MODEL = {"enabled": True, "provider": "openai"}


@pytest.fixture(scope="module")
def collection(world: World) -> CollectionRecord:
    return world.collection(planted(sizes={"sea": 30, "court": 20}))


@pytest.fixture
def server() -> Iterator[Server]:
    with serving(well) as listening:
        yield listening


def asking(server: Server) -> ProviderOf:
    def provider(config: LabelingConfig):
        return open_provider(
            api_key="local", base_url=server.base_url, provider=config.provider, model="tiny"
        )

    return provider


def are_keyphrases(ran: Ran) -> bool:
    """Whether the labels are words of their groups' documents."""
    first, second = ran.execution.centroids
    return is_about("sea", first.label) and is_about("court", second.label)


def test_no_document_leaves_because_a_model_is_there(world, collection, server):
    ran = world.over(provider_of=asking(server)).execute(world.define(collection, CONFIG))
    assert (server.calls, ran.cluster.state.status) == (0, "COMPLETED")
    assert are_keyphrases(ran)


def test_nor_because_labels_are_configured_and_switched_off(world, collection, server):
    off = world.define(collection, CONFIG, llm_labeling=BY_MODEL | {"enabled": False})
    ran = world.over(provider_of=asking(server)).execute(off)
    assert (server.calls, ran.cluster.state.status) == (0, "COMPLETED")


def test_a_model_names_each_group_with_one_call(world, collection, server):
    definition = world.define(collection, CONFIG, llm_labeling=BY_MODEL)
    ran = world.over(provider_of=asking(server)).execute(definition)
    assert (server.calls, {one["model"] for one in server.requests}) == (2, {"tiny"})
    assert {one.label for one in ran.execution.centroids} == set(map(named, server.requests))
    assert ran.execution.centroids[0].summary.startswith("Documents on Talk of ")
    assert (ran.cluster.state.status, ran.execution.llm_labeling_errors) == ("COMPLETED", None)
    assert ran.metadata("cluster_labels")["by_model"] == 2


def test_without_a_key_labels_are_keyphrases_and_the_run_says_so(world, collection):
    definition = world.define(
        collection, CONFIG, llm_labeling=BY_MODEL, enrich_source_collection=True
    )
    ran = world.execute(definition)
    assert ran.result.success
    assert are_keyphrases(ran)
    assert (ran.execution.status, ran.execution.task_status) == (
        "completed",
        "COMPLETED_WITH_ERRORS",
    )
    state = ran.cluster.state
    assert (state.status, state.error) == ("COMPLETED_WITH_ERRORS", None)
    assert state.llm_labeling_errors == ran.execution.llm_labeling_errors
    (entry,) = map(json.loads, state.llm_labeling_errors)
    assert set(entry) == {"error", "clusters"}
    assert "CLUSTERING_LLM_API_KEY" in entry["error"]
    assert sorted(entry["clusters"]) == ["cl_0", "cl_1"]
    shown = ran.metadata("cluster_labels")
    assert (shown["errors"], shown["label_errors"]) == (1, state.llm_labeling_errors)


def test_a_model_that_fails_costs_labels_and_nothing_else(world, collection):
    definition = world.define(collection, CONFIG, llm_labeling=BY_MODEL)
    with serving(lambda _server, _request: Reply(status=401, content="bad key")) as refusing:
        ran = world.over(provider_of=asking(refusing)).execute(definition)
    assert ran.result.success
    assert ran.cluster.state.status == "COMPLETED_WITH_ERRORS"
    assert are_keyphrases(ran)
    assert "bad key" in ran.execution.llm_labeling_errors[0]


def test_labels_that_failed_are_made_again_by_a_relabel(world, collection, server):
    definition = world.define(collection, CONFIG, llm_labeling=BY_MODEL)
    first = world.execute(definition)
    again = world.over(provider_of=asking(server)).execute(definition, job=RELABEL)
    assert (first.cluster.state.status, again.cluster.state.status) == (
        "COMPLETED_WITH_ERRORS",
        "COMPLETED",
    )
    assert again.cluster.state.llm_labeling_errors is None
    assert [one.label for one in again.execution.centroids] != [
        one.label for one in first.execution.centroids
    ]
    (alias,) = again.cluster.state.output_collection_ids
    pages = world.pipeline.documents.scroll(alias)
    shown = {point.payload["cluster_label"] for page in pages for point in page}
    assert shown == {one.label for one in again.execution.centroids}
