"""Whatever clients send, they are answered in the envelope, and never that we broke."""

import base64
import json
import zlib
from urllib.parse import quote, unquote
from uuid import uuid4

import pytest

from clustering_pipeline.model.collections import RegisterCollectionRequest
from clustering_pipeline.model.scope import LOCAL
from clustering_pipeline_tests.api.answers import error_of, ok, problems_of
from clustering_pipeline_tests.model.factories import definition, vectors

JSON = {"Content-Type": "application/json"}
EXPLODING = "(" * 30 + "a+" + ")+" * 30 + "$"


@pytest.fixture(scope="module", autouse=True)
def speeches(served):
    served.pipeline.catalog.collections.register(
        LOCAL, RegisterCollectionRequest(collection_name="speeches")
    )


def nested(depth):
    inner = {"field": "a", "operator": "eq", "value": 1}
    for _ in range(depth):
        inner = {"AND": [inner]}
    return inner


@pytest.mark.parametrize(
    ("body", "named"),
    [
        pytest.param({}, "collection_ids", id="nothing"),
        pytest.param([], "object", id="a-list"),
        pytest.param("text", "object", id="a-text"),
        pytest.param(None, "required", id="null"),
        pytest.param(definition(collection_ids="speeches"), "list", id="text-for-a-list"),
        pytest.param(definition(collection_ids=[]), "collection_ids", id="no-collection"),
        pytest.param(definition(cluster_name=7), "cluster_name", id="number-for-a-text"),
        pytest.param(definition(cluster_name=""), "cluster_name", id="empty-name"),
        pytest.param(definition(cluster_name="clust_ab"), "look like an id", id="name-like-an-id"),
        pytest.param(definition(cluster_name="a\u0000"), "printable", id="control-character"),
        pytest.param(definition(surprise=1), "surprise", id="unknown-key"),
        pytest.param(definition(metadata={"n": 10**30}), "64 bits", id="huge-number"),
        pytest.param(definition(metadata={"n": 10**400}), "64 bits", id="number-beyond-floats"),
        pytest.param(
            definition(auto_execute_cooldown_seconds=10**30), "64 bits", id="huge-number-of-a-field"
        ),
        pytest.param(definition(filters=nested(17)), "16", id="filters-17-deep"),
        pytest.param(definition(filters=nested(300)), "16", id="filters-300-deep"),
        pytest.param(definition(filters={"AND": [None]}), "filters", id="null-item"),
        pytest.param(
            definition(filters={"field": "a", "operator": "like", "value": 1}),
            "like",
            id="operator",
        ),
        pytest.param(
            definition(vector_config=vectors(algorithm_params={"eps": 1})), "eps", id="wrong-param"
        ),
        pytest.param(
            definition(vector_config=vectors(sample_size=10**9)), "sample_size", id="too-large"
        ),
        pytest.param(definition(vector_config="hdbscan"), "vector_config", id="text-for-an-object"),
    ],
)
def test_a_wrong_definition_is_refused_by_what_is_wrong_with_it(client, body, named):
    answer = client.post("/v1/clusters", json=body)
    status, message = error_of(answer)
    assert status == 422
    assert named in message + str(answer.json()["error"].get("details"))


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"{", id="cut-off"),
        pytest.param(b"\xff\xfe{}", id="not-utf-8"),
        pytest.param(b"[" * 100_000, id="deep-and-cut-off"),
        pytest.param(b"[" * 20_000 + b"]" * 20_000, id="deep"),
        pytest.param(b'{"a": ' + b"9" * 10_000 + b"}", id="a-number-of-10000-digits"),
        pytest.param(b'{"a": NaN, "b": Infinity}', id="not-a-number"),
        pytest.param(b"\x00\x01\x02", id="bytes"),
    ],
)
def test_what_is_not_json_is_refused(client, body):
    status, _ = error_of(client.post("/v1/clusters", content=body, headers=JSON))
    assert status in {400, 422}


def test_half_a_surrogate_pair_is_refused_and_told(client):
    body = json.dumps(definition(cluster_name="\ud800")).encode()
    assert error_of(client.post("/v1/clusters", content=body, headers=JSON))[0] == 422
    body = json.dumps({"\ud800": 1}).encode()
    assert error_of(client.post("/v1/clusters", content=body, headers=JSON))[0] == 422
    body = json.dumps(definition(metadata={"a": {"\udfff": ["\ud800"]}})).encode()
    assert error_of(client.post("/v1/clusters", content=body, headers=JSON))[0] == 422


