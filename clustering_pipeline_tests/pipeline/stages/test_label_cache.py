"""Labels by a model across runs: answers, money and names by people."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from clustering_pipeline.defs.instance.tags import EXECUTE, RELABEL
from clustering_pipeline.labeling import LabelingConfig, Price, Terms, open_provider
from clustering_pipeline.model.collections import CollectionRecord
from clustering_pipeline.model.definitions.patch import PatchClusterRequest
from clustering_pipeline.model.definitions.validation import validate
from clustering_pipeline.model.errors import LabelingFailed
from clustering_pipeline.model.scope import LOCAL
from clustering_pipeline.pipeline.run.pipeline import ProviderOf
from clustering_pipeline_tests.labeling.loopback import Reply, Server, answer, named, serving, well
from clustering_pipeline_tests.labeling.test_labels import only_json_object
from clustering_pipeline_tests.worlds.planted import SUBJECTS, Documents, planted
from clustering_pipeline_tests.worlds.world import KMEANS, Done, World

CONFIG = KMEANS | {"algorithm_params": {"n_clusters": 2}}
NESTED = CONFIG | {"normalize_features": False, "hierarchical": True, "max_hierarchy_depth": 1}
BY_MODEL = {"enabled": True}
TERMS = Terms(prices={"tiny": Price(prompt=1, completion=10)}, retry_pause=0.01)


@pytest.fixture(scope="module")
def collection(world: World) -> CollectionRecord:
    return world.collection(planted(sizes={"sea": 30, "court": 20}))


@pytest.fixture(scope="module")
def nested(world: World) -> CollectionRecord:
    """Two pairs of subjects close to each other, the pairs far apart."""
    base = planted(sizes=dict.fromkeys(SUBJECTS, 60), spread=0.02)
    far = [[5.0 if one in SUBJECTS[:2] else -5.0] for one in base.subjects]
    vectors = np.hstack([base.vectors, np.array(far)]).astype(np.float32)
    documents = Documents(vectors=vectors, payloads=base.payloads, ids=base.ids)
    return world.collection(documents, distance="Euclid")


@pytest.fixture
def server() -> Iterator[Server]:
    with serving(well) as listening:
        yield listening


def asking(server: Server, **models: str) -> ProviderOf:
    def provider(_config: LabelingConfig):
        named = {"model": "tiny"} | models
        return open_provider(api_key="local", base_url=server.base_url, **named)

    return provider


def over(world: World, server: Server, **terms) -> World:
    return world.over(provider_of=asking(server), terms=replace(TERMS, **terms))


def labels(ran: Done) -> list[str | None]:
    return [one.label for one in ran.execution.centroids]


def how(world: World, ran: Done) -> dict[str, Any]:
    """What the manifest says of the labels."""
    return world.pipeline.artifacts.read_json(ran.execution.artifact_key("labelling.json"))


def frame(world: World, ran: Done):
    return world.pipeline.artifacts.read_frame(ran.execution.artifact_key("labels.parquet"))


def test_what_did_not_change_is_not_asked_again(world, collection, server):
    there, definition = over(world, server), world.define(collection, CONFIG, llm_labeling=BY_MODEL)
    first = there.run(definition)
    second = there.run(definition)
    assert (server.calls, labels(first)) == (2, labels(second))
    assert (first.execution.ledger.calls, first.execution.ledger.cached) == (2, 0)
    assert (second.execution.ledger.calls, second.execution.ledger.cached) == (0, 2)
    assert second.execution.ledger.cost == 0


def test_vectors_are_paid_for_once_and_their_verdict_is_kept(world, collection, server):
    labeling = BY_MODEL | {"labeling_context": "vectors", "embedding_similarity_threshold": 1.0}
    prices = {**TERMS.prices, "letters": Price(prompt=100, completion=0)}
    there = world.over(
        provider_of=asking(server, embedding_model="letters"), terms=replace(TERMS, prices=prices)
    )
    definition = world.define(collection, CONFIG, llm_labeling=labeling)
    first, again = there.run(definition), there.run(definition)
    ledger = first.execution.ledger
    assert (len(server.embedded), ledger.embedding_calls) == (2, 2)
    assert ledger.embedding_tokens == server.embedding_tokens
    by_model = (ledger.prompt_tokens + 10 * ledger.completion_tokens) / 1e6
    assert ledger.cost == pytest.approx(by_model + 100 * ledger.embedding_tokens / 1e6)
    assert all(len(text) <= 200 for texts in server.embedded for text in texts)
    assert again.execution.ledger.embedding_calls == again.execution.ledger.calls == 0
    fits = [frame(world, one)["fidelity"].to_list() for one in (first, again)]
    assert fits[0] == fits[1]
    assert how(world, first)["fidelity_judge"] == "embedding"


def test_what_a_server_cannot_do_is_found_out_once(world, collection):
    labeling = BY_MODEL | {"labeling_context": "forms", "cache_ttl_seconds": 0}
    definition = world.define(collection, CONFIG, llm_labeling=labeling)
    with serving(only_json_object) as listening:
        one_by_one = over(world, listening, concurrency=1)
        forms = []
        for job in (EXECUTE, RELABEL):
            listening.requests.clear()
            one_by_one.execute(definition, job=job)
            forms.append([one["response_format"]["type"] for one in listening.requests])
    assert forms == [["json_schema", *["json_object"] * 2], ["json_object"] * 2]


def filters_once(server, request):
    """A filter that refuses the first question there ever was, as it does, with status 400."""
    if server.calls == 1:
        return Reply(status=400, body={"error": {"code": "content_filter", "message": "Filtered."}})
    return well(server, request)


def names_the_schema(server, request):
    """Refuses a definition's own schema, and no other."""
    shape = request.get("response_format", {}).get("json_schema", {}).get("schema", {})
    if "audience" in shape.get("properties", {}):
        return Reply(status=400, content="Invalid schema for response_format 'group_label'")
    return well(server, request)


