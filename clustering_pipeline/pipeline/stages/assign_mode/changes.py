"""Which documents are as the published run read them, told without reading them whole."""

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from itertools import compress

import numpy as np
from numpy.typing import NDArray

from clustering_pipeline.engine.vectors import unit_rows
from clustering_pipeline.model.collections import DOCUMENT_ID
from clustering_pipeline.model.filters.tree import parse_filter
from clustering_pipeline.model.ids import run_mark
from clustering_pipeline.pipeline.run.run import Run
from clustering_pipeline.pipeline.stages.assign_mode.table import Rows, Table, Vectors
from clustering_pipeline.stores.documents import Point, Source
from clustering_pipeline.stores.documents.concurrency import ahead, in_order
from clustering_pipeline.stores.documents.types import Products

_PAGE = 2_000
_SEED = 20_261_121
_DIRECTIONS = 2
_EQUAL = 1e-6
"""Of two products of the same vector, what rounding may set them apart, by its length.

Another vector agrees in both products once in 1e8 times; one this near joins the same group.
"""


@dataclass(slots=True, kw_only=True)
class Seen:
    """Of one collection: the rows of documents as the published run has them, the ids of points
    that are to be read, and how many lack a vector.
    """

    source: Source
    known: Rows = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    others: list[str] = field(default_factory=list)
    lacking: int = 0

    @property
    def documents(self) -> int:
        """How many are selected."""
        return len(self.known) + len(self.others) + self.lacking


def look(run: Run, source: Source, sizes: Sequence[int], stored: Callable[[], Table]) -> Seen:
    """By what the server says of the vectors, else by the vectors themselves.

    ``stored`` tells what the published run read, vectors of these ``sizes``, once there is
    something to compare with it.

    A document is known when it has the vector and the name that it had, and where the definition
    writes onto its documents also its mark, which is lost to whoever is put anew.
    """
    mark = [run_mark(run.cluster_id)] if run.spec.enrich else []
    return _by_products(run, source, sizes, stored, mark) or _by_vectors(
        run, source, stored(), mark
    )


def vectors_of(point: Point, source: Source) -> list[Vectors]:
    """All of them, or none when one is missing."""
    found = [point.vectors.get(name) for name in source.vector_names]
    there = [one for one in found if one is not None]
    return there if len(there) == len(found) else []


@dataclass(frozen=True, kw_only=True, eq=False)
class _Question:
    """A direction, and which of the vectors of each document its product is with."""

    number: int
    vector: str
    direction: Vectors

    def agrees(self, stored: Table, rows: Rows, values: Vectors) -> NDArray[np.bool_]:
        """(m,) whether the vectors at ``rows`` have those products; -1 is no vector."""
        matrix = list(stored.vectors.values())[self.number]
        lengths = np.sqrt(np.einsum("ij,ij->i", matrix, matrix))
        most = _EQUAL * np.maximum(lengths[rows], 1)
        return (rows >= 0) & (np.abs((matrix @ self.direction)[rows] - values) <= most)


def _questions(source: Source, sizes: Sequence[int]) -> Iterator[_Question]:
    drawn = np.random.default_rng(_SEED)
    for number, (name, size) in enumerate(zip(source.vector_names, sizes, strict=True)):
        for direction in unit_rows(drawn.normal(size=(_DIRECTIONS, size))):
            yield _Question(number=number, vector=name, direction=direction.astype(np.float32))


def _by_products(
    run: Run,
    source: Source,
    sizes: Sequence[int],
    stored: Callable[[], Table],
    mark: list[str],
) -> Seen | None:
    """Compares products with random directions; None where the server cannot tell of all."""
    ids: list[str] = []
    at, known = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.bool_)
    questions = list(_questions(source, sizes))
    with closing(_answers(run, source, questions, mark)) as answers:
        for question, found in zip(questions, answers, strict=True):
            run.check()
            if found is None:
                return None
            before = stored()
            rows = before.rows(source.collection_id, found.ids)
            same = question.agrees(before, rows, found.values) & found.whole
            if question is questions[0]:
                ids, at, known = list(found.ids), rows, np.zeros(len(before.texts), dtype=np.bool_)
                same &= _named_alike(before, rows, found.document_ids)
                known[rows[same]] = True
            known[rows[~same & (rows >= 0)]] = False
    inside = at >= 0
    inside[inside] = known[at[inside]]
    return Seen(source=source, known=at[inside], others=list(compress(ids, ~inside)))


def _answers(
    run: Run, source: Source, questions: Sequence[_Question], mark: list[str]
) -> Generator[Products | None]:
    """The server finds the next while this one is looked at; the first says how all are called.

    One after the other: two at once would only take each other's time.
    """
    tree = parse_filter(run.spec.filters)

    def ask(question: _Question) -> Products | None:
        first = question is questions[0]
        return run.pipeline.documents.products(
            source.qdrant_collection,
            tree,
            vector=question.vector,
            direction=question.direction,
            fields=mark if first else [],
            named=first,
        )

    return in_order(ask, questions, in_flight=1)


def _named_alike(
    stored: Table, rows: NDArray[np.int64], document_ids: Sequence[str]
) -> NDArray[np.bool_]:
    names = stored.texts["document_id"].to_list()
    pairs = zip(rows.tolist(), document_ids, strict=True)
    return np.array([row >= 0 and names[row] == one for row, one in pairs], dtype=np.bool_)


def _by_vectors(run: Run, source: Source, stored: Table, mark: list[str]) -> Seen:
    """Compares what the collection holds with what the published run read."""
    places = stored.places(source.collection_id)
    names = stored.texts["document_id"].to_list()
    known: list[int] = []
    seen = Seen(source=source)
    pages = run.pipeline.documents.scroll(
        source.qdrant_collection,
        parse_filter(run.spec.filters),
        payload_fields=[DOCUMENT_ID, *mark],
        vector_names=source.vector_names,
        page=_PAGE,
    )
    with closing(ahead(pages)) as coming:
        for page in coming:
            run.check()
            whole = [one for one in page if vectors_of(one, source)]
            rows = np.array([places.get(one.id, -1) for one in whole], dtype=np.int64)
            same = stored.holds(rows, _stacked(whole, source))
            for one, row, held in zip(whole, rows.tolist(), same.tolist(), strict=True):
                if held and one.document_id == names[row] and set(mark) <= one.payload.keys():
                    known.append(row)
                else:
                    seen.others.append(one.id)
            seen.lacking += len(page) - len(whole)
            done = len(known) + len(seen.others) + seen.lacking
            run.progress(done, max(done, len(names)))
    return replace(seen, known=np.array(known, dtype=np.int64))


def _stacked(points: Sequence[Point], source: Source) -> list[Vectors]:
    """An (m, d) matrix for each vector; of no points, nothing is compared."""
    nothing = np.zeros((0, 0), dtype=np.float32)
    return [
        np.stack([one.vectors[name] for one in points]) if points else nothing
        for name in source.vector_names
    ]
