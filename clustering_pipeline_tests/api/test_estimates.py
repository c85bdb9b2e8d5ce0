"""What labels would cost, over HTTP."""

from collections.abc import Iterator

import dagster as dg
import pytest

from clustering_pipeline_tests.api.answers import error_of, ok
from clustering_pipeline_tests.worlds.planted import planted
from clustering_pipeline_tests.worlds.world import World

NOTHING = dict.fromkeys(
    (
        "calls",
        "cached",
        "prompt_tokens",
        "completion_tokens",
        "embedding_calls",
        "embedding_tokens",
        "cost",
    ),
    0,
)


@pytest.fixture(scope="module")
def world(served) -> Iterator[World]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield World(pipeline=served.pipeline, instance=instance)


@pytest.fixture(scope="module")
def path(world) -> str:
    cluster = world.define(world.collection(planted(sizes={"sea": 12, "court": 8})))
    return f"/v1/clusters/{cluster.cluster_id}/estimate"


def test_keyphrases_cost_nothing(client, path):
    found = ok(client.post(path))
    note = "the definition asks no model: labels cost nothing"
    assert found == {"plan": "full", **NOTHING, "note": note}


def test_before_the_first_run_nobody_knows(client, path):
    found = ok(client.post(path, json={"llm_labeling": {"enabled": True}}))
    assert (found["calls"], found["cost"]) == (None, None)
    assert "first run" in found["note"]


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        pytest.param({"mode": "assign"}, 409, "has published no groups yet", id="no-groups"),
        pytest.param({"mode": "composite"}, 422, "at least two executions", id="no-sources"),
        pytest.param({"price": 1}, 422, "it takes:", id="unknown-key"),
    ],
)
def test_what_could_not_be_executed_cannot_be_estimated(client, path, body, status, words):
    found, error = error_of(client.post(path, json=body))
    assert found == status
    assert words in str(error)


def test_an_unknown_definition_is_not_found(client):
    assert error_of(client.post("/v1/clusters/nope/estimate"))[0] == 404
