"""The executions that a composite run groups, whether it can, and their documents."""

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import asdict

import polars as pl

from clustering_pipeline.model.collections import as_filtered
from clustering_pipeline.model.definitions.composite import (
    COMPOSITE,
    check_alike,
    check_composes,
    require_centroids,
)
from clustering_pipeline.model.definitions.spec import ClusterSpec
from clustering_pipeline.model.errors import (
    ClusterNotFound,
    InvalidRequest,
    StateConflict,
    WrongDimension,
)
from clustering_pipeline.model.executions.execution import ExecutionRecord
from clustering_pipeline.model.filters.semantics import predicate
from clustering_pipeline.model.filters.tree import parse_filter
from clustering_pipeline.pipeline.run.artifacts import CLUSTERS, EMBEDDINGS, EXPORT, MEMBERS
from clustering_pipeline.pipeline.run.columns import DOCUMENT, KEYS
from clustering_pipeline.pipeline.run.pipeline import Pipeline
from clustering_pipeline.pipeline.run.report import StageReport
from clustering_pipeline.pipeline.run.run import Run
from clustering_pipeline.pipeline.run.spaces import vector_columns
from clustering_pipeline.stores.catalog import Catalog
from clustering_pipeline.stores.documents import ExportReport

READ = (EMBEDDINGS, MEMBERS, CLUSTERS)
LEAST = 2


def composed(catalog: Catalog, spec: ClusterSpec) -> ClusterSpec:
    """Of a composite run, with its sources and their collections frozen; any other as it is.

    The sources are those asked for, or the newest of each source of the definition.  Raises
    InvalidRequest for fewer than two and for groups that cannot be compared, ExecutionNotFound,
    StateConflict for one without results, and FieldTaken.
    """
    if spec.mode != COMPOSITE:
        return spec
    check_composes(spec.cluster_name, spec.definition)
    runs = source_runs(catalog, spec)
    _check_alike(spec, runs)
    ids = (name for run in runs for name in (run.spec.collection_ids if run.spec else ()))
    collections = list(dict.fromkeys(ids))
    _check_fields(catalog, spec, [name for name in collections if name not in spec.collection_ids])
    definition = spec.definition.model_copy(update={"collection_ids": collections})
    sources = [run.run_id for run in runs]
    return spec.model_copy(update={"definition": definition, "source_execution_ids": sources})


def source_runs(catalog: Catalog, spec: ClusterSpec) -> list[ExecutionRecord]:
    """The executions whose groups are grouped, each once; see ``composed``."""
    asked, sources = spec.source_execution_ids, spec.definition.source_cluster_ids or ()
    runs = (
        [catalog.executions.get(spec.scope, run_id) for run_id in dict.fromkeys(asked)]
        if asked
        else [_newest(catalog, spec, cluster_id) for cluster_id in sources]
    )
    if len(runs) < LEAST:
        message = (
            f"mode composite groups the groups of at least two executions, not of {len(runs)}: "
            "name them in source_execution_ids, or give the definition two source_cluster_ids"
        )
        raise InvalidRequest(message)
    for run in runs:
        if run.members_key is None or not run.status.ended or run.expired_at is not None:
            message = f"the results of {run.run_id} are not kept: name another execution"
            raise StateConflict(message)
    return runs


def require_files(pipeline: Pipeline, spec: ClusterSpec) -> None:
    """Raises StateConflict when a source of a composite run has lost a file that is read."""
    for run in source_runs(pipeline.catalog, spec):
        for artifact in READ:
            if not artifact.exists(pipeline.artifacts, run):
                message = f"{artifact.file} of {run.run_id} is not kept: name another execution"
                raise StateConflict(message)


def _newest(catalog: Catalog, spec: ClusterSpec, cluster_id: str) -> ExecutionRecord:
    try:
        source = catalog.clusters.get(spec.scope, cluster_id)
    except ClusterNotFound:
        message = (
            f"{spec.cluster_name!r} groups the groups of {cluster_id}, which is gone: give it "
            "other source_cluster_ids, or name source_execution_ids"
        )
        raise StateConflict(message) from None
    newest = catalog.executions.newest_results(source.cluster_id)
    if newest is None:
        message = f"{source.name!r} has no completed run to group the groups of: execute it first"
        raise StateConflict(message)
    return newest


def _check_alike(spec: ClusterSpec, runs: Sequence[ExecutionRecord]) -> None:
    for run in runs:
        theirs = run.spec or spec
        require_centroids(run.run_id, theirs)
        check_alike(spec.cluster_name, spec.vectors, run.run_id, theirs.vectors)


