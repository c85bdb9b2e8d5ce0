import json
import math
from functools import partial
from uuid import UUID

import numpy as np
import polars as pl
import pytest

from clustering_pipeline.model.errors import CollectionNotFound, UnknownVector, WrongDimension
from clustering_pipeline.model.filters.tree import parse_filter
from clustering_pipeline.stores.artifacts import Artifacts
from clustering_pipeline.stores.documents import ExportReport, Selection, Source
from clustering_pipeline_tests.sizes import size

MANY = size(ci=700, full=20_000)


@pytest.fixture
def artifacts(tmp_path):
    return Artifacts.open(tmp_path)


@pytest.fixture
def export(documents, artifacts):
    """Exports into a file and reads it back."""

    def run(sources, obj=None, *, payload_fields=None, sample_size=None, seed=42, **reading):
        sink = partial(artifacts.open_writer, "embeddings.parquet")
        selection = Selection(
            sources=sources,
            tree=parse_filter(obj),
            payload_fields=payload_fields,
            sample_size=sample_size,
            seed=seed,
        )
        report = documents.export(selection, sink, **reading)
        return report, artifacts.read_frame("embeddings.parquet")

    return run


def source(collection, collection_id="col_1", names=("text",)):
    return Source(
        collection_id=collection_id, qdrant_collection=collection, vector_names=tuple(names)
    )


def counts(report: ExportReport) -> dict[str, int]:
    names = ("source_documents", "retrieved", "missing_vector", "not_sampled", "vanished")
    return {name: getattr(report, name) for name in names if getattr(report, name)}


@pytest.fixture
def many(documents, fill):
    collection = fill([])
    rng = np.random.default_rng(0)
    documents.upsert(
        collection,
        [str(UUID(int=int(number))) for number in rng.permutation(MANY)],
        {"text": np.arange(3 * MANY, dtype=np.float32).reshape(MANY, 3)},
        [{"document_id": f"d{number:05}", "half": number % 2} for number in range(MANY)],
    )
    return collection


def test_rows_are_documents_in_canonical_order(export, fill):
    first = fill([(1, {"document_id": "z", "ü": [1, None]}, [1, 2, 3]), (2, {"n": 0.5}, [4, 5, 6])])
    second = fill([(9, {"document_id": "z"}, [7, 8, 9])])
    report, frame = export([source(first, "col_b"), source(second, "col_a")])
    assert frame.schema == {
        "collection_id": pl.String,
        "point_id": pl.String,
        "document_id": pl.String,
        "payload": pl.String,
        "vector": pl.Array(pl.Float32, 3),
    }
    assert [(*row[:3], json.loads(row[3]), row[4]) for row in frame.iter_rows()] == [
        ("col_a", "9", "z", {"document_id": "z"}, [7, 8, 9]),
        ("col_b", "2", "2", {"n": 0.5}, [4, 5, 6]),
        ("col_b", "1", "z", {"document_id": "z", "ü": [1, None]}, [1, 2, 3]),
    ]
    assert counts(report) == {"source_documents": 3, "retrieved": 3}
    assert report.vector_bytes == 36


def test_every_document_has_its_own_vector_whatever_the_pages(export, many):
    done = []
    report, frame = export(
        [source(many)], page=97, progress=lambda read, total: done.append((read, total))
    )
    assert report.retrieved == frame.height == MANY
    assert frame["document_id"].to_list() == [f"d{number:05}" for number in range(MANY)]
    expected = np.arange(3 * MANY, dtype=np.float32).reshape(MANY, 3)
    assert np.array_equal(frame["vector"].to_numpy(), expected)
    assert done[-1] == (MANY, MANY)
    assert done == sorted(done)


def test_no_document_is_a_file_without_rows(export, fill):
    report, frame = export([source(fill([]))])
    assert frame.shape == (0, 5)
    assert counts(report) == {}
    report, frame = export([source(fill([(1, {}, [1, 2, 3])]))], {"no": "such"})
    assert (frame.shape, counts(report)) == ((0, 5), {})


