"""A load as a whole: nothing is half written unsaid, and loading again completes it."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from clustering_pipeline.model.errors import DocumentsUnavailable, InvalidRequest
from clustering_pipeline.model.scope import LOCAL
from clustering_pipeline.service.collections.load import Load, load
from clustering_pipeline.stores.documents import Documents
from clustering_pipeline_tests.worlds.world import World

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