@pytest.mark.parametrize(
    ("scenario", "first", "calls"),
    [
        pytest.param(filters_once, {}, 1, id="filter"),
        pytest.param(names_the_schema, {"response_shape": {"audience": "who"}}, 2, id="schema"),
    ],
)
def test_a_misfortune_changes_nothing_for_later_runs_and_other_definitions(
    world, collection, scenario, first, calls
):
    labeling = BY_MODEL | {"labeling_context": "misfortunes", "cache_ttl_seconds": 0}
    struck = world.define(collection, CONFIG, llm_labeling=labeling | first)
    other = world.define(collection, CONFIG, llm_labeling=labeling)
    with serving(scenario) as listening:
        there = over(world, listening, concurrency=1)
        there.run(struck)
        assert len(listening.requests) > calls
        listening.requests.clear()
        there.run(other)
        forms = {one.get("response_format", {}).get("type") for one in listening.requests}
    assert forms == {"json_schema"}


def test_zero_seconds_ask_every_time(world, collection, server):
    labeling = BY_MODEL | {"cache_ttl_seconds": 0, "labeling_context": "uncached"}
    definition = world.define(collection, CONFIG, llm_labeling=labeling)
    for job in (EXECUTE, RELABEL):
        over(world, server).execute(definition, job=job)
    assert server.calls == 4


def test_the_ledger_agrees_with_the_server_and_adds_up(world, collection, server):
    labeling = BY_MODEL | {"labeling_context": "ledger", "cache_ttl_seconds": 0}
    definition = world.define(collection, CONFIG, llm_labeling=labeling)
    first = over(world, server).execute(definition)
    ledger = first.execution.ledger
    assert (ledger.prompt_tokens, ledger.completion_tokens) == (
        server.prompt_tokens,
        server.completion_tokens,
    )
    assert ledger.cost == pytest.approx(
        (ledger.prompt_tokens + 10 * ledger.completion_tokens) / 1e6
    )
    assert first.metadata("cluster_labels")["cost"] == ledger.cost
    over(world, server).execute(definition, job=RELABEL)
    executions = world.pipeline.catalog.executions
    total = executions.spent(LOCAL, cluster_id=definition.cluster_id)
    assert (total.calls, total.cost) == (4, pytest.approx(2 * ledger.cost))
    assert executions.spent(LOCAL).calls >= total.calls


def test_the_limit_holds_for_the_whole_run(world, nested, server):
    labeling = BY_MODEL | {"labeling_context": "limit", "cache_ttl_seconds": 0}
    definition = world.define(nested, NESTED, llm_labeling=labeling)
    ran = over(world, server, max_cost=1e-9, concurrency=1).run(definition)
    assert {one.hierarchy_level for one in ran.execution.centroids} == {0, 1}
    assert (server.calls, ran.execution.ledger.calls) == (1, 1)
    assert ran.cluster.state.status == "COMPLETED_WITH_ERRORS"


def test_names_differ_across_the_levels_of_a_hierarchy(world, nested):
    definition = world.define(
        nested, NESTED, llm_labeling=BY_MODEL | {"labeling_context": "levels"}
    )
    with serving(lambda _server, _request: Reply(content=answer("Talk"))) as stubborn:
        ran = over(world, stubborn).run(definition)
        calls = stubborn.calls
        again = over(world, stubborn).execute(definition, job=RELABEL)
    assert len(labels(ran)) > 2
    assert len(set(labels(ran))) == len(labels(ran))
    assert (labels(again), stubborn.calls) == (labels(ran), calls)


