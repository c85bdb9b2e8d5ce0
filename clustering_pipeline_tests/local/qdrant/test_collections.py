import grpc
import pytest
from qdrant_client import models

from clustering_pipeline_tests.local.qdrant.factories import ONE_VECTOR, ids, point, refused

NOT_FOUND = grpc.StatusCode.NOT_FOUND
INVALID = grpc.StatusCode.INVALID_ARGUMENT
UNIMPLEMENTED = grpc.StatusCode.UNIMPLEMENTED


def test_a_collection_that_nobody_made_is_not_there(qdrant):
    assert "docs" not in {one.name for one in qdrant.get_collections().collections}
    assert not qdrant.collection_exists("docs")


def test_a_collection_tells_its_vectors_and_points(qdrant, docs):
    qdrant.upsert(docs, [point(1), point(2)])
    info = qdrant.get_collection(docs)
    vectors = info.config.params.vectors
    assert (info.status, info.points_count) == (models.CollectionStatus.GREEN, 2)
    assert {name: (vector.size, vector.distance) for name, vector in vectors.items()} == {
        "text": (4, models.Distance.COSINE),
        "image": (2, models.Distance.DOT),
    }


def test_what_only_tunes_is_told_as_it_was_asked_for(qdrant):
    qdrant.create_collection(
        "tuned",
        vectors_config=ONE_VECTOR,
        hnsw_config=models.HnswConfigDiff(m=8),
        optimizers_config=models.OptimizersConfigDiff(indexing_threshold=0),
        quantization_config=models.ScalarQuantization(
            scalar=models.ScalarQuantizationConfig(type=models.ScalarType.INT8)
        ),
        on_disk_payload=False,
        metadata={"owner": "tests"},
    )
    config = qdrant.get_collection("tuned").config
    assert (config.hnsw_config.m, config.hnsw_config.ef_construct) == (8, 100)
    assert config.optimizer_config.indexing_threshold == 0
    assert config.quantization_config.scalar.type == models.ScalarType.INT8
    assert (config.params.on_disk_payload, config.metadata) == (False, {"owner": "tests"})


def test_an_update_that_only_tunes_is_kept(qdrant, docs):
    qdrant.update_collection(
        docs,
        hnsw_config=models.HnswConfigDiff(m=4),
        vectors_config={"text": models.VectorParamsDiff(on_disk=True)},
        quantization_config=models.ScalarQuantization(
            scalar=models.ScalarQuantizationConfig(type=models.ScalarType.INT8)
        ),
        metadata={"tuned": True},
    )
    config = qdrant.get_collection(docs).config
    assert (config.hnsw_config.m, config.params.vectors["text"].on_disk) == (4, True)
    assert config.quantization_config.scalar.type == models.ScalarType.INT8
    assert config.metadata == {"tuned": True}
    qdrant.update_collection(docs, quantization_config=models.Disabled.DISABLED)
    assert qdrant.get_collection(docs).config.quantization_config is None


def test_an_update_of_an_unknown_vector_is_refused(qdrant, docs):
    with refused(INVALID, "Not existing vector name error: video"):
        qdrant.update_collection(docs, vectors_config={"video": models.VectorParamsDiff()})


def test_a_taken_name_is_refused(qdrant, docs):
    with refused(grpc.StatusCode.ALREADY_EXISTS, "Collection `docs` already exists!"):
        qdrant.create_collection(docs, vectors_config=ONE_VECTOR)


def test_a_deleted_collection_is_gone_and_its_name_free(qdrant, docs):
    qdrant.upsert(docs, [point(1)])
    assert qdrant.delete_collection(docs)
    assert not qdrant.collection_exists(docs)
    assert not qdrant.delete_collection(docs)
    qdrant.create_collection(docs, vectors_config=ONE_VECTOR)
    assert ids(qdrant, docs) == []


def test_an_unknown_collection_is_refused_everywhere(qdrant):
    for call in (
        lambda: qdrant.get_collection("nope"),
        lambda: qdrant.update_collection("nope", metadata={}),
        lambda: qdrant.count("nope"),
        lambda: qdrant.scroll("nope"),
        lambda: qdrant.retrieve("nope", [1]),
        lambda: qdrant.upsert("nope", [point(1)]),
        lambda: qdrant.delete("nope", [1]),
        lambda: qdrant.query_points("nope", query=[1.0, 0.0]),
        lambda: qdrant.get_collection_aliases("nope"),
    ):
        with refused(NOT_FOUND, "Collection `nope` doesn't exist!"):
            call()


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("Ünïcode 名前 🚀", id="unicode"),
        pytest.param("..", id="a path upwards"),
        pytest.param(" ", id="a space"),
        pytest.param("x" * 255, id="as long as can be"),
        pytest.param("%2F'&;#$()", id="punctuation"),
    ],
)
def test_any_name_a_server_accepts_names_a_collection(qdrant, name):
    qdrant.create_collection(name, vectors_config=ONE_VECTOR)
    qdrant.upsert(name, [models.PointStruct(id=1, vector=[1, 2])])
    assert (ids(qdrant, name), qdrant.collection_exists(name)) == ([1], True)


@pytest.mark.parametrize("name", ["", "a/b", "a?", "x" * 256])
def test_a_name_a_server_refuses_is_refused(qdrant, name):
    with refused(INVALID, "the name"):
        qdrant.create_collection(name, vectors_config=ONE_VECTOR)


def test_a_vector_without_dimensions_is_refused(qdrant):
    with refused(INVALID, "vector size 0"):
        qdrant.create_collection(
            "empty", vectors_config=models.VectorParams(size=0, distance=models.Distance.DOT)
        )
    assert not qdrant.collection_exists("empty")


def test_what_would_change_answers_and_is_not_served_says_so(qdrant):
    with refused(UNIMPLEMENTED, "strict mode"):
        qdrant.create_collection(
            "c", vectors_config=ONE_VECTOR, strict_mode_config=models.StrictModeConfig(enabled=True)
        )
    with refused(UNIMPLEMENTED, "without vectors"):
        qdrant.create_collection("c", vectors_config={})
    with refused(UNIMPLEMENTED, "datatype"):
        qdrant.create_collection(
            "c",
            vectors_config=models.VectorParams(
                size=2, distance=models.Distance.DOT, datatype=models.Datatype.TURBO4
            ),
        )