@pytest.mark.parametrize("name", ["\ud800", "\0", ""])
def test_a_feature_without_a_name_that_can_be_kept_is_refused(served, client, name):
    there = f"features {uuid4().hex[:8]}"
    served.pipeline.documents.create_collection(there, {"v": 2})
    body = json.dumps({"collection_name": there, "vectors": {name: "v"}}).encode()
    assert error_of(client.post("/v1/collections", content=body, headers=JSON))[0] == 422


def test_half_a_surrogate_pair_describes_no_label(client):
    labels = {"candidate_labels": {"sea": "\ud800"}}
    body = json.dumps(definition(llm_labeling=labels)).encode()
    assert error_of(client.post("/v1/clusters", content=body, headers=JSON))[0] == 422


def test_a_body_of_ten_megabytes_is_refused_whole_or_in_pieces(client):
    large = json.dumps(definition(description="x" * 10_000_000)).encode()
    status, message = error_of(client.post("/v1/clusters", content=large, headers=JSON))
    assert (status, "larger than 8,388,608 bytes" in message) == (400, True)
    pieces = (large[start : start + 65_536] for start in range(0, len(large), 65_536))
    assert error_of(client.post("/v1/clusters", content=pieces, headers=JSON))[0] == 400


@pytest.mark.parametrize("field", ["metadata", "description"])
def test_what_the_catalog_cannot_keep_is_refused(client, stored, field):
    text = "x" * 7_500_000
    value = {"a": text} if field == "metadata" else text
    answers = [client.post("/v1/clusters", json=definition(**{field: value}))]
    answers.append(client.patch(stored, json={field: value}))
    for answer in answers:
        status, message = error_of(answer)
        assert (status, "shorten its longest texts" in message) == (422, True)


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "nonsense"])
def test_a_body_of_another_kind_is_refused(client, kind):
    body = json.dumps(definition()).encode()
    answer = client.post("/v1/clusters", content=body, headers={"Content-Type": kind})
    assert error_of(answer)[0] == 422


@pytest.mark.parametrize("pattern", [EXPLODING, "(a|a)*b", "[", "(?<=a+)b", "a{1000000}", "\\"])
def test_a_regex_that_explodes_or_is_none_ends_soon(client, pattern):
    named = f"{'a' * 150} {uuid4().hex[:6]}"
    ok(client.post("/v1/clusters", json=definition(cluster_name=named)))
    for field in ("cluster_name", "metadata.a"):
        condition = {"field": field, "operator": "regex", "value": pattern}
        answer = client.post("/v1/clusters/list", json={"filters": condition}, timeout=20)
        assert answer.status_code in {200, 422}


