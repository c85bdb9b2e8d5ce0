"""Definitions over HTTP: stored, read, listed, changed, deleted."""

from uuid import uuid4

import pytest

from clustering_pipeline.model.collections import RegisterCollectionRequest
from clustering_pipeline.model.definitions.views import ClusterMetadata, ClusterModel
from clustering_pipeline.model.scope import LOCAL
from clustering_pipeline_tests.api.answers import error_of, ok, problems_of
from clustering_pipeline_tests.model.factories import definition


@pytest.fixture(scope="module", autouse=True)
def speeches(served):
    served.pipeline.catalog.collections.register(
        LOCAL, RegisterCollectionRequest(collection_name="speeches")
    )


def named(client, **changes):
    name = f"topics {uuid4().hex[:8]}"
    return ok(client.post("/v1/clusters", json=definition(cluster_name=name, **changes)))


def test_a_definition_is_stored_with_its_output_reserved_and_runs_nothing(client):
    made = named(client, description="what is said")
    assert made.keys() == ClusterMetadata.model_fields.keys()
    assert (made["status"], made["algorithm"]) == ("PENDING", "hdbscan")
    assert len(made["output_collection_ids"]) == 1
    assert ok(client.get(f"/v1/clusters/{made['cluster_id']}")) == made
    assert ok(client.get(f"/v1/clusters/{made['cluster_name']}")) == made
    assert ok(client.get(f"/v1/clusters/{made['cluster_id']}/executions")) is None


def test_a_name_is_taken_once(client):
    made = named(client)
    again = client.post("/v1/clusters", json=definition(cluster_name=made["cluster_name"]))
    assert error_of(again)[0] == 409


@pytest.mark.parametrize(
    "name", ["a/b", "50% off/today", "ünïcode ☃", "..", "../../etc/passwd", "a?b#c", "a%2Fb"]
)
def test_a_name_may_hold_what_must_be_encoded_in_an_address(client, name):
    unique = f"{name} {uuid4().hex[:6]}"
    made = ok(client.post("/v1/clusters", json=definition(cluster_name=unique)))
    encoded = "".join(f"%{byte:02X}" for byte in unique.encode())
    assert ok(client.get(f"/v1/clusters/{encoded}")) == made
    assert ok(client.delete(f"/v1/clusters/{encoded}"))["success"] is True


def test_only_given_fields_change_and_null_leaves_a_field_as_it_is(client):
    made = named(client, description="before", metadata={"team": "a", "rank": 1})
    address = f"/v1/clusters/{made['cluster_id']}"
    changed = ok(client.patch(address, json={"description": None, "metadata": {"team": "b"}}))
    assert changed.keys() == ClusterModel.model_fields.keys()
    after = ok(client.get(address))
    assert (after["description"], after["metadata"]) == ("before", {"team": "b"})
    untouched = set(made) - {"metadata", "updated_at"}
    assert {name: after[name] for name in untouched} == {name: made[name] for name in untouched}


@pytest.mark.parametrize("field", ["cluster_id", "status", "num_clusters", "collection_ids", "x"])
def test_a_field_that_cannot_be_changed_is_refused_by_name(client, field):
    made = named(client)
    answer = client.patch(f"/v1/clusters/{made['cluster_id']}", json={field: "y"})
    assert [field in problem["message"] for problem in problems_of(answer)] == [True]
    assert ok(client.get(f"/v1/clusters/{made['cluster_id']}")) == made


def test_what_holds_a_definition_back_is_told(client):
    listens = {"auto_execute_on_batch": True, "auto_execute_min_documents": 40}
    made, other = named(client, **listens), named(client)
    address = "/v1/collections/speeches/batches"
    ok(client.post(f"{address}/{ok(client.post(address))['batch_id']}/complete"))
    told = ok(client.get(f"/v1/clusters/{made['cluster_id']}/automation"))
    (collection,) = made["input_collections"]
    assert (told["due"], told["batches_behind"]) == (False, {collection: 1})
    assert told["waits_for"] == [
        f"{told['documents_missing']} documents are missing to the threshold"
    ]
    off = ok(client.get(f"/v1/clusters/{other['cluster_name']}/automation"))
    assert (off["automatic"], off["waits_for"]) == (False, ["auto_execute_on_batch is off"])
    assert error_of(client.get("/v1/clusters/unknown/automation"))[0] == 404


