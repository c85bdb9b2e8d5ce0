"""The id that is shown replaces, finds, filters and deletes a document, whatever made it."""

from uuid import UUID, uuid4, uuid5

import pytest

from clustering_pipeline.model.collections import RegisterCollectionRequest
from clustering_pipeline.model.ids import point_id_of
from clustering_pipeline.model.scope import LOCAL
from clustering_pipeline_tests.api.answers import error_of
from clustering_pipeline_tests.worlds.keyed import make_keyed

POINT = "0b0e1c7a-8a53-4c1e-9d0a-1f7f3a2b4c5d"
OTHER = "0b0e1c7a-8a53-4c1e-9d0a-1f7f3a2b4c5e"
# As earlier versions placed them.
EARLIER = uuid5(UUID("2b8e1f5c-7d3a-4f6e-9c01-5a4b3c2d1e0f"), "5")


class Notes:
    """The documents of one collection, as the API answers."""

    def __init__(self, client, name):
        self._client, self.name = client, name
        self._path = f"/v1/collections/{name}/documents"

    def put(self, *documents, **options):
        return self._client.post(self._path, json={"documents": list(documents), **options})

    def get(self, document_id):
        return self._client.get(f"{self._path}/{document_id}")

    def listed(self, **filters):
        request = {"filters": filters} if filters else {}
        answer = self._client.post(
            f"{self._path}/list", json={**request, "limit": 100, "include_total": True}
        )
        assert answer.json()["total_count"] == len(answer.json()["results"])
        return {one["point_id"]: one["payload"].get("text") for one in answer.json()["results"]}

    def delete(self, **chosen):
        return self._client.post(f"{self._path}/delete", json=chosen).json()


@pytest.fixture
def made(client, served):
    """Makes a collection of points (id, payload) by another door."""

    def make(*points):
        name = f"ids {uuid4().hex[:8]}"
        documents = served.pipeline.documents
        documents.create_collection(name, {"v": 1})
        documents.upsert(name, [one for one, _ in points], {}, [one for _, one in points])
        request = RegisterCollectionRequest(collection_name=name)
        served.pipeline.catalog.collections.register(LOCAL, request)
        return Notes(client, name)

    return make


@pytest.mark.parametrize(
    ("point", "payload", "shown"),
    [
        pytest.param(5, {}, "5", id="a-number-without-a-name"),
        pytest.param(5, {"document_id": 5}, "5", id="a-number-and-its-name"),
        pytest.param(5, {"document_id": "5"}, "5", id="a-number-and-its-text"),
        pytest.param(5, {"document_id": "mine/1"}, "mine/1", id="a-number-of-another-name"),
        pytest.param(7, {"document_id": 5}, "5", id="a-number-of-another-number"),
        pytest.param(2**64 - 1, {}, str(2**64 - 1), id="the-largest-number"),
        pytest.param(POINT, {}, POINT, id="a-uuid"),
        pytest.param(POINT, {"document_id": POINT.upper()}, POINT.upper(), id="a-uuid-in-capitals"),
        pytest.param(POINT, {"document_id": POINT.replace("-", "")}, POINT.replace("-", "")),
        pytest.param(POINT, {"document_id": 12}, "12", id="a-uuid-of-a-number"),
        pytest.param(POINT, {"document_id": "text"}, "text", id="a-uuid-of-a-text"),
        pytest.param(POINT, {"document_id": ""}, POINT, id="an-empty-name"),
        pytest.param(POINT, {"document_id": -3}, "-3", id="a-negative-number"),
        pytest.param(POINT, {"document_id": "2026-01-02"}, "2026-01-02", id="a-date"),
        pytest.param(5, {"document_id": 5.0}, "5", id="a-number-of-a-float"),
        pytest.param(POINT, {"document_id": 5.0}, POINT, id="a-uuid-of-a-float"),
        pytest.param(POINT, {"document_id": 1e20}, POINT, id="a-uuid-of-a-large-float"),
        pytest.param(5, {"document_id": True}, "5", id="a-number-of-a-flag"),
        pytest.param(POINT, {"document_id": None}, POINT, id="a-uuid-of-null"),
        pytest.param(5, {"document_id": ["6"]}, "5", id="a-number-of-a-list"),
        pytest.param(POINT, {"document_id": {"id": "6"}}, POINT, id="a-uuid-of-an-object"),
        pytest.param(POINT, {"document_id": f"{{{POINT}}}"}, f"{{{POINT}}}", id="a-uuid-in-braces"),
        pytest.param(POINT, {"document_id": OTHER}, OTHER, id="a-uuid-of-another"),
        pytest.param(POINT, {"document_id": " a b "}, " a b ", id="a-text-with-spaces"),
        pytest.param(POINT, {"document_id": "a" * 500}, "a" * 500, id="the-longest-text"),
        pytest.param(5, {"document_id": "true"}, "true", id="a-text-like-a-flag"),
        pytest.param(5, {"document_id": "5@x"}, "5@x", id="a-text-like-a-shard"),
        pytest.param(str(EARLIER), {"document_id": "5"}, "5", id="as-earlier-versions-placed-it"),
        pytest.param(point_id_of("a text"), {"document_id": "a text"}, "a text", id="our-own"),
    ],
)
def test_a_document_goes_by_what_is_shown(made, point, payload, shown):
    notes = made((point, {**payload, "text": "old"}), (99, {"text": "other"}))
    known = shown.replace("/", "%2F")
    assert notes.get(known).json()["document_id"] == shown
    assert notes.listed(document_id=shown) == {str(point): "old"}
    assert notes.listed(NOT=[{"field": "document_id", "value": shown}]) == {"99": "other"}
    many = {"field": "document_id", "operator": "in", "value": [shown, "gone"]}
    assert notes.listed(AND=[many], case_sensitive=True) == {str(point): "old"}
    again = {"document_id": shown, "payload": {"text": "new"}}
    assert notes.put(again).json() == {"written": 1}
    assert notes.get(known).json()["payload"] == {"document_id": shown, "text": "new"}
    assert notes.listed() == {str(point): "new", "99": "other"}
    assert notes.delete(document_ids=[shown]) == {"deleted": 1}
    assert notes.listed() == {"99": "other"}
    assert notes.get(known).status_code == 404


