"""Triggers over HTTP."""

from uuid import uuid4

import pytest

from clustering_pipeline.model.automation.triggers import TriggerModel
from clustering_pipeline_tests.api.answers import error_of, ok, problems_of
from clustering_pipeline_tests.model.factories import definition

HOURLY = {"trigger_type": "interval", "schedule_config": {"interval_seconds": 3600}}


@pytest.fixture(scope="module")
def collection(client) -> str:
    request = {"collection_name": f"news {uuid4().hex[:8]}", "vector_sizes": {"embedding": 2}}
    return ok(client.post("/v1/collections", json=request))["collection_id"]


@pytest.fixture(scope="module")
def cluster(client, collection) -> str:
    request = definition(cluster_name=f"topics {uuid4().hex[:8]}", collection_ids=[collection])
    return ok(client.post("/v1/clusters", json=request))["cluster_id"]


@pytest.fixture
def trigger(client, cluster) -> dict:
    return ok(client.post("/v1/clusters/triggers", json={**HOURLY, "cluster_id": cluster}))


def test_a_trigger_is_made_and_read(client, cluster, collection, trigger):
    assert trigger.keys() == TriggerModel.model_fields.keys()
    assert (trigger["cluster_id"], trigger["status"]) == (cluster, "active")
    assert trigger["execution_config"]["collection_ids"] == [collection]
    assert trigger["schedule_config"]["interval_seconds"] == 3600
    assert trigger["next_scheduled_at"] > trigger["created_at"]
    assert ok(client.get(f"/v1/clusters/triggers/{trigger['trigger_id']}")) == trigger


@pytest.mark.parametrize(
    ("kind", "schedule"),
    [
        ("cron", {"cron_expression": "0 2 * * *", "timezone": "Europe/Berlin"}),
        ("interval", {"interval_seconds": 300}),
        ("event", {"event_type": "documents_added", "event_threshold": 10}),
        ("event", {"event_type": "documents_updated", "event_threshold": 1}),
        ("event", {"event_type": "batch_completed", "event_threshold": 1}),
    ],
)
def test_each_kind_of_trigger_is_taken(client, cluster, kind, schedule):
    request = {"cluster_id": cluster, "trigger_type": kind, "schedule_config": schedule}
    made = ok(client.post("/v1/clusters/triggers", json=request))
    assert made["schedule_config"].items() >= schedule.items()


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        pytest.param({"cluster_id": "nothing"}, 404, id="unknown-definition"),
        pytest.param({"cluster_id": None}, 422, id="no-definition"),
        pytest.param({"trigger_type": "lunar"}, 422, id="unknown-kind"),
        pytest.param({"schedule_config": {"interval_seconds": 299}}, 422, id="too-often"),
        pytest.param({"schedule_config": {"cron_expression": "* * * * *"}}, 422, id="of-another"),
        pytest.param({"schedule_config": {}}, 422, id="no-settings"),
        pytest.param({"status": "failed"}, 422, id="failed-already"),
        pytest.param({"every": "day"}, 422, id="unknown-key"),
    ],
)
def test_triggers_that_cannot_be_are_refused(client, cluster, changes, status):
    request = {"cluster_id": cluster, **HOURLY, **changes}
    assert error_of(client.post("/v1/clusters/triggers", json=request))[0] == status


def test_a_trigger_is_changed_paused_and_resumed(client, trigger):
    address = f"/v1/clusters/triggers/{trigger['trigger_id']}"
    changed = {"description": "now and then", "schedule_config": {"interval_seconds": 600}}
    told = ok(client.patch(address, json=changed))
    assert told["description"] == "now and then"
    assert told["schedule_config"]["interval_seconds"] == 600
    assert ok(client.post(f"{address}/pause"))["status"] == "paused"
    assert ok(client.post(f"{address}/resume"))["status"] == "active"
    assert problems_of(client.patch(address, json={"cluster_id": "x"}))


def test_triggers_are_listed(client, cluster, trigger):
    request = {"cluster_id": cluster, "trigger_type": "interval", "limit": 1}
    page = ok(client.post("/v1/clusters/triggers/list", json=request))
    assert [one["trigger_id"] for one in page["results"]] == [trigger["trigger_id"]]
    assert page["total"] >= 1
    assert ok(client.post("/v1/clusters/triggers/list"))["total"] >= page["total"]
    strange = client.post("/v1/clusters/triggers/list", json={"cluster_id": "nothing"})
    assert error_of(strange)[0] == 404


def test_a_trigger_that_never_fired_has_no_history(client, trigger):
    address = f"/v1/clusters/triggers/{trigger['trigger_id']}"
    history = ok(client.post(f"{address}/history", json={"limit": 5}))
    assert (history["executions"], history["total"], history["limit"]) == ([], 0, 5)


def test_a_deleted_trigger_is_gone(client, trigger):
    address = f"/v1/clusters/triggers/{trigger['trigger_id']}"
    assert ok(client.delete(address))["success"]
    answers = [
        client.get(address),
        client.delete(address),
        client.patch(address, json={}),
        client.post(f"{address}/pause"),
        client.post(f"{address}/resume"),
        client.post(f"{address}/history"),
    ]
    assert {error_of(answer)[0] for answer in answers} == {404}


def test_triggers_are_nobody_elses(served, trigger):
    address = f"/v1/clusters/triggers/{trigger['trigger_id']}"
    with served.client(scope=served.tenant(f"stranger {uuid4().hex[:8]}")) as stranger:
        assert error_of(stranger.get(address))[0] == 404
        assert error_of(stranger.delete(address))[0] == 404
        assert ok(stranger.post("/v1/clusters/triggers/list"))["total"] == 0


def test_replaced_documents_count_as_updated(client, served, collection, cluster):
    settings = {"event_type": "documents_updated", "event_threshold": 2}
    request = {"cluster_id": cluster, "trigger_type": "event", "schedule_config": settings}
    trigger = ok(client.post("/v1/clusters/triggers", json=request))["trigger_id"]
    path = f"/v1/collections/{collection}/documents"
    for names in ("ab", "bc", "abc"):
        ok(client.post(path, json={"documents": [{"document_id": name} for name in names]}))
    (record,) = (one for one in served.pipeline.catalog.triggers.table.find({"_id": trigger}))
    assert record["updates"] == 4
