import numpy as np
import pytest
from qdrant_client import models

from clustering_pipeline.model.errors import CollectionNotFound, DocumentsRefused, NameTaken
from clustering_pipeline.stores.documents import Vector

ONE = np.ones((1, 2), dtype=np.float32)


def test_a_collection_tells_its_vectors_indexes_and_points(documents, qdrant):
    documents.create_collection("info", {"text": 2, "größe": 3}, distance="Euclid")
    qdrant.create_payload_index("info", "year", models.PayloadSchemaType.INTEGER)
    documents.upsert("info", [1], {"text": ONE}, [{}])
    info = documents.describe("info")
    assert info.points == documents.points("info") == 1
    assert info.vectors == {
        "größe": Vector(size=3, distance="Euclid"),
        "text": Vector(size=2, distance="Euclid"),
    }
    assert list(info.indexes) == ["year"]


def test_the_unnamed_vector_has_an_empty_name(documents, qdrant):
    documents.create_collection("unnamed", {"": 2})
    documents.upsert("unnamed", [1], {"": ONE}, [{"a": 1}])
    assert documents.describe("unnamed").vectors == {"": Vector(size=2, distance="Cosine")}
    (point,) = documents.retrieve("unnamed", ["1"], vector_names=[""])
    assert point.vectors[""] == pytest.approx([0.5**0.5] * 2)


def test_vectors_that_cannot_be_clustered_are_left_out(documents, qdrant):
    several = models.MultiVectorConfig(comparator=models.MultiVectorComparator.MAX_SIM)
    qdrant.create_collection(
        "multi",
        vectors_config={
            "one": models.VectorParams(size=2, distance=models.Distance.DOT),
            "several": models.VectorParams(
                size=2, distance=models.Distance.DOT, multivector_config=several
            ),
        },
        sparse_vectors_config={"sparse": models.SparseVectorParams()},
    )
    assert list(documents.describe("multi").vectors) == ["one"]


def test_a_collection_that_is_not_there_is_refused_without_naming_those_of_others(
    documents, qdrant
):
    documents.create_collection("of somebody else", {"text": 2})
    with pytest.raises(CollectionNotFound, match="no collection 'gone'") as refused:
        documents.describe("gone")
    assert "somebody" not in refused.value.message
    with pytest.raises(CollectionNotFound, match="'gone'"):
        documents.write_payloads("gone", [("1", {"a": 1})])
    with pytest.raises(CollectionNotFound, match="'gone'"):
        list(documents.scroll("gone"))


def test_a_name_is_taken_once(documents, qdrant):
    documents.create_collection("taken", {"text": 2})
    with pytest.raises(NameTaken, match="'taken'"):
        documents.create_collection("taken", {"text": 2})


def test_deleting_twice_is_fine(documents, qdrant):
    documents.create_collection("short-lived", {"text": 2})
    assert documents.delete_collection("short-lived") is True
    assert documents.delete_collection("short-lived") is False


def test_an_alias_is_switched_and_removed(documents, qdrant):
    for name in ("generation-1", "generation-2"):
        documents.create_collection(name, {"text": 2})
        documents.upsert(name, [1], {"text": ONE}, [{"from": name}])
    documents.set_aliases({"current": "generation-1"})
    documents.set_aliases({"current": "generation-2"})
    assert documents.aliases()["current"] == "generation-2"
    assert documents.retrieve("current", ["1"])[0].payload == {"from": "generation-2"}
    documents.set_aliases({"current": None})
    documents.set_aliases({"current": None})
    assert "current" not in documents.aliases()


def test_aliases_are_switched_together_or_not_at_all(documents, qdrant):
    for name in ("text-1", "text-2", "image-1", "image-2"):
        documents.create_collection(name, {"text": 2})
    both = {"by-text": "text-1", "by-image": "image-1"}
    documents.set_aliases(both)
    assert both.items() <= documents.aliases().items()
    with pytest.raises(CollectionNotFound):
        documents.set_aliases({"by-text": "text-2", "by-image": "gone"})
    assert both.items() <= documents.aliases().items()
    documents.set_aliases({"by-text": "text-2", "by-image": "image-2"})
    assert {"by-text": "text-2", "by-image": "image-2"}.items() <= documents.aliases().items()
    documents.set_aliases(dict.fromkeys(both))


def test_an_alias_needs_a_collection(documents, qdrant):
    documents.create_collection("kept", {"text": 2})
    documents.set_aliases({"stays": "kept"})
    with pytest.raises(CollectionNotFound):
        documents.set_aliases({"stays": "gone"})
    assert documents.aliases()["stays"] == "kept"
    documents.set_aliases({"stays": None})


def test_a_vector_is_added_to_those_there(documents, fill):
    name = fill([(1, {}, [1, 2, 3])])
    documents.add_vector(name, "title", 2, distance="Dot")
    assert {vector: shape.size for vector, shape in documents.describe(name).vectors.items()} == {
        "text": 3,
        "title": 2,
    }
    both = {"text": np.ones((1, 3), np.float32), "title": np.ones((1, 2), np.float32)}
    documents.upsert(name, [2], both, [{}])
    first, second = documents.retrieve(name, ["1", "2"], vector_names=["text", "title"])
    assert (sorted(first.vectors), sorted(second.vectors)) == (["text"], ["text", "title"])
    with pytest.raises(DocumentsRefused):
        documents.add_vector(name, "title", 2)


def test_an_unnamed_vector_stays_alone(documents, fill):
    with pytest.raises(DocumentsRefused):
        documents.add_vector(fill([], name=""), "title", 2)