def test_a_vendor_that_may_not_be_asked_leaves_keyphrases_and_the_reason(world, collection):
    def refusing(_config: LabelingConfig):
        message = "set CLUSTERING_LLM_PROVIDER"
        raise LabelingFailed(message)

    definition = world.define(collection, CONFIG, llm_labeling=BY_MODEL)
    ran = world.over(provider_of=refusing).run(definition)
    assert "CLUSTERING_LLM_PROVIDER" in ran.execution.llm_labeling_errors[0]
    assert (ran.execution.ledger, ran.cluster.state.status) == (None, "COMPLETED_WITH_ERRORS")


def test_names_by_people_win_and_follow_a_group_whose_members_stay(world, collection, server):
    there, definition = over(world, server), world.define(collection, CONFIG, llm_labeling=BY_MODEL)
    first = there.run(definition)
    world.pipeline.catalog.executions.relabel(LOCAL, first.run_id, {"cl_0": "By the shore"})
    for job in (RELABEL, EXECUTE):
        ran = there.execute(definition, job=job)
        assert labels(ran)[0] == "By the shore"
        assert ran.execution.label_overrides == {"cl_0": "By the shore"}
        assert frame(world, ran)["source"].to_list() == ["human", "llm"]


def test_names_follow_a_group_that_grows(world):
    documents = planted(sizes={"sea": 30, "court": 20})
    growing = world.collection(documents)
    definition = world.define(growing, CONFIG)
    first = world.run(definition)
    names = {"cl_0": "By the shore", "cl_1": "Before the judge"}
    world.pipeline.catalog.executions.relabel(LOCAL, first.run_id, names)
    world.add(growing.qdrant_collection, planted(sizes={"sea": 5}, first_id=900, seed=9))
    ran = world.run(definition)
    assert ran.execution.label_overrides == names


def test_a_closed_list_and_further_fields_are_kept(world, collection):
    shape = {"type": "object", "properties": {"mood": {"type": "string"}}}
    labeling = BY_MODEL | {"candidate_labels": ["Sea", "Law"], "response_shape": shape}
    definition = world.define(collection, CONFIG, llm_labeling=labeling)

    def choosing(_server, request):
        label = "Law" if "judge" in named(request) or "jury" in named(request) else "Sea"
        return Reply(content=answer(label, mood="calm", probability=0.9))

    with serving(choosing) as listening:
        ran = over(world, listening).run(definition)
    kept = frame(world, ran)
    assert set(kept["label"]) <= {"Sea", "Law"}
    assert kept["probability"].to_list() == [0.9, 0.9]
    assert kept["extra"].to_list() == ['{"mood": "calm"}'] * 2


def test_the_manifest_says_which_texts_were_chosen_and_each_label_how_well_it_fits(
    world, collection
):
    ran = world.execute(world.define(collection, CONFIG))
    key = ran.execution.artifact_key("manifest.json")
    how = world.pipeline.artifacts.read_json(key)["labelling"]
    assert how["text_fields"][0]["fields"] == ["text"]
    kept = frame(world, ran)
    assert (kept["fidelity"] > 0.9).all()
    assert not kept["fidelity_is_low"].any()
    shown = ran.metadata("cluster_labels")
    assert shown["mean_fidelity"] == pytest.approx(kept["fidelity"].mean())
    assert "low_fidelity" not in shown


def test_labels_that_say_nothing_are_flagged(world, collection):
    with serving(lambda _server, _request: Reply(content=answer("Things"))) as vague:
        definition = world.define(
            collection, CONFIG, llm_labeling=BY_MODEL | {"candidate_labels": ["Things"]}
        )
        ran = over(world, vague).execute(definition)
    low = ran.metadata("cluster_labels")["low_fidelity"]
    assert [one["cluster_id"] for one in low] == ["cl_0", "cl_1"]


def test_a_patch_of_the_labelling_is_what_the_next_run_uses(world, collection, server):
    definition = world.define(collection, CONFIG)
    first = world.run(definition)
    patch = validate(PatchClusterRequest, {"llm_labeling": BY_MODEL})
    world.pipeline.catalog.clusters.patch(LOCAL, definition.cluster_id, patch)
    ran = over(world, server).execute(definition, job=RELABEL)
    assert (first.execution.ledger, ran.execution.ledger is None) == (None, False)
    assert frame(world, ran)["source"].to_list() == ["llm", "llm"]
