"""Collections, their documents and batches, over HTTP."""

from uuid import uuid4

import pytest

from clustering_pipeline.model.collections import RegisterCollectionRequest
from clustering_pipeline.model.scope import LOCAL
from clustering_pipeline_tests.api.answers import error_of

DOCUMENTS = [
    {
        "document_id": f"doc {number}",
        "vectors": {"embedding": [float(number), 1.0, 0.5]},
        "payload": {"text": f"text {number}", "parity": ["even", "odd"][number % 2]},
    }
    for number in range(6)
]


@pytest.fixture
def collection(client):
    """A new collection with six documents."""
    name = f"articles {uuid4().hex[:8]}"
    made = client.post(
        "/v1/collections", json={"collection_name": name, "vector_sizes": {"embedding": 3}}
    )
    assert made.status_code == 200
    path = f"/v1/collections/{made.json()['collection_id']}"
    assert client.post(f"{path}/documents", json={"documents": DOCUMENTS}).json() == {"written": 6}
    return made.json() | {"path": path}


def test_a_new_collection_is_made_with_its_vectors(client):
    name = f"new {uuid4().hex[:8]}"
    request = {
        "collection_name": name,
        "vector_sizes": {"text": 4, "title": 2},
        "vectors": {"mixpeek://text@v1/embedding": "text"},
        "source_bucket_ids": ["bkt_1"],
        "description": "what is new",
    }
    made = client.post("/v1/collections", json=request).json()
    assert made["collection_id"].startswith("col_")
    told = {
        "collection_name": name,
        "vector_sizes": {"text": 4, "title": 2},
        "vectors": {"mixpeek://text@v1/embedding": "text"},
        "source_bucket_ids": ["bkt_1"],
        "description": "what is new",
        "num_documents": 0,
        "cluster_applications": [],
        "output_of": None,
    }
    assert {key: made[key] for key in told} == told
    assert client.get(f"/v1/collections/{name}").json() == made
    assert made in client.get("/v1/collections", params={"limit": 1000}).json()["results"]


def test_an_existing_collection_is_registered(client, served):
    there = f"existing {uuid4().hex[:8]}"
    served.pipeline.documents.create_collection(there, {"": 5})
    made = client.post("/v1/collections", json={"collection_name": there})
    assert made.status_code == 200
    assert (made.json()["qdrant_collection"], made.json()["vector_sizes"]) == (there, {"": 5})


def test_collections_come_in_pages(client, collection):
    whole = client.get("/v1/collections", params={"limit": 1000}).json()
    parts = [
        client.get("/v1/collections", params={"limit": 1, "offset": place}).json()["results"]
        for place in range(whole["total_count"] + 1)
    ]
    assert [one for part in parts for one in part] == whole["results"]


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        pytest.param({"collection_name": "nowhere to be found"}, 404, id="not-in-qdrant"),
        pytest.param({}, 422, id="no-name"),
        pytest.param({"collection_name": "a", "vector_sizes": {}}, 422, id="no-vector"),
        pytest.param({"collection_name": "a", "vector_sizes": {"v": 0}}, 422, id="empty-vector"),
        pytest.param({"collection_name": "a", "dimensions": 3}, 422, id="unknown-key"),
        pytest.param(
            {"collection_name": "a", "vector_sizes": {"v": 2}, "qdrant_collection": "b"},
            422,
            id="new-and-old",
        ),
        pytest.param(
            {"collection_name": "a", "vector_sizes": {"v": 2}, "vectors": {"u": "w"}},
            422,
            id="unknown-vector",
        ),
    ],
)
def test_what_cannot_be_registered_is_refused(client, request_, status):
    before = client.get("/v1/collections").json()["total_count"]
    assert error_of(client.post("/v1/collections", json=request_))[0] == status
    assert client.get("/v1/collections").json()["total_count"] == before


def test_a_taken_name_is_refused(client, collection):
    request = {"collection_name": collection["collection_name"], "vector_sizes": {"v": 2}}
    assert error_of(client.post("/v1/collections", json=request))[0] == 409


def test_what_another_tenant_registered_does_not_exist(client, served, collection):
    other = served.tenant(f"other {uuid4().hex[:8]}")
    documents = served.pipeline.documents
    alias = f"alias {uuid4().hex[:8]}"
    documents.set_aliases({alias: collection["qdrant_collection"]})
    unknown = f"unknown {uuid4().hex[:8]}"
    with served.client(scope=other) as stranger:
        answers = {
            name: stranger.post(
                "/v1/collections", json={"collection_name": "mine", "qdrant_collection": name}
            )
            for name in (collection["qdrant_collection"], alias, unknown)
        }
        told = {
            answer.json()["error"]["message"].replace(name, "X") for name, answer in answers.items()
        }
        assert {error_of(answer)[0] for answer in answers.values()} == {404}
        assert len(told) == 1
        assert stranger.get(collection["path"]).status_code == 404
        assert stranger.post(f"{collection['path']}/documents/list").status_code == 404


