"""The documents of an assignment: what is as it was comes from the published run's own file."""

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field, replace
from itertools import compress, groupby

import numpy as np
import polars as pl
from numpy.typing import NDArray

from clustering_pipeline.engine.vectors import unit_rows
from clustering_pipeline.model.collections import DOCUMENT_ID
from clustering_pipeline.model.filters.tree import parse_filter
from clustering_pipeline.model.ids import run_mark
from clustering_pipeline.pipeline.run.report import StageReport
from clustering_pipeline.pipeline.run.run import Run
from clustering_pipeline.pipeline.run.spaces import vector_columns
from clustering_pipeline.pipeline.stages.assign_mode.published import Known, earlier, keep_known
from clustering_pipeline.pipeline.stages.assign_mode.table import (
    Rows,
    Table,
    Vectors,
    as_table,
    exported,
    write_table,
)
from clustering_pipeline.pipeline.stages.embed_texts import embed_missing
from clustering_pipeline.pipeline.stages.export import keep_report, sources_of
from clustering_pipeline.stores.documents import ExportReport, Point, Source
from clustering_pipeline.stores.documents.concurrency import ahead, in_order
from clustering_pipeline.stores.documents.types import KEY, Products

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


@dataclass(frozen=True, kw_only=True, eq=False)
class _Anew:
    """What was read whole: ``rows`` (m,) where the published run has the very same vector, -1
    where it has not; ``changed`` of these it has with another.
    """

    table: Table
    rows: Rows
    changed: int
    lacking: int
    vanished: int


def export_changes(run: Run) -> StageReport:
    """Looks at all selected documents, and reads whole what is not as it was.

    That is what is new or has another vector or name than the published run read; where a
    definition writes onto its documents also what lost its mark, because it was put anew.  The
    payload of the others is the one that was read then.
    """
    started = time.perf_counter()
    # Read before the scroll: a batch that completes meanwhile is not promised to be in.
    batches = run.pipeline.catalog.batches.completed(run.spec.scope, run.spec.collection_ids)
    texts = embed_missing(run)
    sources = sources_of(run.pipeline, run.spec)
    before = earlier(run)
    seen, stored = _looked_at(run, before, sources)
    anew = _anew(run, seen, stored)
    known = np.concatenate([part.known for part in seen])
    places = np.concatenate([known, len(stored.texts) + np.arange(len(anew.rows))])
    order = _canonical(stored, anew.table, places)
    write_table(run, [stored, anew.table], places[order])
    rows = np.concatenate([known, anew.rows])[order]
    keep_known(run, _let_in(run, before, stored, _known(stored, rows, changed=anew.changed)))
    report = ExportReport(
        source_documents=sum(part.documents for part in seen),
        retrieved=len(rows),
        missing_vector=sum(part.lacking for part in seen) + anew.lacking,
        not_sampled=0,
        vanished=anew.vanished,
        invalid=int((~anew.table.finite()).sum()),
        invalid_ids=tuple(anew.table.texts.filter(~anew.table.finite())["document_id"][:10]),
        seconds=time.perf_counter() - started,
        vector_bytes=len(rows) * 4 * sum(stored.sizes),
    )
    return keep_report(run, sources, report, batches, texts=texts)


def _looked_at(run: Run, before: Run, sources: Sequence[Source]) -> tuple[list[Seen], Table]:
    columns, sizes = list(vector_columns(run).values()), _sizes(run, sources[0])
    with ThreadPoolExecutor(1) as pool:
        # Read while Qdrant looks at its documents.
        stored = pool.submit(exported, before, columns, sizes)
        return [_look(run, source, sizes, stored.result) for source in sources], stored.result()


def _sizes(run: Run, source: Source) -> list[int]:
    vectors = run.pipeline.documents.describe(source.qdrant_collection).vectors
    return [vectors[name].size for name in source.vector_names]


def _anew(run: Run, seen: Sequence[Seen], stored: Table) -> _Anew:
    read = [(part.source, point) for part in seen for point in _read(run, part.source, part.others)]
    whole = [(source, point) for source, point in read if _vectors_of(point, source)]
    table = as_table(whole, stored)
    rows = _rows(stored, whole)
    same = stored.holds(rows, list(table.vectors.values()))
    return _Anew(
        table=table,
        rows=np.where(same, rows, -1),
        changed=int(((rows >= 0) & ~same).sum()),
        lacking=len(read) - len(whole),
        vanished=sum(len(part.others) for part in seen) - len(read),
    )


def _rows(stored: Table, points: Sequence[tuple[Source, Point]]) -> Rows:
    """(m,) where the published run has each; -1 is nowhere.  Sources come one after the other."""
    parts = [
        stored.rows(collection_id, [point.id for _, point in own])
        for collection_id, own in groupby(points, key=lambda pair: pair[0].collection_id)
    ]
    return np.concatenate([np.zeros(0, dtype=np.int64), *parts])


