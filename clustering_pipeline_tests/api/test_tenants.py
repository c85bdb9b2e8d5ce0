"""Two tenants, every operation there is, each with the other's ids: nothing read, changed or told.

The operations come from the OpenAPI document, so a new one is tried as soon as it is served; one
with a parameter or a body of a new kind fails here until it is said what that is.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

import httpx
import pytest
from pymongo import MongoClient
from pymongo.database import Database

from clustering_pipeline.api.app import openapi_document
from clustering_pipeline.model.collection import RegisterCollectionRequest
from clustering_pipeline.model.key import Access
from clustering_pipeline.model.scope import LOCAL, Scope
from clustering_pipeline_tests.api.answers import error_of, ok
from clustering_pipeline_tests.api.served import Served
from clustering_pipeline_tests.orchestration import direct
from clustering_pipeline_tests.orchestration.planted import planted
from clustering_pipeline_tests.orchestration.world import FEATURE, KMEANS

IDS = (
    "cluster_id",
    "collection_identifier",
    "target_collection_id",
    "document_id",
    "run_id",
    "against",
    "cluster_identifier",
)
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
LISTS = {one for one in OF_ONES_OWN - NO_NAMESPACE if one.startswith("list_")}
# What is looked for among what is one's own, and not there, is no error.
LOOKED_FOR = {("delete_documents", "document_id"), ("get_cluster_lineage", "group")}


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One operation of the document."""

    name: str
    method: str
    path: str
    parameters: tuple[str, ...]
    query: tuple[str, ...]
    """What must stand behind the ``?``."""
    body: str | None
    """Which of ``Owned.bodies`` it is sent."""


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
                    body=(
                        about["operationId"]
                        if about.get("requestBody", {}).get("required")
                        else None
                    ),
                )


OPERATIONS = tuple(operations())
# What else may be asked by an id.
FURTHER = tuple(
    replace(one, **asked)
    for name, asked in (
        ("get_cluster_visualization", {"query": ("run_id",)}),
        ("get_cluster_lineage", {"query": ("group",)}),
        ("list_triggers", {"body": "list_triggers"}),
        ("roll_back_cluster", {"body": "roll_back_cluster"}),
        ("execute_cluster", {"body": "a composite run"}),
        ("estimate_cluster_labels", {"body": "a composite run"}),
        ("create_cluster", {"body": "a composite definition"}),
        ("apply_cluster_enrichment", {"body": "a run applied elsewhere"}),
    )
    for one in OPERATIONS
    if one.name == name
)


def each(chosen: Iterable[Operation]) -> pytest.MarkDecorator:
    """A test for each of the operations."""
    return pytest.mark.parametrize("operation", list(chosen), ids=lambda one: one.name)


@dataclass(frozen=True, kw_only=True)
class Owned:
    """What one tenant has, by the name of the parameter that asks for it."""

    ids: dict[str, str]
    names: tuple[str, ...]
    qdrant_collection: str

    def mixed(self, other: "Owned", name: str) -> "Owned":
        """The same with one id of another."""
        return replace(self, ids={**self.ids, name: other.ids[name]})

    def named(self) -> "Owned":
        """The same, asked for by names."""
        cluster, collection = self.names[:2]
        by_name = {"cluster_identifier": cluster, "collection_identifier": collection}
        return replace(self, ids={**self.ids, **by_name})

    def bodies(self) -> dict[str, Any]:
        """A body for each operation that needs one, about what is owned."""
        collection, cluster = self.ids["collection_identifier"], self.ids["cluster_id"]
        document_id, run_id = self.ids["document_id"], self.ids["run_id"]
        vector = {"feature_uri": "mixpeek://text@v1/embedding", "clustering_method": "kmeans"}
        config = {"algorithm": "kmeans", "feature_vector": {"vector_name": "embedding"}}
        return {
            "create_namespace": {"namespace_name": f"ours {uuid4().hex[:8]}"},
            "create_collection": {"collection_name": self.qdrant_collection},
            "put_documents": {"documents": [{"document_id": "d", "payload": {"a": 1}}]},
            "delete_documents": {"document_ids": [document_id]},
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
            "list_triggers": {"cluster_id": cluster},
            "roll_back_cluster": {"run_id": run_id},
            "a composite run": {
                "mode": "composite",
                "source_execution_ids": [run_id, self.ids["against"]],
            },
            "a composite definition": {
                "source_cluster_ids": [cluster, self.ids["cluster_identifier"]],
                "vector_config": vector,
            },
            "a run applied elsewhere": {
                "clustering_ids": [run_id],
                "source_collection_id": collection,
                "target_collection_id": self.ids["target_collection_id"],
            },
        }


