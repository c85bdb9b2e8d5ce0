"""Every operation there is, and what a tenant has to be asked about.

The operations come from the OpenAPI document, so a new one is tried as soon as it is served; one
with a parameter or a body of a new kind fails until it is said here what that is.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

import httpx

from clustering_pipeline.api.app import openapi_document
from clustering_pipeline.model.collections import RegisterCollectionRequest
from clustering_pipeline.model.scope import Scope
from clustering_pipeline_tests.api.answers import ok
from clustering_pipeline_tests.api.served import Served
from clustering_pipeline_tests.worlds import direct
from clustering_pipeline_tests.worlds.planted import planted
from clustering_pipeline_tests.worlds.world import FEATURE, KMEANS

IDS = (
    "cluster_id",
    "collection_identifier",
    "target_collection_id",
    "document_id",
    "run_id",
    "against",
    "cluster_identifier",
)
NO_IDS = {"q": "trawler", "field": "subject"}
"""What must stand behind the ``?`` and asks for nobody's possessions."""
METHODS = {"get", "post", "put", "patch", "delete"}


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
                        if one["name"] not in NO_IDS
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
            "place_cluster_texts": {"texts": ["a trawler"]},
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
    asked = openapi_document()["paths"][operation.path][operation.method.lower()]
    plain = {one["name"] for one in asked.get("parameters", ()) if one["name"] in NO_IDS}
    query = {name: owned.ids[name] for name in operation.query}
    query |= {name: NO_IDS[name] for name in plain}
    return client.request(operation.method, path, params=query, json=body)


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