def test_a_forgotten_collection_keeps_its_documents_unless_told(client, served, collection):
    deleted = client.delete(collection["path"])
    assert deleted.json() == {"success": True, "message": f"Forgot {collection['collection_id']}"}
    assert client.delete(collection["path"]).status_code == 404
    assert served.pipeline.documents.points(collection["qdrant_collection"]) == 6


def test_a_collection_can_go_with_its_documents(client, served, collection):
    assert client.delete(collection["path"], params={"delete_documents": True}).status_code == 200
    assert collection["qdrant_collection"] not in served.pipeline.documents.collections()


def test_documents_behind_an_alias_go_too(client, served, collection):
    documents, alias = served.pipeline.documents, f"alias-{uuid4().hex[:8]}"
    name = f"behind-{alias}"
    documents.create_collection(name, {"v": 2})
    documents.set_aliases({alias: name})
    request = RegisterCollectionRequest(collection_name=alias)
    record = served.pipeline.catalog.collections.register(LOCAL, request)
    path = f"/v1/collections/{record.collection_id}"
    assert client.delete(path, params={"delete_documents": True}).status_code == 200
    assert name not in documents.collections()


def test_documents_that_have_another_registration_stay(client, served, collection):
    behind = collection["qdrant_collection"]
    again = {"collection_name": f"again {uuid4().hex[:8]}", "qdrant_collection": behind}
    assert client.post("/v1/collections", json=again).status_code == 200
    assert client.delete(collection["path"], params={"delete_documents": True}).status_code == 200
    assert served.pipeline.documents.points(behind) == 6


def test_a_collection_that_qdrant_lost_says_so(client, served, collection):
    served.pipeline.documents.delete_collection(collection["qdrant_collection"])
    shown = client.get(collection["path"]).json()
    assert (shown["num_documents"], shown["vector_sizes"]) == (None, None)
    status, message = error_of(client.post(f"{collection['path']}/documents/list"))
    assert status == 404
    # Whose they are, the names are not for everybody.
    assert [one for one in served.pipeline.documents.collections() if one in message] == []


def test_documents_are_read_back_as_they_were_put(client, collection):
    page = client.post(
        f"{collection['path']}/documents/list",
        json={"limit": 100, "return_vectors": True, "include_total": True},
    ).json()
    assert (page["next_cursor"], page["total_count"]) == (None, 6)
    read = {one["document_id"]: one for one in page["results"]}
    for document in DOCUMENTS:
        known = {"document_id": document["document_id"]}
        assert read[document["document_id"]]["payload"] == document["payload"] | known
    one = client.get(f"{collection['path']}/documents/doc%203").json()
    assert one == read["doc 3"] | {"vectors": None}


def test_documents_come_in_pages(client, collection):
    path, found, cursor = f"{collection['path']}/documents/list", [], None
    for _ in range(3):
        page = client.post(path, json={"limit": 2, "cursor": cursor, "select": ["parity"]}).json()
        found += page["results"]
        cursor = page["next_cursor"]
    assert cursor is None
    assert {one["document_id"] for one in found} == {one["document_id"] for one in DOCUMENTS}
    assert {frozenset(one["payload"]) for one in found} == {frozenset({"parity"})}


def test_documents_are_filtered(client, collection):
    filters = {"field": "parity", "value": "even"}
    request = {"filters": {"AND": [filters]}, "limit": 2, "include_total": True}
    page = client.post(f"{collection['path']}/documents/list", json=request).json()
    assert (len(page["results"]), page["total_count"]) == (2, 3)
    assert page["next_cursor"]


def test_a_document_that_is_there_is_replaced_whole(client, collection):
    again = {"document_id": "doc 0", "vectors": {}, "payload": {"new": None}}
    path = f"{collection['path']}/documents"
    assert client.post(path, json={"documents": [again]}).json() == {"written": 1}
    shown = client.get(f"{path}/doc%200", params={"return_vectors": True}).json()
    assert shown["payload"] == {"document_id": "doc 0", "new": None}
    assert shown["vectors"] is None


def test_documents_are_deleted_by_id_and_by_filter(client, collection):
    path = f"{collection['path']}/documents"
    by_id = client.post(f"{path}/delete", json={"document_ids": ["doc 0", "doc 1", "gone"]})
    assert by_id.json() == {"deleted": 2}
    odd = {"filters": {"parity": "odd"}}
    assert client.post(f"{path}/delete", json=odd).json() == {"deleted": 2}
    left = client.post(f"{path}/list", json={}).json()["results"]
    assert {one["document_id"] for one in left} == {"doc 2", "doc 4"}
    assert error_of(client.get(f"{path}/doc%200"))[0] == 404


