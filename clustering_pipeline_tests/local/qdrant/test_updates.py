import grpc
import pytest
from qdrant_client import models

from clustering_pipeline_tests.local.qdrant.factories import ids, payload, point, refused

NOT_FOUND = grpc.StatusCode.NOT_FOUND
INVALID = grpc.StatusCode.INVALID_ARGUMENT
EVEN = models.Filter(must=[models.FieldCondition(key="even", match=models.MatchValue(value=True))])


@pytest.fixture
def numbers(qdrant, docs):
    """Points 0 … 3, half of them even."""
    qdrant.upsert(docs, [point(number, even=number % 2 == 0) for number in range(4)])
    return docs


def payloads(qdrant, name) -> list[dict]:
    return [record.payload for record in qdrant.scroll(name)[0]]


def test_an_upsert_replaces_the_whole_point(qdrant, numbers):
    qdrant.upsert(numbers, [models.PointStruct(id=1, vector={"image": [7, 7]}, payload={"a": 1})])
    record = qdrant.retrieve(numbers, [1], with_vectors=True)[0]
    assert (record.payload, record.vector) == ({"a": 1}, {"image": [7.0, 7.0]})


def test_an_upsert_may_insert_only_or_update_only(qdrant, numbers):
    points = [point(1, new=True), point(9, new=True)]
    qdrant.upsert(numbers, points, update_mode=models.UpdateMode.INSERT_ONLY)
    assert (payload(qdrant, numbers, 1), payload(qdrant, numbers, 9)) == (
        {"even": False},
        {"new": True},
    )
    points = [point(1, newer=True), point(10, newer=True)]
    qdrant.upsert(numbers, points, update_mode=models.UpdateMode.UPDATE_ONLY)
    assert payload(qdrant, numbers, 1) == {"newer": True}
    assert ids(qdrant, numbers) == [0, 1, 2, 3, 9]


def test_an_upsert_may_depend_on_what_is_there(qdrant, numbers):
    qdrant.upsert(numbers, [point(0, done=True), point(1, done=True)], update_filter=EVEN)
    assert (payload(qdrant, numbers, 0), payload(qdrant, numbers, 1)) == (
        {"done": True},
        {"even": False},
    )


def test_setting_payload_merges_by_ids_or_filter(qdrant, numbers):
    qdrant.set_payload(numbers, {"a": 1}, [1, 2])
    qdrant.set_payload(numbers, {"b": [True, None]}, EVEN)
    assert payloads(qdrant, numbers) == [
        {"even": True, "b": [True, None]},
        {"even": False, "a": 1},
        {"even": True, "a": 1, "b": [True, None]},
        {"even": False},
    ]


def test_setting_payload_may_go_below_a_key(qdrant, numbers):
    qdrant.set_payload(numbers, {"a": {"b": 1}}, [1])
    qdrant.set_payload(numbers, {"c": 2}, [1], key="a")
    assert payload(qdrant, numbers, 1) == {"even": False, "a": {"b": 1, "c": 2}}


def test_overwriting_payload_leaves_nothing_of_the_old(qdrant, numbers):
    qdrant.overwrite_payload(numbers, {"a": 1}, [1])
    qdrant.overwrite_payload(numbers, {}, EVEN)
    assert payloads(qdrant, numbers) == [{}, {"a": 1}, {}, {"even": False}]


def test_payload_fields_are_deleted_by_ids_or_filter(qdrant, numbers):
    qdrant.set_payload(numbers, {"a": 1, "b": {"c": 2, "d": 3}}, [0, 1])
    qdrant.delete_payload(numbers, ["a", "b.c", "never"], [1])
    qdrant.delete_payload(numbers, ["b"], EVEN)
    assert payloads(qdrant, numbers)[:2] == [{"even": True, "a": 1}, {"even": False, "b": {"d": 3}}]


def test_payload_is_cleared_by_ids_or_filter(qdrant, numbers):
    qdrant.clear_payload(numbers, [1])
    qdrant.clear_payload(numbers, EVEN)
    assert payloads(qdrant, numbers) == [{}, {}, {}, {"even": False}]


def test_points_are_deleted_by_ids_or_filter(qdrant, numbers):
    qdrant.delete(numbers, [1, 99])
    qdrant.delete(numbers, EVEN)
    assert ids(qdrant, numbers) == [3]


def test_vectors_are_updated_and_deleted_by_name(qdrant, numbers):
    qdrant.update_vectors(numbers, [models.PointVectors(id=0, vector={"image": [5, 6]})])
    qdrant.delete_vectors(numbers, ["text"], EVEN)
    qdrant.delete_vectors(numbers, ["image"], [1])
    records = qdrant.retrieve(numbers, [0, 1], with_vectors=True)
    assert [record.vector for record in records] == [
        {"image": [5.0, 6.0]},
        {"text": [1.0, 0.0, 0.0, 0.0]},
    ]