def possessions(served: Served, scope: Scope, receiver: str) -> Owned:
    """A collection with documents and a batch, and a definition with a published run."""
    catalog, stored = served.pipeline.catalog, served.pipeline.documents
    name, documents = f"documents {uuid4().hex[:12]}", planted(sizes={"sea": 20, "court": 10})
    payloads = [
        {**one, "document_id": f"{scope.namespace_id}_{one['document_id']}"}
        for one in documents.payloads
    ]
    stored.create_collection(name, {"embedding": documents.vectors.shape[1]})
    stored.upsert(name, documents.ids, {"embedding": documents.vectors}, payloads)
    request = RegisterCollectionRequest(collection_name=name)
    collection = catalog.collections.register(scope, request).collection_id
    with served.client(scope=scope) as client:
        wanted = {
            "cluster_name": f"definition {uuid4().hex[:12]}",
            "description": "ours",
            "collection_ids": [collection],
            "vector_config": {"feature_uri": FEATURE, **KMEANS},
        }
        cluster = ok(client.post("/v1/clusters", json=wanted))
        ran = direct.execute(served.pipeline, catalog.clusters.by_id(cluster["cluster_id"]))
        (group, *_) = ok(client.get(f"/v1/clusters/{ran.cluster_id}/executions"))["centroids"]
        batch = ok(client.post(f"/v1/collections/{collection}/batches"))
        hourly = {"trigger_type": "interval", "schedule_config": {"interval_seconds": 3600}}
        timed = {"cluster_id": ran.cluster_id, **hourly}
        trigger = ok(client.post("/v1/clusters/triggers", json=timed))
        webhook = ok(client.post("/v1/webhooks", json={"url": f"https://{receiver}/"}))
    ids = {
        "cluster_identifier": ran.cluster_id,
        "cluster_id": ran.cluster_id,
        "run_id": ran.run_id,
        "against": ran.run_id,
        "group": group["group_uid"],
        "task_id": ran.task_id,
        "collection_identifier": collection,
        "target_collection_id": collection,
        "document_id": payloads[0]["document_id"],
        "batch_id": batch["batch_id"],
        "trigger_id": trigger["trigger_id"],
        "webhook_id": webhook["webhook_id"],
    }
    names = (wanted["cluster_name"], name, receiver)
    return Owned(ids=ids, names=names, qdrant_collection=name)


@pytest.fixture(scope="module")
def owned(served) -> Owned:
    """What the one tenant has, whom others ask about."""
    return possessions(served, LOCAL, "ours.invalid")


@pytest.fixture(scope="module")
def stranger(served) -> Scope:
    return served.tenant(uuid4().hex)


@pytest.fixture(scope="module")
def own(served, stranger) -> Owned:
    """What the other tenant has, who asks."""
    return possessions(served, stranger, "theirs.invalid")


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
    if operation.body:
        bodies = owned.bodies()
        assert operation.body in bodies, f"say in Owned.bodies what {operation.body} takes"
        body = bodies[operation.body]
    query = {name: owned.ids[name] for name in operation.query}
    return client.request(operation.method, path, params=query, json=body)


@pytest.fixture(scope="module")
def unchanged(served, mongodb_uri, owned, own, neighbours) -> Iterator[Callable[[], bool]]:
    """Whether the tenant has what it had when everybody had all that is theirs."""
    assert own
    assert neighbours
    with MongoClient(mongodb_uri) as mongo:
        database = mongo[served.settings.mongodb_database]
        before = everything(served, database, owned)
        yield lambda: everything(served, database, owned) == before


