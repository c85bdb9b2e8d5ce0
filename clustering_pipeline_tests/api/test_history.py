"""Lineage, differences, edits and the way back, over HTTP."""

from collections.abc import Iterator

import dagster as dg
import pytest

from clustering_pipeline_tests.api.answers import error_of, ok
from clustering_pipeline_tests.worlds.planted import planted
from clustering_pipeline_tests.worlds.world import World

SUBJECTS = {"sea": 30, "kitchen": 20, "space": 15, "court": 10}


@pytest.fixture(scope="module")
def world(served) -> Iterator[World]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield World(pipeline=served.pipeline, instance=instance)


@pytest.fixture(scope="module")
def cluster(world):
    return world.define(world.collection(planted(sizes=SUBJECTS)))


@pytest.fixture(scope="module")
def runs(world, cluster) -> list[str]:
    """Two runs, with ten documents of the sea gone in between."""
    first = world.execute(cluster)
    collection = world.pipeline.catalog.collections.get(
        cluster.scope, cluster.spec.collection_ids[0]
    )
    sea = [point for point, one in world.payloads(collection).items() if one["subject"] == "sea"]
    world.pipeline.documents.delete_points(collection.qdrant_collection, point_ids=sea[:10])
    return [first.run_id, world.execute(cluster).run_id]


@pytest.fixture(scope="module")
def path(cluster, runs) -> str:
    return f"/v1/clusters/{cluster.cluster_id}"


def test_groups_have_a_history(client, path, runs):
    lineage = ok(client.get(f"{path}/lineage"))
    assert [one["run_id"] for one in lineage["runs"]] == runs[::-1]
    assert [one["event"] for one in lineage["runs"][1]["events"]] == ["born"] * 4
    shrunk = [one for one in lineage["runs"][0]["events"] if one["event"] == "shrunk"]
    assert [(one["previous_num_members"], one["num_members"]) for one in shrunk] == [(30, 20)]
    one_group = ok(client.get(f"{path}/lineage", params={"group": shrunk[0]["group_uid"]}))
    assert {event["group_uid"] for run in one_group["runs"] for event in run["events"]} == {
        shrunk[0]["group_uid"]
    }
    assert error_of(client.get(f"{path}/lineage", params={"group": "cl_99"}))[0] == 404


def test_two_runs_are_compared(client, path, runs):
    first, second = runs
    found = ok(client.get(f"{path}/executions/{second}/diff", params={"against": first}))
    assert (found["documents_removed"], found["documents_added"]) == (10, 0)
    assert (found["documents_kept"], found["documents_moved"]) == (65, 0)
    assert error_of(client.get(f"{path}/executions/{second}/diff"))[0] == 422
    strange = client.get(f"{path}/executions/{second}/diff", params={"against": "run_0"})
    assert error_of(strange)[0] == 404


def test_edits_are_read_and_replaced(client, path):
    before = ok(client.get(f"{path}/edits"))
    assert (before["version"], before["conflicts"]) == (0, [])
    group = ok(client.get(f"{path}/groups"))["groups"][0]
    uid = group["group_uid"]
    edits = {"rename": {uid: group["label"]}, "pin": [uid]}
    kept = ok(client.put(f"{path}/edits", json=edits))
    assert kept["version"] == 1
    assert kept["edits"].items() >= edits.items()
    assert ok(client.get(f"{path}/edits")) == kept


@pytest.mark.parametrize(
    "edits",
    [
        pytest.param({"rename": {"cl_0": "The sea"}}, id="by-cluster-id"),
        pytest.param({"rename": {"grp_0": ""}}, id="empty-name"),
        pytest.param({"merge": [["grp_0"]]}, id="one-group"),
        pytest.param({"split": {"grp_0": 1}}, id="one-part"),
        pytest.param({"paint": ["grp_0"]}, id="unknown-key"),
    ],
)
def test_edits_that_cannot_be_are_refused(client, path, edits):
    assert error_of(client.put(f"{path}/edits", json=edits))[0] == 422


def test_readers_return_to_an_earlier_run(client, path, runs):
    first, second = runs
    assert ok(client.post(f"{path}/rollback"))["last_run_id"] == first
    assert ok(client.get(f"{path}/groups"))["total_documents"] == 75
    assert error_of(client.post(f"{path}/rollback", json={"run_id": first}))[0] == 409
    assert ok(client.post(f"{path}/rollback", json={"run_id": second}))["last_run_id"] == second
    assert error_of(client.post(f"{path}/rollback", json={"run_id": "run_0"}))[0] == 404


def test_a_definition_without_runs_has_no_history(client, world):
    made = world.define(world.collection(planted(sizes={"sea": 3})))
    path = f"/v1/clusters/{made.cluster_id}"
    assert ok(client.get(f"{path}/lineage"))["runs"] == []
    assert error_of(client.post(f"{path}/rollback"))[0] == 409
