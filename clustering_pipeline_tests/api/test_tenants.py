"""Two tenants, every operation there is, each with the other's ids: nothing read, changed or told.

The operations come from the OpenAPI document, so a new one is tried as soon as it is served; one
with a parameter or a body of a new kind fails here until it is said what that is.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import dagster as dg
import httpx
import pytest
from pymongo import MongoClient

from clustering_pipeline.api.app import openapi_document
from clustering_pipeline.model.key import Access
from clustering_pipeline.model.scope import LOCAL, Scope
from clustering_pipeline_tests.api.answers import error_of, ok
from clustering_pipeline_tests.orchestration.planted import planted
from clustering_pipeline_tests.orchestration.world import World

METHODS = {"get", "post", "put", "patch", "delete"}
# What is in no namespace, and what answers for the caller's own namespace alone.
NO_NAMESPACE = {"get_task", "delete_task", "list_namespaces", "create_namespace"}
OF_ONES_OWN = {
    "list_namespaces",
    "create_namespace",
    "list_collections",
    "list_clusters",
    "list_clusters_by_address",
    "list_triggers",
    "list_webhooks",
    "create_webhook",
}


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One operation of the document."""

    name: str
    method: str
    path: str
    parameters: tuple[str, ...]
    query: tuple[str, ...]
    """What must stand behind the ``?``."""
    needs_body: bool


def operations() -> Iterator[Operation]:
    for path, methods in openapi_document()["paths"].items():
        for method, about in methods.items():
            if method in METHODS and path.startswith("/v1/"):
                yield Operation(
                    name=about["operationId"],
                    method=method.upper(),
                    path=path,
                    parameters=tuple(
                        one["name"] for one in about.get("parameters", ()) if one["in"] == "path"
                    ),
                    query=tuple(
                        one["name"]
                        for one in about.get("parameters", ())
                        if one["in"] == "query" and one.get("required")
                    ),
                    needs_body=about.get("requestBody", {}).get("required", False),
                )


OPERATIONS = tuple(operations())


def each(chosen: Iterable[Operation]) -> pytest.MarkDecorator:
    """A test for each of the operations."""
    return pytest.mark.parametrize("operation", list(chosen), ids=lambda one: one.name)


@dataclass(frozen=True, kw_only=True)
class Owned:
    """What one tenant has, by the name of the parameter that asks for it."""

    ids: dict[str, str]
    names: tuple[str, ...]
    qdrant_collection: str

    def bodies(self) -> dict[str, Any]:
        """A body for each operation that needs one, about what is owned."""
        collection, cluster = self.ids["collection_identifier"], self.ids["cluster_identifier"]
        vector = {"feature_uri": "mixpeek://text@v1/embedding", "clustering_method": "kmeans"}
        config = {"algorithm": "kmeans", "feature_vector": {"vector_name": "embedding"}}
        return {
            "create_namespace": {"namespace_name": f"ours {uuid4().hex[:8]}"},
            "create_collection": {"collection_name": self.qdrant_collection},
            "put_documents": {"documents": [{"document_id": "d", "payload": {"a": 1}}]},
            "delete_documents": {"document_ids": ["doc_00000"]},
            "apply_cluster_enrichment": {
                "clustering_ids": [cluster],
                "source_collection_id": collection,
            },
            "execute_clustering": {"collection_ids": [collection], "config": config},
            "create_cluster": {"collection_ids": [collection], "vector_config": vector},
            "patch_cluster": {"description": "theirs"},
            "put_cluster_edits": {"exclude": ["doc_00000"]},
            "patch_execution_labels": {"labels": {"cl_0": "theirs"}},
            "patch_execution_run_name": {"run_name": "theirs"},
            "create_trigger": {
                "cluster_id": cluster,
                "trigger_type": "interval",
                "schedule_config": {"interval_seconds": 3600},
            },
            "update_trigger": {"description": "theirs"},
            "create_webhook": {"url": "https://theirs.invalid/"},
        }


@pytest.fixture(scope="module")
def owned(served) -> Iterator[Owned]:
    """A collection with documents and a batch, and a definition with a published run."""
    with dg.DagsterInstance.ephemeral() as instance, served.client() as client:
        world = World(pipeline=served.pipeline, instance=instance)
        collection = world.collection(planted(sizes={"sea": 20, "court": 10}))
        cluster = world.define(collection, description="ours")
        ran = world.execute(cluster)
        batch = ok(client.post(f"/v1/collections/{collection.collection_id}/batches"))
        hourly = {"trigger_type": "interval", "schedule_config": {"interval_seconds": 3600}}
        wanted = {"cluster_id": cluster.cluster_id, **hourly}
        trigger = ok(client.post("/v1/clusters/triggers", json=wanted))
        webhook = ok(client.post("/v1/webhooks", json={"url": "https://ours.invalid/"}))
        yield Owned(
            ids={
                "cluster_identifier": cluster.cluster_id,
                "cluster_id": cluster.cluster_id,
                "run_id": ran.run_id,
                "against": ran.run_id,
                "task_id": ran.execution.task_id,
                "collection_identifier": collection.collection_id,
                "document_id": "doc_00000",
                "batch_id": batch["batch_id"],
                "trigger_id": trigger["trigger_id"],
                "webhook_id": webhook["webhook_id"],
            },
            names=(cluster.name, collection.collection_name, "ours.invalid"),
            qdrant_collection=collection.qdrant_collection,
        )


