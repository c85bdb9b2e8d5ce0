"""Brings the source documents to what the published run found, by writing what differs.

A document carries the mark of the run that last changed it; what it shows is known from the
members of the runs that the catalog names.  Before the first document is written the catalog says
that documents may show this run too, and after the last one that they show nothing else: whoever
comes upon a write-back that stopped between knows every run whose fields a document may show, and
writes wherever they differ.
"""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import polars as pl

from clustering_pipeline.model.definitions.cluster import ClusterRecord
from clustering_pipeline.model.errors import ArtifactNotFound, DocumentsRefused
from clustering_pipeline.model.executions.execution import ExecutionRecord, WriteBack
from clustering_pipeline.model.ids import run_mark
from clustering_pipeline.pipeline.publishing.clear_fields import take_off
from clustering_pipeline.pipeline.publishing.difference import Difference, difference
from clustering_pipeline.pipeline.publishing.payload_fields import (
    FIELD,
    GROUP,
    KEYS,
    document_fields,
    own_columns,
)
from clustering_pipeline.pipeline.publishing.run_marks import held_runs, marked, written_fields
from clustering_pipeline.pipeline.run.pipeline import Pipeline
from clustering_pipeline.pipeline.run.run import Run
from clustering_pipeline.stores.documents import WriteReport

_NONE = WriteReport(written=0, failed=0)
_NAMED = 10