def test_documents_that_others_named_are_found_by_their_ids(client, served):
    name = f"own ids {uuid4().hex[:8]}"
    documents = served.pipeline.documents
    documents.create_collection(name, {"v": 1})
    documents.upsert(name, [1, 2], {}, [{"document_id": "mine/1"}, {}])
    path = f"/v1/collections/{name}/documents"
    request = RegisterCollectionRequest(collection_name=name)
    served.pipeline.catalog.collections.register(LOCAL, request)
    assert client.get(f"{path}/mine%2F1").json()["point_id"] == "1"
    assert client.get(f"{path}/2").json()["point_id"] == "2"
    # The first one goes by another name.
    assert client.get(f"{path}/1").status_code == 404
    both = client.post(f"{path}/delete", json={"document_ids": ["mine/1", "2", "1"]})
    assert both.json() == {"deleted": 2}


@pytest.mark.parametrize(
    "document",
    [
        pytest.param({"document_id": "a", "vectors": {"other": [1.0]}}, id="unknown-vector"),
        pytest.param({"document_id": "a", "vectors": {"embedding": [1.0]}}, id="wrong-length"),
        pytest.param({"document_id": "a", "vectors": {"embedding": []}}, id="no-numbers"),
        pytest.param({"document_id": "a", "vectors": {"embedding": [1e39, 0, 0]}}, id="too-large"),
        pytest.param({"document_id": "a", "vectors": {"embedding": ["1", 0, 0]}}, id="text"),
        pytest.param({"document_id": ""}, id="empty-id"),
        pytest.param({"document_id": 7}, id="number-as-id"),
        pytest.param({"document_id": "a", "payload": []}, id="payload-is-a-list"),
        pytest.param({"document_id": "a", "text": "b"}, id="unknown-key"),
        pytest.param({"document_id": "a", "payload": {"n": 2**70}}, id="number-of-70-bits"),
    ],
)
def test_documents_that_do_not_fit_are_refused_together(client, collection, document):
    path = f"{collection['path']}/documents"
    good = {"document_id": "good", "payload": {}}
    refused = client.post(path, json={"documents": [good, document]})
    assert error_of(refused)[0] == 422
    assert client.get(f"{path}/good").status_code == 404


def test_a_document_id_given_twice_is_refused(client, collection):
    twice = {"documents": [{"document_id": "a"}, {"document_id": "a"}]}
    refused = client.post(f"{collection['path']}/documents", json=twice)
    assert error_of(refused)[0] == 422


@pytest.mark.parametrize("cursor", ["x", "-1", "99999999999999999999999", "½"])
def test_a_cursor_that_is_none_is_refused(client, collection, cursor):
    refused = client.post(f"{collection['path']}/documents/list", json={"cursor": cursor})
    assert error_of(refused)[0] == 422


@pytest.mark.parametrize("request_", [{}, {"document_ids": ["a"], "filters": {}}])
def test_a_delete_says_which_documents(client, collection, request_):
    refused = client.post(f"{collection['path']}/documents/delete", json=request_)
    assert error_of(refused)[0] == 422


def test_a_batch_is_opened_and_completed_once(client, collection):
    path = f"{collection['path']}/batches"
    batch = client.post(path).json()
    assert (batch["status"], batch["completions"]) == ("open", [])
    done = client.post(f"{path}/{batch['batch_id']}/complete").json()
    number = [{"collection_id": collection["collection_id"], "number": 1}]
    assert (done["status"], done["completions"]) == ("completed", number)
    assert client.post(f"{path}/{batch['batch_id']}/complete").json() == done
    assert client.get(f"{path}/{batch['batch_id']}").json() == done
    assert error_of(client.post(f"{path}/{batch['batch_id']}/fail"))[0] == 409


def test_a_batch_that_failed_is_not_counted(client, collection):
    path = f"{collection['path']}/batches"
    batch = client.post(path).json()["batch_id"]
    failed = client.post(f"{path}/{batch}/fail", json={"error": "the feed broke"}).json()
    assert (failed["status"], failed["error"]) == ("failed", "the feed broke")
    assert error_of(client.post(f"{path}/{batch}/complete"))[0] == 409


def test_batches_are_listed_newest_first(client, collection):
    path = f"{collection['path']}/batches"
    opened = [client.post(path).json()["batch_id"] for _ in range(3)]
    listed = client.get(path, params={"limit": 2}).json()
    assert listed["total_count"] == 3
    assert {one["batch_id"] for one in listed["results"]} < set(opened)


def test_a_batch_of_another_collection_is_unknown(client, collection):
    batch = client.post(f"{collection['path']}/batches").json()["batch_id"]
    name = f"another {uuid4().hex[:8]}"
    client.post("/v1/collections", json={"collection_name": name, "vector_sizes": {"v": 1}})
    answer = client.get(f"/v1/collections/{name}/batches/{batch}")
    assert error_of(answer)[0] == 404