def _check_fields(catalog: Catalog, spec: ClusterSpec, collections: Sequence[str]) -> None:
    """Of collections that the definition does not claim, as it is stored."""
    if not spec.enrich:
        return
    record = catalog.clusters.by_id(spec.cluster_id)
    targets = [mapping.target_field for mapping in spec.field_mappings]
    for collection_id in collections:
        catalog.clusters.require_fields(record, collection_id, targets)


def gather(run: Run) -> StageReport:
    """Every document that a source saw and that is still there, once, in canonical order.

    Its vector and payload are those of the newest source that has it.  A filter selects among them.
    """
    started = time.perf_counter()
    sources = source_runs(run.pipeline.catalog, run.spec)
    every = _every(run, sorted(sources, key=lambda source: source.created_at, reverse=True))
    run.check()
    left = every.join(_still_there(run, every), on=DOCUMENT, how="semi", maintain_order="left")
    size = run.write_frame(EMBEDDINGS, left)
    vectors = [left.schema[column] for column in vector_columns(run).values()]
    report = ExportReport(
        source_documents=left.height,
        retrieved=left.height,
        missing_vector=0,
        not_sampled=0,
        vanished=0,
        invalid=0,
        invalid_ids=(),
        seconds=time.perf_counter() - started,
        vector_bytes=left.height * sum(map(_bytes, vectors)),
    )
    run.write_json(EXPORT, asdict(report) | {"vector_names": list(run.spec.feature_uris)})
    run.record(covered_batches=_covered(sources))
    return StageReport(
        numbers={
            "sources": len(sources),
            "documents": left.height,
            "gone": every.height - left.height,
            "bytes": size,
        },
        texts={"sources": ", ".join(source.run_id for source in sources)},
        uri=run.uri(EMBEDDINGS),
    )


def _every(run: Run, sources: Sequence[ExecutionRecord]) -> pl.DataFrame:
    columns = [*KEYS, "payload", *vector_columns(run).values()]
    stored = run.pipeline.artifacts
    parts = [EMBEDDINGS.read(stored, source, columns) for source in sources]
    for source, part in zip(sources, parts, strict=True):
        _require_schema(sources[0], parts[0], source, part)
    every = pl.concat(parts).unique(DOCUMENT, keep="first", maintain_order=True)
    return _selected(run, every).sort("collection_id", "document_id", "point_id")


def _selected(run: Run, documents: pl.DataFrame) -> pl.DataFrame:
    tree = parse_filter(run.spec.filters)
    if tree is None:
        return documents
    selects = predicate(tree)
    chosen = [
        selects(as_filtered(json.loads(payload), document_id))
        for payload, document_id in documents.select("payload", "document_id").iter_rows()
    ]
    return documents.filter(pl.Series(chosen, dtype=pl.Boolean))


def _require_schema(
    first: ExecutionRecord, its: pl.DataFrame, other: ExecutionRecord, theirs: pl.DataFrame
) -> None:
    if its.schema != theirs.schema:
        message = (
            f"the vectors of {first.run_id} and {other.run_id} have different lengths: their "
            "groups lie in different spaces"
        )
        raise WrongDimension(message)


def _still_there(run: Run, documents: pl.DataFrame) -> pl.DataFrame:
    rows = list(_present(run, documents))
    return pl.DataFrame(rows, schema=dict.fromkeys(DOCUMENT, pl.String), orient="row")


def _present(run: Run, documents: pl.DataFrame) -> Iterator[tuple[str, str]]:
    """Collections may hold many more documents than the sources saw: these alone are asked for."""
    for (name,), part in documents.group_by("collection_id", maintain_order=True):
        collection_id = str(name)
        collection = run.pipeline.catalog.collections.get(run.spec.scope, collection_id)
        pages = run.pipeline.documents.retrieve_pages(
            collection.qdrant_collection, part["point_id"].to_list(), payload_fields=()
        )
        with closing(pages):
            for page in pages:
                run.check()
                yield from ((collection_id, point.id) for point in page)


def _covered(sources: Sequence[ExecutionRecord]) -> dict[str, int]:
    """Of each collection, the batches that every source which reads it has seen."""
    covered: dict[str, int] = {}
    for source in sources:
        for collection_id, batch in source.covered_batches.items():
            covered[collection_id] = min(batch, covered.get(collection_id, batch))
    return covered


def _bytes(column: pl.DataType) -> int:
    return 4 * int(column.size) if isinstance(column, pl.Array) else 0