def write_back(run: Run) -> WriteBack:
    """Writes all fields, in one call a document, where they differ from the published run's.

    Documents that are in the run no more lose theirs.  Raises StateConflict when the definition
    is no longer this run's.
    """
    record = run.pipeline.catalog.clusters.by_id(run.cluster_id)
    held = held_runs(run.pipeline, record)
    return _Writer(run=run, shown=run.shown, record=record, held=held).write()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Writer:
    run: Run
    shown: ExecutionRecord
    record: ClusterRecord
    held: list[ExecutionRecord]

    def write(self) -> WriteBack:
        self.run.check()
        planned = self.shown.write_back or WriteBack()
        asked = WriteBack(fields=planned.fields, stale_fields=planned.stale_fields)
        self._say(asked.model_copy(update={"status": "writing"}))
        now = document_fields(self.pipeline, self.shown)
        found = self._difference(now)
        self._hold(*self.record.state.documents_hold, self.shown.run_id)
        removed = self._take_off(found.left)
        done = self._write(found)
        if not done.failed:
            self._hold(self.shown.run_id)
        counts = {"written": done.written, "unchanged": found.unchanged, "removed": removed}
        failed = {"failed": done.failed, "error": _reasons(done)}
        # Of documents that are gone some may be; of all, that is no success.
        nothing = done.failed and not (done.written or removed or found.unchanged)
        refusal = done.refusal or (_reasons(done) if nothing else None)
        status = "completed" if refusal is None else "failed"
        ended = asked.model_copy(update={"status": status, **counts, **failed})
        self._say(ended)
        if refusal is not None:
            message = f"none of {done.failed} documents took its fields: {refusal}"
            raise DocumentsRefused(message)
        return ended

    @property
    def pipeline(self) -> Pipeline:
        return self.run.pipeline

    @property
    def mark(self) -> str:
        return run_mark(self.record.cluster_id)

    def _say(self, write_back: WriteBack) -> None:
        self.pipeline.catalog.executions.update(self.shown.run_id, write_back=write_back)

    def _hold(self, *run_ids: str) -> None:
        held = list(dict.fromkeys(run_ids))
        self.pipeline.catalog.clusters.update_state(self.record.cluster_id, documents_hold=held)

    def _difference(self, now: pl.DataFrame) -> Difference:
        own = self._own(self.shown, *self.held)
        if not self.held:
            return difference(now, [], unmarked=now.select(KEYS).clear(), own=own)
        for collection_id in now["collection_id"].unique(maintain_order=True):
            self.pipeline.documents.index(self._name(collection_id), {self.mark: "Keyword"})
        with ThreadPoolExecutor(1) as pool:
            # The server looks for them while what documents may show is read.
            unmarked = pool.submit(self._keys, now, there=False)
            before = self._before(now)
            return difference(now, before, unmarked=unmarked.result(), own=own)

    def _before(self, now: pl.DataFrame) -> list[pl.DataFrame]:
        try:
            return [document_fields(self.pipeline, run) for run in self.held]
        except ArtifactNotFound:
            # Nobody can tell what documents show: all are written, and others found by the mark.
            return [self._keys(now, there=True).join(now, on=KEYS, how="anti")]

    def _keys(self, now: pl.DataFrame, *, there: bool) -> pl.DataFrame:
        """The documents that carry the mark, or those of the selection that do not."""
        within = self.shown.spec.filters if self.shown.spec and not there else None
        tree = marked(self.mark, there=there, within=within)
        schema = dict.fromkeys(KEYS, pl.String)
        pages = [
            pl.DataFrame(dict(zip(KEYS, ([collection_id] * len(page), page), strict=True)), schema)
            for collection_id in now["collection_id"].unique(maintain_order=True)
            for page in self.pipeline.documents.ids(self._name(collection_id), tree)
        ]
        return pl.concat([pl.DataFrame(schema=schema), *pages])

    def _name(self, collection_id: object) -> str:
        collections = self.pipeline.catalog.collections
        return collections.get(self.record.scope, str(collection_id)).qdrant_collection

    def _take_off(self, left: pl.DataFrame) -> int:
        fields = written_fields(self.shown, *self.held)
        parts = left.group_by("collection_id", maintain_order=True)
        return sum(
            take_off(
                self.pipeline,
                self.record,
                str(collection_id),
                part["point_id"].to_list(),
                fields,
                check=self.run.check,
            )
            for (collection_id,), part in parts
        )

    def _write(self, found: Difference) -> WriteReport:
        total = found.whole.height + found.shared.height
        done = _NONE
        for report in self._reports(found, total):
            done = _sum(done, report)
            self.run.progress(done.written + done.failed, total)
        return done

    def _reports(self, found: Difference, total: int) -> Iterator[WriteReport]:
        documents, start = self.pipeline.documents, 0
        whole, shared = found.whole, found.shared
        if not self._own(self.shown):  # what a document gets is its group's
            whole, shared = whole.clear(), pl.concat([whole, shared])
        for (collection_id,), part in whole.group_by("collection_id", maintain_order=True):
            yield documents.write_payloads(
                self._name(collection_id),
                zip(part["point_id"], self._payloads(part), strict=True),
                progress=self._told(start, total),
                check=self.run.check,
            )
            start += part.height
        for (collection_id,), part in shared.group_by("collection_id", maintain_order=True):
            yield documents.write_groups(
                self._name(collection_id),
                self._groups(part),
                progress=self._told(start, total),
                check=self.run.check,
            )
            start += part.height

    def _groups(self, rows: pl.DataFrame) -> Iterator[tuple[pl.Series, Mapping[str, object]]]:
        own = self._own(self.shown)
        for _, part in rows.group_by(GROUP, maintain_order=True):
            (payload,) = self._payloads(part.head(1).drop(own, strict=False))
            yield part["point_id"], payload

    def _told(self, start: int, total: int) -> Callable[[int], None]:
        return lambda done: self.run.progress(start + done, total)

    def _own(self, *runs: ExecutionRecord) -> frozenset[str]:
        """Columns whose values a document shares with no other, in any of the runs."""
        none: frozenset[str] = frozenset()
        return none.union(*(own_columns(execution.spec) for execution in runs if execution.spec))

    def _payloads(self, rows: pl.DataFrame) -> Iterator[Mapping[str, object]]:
        fields = {name: name.removeprefix(FIELD) for name in rows.columns if name.startswith(FIELD)}
        columns = [pl.col(name).alias(field) for name, field in fields.items()]
        mark = pl.lit(self.shown.run_id).alias(self.mark)
        return rows.select(*columns, mark).iter_rows(named=True)


def _sum(before: WriteReport, after: WriteReport) -> WriteReport:
    return WriteReport(
        written=before.written + after.written,
        failed=before.failed + after.failed,
        failures=(*before.failures, *after.failures)[:_NAMED],
        refusal=None if before.written or after.written else before.refusal or after.refusal,
    )


def _reasons(report: WriteReport) -> str | None:
    """A document that was deleted meanwhile fails alone, and is named if among the first."""
    return "; ".join(f"{point}: {reason}" for point, reason in report.failures) or None
