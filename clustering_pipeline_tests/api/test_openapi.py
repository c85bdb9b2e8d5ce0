"""The OpenAPI document: reviewed as a snapshot, described throughout, with examples that run."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from clustering_pipeline.api.app import openapi_document
from clustering_pipeline_tests.api.answers import ok

SNAPSHOT = Path(__file__).parent / "openapi.json"
DOCUMENT = openapi_document()
SCHEMAS = DOCUMENT["components"]["schemas"]
METHODS = {"get", "post", "put", "patch", "delete"}
# What examples ask for by an id that is made up when it is needed.
UNKNOWN = {"run_id": "run_0a1b2c", "trigger_id": "trig_0a1b2c", "batch_id": "batch_0a1b2c"}

TRIGGERS = "/v1/clusters/triggers"
RUNS = "/v1/clusters/{}/executions"
# The calls of the contract: what is asked in the address, what is sent, what is answered.
CALLS = {
    ("POST", "/v1/clusters"): ("", "CreateClusterRequest", "ClusterMetadata"),
    ("GET", "/v1/clusters"): (
        "limit offset page page_size cursor search",
        None,
        "ListClustersResponse",
    ),
    ("POST", "/v1/clusters/list"): (
        "limit offset page page_size cursor search",
        "ListClustersRequest",
        "ListClustersResponse",
    ),
    ("GET", "/v1/clusters/{}"): ("", None, "ClusterMetadata"),
    ("PATCH", "/v1/clusters/{}"): ("", "PatchClusterRequest", "ClusterModel"),
    ("DELETE", "/v1/clusters/{}"): ("cascade_output_collections", None, "GenericDeleteResponse"),
    ("POST", "/v1/clusters/{}/execute"): ("", "ExecuteClusterByIdRequest", "TaskResponse"),
    ("POST", "/v1/clusters/execute"): ("", "ExecuteClusterRequest", "ExecuteClusterResponse"),
    ("GET", RUNS): ("include_vectors", None, "ClusterExecutionResult"),
    ("GET", f"{RUNS}/{{}}"): ("", None, "ClusterExecutionResult"),
    ("POST", f"{RUNS}/list"): (
        "limit offset",
        "ListClusterExecutionsRequest",
        "ListClusterExecutionsResponse",
    ),
    ("POST", f"{RUNS}/{{}}/cancel"): ("", None, "ClusterExecutionResult"),
    ("PATCH", f"{RUNS}/{{}}/labels"): ("", "LabelOverridesRequest", "PatchExecutionLabelsResponse"),
    ("PATCH", f"{RUNS}/{{}}/name"): ("", "RunNameRequest", "PatchExecutionRunNameResponse"),
    ("GET", f"{RUNS}/{{}}/export"): ("format cluster_label", None, "ExportLink"),
    ("GET", "/v1/clusters/{}/groups"): ("", None, "ClusterGroupsResponse"),
    ("GET", "/v1/clusters/{}/visualization"): (
        "max_points centroids_only compact run_id",
        None,
        "ClusterVisualization",
    ),
    ("POST", "/v1/clusters/enrich"): (
        "",
        "ApplyClusterEnrichmentRequest",
        "ClusteringEnrichmentResponse",
    ),
    ("GET", "/v1/tasks/{}"): ("", None, "TaskResponse"),
    ("DELETE", "/v1/tasks/{}"): ("", None, "GenericDeleteResponse"),
    ("POST", TRIGGERS): ("", "CreateTriggerRequest", "TriggerModel"),
    ("POST", f"{TRIGGERS}/list"): ("", "ListTriggersRequest", "ListTriggersResponse"),
    ("GET", f"{TRIGGERS}/{{}}"): ("", None, "TriggerModel"),
    ("PATCH", f"{TRIGGERS}/{{}}"): ("", "UpdateTriggerRequest", "TriggerModel"),
    ("DELETE", f"{TRIGGERS}/{{}}"): ("", None, "GenericDeleteResponse"),
    ("POST", f"{TRIGGERS}/{{}}/pause"): ("", None, "TriggerModel"),
    ("POST", f"{TRIGGERS}/{{}}/resume"): ("", None, "TriggerModel"),
    ("POST", f"{TRIGGERS}/{{}}/history"): ("", "TriggerHistoryRequest", "TriggerHistoryResponse"),
}


def test_the_document_is_as_reviewed():
    """After a change that is meant, ``python -m clustering_pipeline_tests.api.test_openapi``."""
    assert json.loads(SNAPSHOT.read_text()) == DOCUMENT


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in DOCUMENT["paths"].items():
        for method, about in methods.items():
            if method in METHODS:
                yield method.upper(), path, about


def test_every_operation_and_parameter_is_described():
    missing = [about["operationId"] for _, _, about in operations() if not about.get("description")]
    missing += [
        f"{about['operationId']}: {one['name']}"
        for _, _, about in operations()
        for one in about.get("parameters", ())
        if not one.get("description")
    ]
    assert missing == []


@pytest.mark.parametrize("name", sorted(SCHEMAS))
def test_every_field_is_described(name):
    schema = SCHEMAS[name]
    assert schema.get("description")
    fields = schema.get("properties", {})
    assert [one for one, about in fields.items() if not about.get("description")] == []


def test_operations_have_names_of_their_own():
    names = [about["operationId"] for _, _, about in operations()]
    assert sorted(set(names)) == sorted(names)


def test_every_call_of_the_contract_is_served():
    served = {
        (method, re.sub(r"{[^}]*}", "{}", path)): about for method, path, about in operations()
    }
    assert {call: _told(served[call], asked=CALLS[call][0]) for call in CALLS} == CALLS


def _told(about: dict[str, Any], *, asked: str) -> tuple[str, str | None, str | None]:
    """What an operation takes of what is asked in the address, and the models it names."""
    query = {one["name"] for one in about.get("parameters", ()) if one["in"] == "query"}
    taken = " ".join(name for name in asked.split() if name in query)
    return taken, _model(about.get("requestBody", {})), _model(about["responses"]["200"])


def _model(about: dict[str, Any]) -> str | None:
    schema = about.get("content", {}).get("application/json", {}).get("schema", {})
    found = [one["$ref"] for one in (schema, *schema.get("anyOf", ())) if "$ref" in one]
    return found[0].rpartition("/")[2] if found else None


WITH_BODY = [one for one in operations() if "requestBody" in one[2]]


@pytest.fixture(scope="module")
def started(served):
    """A namespace in which the first examples have been followed."""
    with served.client(scope=served.tenant(uuid4().hex)) as client:
        ok(client.post("/v1/collections", json=example_of("create_collection")))
        ok(client.post("/v1/clusters", json=example_of("create_cluster")))
        yield client


def example_of(name: str) -> Any:
    (found,) = (one for _, _, one in WITH_BODY if one["operationId"] == name)
    return found["requestBody"]["content"]["application/json"]["example"]


@pytest.mark.parametrize(
    ("method", "path", "about"), WITH_BODY, ids=[one["operationId"] for _, _, one in WITH_BODY]
)
def test_every_example_is_understood(served, started, method, path, about):
    if about["operationId"] == "execute_cluster":
        # It would start a run; what it says is checked all the same.
        path = path.replace("{cluster_identifier}", "nobody's")
    known = UNKNOWN | {"cluster_identifier": "topics", "collection_identifier": "speeches"}
    for name, value in known.items():
        path = path.replace(f"{{{name}}}", value)
    # An example before this one may have deleted them.
    ok(started.post("/v1/collections/speeches/documents", json=example_of("put_documents")))
    answer = started.request(method, path, json=example_of(about["operationId"]))
    assert answer.status_code in {200, 404, 409}, answer.text


if __name__ == "__main__":
    SNAPSHOT.write_text(json.dumps(DOCUMENT, indent=1, ensure_ascii=False, sort_keys=True) + "\n")