def test_the_filter_selects_here_as_in_qdrant(export, many):
    report, frame = export([source(many)], {"half": 1})
    assert counts(report) == {"source_documents": MANY // 2, "retrieved": MANY // 2}
    half = {"field": "document_id", "operator": "regex", "value": "[13579]$"}
    assert export([source(many)], half)[1].equals(frame)


def test_documents_without_the_vector_are_counted_and_left_out(export, fill):
    collection = fill([(1, {"a": 1}, [1, 2, 3]), (2, {"a": 1}, None), (3, {"a": 2}, None)])
    report, frame = export([source(collection)], {"field": "a", "operator": "regex", "value": "x"})
    assert counts(report) == {}
    report, frame = export([source(collection)])
    assert counts(report) == {"source_documents": 3, "retrieved": 1, "missing_vector": 2}
    assert frame["point_id"].to_list() == ["1"]


def test_documents_with_nan_or_infinity_are_exported_and_named(export, fill):
    points = [(n, {"document_id": f"bad {n}"}, [1, math.nan, 2]) for n in range(10, 22)]
    collection = fill([(1, {}, [1, 2, 3]), (2, {}, [math.inf, 0, 0]), *points])
    report, frame = export([source(collection)])
    assert (report.retrieved, report.invalid) == (14, 13)
    assert report.invalid_ids == ("2", *(f"bad {n}" for n in range(10, 19)))
    assert frame.height == 14


def test_a_sample_is_exact_and_follows_from_the_seed(export, many):
    report, frame = export([source(many)], sample_size=100, seed=3)
    assert counts(report) == {"source_documents": MANY, "retrieved": 100, "not_sampled": MANY - 100}
    assert frame["document_id"].is_sorted()
    assert export([source(many)], sample_size=100, seed=3, page=7)[1].equals(frame)
    assert not export([source(many)], sample_size=100, seed=4)[1].equals(frame)
    assert export([source(many)], sample_size=MANY)[0].not_sampled == 0


def test_a_sample_is_drawn_among_documents_with_the_vector(export, fill):
    collection = fill([(n, {}, None if n % 2 else [n, 0, 0]) for n in range(40)])
    report, frame = export([source(collection)], sample_size=20)
    assert counts(report) == {"source_documents": 40, "retrieved": 20, "missing_vector": 20}
    assert frame.height == 20


def test_some_fields_of_the_payload(export, fill):
    collection = fill([(1, {"a": 1, "b.c": 2, 'q"': 3, "document_id": "x"}, [1, 2, 3])])
    _, frame = export([source(collection)], payload_fields=["b.c", "gone"])
    assert (frame["payload"].item(), frame["document_id"].item()) == ('{"b.c":2}', "x")
    _, frame = export([source(collection)], payload_fields=['q"'])
    assert frame["payload"].item() == '{"q\\"":3}'
    _, frame = export([source(collection)], payload_fields=[])
    assert frame["payload"].item() == "{}"


@pytest.fixture
def features(documents, qdrant):
    documents.create_collection("features", {"text": 2, "image": 3}, distance="Dot")
    both = {"text": np.ones((1, 2), np.float32), "image": np.full((1, 3), 2, np.float32)}
    documents.upsert("features", [1], both, [{}])
    documents.upsert("features", [2], {"text": both["text"]}, [{}])
    return "features"


def test_several_features_are_several_columns(export, features):
    report, frame = export([source(features, names=("image", "text"))])
    assert frame.select("vector_0", "vector_1").rows() == [([2, 2, 2], [1, 1])]
    assert counts(report) == {"source_documents": 2, "retrieved": 1, "missing_vector": 1}


def test_the_unnamed_vector_is_exported(documents, export, fill):
    collection = fill([(1, {}, [1, 2, 3])], name="")
    assert export([source(collection, names=("",))])[1]["vector"].to_list() == [[1, 2, 3]]


def test_collections_of_other_lengths_are_refused_naming_both(export, features, fill):
    with pytest.raises(WrongDimension) as refused:
        export([source(features, "col_a"), source(fill([], size=384), "col_b")])
    assert refused.value.message == (
        "collection 'col_a' has 2 numbers in 'text', but collection 'col_b' has 384 numbers in "
        "'text': collections clustered together need vectors of one length"
    )


def test_what_is_not_there_is_refused_before_anything_is_written(export, features, artifacts):
    with pytest.raises(UnknownVector, match="'col_1' has no vector 'audio'; it has: image, text"):
        export([source(features, names=("audio",))])
    with pytest.raises(CollectionNotFound, match="no collection 'gone'"):
        export([source("gone")])
    assert artifacts.list() == ()


class Stop(Exception):
    """What a check raises to cancel."""


def stop_at(call):
    calls = iter(range(call))

    def check():
        if next(calls, None) is None:
            raise Stop

    return check


@pytest.mark.parametrize("call", [0, 2, 4])
def test_a_cancelled_export_leaves_no_file(export, many, artifacts, call):
    with pytest.raises(Stop):
        export([source(many)], page=100, check=stop_at(call))
    assert artifacts.list() == ()


def test_documents_deleted_meanwhile_are_counted(export, documents, many):
    doomed = [point.id for page in documents.scroll(many, limit=200) for point in page]
    calls = iter([lambda: None, lambda: None])

    def delete_after_the_ids_are_known():
        if next(calls, None) is None and documents.points(many) == MANY:
            documents.delete_points(many, point_ids=doomed)

    report, frame = export([source(many)], page=50, check=delete_after_the_ids_are_known)
    assert report.vanished > 0
    assert report.retrieved + report.vanished == report.source_documents == MANY
    assert frame.height == report.retrieved


def test_documents_without_a_vector_are_exported_when_none_is_asked_for(export, fill):
    collection = fill([(1, {"document_id": "b"}, [1, 2, 3]), (2, {"document_id": "a"}, None)])
    report, frame = export([source(collection, names=())])
    assert counts(report) == {"source_documents": 2, "retrieved": 2}
    assert frame.columns == ["collection_id", "point_id", "document_id", "payload"]
    assert frame["document_id"].to_list() == ["a", "b"]
