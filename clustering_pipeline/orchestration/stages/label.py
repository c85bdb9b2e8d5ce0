import polars as pl

from clustering_pipeline.labeling import (
    LabelingConfig,
    LabelRequest,
    Labels,
    Prepared,
    label_groups,
    prepare,
)
from clustering_pipeline.model.marks import run_mark
from clustering_pipeline.orchestration.report import StageReport
from clustering_pipeline.orchestration.run import Run
from clustering_pipeline.orchestration.stages.fields import target_fields
from clustering_pipeline.orchestration.stages.inputs import (
    Matrix,
    grouped_documents,
    original_space,
)
from clustering_pipeline.orchestration.stages.levels import Level, levels

_SHOWN = 400  # characters of a document's text that the map needs
_SCHEMA = {
    "cluster_id": pl.String,
    "label": pl.String,
    "summary": pl.String,
    "keywords": pl.List(pl.String),
    "source": pl.String,
    "representative_ids": pl.List(pl.String),
}


def label(run: Run) -> StageReport:
    """Names every group: keyphrases, or a model's answer when the definition asks for one."""
    documents = grouped_documents(run, columns=["payload"])
    vectors = original_space(run)
    config = LabelingConfig.from_mapping(run.spec.llm_labeling.model_dump())
    prepared = [
        _prepared(run, documents["payload"], vectors, config, level=level)
        for level in levels(documents["cluster_id"])
    ]
    labelled = [label_groups(_request(run, one, config)) for one in prepared]
    errors = [text for one in labelled for text in one.error_strings]
    ids = documents["document_id"]
    frame = pl.concat(
        [_frame(labels, one, ids) for labels, one in zip(labelled, prepared, strict=True)]
    )
    texts = [text[:_SHOWN] for text in prepared[0].texts]
    size = run.write_frame("labels", frame)
    run.write_frame("texts", pl.DataFrame({"text": texts}))
    run.write_json("label_errors", errors)
    return StageReport(
        numbers={
            "groups": frame.height,
            "by_model": frame.filter(source="llm").height,
            "errors": len(errors),
            "bytes": size,
        },
        texts={"text_fields": ", ".join(prepared[0].choice.fields)},
        records={"errors": errors} if errors else {},
        uri=run.uri("labels.parquet"),
    )


def _prepared(
    run: Run,
    payloads: pl.Series,
    vectors: Matrix,
    config: LabelingConfig,
    *,
    level: Level,
) -> Prepared:
    ours = {run_mark(run.cluster_id), *target_fields(run)}
    return prepare(
        payloads.to_list(),
        level.labels,
        vectors,
        config=config,
        cluster_ids=dict(enumerate(level.cluster_ids)),
        ignore=ours,
    )


def _request(run: Run, prepared: Prepared, config: LabelingConfig) -> LabelRequest:
    # No document leaves the machine because of an environment variable: the definition must ask.
    provider = run.pipeline.provider_of(config) if config.enabled else None
    return LabelRequest(groups=prepared.groups, config=config, provider=provider)


def _frame(labels: Labels, prepared: Prepared, document_ids: pl.Series) -> pl.DataFrame:
    rows = prepared.representative_rows
    return pl.DataFrame(
        [
            {
                "cluster_id": one.cluster_id,
                "label": one.label,
                "summary": one.summary,
                "keywords": list(one.keywords),
                "source": one.source,
                "representative_ids": document_ids[list(rows[one.number])].to_list(),
            }
            for one in labels.groups
        ],
        schema=_SCHEMA,
    )
