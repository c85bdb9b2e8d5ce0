"""What labels would cost, said before anything is spent."""

from collections.abc import Iterator

import pytest

from clustering_pipeline.defs.instance.tags import RELABEL
from clustering_pipeline.labeling import LabelingConfig, Price, Terms, open_provider
from clustering_pipeline.model.collections import CollectionRecord
from clustering_pipeline.model.definitions.patch import PatchClusterRequest
from clustering_pipeline.model.definitions.validation import validate
from clustering_pipeline.model.scope import LOCAL
from clustering_pipeline.service.results.groups import label_fidelities
from clustering_pipeline.service.results.label_estimate import estimate_labels
from clustering_pipeline_tests.labeling.loopback import at_length, serving
from clustering_pipeline_tests.worlds.planted import planted
from clustering_pipeline_tests.worlds.world import KMEANS, Ran, World

CONFIG = KMEANS | {"algorithm_params": {"n_clusters": 2}}
BY_MODEL = {"enabled": True, "labeling_context": "estimates"}
TERMS = Terms(prices={"tiny": Price(prompt=1, completion=10)})


@pytest.fixture(scope="module")
def collection(world: World) -> CollectionRecord:
    return world.collection(planted(sizes={"sea": 30, "court": 20}))


@pytest.fixture(scope="module")
def published(world: World, collection: CollectionRecord) -> Iterator[tuple[World, Ran]]:
    """Groups with keyphrases, whose definition asks for a model from now on."""
    ran = world.execute(world.define(collection, CONFIG))
    patch = validate(PatchClusterRequest, {"llm_labeling": BY_MODEL})
    world.pipeline.catalog.clusters.patch(LOCAL, ran.cluster.cluster_id, patch)
    with serving(at_length) as server:

        def provider(_config: LabelingConfig):
            return open_provider(api_key="local", base_url=server.base_url, model="tiny")

        yield world.over(provider_of=provider, terms=TERMS), ran
        assert server.calls == 2


def expected(world: World, ran: Ran) -> dict[str, object]:
    record = world.pipeline.catalog.clusters.by_id(ran.cluster.cluster_id)
    return estimate_labels(world.pipeline, record.resolved(), plan="relabel")


def test_before_the_first_run_the_cost_is_unknown(world, collection):
    definition = world.define(collection, CONFIG, llm_labeling=BY_MODEL)
    found = estimate_labels(world.pipeline, definition.resolved(), plan="full")
    assert (found["calls"], found["cost"]) == (None, None)
    assert "first run" in found["note"]


def test_keyphrases_cost_nothing(world, collection):
    definition = world.define(collection, CONFIG)
    found = estimate_labels(world.pipeline, definition.resolved(), plan="full")
    assert (found["calls"], found["cost"]) == (0, 0)


def test_without_a_model_nothing_is_spent_and_the_note_says_why(world, published):
    found = expected(world, published[1])
    assert (found["calls"], found["cost"]) == (0, 0)
    assert "CLUSTERING_LLM_API_KEY" in found["note"]


def test_without_a_price_the_cost_is_unknown(published):
    there, ran = published
    found = expected(there.over(terms=Terms()), ran)
    assert (found["calls"], found["cost"]) == (2, None)
    assert "CLUSTERING_LLM_PRICES" in found["note"]


def test_the_estimate_is_near_what_the_run_spends_and_then_nothing_is_left(published):
    there, ran = published
    before = expected(there, ran)
    again = there.execute(ran.cluster, job=RELABEL)
    ledger = again.execution.ledger
    assert before["calls"] == ledger.calls == 2
    assert before["cost"] == pytest.approx(ledger.cost, rel=0.15)
    after = expected(there, ran)
    assert (after["calls"], after["cached"], after["cost"]) == (0, 2, 0)


def test_each_published_group_shows_how_well_its_label_fits(published):
    world, ran = published
    shown = label_fidelities(world.pipeline, ran.run_id)
    assert {one["label_fidelity_is_low"] for one in shown.values()} == {False}
    assert set(shown) == {"cl_0", "cl_1"}
    assert label_fidelities(world.pipeline, None) == {}