def everything(served, database: Database, owned: Owned) -> str:
    """All that the stores hold of the tenant."""
    kept = {
        name: list(database[name].find({"organization_id": LOCAL.organization_id}).sort("_id"))
        for name in sorted(set(database.list_collection_names()) - {"keys"})
    }
    kept = {name: found for name, found in kept.items() if found}
    documents = [
        (point.id, point.payload)
        for page in served.pipeline.documents.scroll(owned.qdrant_collection)
        for point in page
    ]
    files = sorted(served.pipeline.artifacts.list(""))
    return json.dumps([kept, documents, files], default=str)


@each((*(one for one in OPERATIONS if one.name not in OF_ONES_OWN), *FURTHER))
def test_what_another_has_is_answered_as_what_nobody_has(
    served, owned, unchanged, stranger, operation
):
    with served.client(scope=stranger) as client:
        expect_nothing(client, operation, owned)
    assert unchanged()


def expect_nothing(client: httpx.Client, operation: Operation, owned: Owned) -> None:
    """What is owned is answered as what nobody has, by ids and by names."""
    for asked in (owned, owned.named()):
        nobodys = unknown(asked)
        theirs, none = ask(client, operation, asked), ask(client, operation, nobodys)
        assert error_of(theirs)[0] == error_of(none)[0] == 404
        assert _anonymous(theirs, asked) == _anonymous(none, nobodys)


@each(
    one
    for one in (*OPERATIONS, *FURTHER)
    if one.name not in {*OF_ONES_OWN, *NO_NAMESPACE, "create_collection"} or one in FURTHER
)
def test_a_namespace_has_nothing_of_its_neighbour(owned, unchanged, neighbours, operation):
    expect_nothing(neighbours, operation, owned)
    assert unchanged()


@each(one for one in OPERATIONS if one.name in LISTS)
def test_a_list_holds_nothing_of_a_neighbour(owned, neighbours, operation):
    assert ok(ask(neighbours, operation, owned))["results"] == []


def places(operation: Operation) -> list[str]:
    """The ids that a request of the operation holds."""
    names = (*IDS, *operation.parameters, *operation.query)
    bodies = Owned(ids={one: f"<{one}>" for one in names}, names=(), qdrant_collection="").bodies()
    sent = json.dumps(bodies[operation.body]) if operation.body else ""
    return [
        one
        for one in dict.fromkeys(names)
        if one in {*operation.parameters, *operation.query} or f"<{one}>" in sent
    ]


MIXED = [
    pytest.param(one, name, id=f"{one.name}-{name}")
    for one in (*OPERATIONS, *FURTHER)
    for name in places(one)
    if len(places(one)) > 1
]


@pytest.fixture(scope="module")
def neighbours(served) -> Iterator[httpx.Client]:
    """Who asks from an empty namespace of the same organisation."""
    namespaces = served.pipeline.catalog.namespaces
    beside = namespaces.create(LOCAL.organization_id, uuid4().hex).scope
    with served.client(scope=beside) as client:
        yield client


@pytest.fixture(scope="module")
def strangers(served, stranger) -> Iterator[httpx.Client]:
    """Who asks."""
    with served.client(scope=stranger) as client:
        yield client


@pytest.mark.parametrize(("operation", "name"), MIXED)
def test_what_another_has_is_nothing_among_what_is_ones_own(
    strangers, owned, own, operation, name, *, unchanged
):
    with_theirs, with_nobodys = own.mixed(owned, name), own.mixed(unknown(owned), name)
    theirs = ask(strangers, operation, with_theirs)
    none = ask(strangers, operation, with_nobodys)
    wanted = 200 if (operation.name, name) in LOOKED_FOR else 404
    assert theirs.status_code == none.status_code == wanted
    assert _anonymous(theirs, with_theirs) == _anonymous(none, with_nobodys)
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