@pytest.fixture(scope="module")
def stranger(served) -> Scope:
    return served.tenant(uuid4().hex)


def unknown(owned: Owned) -> Owned:
    """Ids of the same form and length that nobody has."""
    swapped = {name: _other(one) for name, one in owned.ids.items()}
    return Owned(ids=swapped, names=(), qdrant_collection=_other(owned.qdrant_collection))


def _other(text: str) -> str:
    return text[:-6] + "".join("0" if one != "0" else "1" for one in text[-6:])


def ask(client: httpx.Client, operation: Operation, owned: Owned) -> httpx.Response:
    path = operation.path
    for name in (*operation.parameters, *operation.query):
        assert name in owned.ids, f"say in Owned.ids what {name} is"
        path = path.replace(f"{{{name}}}", owned.ids[name])
    body = None
    if operation.needs_body:
        bodies = owned.bodies()
        assert operation.name in bodies, f"say in Owned.bodies what {operation.name} takes"
        body = bodies[operation.name]
    query = {name: owned.ids[name] for name in operation.query}
    return client.request(operation.method, path, params=query, json=body)


@pytest.fixture(scope="module")
def unchanged(served, mongodb_uri, owned) -> Callable[[], bool]:
    """Whether the tenant has what it had before anybody asked."""
    before = everything(served, mongodb_uri, owned)
    return lambda: everything(served, mongodb_uri, owned) == before


def everything(served, mongodb_uri: str, owned: Owned) -> str:
    """All that the stores hold of the tenant."""
    with MongoClient(mongodb_uri) as mongo:
        database = mongo[served.settings.mongodb_database]
        kept = {
            name: list(database[name].find({"organization_id": LOCAL.organization_id}).sort("_id"))
            for name in sorted(set(database.list_collection_names()) - {"keys"})
        }
    documents = [
        (point.id, point.payload)
        for page in served.pipeline.documents.scroll(owned.qdrant_collection)
        for point in page
    ]
    files = sorted(served.pipeline.artifacts.list(""))
    return json.dumps([kept, documents, files], default=str)


@each(one for one in OPERATIONS if one.name not in OF_ONES_OWN)
def test_what_another_has_is_answered_as_what_nobody_has(
    served, owned, unchanged, stranger, operation
):
    nobodys = unknown(owned)
    with served.client(scope=stranger) as client:
        theirs, none = ask(client, operation, owned), ask(client, operation, nobodys)
    assert error_of(theirs)[0] == error_of(none)[0] == 404
    assert _anonymous(theirs, owned) == _anonymous(none, nobodys)
    assert unchanged()


def _anonymous(answer: httpx.Response, owned: Owned) -> str:
    text = answer.text
    for one in (*owned.ids.values(), owned.qdrant_collection):
        text = text.replace(one, "…")
    return text


@each(one for one in OPERATIONS if one.name in OF_ONES_OWN)
def test_a_list_holds_what_is_ones_own(served, owned, unchanged, stranger, operation):
    with served.client(scope=stranger) as client:
        answer = ask(client, operation, owned)
    ok(answer)
    told = (*owned.ids.values(), *owned.names, owned.qdrant_collection, LOCAL.namespace_id)
    assert [one for one in told if one in answer.text] == []
    assert unchanged()


@each(one for one in OPERATIONS if one.name not in NO_NAMESPACE)
def test_a_namespace_of_another_is_refused_as_one_that_is_not_there(
    served, owned, stranger, operation
):
    answers = []
    with served.client(scope=stranger) as client:
        for namespace in (LOCAL.namespace_id, "default", "ns_0123456789", "nowhere"):
            client.headers["X-Namespace"] = namespace
            answer = ask(client, operation, owned)
            assert error_of(answer)[0] == 403
            answers.append(answer.text.replace(namespace, "…"))
        assert len(set(answers)) == 1
        del client.headers["X-Namespace"]
        assert error_of(ask(client, operation, owned))[0] == 422


@each(OPERATIONS)
def test_nobody_asks_without_a_key(served, owned, operation):
    with httpx.Client(base_url=served.url) as client:
        assert error_of(ask(client, operation, owned))[0] == 401


def test_a_key_for_one_namespace_uses_no_other(served, stranger):
    catalog = served.pipeline.catalog
    other = catalog.namespaces.create(stranger.organization_id, "other").namespace_id
    key = catalog.keys.create(
        stranger.organization_id, access=Access.WRITE, namespace_ids=[stranger.namespace_id]
    )
    headers = {"Authorization": f"Bearer {key.secret}"}
    with httpx.Client(base_url=served.url, headers=headers) as client:
        assert client.get("/v1/clusters?namespace=main").status_code == 200
        assert error_of(client.get(f"/v1/clusters?namespace={other}"))[0] == 403
        assert error_of(client.post("/v1/namespaces", json={"namespace_name": "x"}))[0] == 403
        (seen,) = ok(client.get("/v1/namespaces"))["results"]
        assert seen["namespace_id"] == stranger.namespace_id
