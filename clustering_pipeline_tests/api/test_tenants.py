"""Two tenants, every operation there is, each with the other's ids: nothing read, nothing told."""

import json
from collections.abc import Callable, Iterable, Iterator
from uuid import uuid4

import httpx
import pytest
from pymongo import MongoClient
from pymongo.database import Database

from clustering_pipeline.model.scope import LOCAL, Scope
from clustering_pipeline.model.tenants import Access
from clustering_pipeline_tests.api.answers import error_of, ok
from clustering_pipeline_tests.api.tenants import (
    FURTHER,
    OPERATIONS,
    Operation,
    Owned,
    ask,
    places,
    possessions,
    unknown,
)

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


def each(chosen: Iterable[Operation]) -> pytest.MarkDecorator:
    """A test for each of the operations."""
    return pytest.mark.parametrize("operation", list(chosen), ids=lambda one: one.name)


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