def test_a_deleted_definition_is_gone_and_so_is_its_reserved_name(client):
    made = named(client)
    address = f"/v1/clusters/{made['cluster_id']}"
    assert ok(client.delete(address)) == {
        "message": f"deleted {made['cluster_id']}",
        "success": True,
    }
    assert error_of(client.delete(address))[0] == 404
    assert error_of(client.get(address))[0] == 404


@pytest.fixture(scope="module")
def tenant(served):
    """A namespace with seven definitions and nothing else."""
    scope = served.tenant(uuid4().hex)
    served.pipeline.catalog.collections.register(
        scope, RegisterCollectionRequest(collection_name="speeches")
    )
    with served.client(scope=scope) as client:
        for number in range(7):
            name, kind = f"n{number}", "even" if number % 2 == 0 else "odd"
            ok(client.post("/v1/clusters", json=definition(cluster_name=name, description=kind)))
        yield client


class TestLists:
    def test_a_body_is_not_needed(self, tenant):
        kinds = {"Content-Type": "application/json"}
        page = ok(tenant.post("/v1/clusters/list", content=b"", headers=kinds))
        assert [one["cluster_name"] for one in page["results"]] == [f"n{6 - n}" for n in range(7)]
        assert page["stats"]["clusters_by_status"] == {"PENDING": 7}
        assert ok(tenant.get("/v1/clusters")) == page

    def test_filters_sort_and_search_select(self, tenant):
        asked = {
            "filters": {"field": "description", "operator": "eq", "value": "EVEN"},
            "sort": {"field": "cluster_name"},
            "search": "n",
        }
        page = ok(tenant.post("/v1/clusters/list", json=asked))
        assert [one["cluster_name"] for one in page["results"]] == ["n0", "n2", "n4", "n6"]
        assert page["total_count"] == 4

    def test_the_body_wins_over_the_address(self, tenant):
        page = ok(tenant.post("/v1/clusters/list?limit=2&offset=1", json={"limit": 3}))
        assert [one["cluster_name"] for one in page["results"]] == ["n5", "n4", "n3"]

    def test_the_body_wins_in_whichever_way_it_says_it(self, tenant):
        page = ok(tenant.post("/v1/clusters/list?limit=2&offset=1", json={"page_size": 3}))
        assert [one["cluster_name"] for one in page["results"]] == ["n5", "n4", "n3"]
        page = ok(tenant.post("/v1/clusters/list?limit=2&offset=1", json={"page": 3}))
        assert [one["cluster_name"] for one in page["results"]] == ["n2", "n1"]

    def test_pages_lead_to_each_other_with_the_question_they_answer(self, tenant):
        asked = {"filters": {"description": "even"}, "sort": {"field": "cluster_name"}, "limit": 3}
        first = ok(tenant.post("/v1/clusters/list", json=asked))
        second = ok(tenant.get(first["pagination"]["next_page"]))
        assert [one["cluster_name"] for one in second["results"]] == ["n6"]
        assert second["pagination"]["next_page"] is None
        assert ok(tenant.get(second["pagination"]["previous_page"]))["results"] == first["results"]

    def test_a_page_past_the_end_is_empty(self, tenant):
        page = ok(tenant.get("/v1/clusters?page=9&page_size=5"))
        assert (page["results"], page["total_count"]) == ([], 7)

    @pytest.mark.parametrize("query", ["limit=0", "limit=1001", "offset=10001", "page=0", "page=x"])
    def test_a_page_that_cannot_be_is_refused(self, tenant, query):
        assert problems_of(tenant.get(f"/v1/clusters?{query}"))

    def test_a_cursor_of_nobody_is_refused(self, tenant):
        assert error_of(tenant.get("/v1/clusters?cursor=x"))[0] == 422
