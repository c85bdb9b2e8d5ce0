from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial

from clustering_pipeline.model.definitions.feature_uri import resolve_vector
from clustering_pipeline.model.definitions.spec import ClusterSpec
from clustering_pipeline.model.errors import EmptySelection, InvalidVectors
from clustering_pipeline.model.filters.tree import parse_filter
from clustering_pipeline.pipeline.run.artifacts import EMBEDDINGS, EXPORT
from clustering_pipeline.pipeline.run.pipeline import Pipeline
from clustering_pipeline.pipeline.run.report import StageReport
from clustering_pipeline.pipeline.run.run import Run
from clustering_pipeline.pipeline.stages.embed_texts import TextReport, embed_missing
from clustering_pipeline.stores.documents import ExportReport, Selection, Source
from clustering_pipeline.stores.documents.concurrency import READS


def export(run: Run, *, page: int | None = None, in_flight: int = READS) -> StageReport:
    """Streams the selected documents with their vectors into parquet, in canonical order.

    How it reads, see ``Documents.export``.
    """
    # Read before the scroll: a batch that completes meanwhile is not promised to be in.
    batches = run.pipeline.catalog.batches.completed(run.spec.scope, run.spec.collection_ids)
    texts = embed_missing(run)
    sources = sources_of(run.pipeline, run.spec)
    report = run.pipeline.documents.export(
        Selection(sources=sources, tree=parse_filter(run.spec.filters)),
        partial(run.open_writer, EMBEDDINGS),
        page=page,
        in_flight=in_flight,
        progress=run.progress,
        check=run.check,
    )
    return keep_report(run, sources, report, batches, texts=texts)


def keep_report(
    run: Run,
    sources: Sequence[Source],
    report: ExportReport,
    batches: Mapping[str, int],
    *,
    texts: TextReport | None,
) -> StageReport:
    """Notes what was read, which batches were complete before, and what texts became vectors."""
    names = sorted({name for source in sources for name in source.vector_names})
    made = {} if texts is None else {"texts": asdict(texts)}
    run.write_json(EXPORT, asdict(report) | {"vector_names": names} | made)
    run.record(covered_batches=batches)
    return _described(run, report)


def sources_of(pipeline: Pipeline, spec: ClusterSpec) -> list[Source]:
    """The collections that the definition reads, with the vectors that its features name."""
    collections = pipeline.catalog.collections.resolve(spec.scope, spec.collection_ids)
    sources = []
    for collection in collections:
        info = pipeline.documents.describe(collection.qdrant_collection)
        names = tuple(
            resolve_vector(
                uri,
                collection.vectors,
                info.vectors,
                collection=collection.collection_name,
                unusable=info.unusable,
            )
            for uri in spec.feature_uris
        )
        sources.append(
            Source(
                collection_id=collection.collection_id,
                qdrant_collection=collection.qdrant_collection,
                vector_names=names,
            )
        )
    return sources


def _described(run: Run, report: ExportReport) -> StageReport:
    return StageReport(
        numbers={
            "documents": report.retrieved,
            "selected": report.source_documents,
            "missing_vector": report.missing_vector,
            "invalid": report.invalid,
            "bytes": run.pipeline.artifacts.size(run.key(EMBEDDINGS)),
        },
        uri=run.uri(EMBEDDINGS),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """Raises a ClusteringError when the documents fail it."""

    name: str
    description: str
    require: Callable[[Run], None]


def require_documents(run: Run) -> None:
    """Raises EmptySelection when there is nothing to cluster."""
    export = run.read_json(EXPORT)
    if export["retrieved"] > 0:
        return
    if export["source_documents"] > 0:
        message = (
            f"none of the {export['source_documents']} selected documents has the vector "
            f"{', '.join(export['vector_names'])}; embed them, or choose another feature URI"
        )
    else:
        names = ", ".join(run.spec.collection_ids)
        message = f"no document of {names} matches the filters; widen them or load documents"
    raise EmptySelection(message)


def require_finite_vectors(run: Run) -> None:
    """Raises InvalidVectors when a vector holds NaN or infinity."""
    export = run.read_json(EXPORT)
    if export["invalid"] == 0:
        return
    named = ", ".join(export["invalid_ids"])
    message = (
        f"{export['invalid']} vectors hold NaN or infinity (documents {named}); embed those "
        "documents again or filter them out"
    )
    raise InvalidVectors(message, details={"document_ids": export["invalid_ids"]})


CHECKS = (
    Check(
        name="has_documents",
        description="At least one document with a vector matches the filters.",
        require=require_documents,
    ),
    Check(
        name="finite_vectors",
        description="No vector holds NaN or infinity.",
        require=require_finite_vectors,
    ),
)