def test_ids_that_differ_are_documents_that_differ(made):
    notes = made()
    ids = ["5", "05", "+5", "5.0", POINT, POINT.upper(), POINT.replace("-", ""), f"{{{POINT}}}"]
    ids += [f"urn:uuid:{POINT}", "a", "A", "a ", "é", "e\u0301", "-0", "0", str(2**64)]
    documents = [{"document_id": one, "payload": {"text": one}} for one in ids]
    assert notes.put(*documents).json() == {"written": len(ids)}
    assert sorted(notes.listed().values()) == sorted(ids)
    for one in ids:
        assert notes.get(one.replace("+", "%2B")).json()["payload"]["text"] == one
        assert notes.delete(document_ids=[one]) == {"deleted": 1}
    assert notes.listed() == {}


@pytest.mark.parametrize(
    "documents",
    [
        pytest.param([{"document_id": "5"}], id="the-point-of-another"),
        pytest.param([{"document_id": "new"}, {"document_id": "5"}], id="one-of-two"),
        pytest.param(
            [{"document_id": "x"}, {"document_id": str(point_id_of("x"))}], id="of-one-another"
        ),
    ],
)
def test_what_would_lose_a_document_is_refused_with_its_name(made, documents):
    notes = made((5, {"document_id": "mine", "text": "old"}))
    status, message = error_of(notes.put(*documents))
    assert status == 422
    assert f"'{documents[-1]['document_id']}' is the point of '" in message
    assert notes.listed() == {"5": "old"}


def test_a_document_that_is_there_twice_is_replaced_once(made):
    notes = made((5, {"text": "first"}), (str(EARLIER), {"document_id": "5", "text": "second"}))
    assert notes.put({"document_id": "5", "payload": {"text": "new"}}).json() == {"written": 1}
    assert notes.listed() == {"5": "new"}


def test_one_of_several_is_never_shown_unsaid(made, client, served):
    notes = made((7, {"document_id": "mine"}), (POINT, {"document_id": "mine"}))
    status, message = error_of(notes.get("mine"))
    assert (
        status,
        f"2 points of collection {notes.name!r} are called 'mine': 7, {POINT}; list th" in message,
    ) == (422, True)
    assert notes.listed(document_id="mine") == {"7": None, POINT: None}
    assert notes.delete(document_ids=["mine"]) == {"deleted": 2}
    indexed = made((5, {}), (POINT, {"document_id": "5"}))
    served.pipeline.documents.index_keyword(indexed.name, "document_id")
    assert error_of(indexed.get("5"))[0] == 422


@pytest.mark.parametrize("document_id", ["5", POINT, "mine"])
def test_an_id_under_two_shard_keys_is_told_with_both(client, served, qdrant, document_id):
    name, documents = f"keyed {uuid4().hex[:8]}", served.pipeline.documents
    make_keyed(qdrant, name, ("x", 7), vector="v", size=1)
    point = point_id_of(document_id)
    for key, only in (("x", 11), (7, 12)):
        payloads = [{"document_id": document_id} if document_id == "mine" else {}, {}]
        documents.upsert(name, [point, only], {}, payloads, shard_key=key)
    served.pipeline.catalog.collections.register(
        LOCAL, RegisterCollectionRequest(collection_name=name)
    )
    notes = Notes(client, name)
    status, message = error_of(notes.get(document_id))
    assert (status, f"{document_id!r}: {point}#7, {point}@x; list" in message) == (422, True)
    assert notes.get("11").json()["point_id"] == "11@x"
    both = {f"{point}@x": None, f"{point}#7": None}
    assert notes.listed(document_id=document_id) == both
    assert error_of(notes.put({"document_id": document_id}))[0] == 422
    assert notes.put({"document_id": document_id}, shard_key="7").json() == {"written": 1}
    assert set(notes.listed()) == {*both, "11@x", "12#7"}
    assert notes.delete(document_ids=[document_id]) == {"deleted": 2}
    assert set(notes.listed()) == {"11@x", "12#7"}


def test_all_that_go_by_an_id_are_deleted(made):
    notes = made((5, {}), (7, {"document_id": 5}), (POINT, {"document_id": "5"}), (OTHER, {}))
    assert notes.delete(document_ids=["5"]) == {"deleted": 3}
    assert list(notes.listed()) == [OTHER]


def test_two_ids_of_one_document_are_refused(made):
    document = {"document_id": "a", "payload": {"document_id": "b"}}
    assert error_of(made().put(document))[0] == 422
    assert made().put(document | {"payload": {"document_id": "a"}}).json() == {"written": 1}


def test_an_id_is_filtered_as_a_number_too(made):
    notes = made((5, {}), (7, {"document_id": "7"}), (POINT, {"document_id": 30}), (OTHER, {}))
    assert set(notes.listed(document_id=7)) == {"7"}
    above = {"field": "document_id", "operator": "gt", "value": 6}
    assert set(notes.listed(AND=[above])) == {"7", POINT}
    either = {"field": "document_id", "operator": "in", "value": [5, "30"]}
    assert set(notes.listed(AND=[either])) == {"5", POINT}
    start = {"field": "document_id", "operator": "starts_with", "value": OTHER[:8]}
    assert set(notes.listed(AND=[start])) == {OTHER}
