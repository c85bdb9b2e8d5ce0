"""A load as a whole: nothing is half written unsaid, and loading again completes it."""

import json
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from qdrant_client import QdrantClient

from clustering_pipeline.model.collections import PutDocumentsRequest
from clustering_pipeline.model.definitions.validation import validate
from clustering_pipeline.model.errors import DocumentsRefused, DocumentsUnavailable, InvalidRequest
from clustering_pipeline.model.ids import unsharded
from clustering_pipeline.model.scope import LOCAL
from clustering_pipeline.service.collections.documents import put_documents
from clustering_pipeline.service.collections.load import Load, load
from clustering_pipeline.stores.documents import Documents
from clustering_pipeline_tests.worlds.keyed import make_keyed
from clustering_pipeline_tests.worlds.planted import planted
from clustering_pipeline_tests.worlds.world import VECTOR, World

ROWS = 7_500


class Breaking(Documents):
    """A store that is gone after some writes."""

    left = 2

    def upsert(self, *arguments, **options):
        if not self.left:
            message = "Qdrant is gone"
            raise DocumentsUnavailable(message)
        self.left -= 1
        super().upsert(*arguments, **options)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "talks.jsonl"
    rows = [{"document_id": f"d{at}", "n": at, "embedding": [1.0, 2.0]} for at in range(ROWS)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_a_store_that_dies_midway_is_told_with_the_rows_written(
    world: World, qdrant_url: str, file: Path
) -> None:
    request = Load(file=file, collection_name=world.name("talks"))
    breaking = Breaking.connect(qdrant_url)
    with pytest.raises(DocumentsUnavailable) as told:
        load(replace(world.pipeline, documents=breaking), LOCAL, request)
    breaking.close()
    written = world.pipeline.documents.points(request.collection_name)
    assert written == 2_000
    assert str(told.value) == (
        f"Qdrant is gone; 2000 of {ROWS} rows of {file} were written: load it again to complete"
    )
    seen: list[tuple[int, int]] = []
    record = load(world.pipeline, LOCAL, request, lambda *progress: seen.append(progress))
    assert seen[-1] == (ROWS, ROWS)
    assert world.pipeline.documents.points(record.qdrant_collection) == ROWS
    numbers = [one["n"] for one in world.payloads(record).values()]
    assert sorted(numbers) == list(range(ROWS))


def test_nothing_is_written_of_a_file_whose_last_line_is_broken(world: World, file: Path) -> None:
    with file.open("a") as content:
        content.write('{"document_id": "last", "x": Infinity}\n')
    name = world.name("talks")
    with pytest.raises(InvalidRequest, match=f"in line {ROWS + 1} of"):
        load(world.pipeline, LOCAL, Load(file=file, collection_name=name))
    assert name not in world.pipeline.documents.collections()
    names = world.pipeline.catalog.collections.list(LOCAL)
    assert name not in {record.collection_name for record in names}


def test_a_load_under_a_shard_key_leaves_the_same_ids_under_others_alone(
    world: World, qdrant: QdrantClient, file: Path
) -> None:
    name = world.name("keyed")
    make_keyed(qdrant, name, ("x", "y"), vector="embedding", size=2)
    lines = [f'{{"document_id": "d{at}", "embedding": [1, {at}]}}\n' for at in (1, 2)]
    file.write_text("".join(lines))
    request = Load(file=file, collection_name=name)
    with pytest.raises(DocumentsRefused, match="has the shard keys x, y"):
        load(world.pipeline, LOCAL, request)
    for _ in range(2):
        for key in ("x", "y"):
            load(world.pipeline, LOCAL, replace(request, shard_key=key))
    assert world.pipeline.documents.points(name) == 4
    file.write_text('{"document_id": "d1", "n": 5, "embedding": [1, 1]}\n')
    record = load(world.pipeline, LOCAL, replace(request, shard_key="y"))
    payloads = world.payloads(record)
    rows = [
        (point.rpartition("@")[2], payload["document_id"], payload.get("n"))
        for point, payload in payloads.items()
    ]
    assert sorted(rows, key=lambda row: row[:2]) == [
        ("x", "d1", None),
        ("x", "d2", None),
        ("y", "d1", 5),
        ("y", "d2", None),
    ]
    put = {"documents": [{"document_id": "d1", "vectors": {"embedding": [0, 1]}}]}
    with pytest.raises(DocumentsRefused, match="'d1' lies under the shard keys x, y: name one"):
        put_documents(world.pipeline, record, validate(PutDocumentsRequest, put))
    put_documents(world.pipeline, record, validate(PutDocumentsRequest, {**put, "shard_key": "y"}))
    numbers = [payload.get("n") for payload in world.payloads(record).values()]
    assert numbers == [None] * 4


def test_results_reach_the_documents_of_both_keys(world: World, qdrant: QdrantClient) -> None:
    name, documents = world.name("keyed"), planted(sizes={"sea": 30, "court": 30})
    make_keyed(qdrant, name, ("x", 7), vector=VECTOR, size=documents.vectors.shape[1])
    for key in ("x", 7):
        world.pipeline.documents.upsert(
            name, documents.ids, {VECTOR: documents.vectors}, documents.payloads, shard_key=key
        )
    collection = world.registered(name)
    field = {"source_field": "cluster_id", "target_field": "group"}
    cluster = world.define(
        collection,
        {"clustering_method": "kmeans", "algorithm_params": {"n_clusters": 2}},
        enrich_source_collection=True,
        source_enrichment_config={"field_mappings": [field]},
    )
    done = world.run(cluster)
    assert done.execution.write_back.written == 2 * len(documents)
    groups: dict[str, set[str]] = {}
    for point, payload in world.payloads(collection).items():
        groups.setdefault(unsharded(point), set()).add(payload["group"])
    assert len(groups) == len(documents)
    assert all(len(names) == 1 for names in groups.values())
    again = world.run(done.cluster)
    assert (again.execution.write_back.written, again.execution.write_back.unchanged) == (
        0,
        2 * len(documents),
    )


def test_a_strict_collection_is_loaded_again_and_put_to(
    world: World, strict_url: str, file: Path
) -> None:
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join(lines[:120]))
    with closing(Documents.connect(strict_url)) as strict:
        over = world.over(documents=strict)
        for _ in range(2):
            record = load(
                over.pipeline, LOCAL, Load(file=file, collection_name=world.name("talks"))
            )
        put = {"documents": [{"document_id": "d7", "vectors": {"embedding": [0, 1]}}]}
        assert put_documents(over.pipeline, record, validate(PutDocumentsRequest, put)) == 1
        numbers = [payload.get("n") for payload in over.payloads(record).values()]
        strict.delete_collection(record.qdrant_collection)
    assert sorted(number for number in numbers if number is not None) == [
        number for number in range(120) if number != 7
    ]
