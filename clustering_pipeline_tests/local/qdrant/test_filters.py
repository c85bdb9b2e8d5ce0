"""Every condition of Qdrant's filter grammar, by what it finds among a few documents."""

import grpc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qdrant_client import QdrantClient, models
from qdrant_client import grpc as messages

from clustering_pipeline_tests.local.qdrant.factories import ONE_VECTOR, ids, refused

BERLIN, HAMBURG, ROME = (
    {"lon": 13.4, "lat": 52.5},
    {"lon": 10.0, "lat": 53.55},
    {"lon": 12.5, "lat": 41.9},
)
DOCUMENTS = [
    {"word": "red", "n": 1, "flag": True, "at": "2024-01-01T00:00:00Z", "place": BERLIN},
    {"word": "green", "n": 2, "flag": False, "at": "2025-06-01T12:00:00+02:00", "place": HAMBURG},
    {"word": ["red", "blue"], "n": [2, 7.5], "flag": [True, False], "place": ROME},
    {"word": "dark red wine", "n": -3, "flag": "true", "flags": [], "note": None},
    {"word": "", "n": 1.0, "flag": 1, "deep": {"flag": True, "list": [{"flag": False}]}},
    {"parts": [{"flag": True, "n": 1}, {"flag": False, "n": 2}], "note": [None]},
    {"parts": [{"flag": True, "n": 2}, {"flag": [False], "n": 1}], "flags": [True, True, False]},
    {},
]


@pytest.fixture(scope="module")
def client(_qdrant_session):
    """A client of a Qdrant with the documents, whose ids are their places in the list."""
    _qdrant_session.create_collection("filters", vectors_config={"v": ONE_VECTOR})
    _qdrant_session.upsert(
        "filters",
        [
            models.PointStruct(id=number, vector={"v": [0, 0]} if number else {}, payload=document)
            for number, document in enumerate(DOCUMENTS)
        ],
    )
    _qdrant_session.create_payload_index(
        "filters",
        "word",
        models.TextIndexParams(type=models.TextIndexType.TEXT, phrase_matching=True),
    )
    yield _qdrant_session
    _qdrant_session.delete_collection("filters")


def found(client: QdrantClient, *must: object, **parts: object) -> list[int | str]:
    return ids(client, "filters", scroll_filter=models.Filter(must=must or None, **parts))


def field(key: str, match: object = None, **parts: object) -> models.FieldCondition:
    if isinstance(match, (bool, int, str)):
        match = models.MatchValue(value=match)
    return models.FieldCondition(key=key, match=match, **parts)


def nested(key: str, *must: object, **parts: object) -> models.NestedCondition:
    inner = models.Filter(must=must or None, **parts)
    return models.NestedCondition(nested=models.Nested(key=key, filter=inner))


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        pytest.param(field("n", 1), [0], id="integer, which 1.0 is not"),
        pytest.param(field("n", 2), [1, 2], id="an element of a list"),
        pytest.param(field("n", models.MatchAny(any=[1, -3])), [0, 3], id="any integer"),
        pytest.param(
            field("n", models.MatchExcept(**{"except": [1, 2]})), [2, 3, 4], id="except integers"
        ),
        pytest.param(field("flag", "true"), [3], id="keyword"),
        pytest.param(field("flag", models.MatchAny(any=["true", "x"])), [3], id="any keyword"),
        pytest.param(field("word", models.MatchText(text="red")), [0, 2, 3], id="text"),
        pytest.param(field("word", models.MatchText(text="wine red")), [3], id="all words"),
        pytest.param(
            field("word", models.MatchTextAny(text_any="wine green")), [1, 3], id="any word"
        ),
        pytest.param(field("word", models.MatchPhrase(phrase="red wine")), [3], id="phrase"),
        pytest.param(field("word", models.MatchPhrase(phrase="wine red")), [], id="no phrase"),
        pytest.param(field("n", range=models.Range(gt=1, lte=7.5)), [1, 2], id="range"),
        pytest.param(field("n", range=models.Range(lt=0)), [3], id="range below"),
        pytest.param(
            field("at", range=models.DatetimeRange(gte="2025-06-01T10:00:00Z")),
            [1],
            id="datetime range",
        ),
        pytest.param(field("word", values_count=models.ValuesCount(gte=2)), [2], id="how many"),
        pytest.param(
            models.IsEmptyCondition(is_empty=models.PayloadField(key="flags")),
            [0, 1, 2, 3, 4, 5, 7],
            id="is empty",
        ),
        pytest.param(field("flags", is_empty=False), [6], id="is not empty"),
        pytest.param(
            models.IsNullCondition(is_null=models.PayloadField(key="note")), [3, 5], id="is null"
        ),
        pytest.param(field("note", is_null=False), [0, 1, 2, 4, 6, 7], id="is not null"),
        pytest.param(models.HasIdCondition(has_id=[7, 1, 99]), [1, 7], id="has id"),
        pytest.param(
            models.HasVectorCondition(has_vector="v"), [1, 2, 3, 4, 5, 6, 7], id="has vector"
        ),
        pytest.param(
            field("place", geo_radius=models.GeoRadius(center=BERLIN, radius=300_000)),
            [0, 1],
            id="geo radius",
        ),
        pytest.param(
            field(
                "place",
                geo_bounding_box=models.GeoBoundingBox(
                    top_left={"lon": 12, "lat": 53}, bottom_right={"lon": 14, "lat": 40}
                ),
            ),
            [0, 2],
            id="geo box",
        ),
        pytest.param(
            field(
                "place",
                geo_polygon=models.GeoPolygon(
                    exterior={
                        "points": [
                            {"lon": 9, "lat": 50},
                            {"lon": 14, "lat": 50},
                            {"lon": 14, "lat": 55},
                            {"lon": 9, "lat": 55},
                            {"lon": 9, "lat": 50},
                        ]
                    },
                    interiors=[
                        {
                            "points": [
                                {"lon": 13, "lat": 52},
                                {"lon": 14, "lat": 52},
                                {"lon": 14, "lat": 53},
                                {"lon": 13, "lat": 53},
                                {"lon": 13, "lat": 52},
                            ]
                        }
                    ],
                ),
            ),
            [1],
            id="geo polygon with a hole",
        ),
    ],
)
def test_a_condition_finds(client, condition, expected):
    assert found(client, condition) == expected


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        pytest.param(field("flag", True), [0, 2], id="true"),  # noqa: FBT003 - the value itself
        pytest.param(field("flag", False), [1, 2], id="false"),  # noqa: FBT003
        pytest.param(field("flags", False), [6], id="an element of a list"),  # noqa: FBT003
        pytest.param(field("deep.flag", True), [4], id="a path"),  # noqa: FBT003
        pytest.param(field("deep.list[].flag", False), [4], id="a path into a list"),  # noqa: FBT003
        pytest.param(field("parts[].flag", False), [5, 6], id="any element"),  # noqa: FBT003
        pytest.param(
            nested("parts", field("flag", True), field("n", 2)),  # noqa: FBT003
            [6],
            id="within one element",
        ),
        pytest.param(
            nested("parts", field("n", 1), must_not=[field("flag", True)]),  # noqa: FBT003
            [6],
            id="not within one element",
        ),
    ],
)
def test_booleans_match_booleans_and_nothing_else(client, condition, expected):
    assert found(client, condition) == expected
    others = [number for number in range(len(DOCUMENTS)) if number not in expected]
    assert found(client, must_not=[condition]) == others