@pytest.mark.parametrize("operator", ["eq", "contains", "starts_with", "ends_with", "in"])
@pytest.mark.parametrize("size", [1_001, 100_000, 2_100_000])
def test_a_filter_for_a_long_text_finds_nothing_or_is_refused(client, stored, operator, size):
    value = [".ΐ"] * (size // 50) if operator == "in" else ".ΐ" * (size // 2)
    filters = {"field": "cluster_name", "operator": operator, "value": value}
    answer = client.post("/v1/clusters/list", json={"filters": filters})
    if size > 2_000_000:
        assert error_of(answer)[0] == 422
    else:
        assert ok(answer)["results"] == []


@pytest.mark.parametrize("operator", ["eq", "gt", "lte"])
@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"])
def test_moments_outside_the_calendar_are_compared(client, filled, stored, operator, moment):
    condition = {"field": "created_at", "operator": operator, "value": moment}
    found = ok(client.post("/v1/clusters/list", json={"filters": condition}))
    assert (found["total_count"] > 0) == ((operator, moment[0]) in {("gt", "0"), ("lte", "9")})
    ok(client.post(f"{filled}/documents/list", json={"filters": condition}))


@pytest.fixture(scope="module")
def filled(client):
    """The address of a collection whose name has a slash, with a document to explode on."""
    name = f"a/b {uuid4().hex[:8]}"
    ok(client.post("/v1/collections", json={"collection_name": name, "vector_sizes": {"v": 2}}))
    address = f"/v1/collections/{quote(name, safe='')}"
    document = {"document_id": "x/y", "vectors": {"v": [1, 0]}, "payload": {"text": "a" * 5000}}
    ok(client.post(f"{address}/documents", json={"documents": [document]}))
    return address


@pytest.fixture(scope="module")
def stored(client):
    """The address of a definition."""
    made = ok(client.post("/v1/clusters", json=definition()))
    return f"/v1/clusters/{made['cluster_id']}"


@pytest.mark.parametrize("pattern", [EXPLODING, "(a|a)*b", "(.*a){25}$"])
def test_a_regex_explodes_on_no_document(client, filled, pattern):
    condition = {"field": "text", "operator": "regex", "value": pattern}
    for what in ("list", "delete"):
        address, body = f"{filled}/documents/{what}", {"filters": condition}
        assert client.post(address, json=body, timeout=20).status_code in {200, 422}


def test_names_with_slashes_arrive_encoded(client, filled):
    assert "/" in ok(client.get(filled))["collection_name"]
    unknown = client.get(f"{filled}/documents/y%2Fx")
    assert (error_of(unknown)[0], "y/x" in error_of(unknown)[1]) == (404, True)
    assert error_of(client.get(unquote(filled)))[0] == 404


@pytest.mark.parametrize("depth", [17, 300])
def test_filters_nest_sixteen_deep_wherever_they_are_taken(client, filled, stored, depth):
    one_shot = {"collection_ids": ["speeches"], "config": {"algorithm": "kmeans"}}
    bodies = {
        "/v1/clusters/list": {},
        f"{stored}/executions/list": {},
        f"{stored}/execute": {},
        f"{stored}/estimate": {},
        f"{filled}/documents/list": {},
        f"{filled}/documents/delete": {},
        "/v1/clusters/execute": one_shot,
    }
    for address, body in bodies.items():
        answer = client.post(address, json=body | {"filters": nested(depth)})
        assert error_of(answer)[0] == 422, address
    assert error_of(client.patch(stored, json={"filters": nested(depth)}))[0] == 422


def test_past_the_end_of_any_list_there_is_nothing(client, filled, stored):
    asked = [
        client.post(f"{stored}/executions/list", json={"offset": 10_000}),
        client.get(f"{stored}/executions/list", params={"page": 99}),
        client.post("/v1/clusters/triggers/list", json={"offset": 10_000}),
        client.get("/v1/collections", params={"offset": 10_000}),
        client.get(f"{filled}/batches", params={"offset": 10_000}),
        client.get("/v1/clusters", params={"offset": 10_000}),
    ]
    for answer in asked:
        assert ok(answer)["results"] == []
    for query in ({"offset": 10_001}, {"page": 0}, {"page": 2**70}, {"limit": 1001}):
        assert error_of(client.get("/v1/clusters", params=query))[0] == 422


@pytest.mark.parametrize("text", ["%ff%fe", "%ed%a0%80", "%00", "%C3%28"])
def test_bytes_in_an_address_that_are_no_text_break_nothing(client, text):
    for query in ("search", "cursor", "surprise", "offset"):
        answer = client.get(f"/v1/clusters?{query}={text}")
        assert answer.status_code == 200 or error_of(answer)[0] == 422


@pytest.mark.parametrize("raw", [b"\xff\xfe", b"\xed\xa0\x80", b"\xc3("])
def test_a_header_that_is_no_text_breaks_nothing(client, raw):
    for name, status in ((b"X-Namespace", 403), (b"Idempotency-Key", 404)):
        answer = client.post("/v1/clusters/none/execute", headers={name: raw})
        assert error_of(answer)[0] == status


@pytest.mark.parametrize(
    "part",
    ["..%2F..%2Fetc%2Fpasswd", "%00", "%ff%fe", "%2e%2e", "a" * 5_000, "%252e", "$where", "%20"],
)
@pytest.mark.parametrize("rest", ["", "/executions", "/executions/run_x"])
def test_a_path_that_plays_tricks_finds_nothing(client, part, rest):
    assert error_of(client.get(f"/v1/clusters/{part}{rest}"))[0] == 404


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param(b"[" * 500_000, id="deep"),
        pytest.param(json.dumps({"offset": 10**30, "as_of": None}).encode(), id="far"),
    ],
)
def test_a_cursor_that_somebody_made_up_is_refused(client, facts):
    cursor = base64.urlsafe_b64encode(zlib.compress(facts)).decode().rstrip("=")
    assert error_of(client.get("/v1/clusters", params={"cursor": cursor}))[0] == 422


@pytest.mark.parametrize("size", [2**62, 2**64, 10**400])
def test_a_batch_may_be_larger_than_there_are_documents_but_no_store_counts_that_far(client, size):
    asked = {"clustering_ids": ["x"], "source_collection_id": "speeches", "batch_size": size}
    status, _ = error_of(client.post("/v1/clusters/enrich", json=asked))
    assert status == (404 if size < 2**63 else 422)


def test_all_that_is_wrong_is_listed_with_its_place(client):
    body = definition(cluster_name=7, vector_config=vectors(sample_size=0))
    found = problems_of(client.post("/v1/clusters", json=body))
    assert [one["location"] for one in found] == [
        ["body", "cluster_name"],
        ["body", "vector_config", "sample_size"],
    ]
    assert all(set(one) == {"type", "location", "message"} for one in found)
