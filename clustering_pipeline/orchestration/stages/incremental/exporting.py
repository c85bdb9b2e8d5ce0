"""The documents of an assignment: what is as it was comes from the published run's own file."""

import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl

from clustering_pipeline.model.documents import DOCUMENT_ID
from clustering_pipeline.model.filters import parse_filter
from clustering_pipeline.model.marks import run_mark
from clustering_pipeline.orchestration.report import StageReport
from clustering_pipeline.orchestration.run import Run
from clustering_pipeline.orchestration.stages.export import FILE, keep_report, sources_of
from clustering_pipeline.orchestration.stages.incremental.documents import (
    Read,
    Rows,
    Table,
    Vectors,
    as_table,
    exported,
    write_table,
)
from clustering_pipeline.orchestration.stages.incremental.known import (
    Known,
    earlier,
    keep_known,
)
from clustering_pipeline.orchestration.stages.inputs import vector_columns
from clustering_pipeline.stores.documents import ExportReport, Point, Source
from clustering_pipeline.stores.documents.concurrency import READS, ahead, in_order
from clustering_pipeline.stores.documents.sampling import KEY

_PAGE = 2_000
_READ = 1_000
_NO_VECTORS = np.zeros((0, 0), dtype=np.float32)


@dataclass(slots=True, kw_only=True)
class _Seen:
    """Of one collection: the rows of documents as the published run has them, the vectors of
    others by point id, and how many lack a vector.
    """

    source: Source
    known: list[int] = field(default_factory=list)
    others: dict[str, list[Vectors]] = field(default_factory=dict)
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
    vanished: int


def export_changes(run: Run) -> StageReport:
    """Looks at the vectors of all selected documents, and reads whole what is not as it was.

    That is what is new or has another vector or name than the published run read; where a
    definition writes onto its documents also what lost its mark, because it was put anew.  The
    payload of the others is the one that was read then.
    """
    started = time.perf_counter()
    # Read before the scroll: a batch that completes meanwhile is not promised to be in.
    batches = run.pipeline.catalog.batches.completed(run.spec.scope, run.spec.collection_ids)
    sources = sources_of(run)
    before = earlier(run)
    stored = exported(before, list(vector_columns(run).values()), _sizes(run, sources[0]))
    seen = [_look(run, source, stored) for source in sources]
    anew = _anew(run, seen, stored)
    known = np.array([row for one in seen for row in one.known], dtype=np.int64)
    places = np.concatenate([known, len(stored.texts) + np.arange(len(anew.rows))])
    order = _canonical(stored, anew.table, places)
    write_table(run, FILE, [stored, anew.table], places[order])
    rows = np.concatenate([known, anew.rows])[order]
    keep_known(run, _let_in(run, before, stored, _known(stored, rows, changed=anew.changed)))
    report = ExportReport(
        source_documents=sum(one.documents for one in seen),
        retrieved=len(rows),
        missing_vector=sum(one.lacking for one in seen),
        not_sampled=0,
        vanished=anew.vanished,
        invalid=int((~anew.table.finite()).sum()),
        invalid_ids=tuple(anew.table.texts.filter(~anew.table.finite())["document_id"][:10]),
        seconds=time.perf_counter() - started,
        vector_bytes=len(rows) * 4 * sum(stored.sizes),
    )
    return keep_report(run, sources, report, batches)


def _sizes(run: Run, source: Source) -> list[int]:
    vectors = run.pipeline.documents.describe(source.qdrant_collection).vectors
    return [vectors[name].size for name in source.vector_names]


def _look(run: Run, source: Source, stored: Table) -> _Seen:
    """Compares what the collection holds with what the published run read."""
    places, mark = stored.places(source.collection_id), _mark(run)
    names = stored.texts["document_id"].to_list()
    seen = _Seen(source=source)
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
            whole = [one for one in page if _vectors(one, source)]
            rows = np.array([places.get(one.id, -1) for one in whole], dtype=np.int64)
            same = stored.holds(rows, _stacked(whole, source))
            for one, row, held in zip(whole, rows.tolist(), same.tolist(), strict=True):
                if held and one.document_id == names[row] and mark <= one.payload.keys():
                    seen.known.append(row)
                else:
                    seen.others[one.id] = _vectors(one, source)
            seen.lacking += len(page) - len(whole)
            run.progress(seen.documents, max(seen.documents, len(stored.texts)))
    return seen


def _mark(run: Run) -> set[str]:
    """The payload field that shows a document to be as a run left it, where there is one."""
    return {run_mark(run.cluster_id)} if run.spec.enrich else set()


def _vectors(point: Point, source: Source) -> list[Vectors]:
    """All of them, or none when one is missing."""
    found = [point.vectors.get(name) for name in source.vector_names]
    there = [one for one in found if one is not None]
    return there if len(there) == len(found) else []


def _stacked(points: Sequence[Point], source: Source) -> list[Vectors]:
    """An (m, d) matrix for each vector; of no points, nothing is compared."""
    return [
        np.stack([one.vectors[name] for one in points]) if points else _NO_VECTORS
        for name in source.vector_names
    ]


def _anew(run: Run, seen: Sequence[_Seen], stored: Table) -> _Anew:
    """Reads what documents say; their vectors have been read already."""
    found = [
        Read(
            collection_id=one.source.collection_id,
            point=point,
            vectors=one.others[point.id],
        )
        for one in seen
        for point in _read(run, one.source, list(one.others))
    ]
    table = as_table(found, stored)
    places = {one.source.collection_id: stored.places(one.source.collection_id) for one in seen}
    rows = np.array(
        [places[one.collection_id].get(one.point.id, -1) for one in found], dtype=np.int64
    )
    same = stored.holds(rows, list(table.vectors.values()))
    return _Anew(
        table=table,
        rows=np.where(same, rows, -1),
        changed=int(((rows >= 0) & ~same).sum()),
        vanished=sum(len(one.others) for one in seen) - len(found),
    )


def _read(run: Run, source: Source, ids: Sequence[str]) -> list[Point]:
    def read(part: Sequence[str]) -> list[Point]:
        return run.pipeline.documents.retrieve(source.qdrant_collection, part)

    parts = [ids[start : start + _READ] for start in range(0, len(ids), _READ)]
    with closing(in_order(read, parts, in_flight=READS)) as pages:
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