def test_conditions_combine(client):
    true, false, one = field("flag", True), field("flag", False), field("n", 1)  # noqa: FBT003
    assert found(client, true, one) == [0]
    assert found(client, should=[true, one]) == [0, 2]
    assert found(client, true, must_not=[false]) == [0]
    assert found(client, models.Filter(should=[one, false]), must_not=[true]) == [1]
    two_of_three = models.MinShould(conditions=[true, false, field("n", 2)], min_count=2)
    assert found(client, min_should=two_of_three) == [1, 2]


def test_an_index_changes_no_answer(client):
    conditions = [field("flag", True), field("flag", False), field("flag", "true")]  # noqa: FBT003
    before = [found(client, condition) for condition in conditions]
    client.create_payload_index("filters", "flag", models.PayloadSchemaType.BOOL)
    assert [found(client, condition) for condition in conditions] == before


def test_an_empty_filter_finds_everything(client):
    assert found(client) == list(range(len(DOCUMENTS)))


def test_a_malformed_filter_is_refused(client, qdrant_url):
    invalid = grpc.StatusCode.INVALID_ARGUMENT
    with refused(invalid, "invalid JSON path"):
        found(client, field("a[", 1))
    empty = messages.Condition(field=messages.FieldCondition(key="n"))
    request = messages.CountPoints(collection_name="filters", filter=messages.Filter(must=[empty]))
    with (
        grpc.insecure_channel(qdrant_url.removeprefix("grpc://")) as channel,
        refused(invalid, "the condition on field `n` is empty"),
    ):
        messages.PointsStub(channel).Count(request)
    with refused(invalid, "Unable to parse UUID: foo"):
        found(client, models.HasIdCondition(has_id=["foo"]))


CONDITIONS = st.sampled_from(
    [
        field("flag", True),  # noqa: FBT003
        field("flag", False),  # noqa: FBT003
        field("n", 1),
        field("parts[].flag", True),  # noqa: FBT003
        nested("parts", field("flag", False), field("n", 2)),  # noqa: FBT003
        field("word", models.MatchText(text="red")),
    ]
)
FILTERS = st.recursive(
    CONDITIONS,
    lambda inner: st.builds(
        models.Filter,
        must=st.none() | st.lists(inner, min_size=1, max_size=2),
        should=st.none() | st.lists(inner, min_size=1, max_size=2),
        must_not=st.none() | st.lists(inner, min_size=1, max_size=2),
    ),
    max_leaves=6,
)


@settings(max_examples=40)
@given(condition=FILTERS)
def test_a_condition_and_its_negation_split_the_collection(client, condition):
    chosen, others = found(client, condition), found(client, must_not=[condition])
    assert sorted(chosen + others) == list(range(len(DOCUMENTS)))
    assert client.count("filters", models.Filter(must=[condition])).count == len(chosen)
