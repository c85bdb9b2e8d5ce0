"""The documents of an assignment: what is as it was comes from the published run's own file."""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np
import polars as pl

from clustering_pipeline.pipeline.run.report import StageReport
from clustering_pipeline.pipeline.run.run import Run
from clustering_pipeline.pipeline.run.spaces import vector_columns
from clustering_pipeline.pipeline.stages.assign_mode.changes import Seen, look, vectors_of
from clustering_pipeline.pipeline.stages.assign_mode.table import (
    Rows,
    Table,
    as_table,
    exported,
    write_table,
)
from clustering_pipeline.pipeline.stages.assign_mode.unchanged import Known, earlier, keep_known
from clustering_pipeline.pipeline.stages.export import keep_report, sources_of
from clustering_pipeline.stores.documents import ExportReport, Point, Source
from clustering_pipeline.stores.documents.types import KEY


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
    sources = sources_of(run)
    before = earlier(run)
    seen, stored = _looked_at(run, before, sources)
    anew = _anew(run, seen, stored)
    known = np.concatenate([one.known for one in seen])
    places = np.concatenate([known, len(stored.texts) + np.arange(len(anew.rows))])
    order = _canonical(stored, anew.table, places)
    write_table(run, [stored, anew.table], places[order])
    rows = np.concatenate([known, anew.rows])[order]
    keep_known(run, _let_in(run, before, stored, _known(stored, rows, changed=anew.changed)))
    report = ExportReport(
        source_documents=sum(one.documents for one in seen),
        retrieved=len(rows),
        missing_vector=sum(one.lacking for one in seen) + anew.lacking,
        not_sampled=0,
        vanished=anew.vanished,
        invalid=int((~anew.table.finite()).sum()),
        invalid_ids=tuple(anew.table.texts.filter(~anew.table.finite())["document_id"][:10]),
        seconds=time.perf_counter() - started,
        vector_bytes=len(rows) * 4 * sum(stored.sizes),
    )
    return keep_report(run, sources, report, batches)


def _looked_at(run: Run, before: Run, sources: Sequence[Source]) -> tuple[list[Seen], Table]:
    columns, sizes = list(vector_columns(run).values()), _sizes(run, sources[0])
    with ThreadPoolExecutor(1) as pool:
        # Read while Qdrant looks at its documents.
        stored = pool.submit(exported, before, columns, sizes)
        return [look(run, source, sizes, stored.result) for source in sources], stored.result()


def _sizes(run: Run, source: Source) -> list[int]:
    vectors = run.pipeline.documents.describe(source.qdrant_collection).vectors
    return [vectors[name].size for name in source.vector_names]


def _anew(run: Run, seen: Sequence[Seen], stored: Table) -> _Anew:
    found = [(one.source, point) for one in seen for point in _read(run, one.source, one.others)]
    whole = [(source, point) for source, point in found if vectors_of(point, source)]
    table = as_table(whole, stored)
    rows = _rows(stored, whole)
    same = stored.holds(rows, list(table.vectors.values()))
    return _Anew(
        table=table,
        rows=np.where(same, rows, -1),
        changed=int(((rows >= 0) & ~same).sum()),
        lacking=len(found) - len(whole),
        vanished=sum(len(one.others) for one in seen) - len(found),
    )


def _rows(stored: Table, points: Sequence[tuple[Source, Point]]) -> Rows:
    """(m,) where the published run has each; -1 is nowhere.  Sources come one after the other."""
    parts = [
        stored.rows(collection_id, [one.id for _, one in found])
        for collection_id, found in groupby(points, key=lambda one: one[0].collection_id)
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