def test_an_unknown_point_or_vector_is_refused(qdrant, numbers):
    with refused(NOT_FOUND, "No point with id 99"):
        qdrant.set_payload(numbers, {"a": 1}, [99])
    with refused(NOT_FOUND, "No point with id 99"):
        qdrant.update_vectors(numbers, [models.PointVectors(id=99, vector={"image": [5, 6]})])
    with refused(INVALID, "Not existing vector name error: video"):
        qdrant.delete_vectors(numbers, ["video"], [1])
    with refused(INVALID, "expected dim: 2, got 1"):
        qdrant.update_vectors(numbers, [models.PointVectors(id=1, vector={"image": [5]})])


def test_a_payload_number_that_is_none_is_refused(qdrant, numbers):
    with refused(INVALID, "cannot convert to json number: nan"):
        qdrant.set_payload(numbers, {"a": float("nan")}, [1])


def test_a_batch_applies_in_order(qdrant, numbers):
    ids_of = models.PointIdsList(points=[0])
    qdrant.batch_update_points(
        numbers,
        [
            models.UpsertOperation(upsert=models.PointsList(points=[point(7, a=1, b=2)])),
            models.SetPayloadOperation(
                set_payload=models.SetPayload(payload={"a": 3, "c": 4}, points=[7])
            ),
            models.DeletePayloadOperation(
                delete_payload=models.DeletePayload(keys=["b"], points=[7])
            ),
            models.OverwritePayloadOperation(
                overwrite_payload=models.SetPayload(payload={"o": 1}, filter=EVEN)
            ),
            models.ClearPayloadOperation(clear_payload=ids_of),
            models.UpdateVectorsOperation(
                update_vectors=models.UpdateVectors(
                    points=[models.PointVectors(id=7, vector={"image": [9, 9]})]
                )
            ),
            models.DeleteVectorsOperation(
                delete_vectors=models.DeleteVectors(vector=["text"], points=[7])
            ),
            models.DeleteOperation(delete=models.PointIdsList(points=[1])),
        ],
    )
    records = qdrant.retrieve(numbers, [0, 1, 2, 7], with_vectors=["image"])
    assert [(record.id, record.payload, record.vector) for record in records] == [
        (0, {}, {"image": [1.0, 2.0]}),
        (2, {"o": 1}, {"image": [1.0, 2.0]}),
        (7, {"a": 3, "c": 4}, {"image": [9.0, 9.0]}),
    ]


def test_every_point_may_get_a_payload_of_its_own_in_one_batch(qdrant, numbers):
    operations = [
        models.SetPayloadOperation(
            set_payload=models.SetPayload(payload={"rank": number * 1.5}, points=[number])
        )
        for number in range(4)
    ]
    results = qdrant.batch_update_points(numbers, operations)
    assert [result.status for result in results] == [models.UpdateStatus.COMPLETED] * 4
    assert [entry["rank"] for entry in payloads(qdrant, numbers)] == [0, 1.5, 3.0, 4.5]


@pytest.mark.parametrize(
    ("schema", "kind"),
    [
        *((kind, kind) for kind in models.PayloadSchemaType),
        (
            models.TextIndexParams(
                type=models.TextIndexType.TEXT,
                tokenizer=models.TokenizerType.WORD,
                lowercase=True,
                min_token_len=2,
                stopwords=models.StopwordsSet(languages=[models.Language.ENGLISH], custom=["x"]),
                stemmer=models.SnowballParams(
                    type=models.Snowball.SNOWBALL, language=models.SnowballLanguage.ENGLISH
                ),
                on_disk=True,
            ),
            models.PayloadSchemaType.TEXT,
        ),
        (
            models.IntegerIndexParams(
                type=models.IntegerIndexType.INTEGER, lookup=True, range=True
            ),
            models.PayloadSchemaType.INTEGER,
        ),
        (
            models.KeywordIndexParams(type=models.KeywordIndexType.KEYWORD, is_tenant=True),
            models.PayloadSchemaType.KEYWORD,
        ),
    ],
)
def test_a_field_index_is_told_and_can_be_deleted(qdrant, numbers, schema, kind):
    qdrant.create_payload_index(numbers, "some.field", schema)
    indexes = qdrant.get_collection(numbers).payload_schema
    assert {name: index.data_type for name, index in indexes.items()} == {"some.field": kind}
    qdrant.delete_payload_index(numbers, "some.field")
    assert qdrant.get_collection(numbers).payload_schema == {}