def _read(run: Run, source: Source, ids: Sequence[str]) -> list[Point]:
    pages = run.pipeline.documents.retrieve_pages(
        source.qdrant_collection, ids, vector_names=source.vector_names
    )
    with closing(pages):
        return [point for page in pages for point in page]


def _canonical(stored: Table, anew: Table, places: Rows) -> Rows:
    """The order in which an export writes documents."""
    keys = pl.concat([stored.texts.select(KEY), anew.texts.select(KEY)])[places]
    return keys.with_row_index().sort(KEY)["index"].to_numpy().astype(np.int64)


def _known(stored: Table, rows: Rows, *, changed: int) -> Known:
    before, same = len(stored.texts), int((rows >= 0).sum())
    return Known(rows=rows, changed=changed, removed=before - same - changed, before=before)


def _let_in(run: Run, before: Run, stored: Table, known: Known) -> Known:
    """Documents that people no longer exclude are looked at again, as if they had changed."""
    again = set(before.edits.exclude) - set(run.edits.exclude)
    if not again:
        return known
    places = stored.texts.with_row_index().filter(pl.col("document_id").is_in(list(again)))
    anew = np.isin(known.rows, places["index"].to_numpy())
    rows = np.where(anew, -1, known.rows)
    return replace(known, rows=rows, changed=known.changed + int(anew.sum()))


def _look(run: Run, source: Source, sizes: Sequence[int], stored: Callable[[], Table]) -> Seen:
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


def _vectors_of(point: Point, source: Source) -> list[Vectors]:
    """All of them, or none when one is missing."""
    vectors = [point.vectors.get(name) for name in source.vector_names]
    present = [vector for vector in vectors if vector is not None]
    return present if len(present) == len(vectors) else []


@dataclass(frozen=True, kw_only=True, eq=False)
class _Question:
    """A direction, and which of the vectors of each document its product is with."""

    number: int
    vector: str
    direction: Vectors

    def agrees(self, stored: Table, rows: Rows, answer: Products) -> NDArray[np.bool_]:
        """(m,) whether the vectors at ``rows`` have those products; -1 is no vector."""
        matrix = list(stored.vectors.values())[self.number]
        lengths = np.sqrt(np.einsum("ij,ij->i", matrix, matrix))
        products = matrix @ answer.direction
        if answer.unit:
            products, lengths = products / np.maximum(lengths, 1e-9), np.ones_like(lengths)
        most = _EQUAL * np.maximum(lengths[rows], 1) * float(np.linalg.norm(answer.direction))
        return (rows >= 0) & (np.abs(products[rows] - answer.values) <= most)


def _questions(source: Source, sizes: Sequence[int]) -> Iterator[_Question]:
    drawn = np.random.default_rng(_SEED)
    for number, (name, size) in enumerate(zip(source.vector_names, sizes, strict=True)):
        for direction in unit_rows(drawn.normal(size=(_DIRECTIONS, size))):
            yield _Question(number=number, vector=name, direction=direction.astype(np.float32))


def _by_products(
    run: Run, source: Source, sizes: Sequence[int], stored: Callable[[], Table], mark: list[str]
) -> Seen | None:
    """Compares products with random directions; None where the server cannot tell of all."""
    ids: list[str] = []
    at, known = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.bool_)
    questions = list(_questions(source, sizes))
    with closing(_answers(run, source, questions, mark)) as answers:
        for question, answer in zip(questions, answers, strict=True):
            run.check()
            if answer is None:
                return None
            before = stored()
            rows = before.rows(source.collection_id, answer.ids)
            same = question.agrees(before, rows, answer) & answer.whole
            if question is questions[0]:
                ids, at, known = list(answer.ids), rows, np.zeros(len(before.texts), dtype=np.bool_)
                same &= _named_alike(before, rows, answer.document_ids)
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
    return np.array([row >= 0 and names[row] == name for row, name in pairs], dtype=np.bool_)


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
            whole = [point for point in page if _vectors_of(point, source)]
            rows = np.array([places.get(point.id, -1) for point in whole], dtype=np.int64)
            same = stored.holds(rows, _stacked(whole, source))
            for point, row, held in zip(whole, rows.tolist(), same.tolist(), strict=True):
                if held and point.document_id == names[row] and set(mark) <= point.payload.keys():
                    known.append(row)
                else:
                    seen.others.append(point.id)
            seen.lacking += len(page) - len(whole)
            done = len(known) + len(seen.others) + seen.lacking
            run.progress(done, max(done, len(names)))
    return replace(seen, known=np.array(known, dtype=np.int64))


def _stacked(points: Sequence[Point], source: Source) -> list[Vectors]:
    """An (m, d) matrix for each vector; of no points, nothing is compared."""
    nothing = np.zeros((0, 0), dtype=np.float32)
    return [
        np.stack([point.vectors[name] for point in points]) if points else nothing
        for name in source.vector_names
    ]
