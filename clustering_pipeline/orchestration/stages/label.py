import polars as pl

from clustering_pipeline.labeling import (
    LabelingConfig,
    LabelRequest,
    Labels,
    Prepared,
    label_groups,
    prepare,
)
from clustering_pipeline.model.ids import group_id
from clustering_pipeline.model.marks import run_mark
from clustering_pipeline.orchestration.frames import vector_matrix
from clustering_pipeline.orchestration.report import StageReport
from clustering_pipeline.orchestration.run import Run
from clustering_pipeline.orchestration.stages.fields import target_fields
from clustering_pipeline.orchestration.stages.inputs import VECTOR, grouped_documents

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
    documents = grouped_documents(run, columns=["payload", VECTOR])
    config = LabelingConfig.from_mapping(run.spec.llm_labeling.model_dump())
    prepared = _prepared(run, documents, config)
    labels = label_groups(_request(run, prepared, config))
    frame = _frame(labels, prepared, documents["document_id"])
    size = run.write_frame("labels", frame)
    run.write_frame("texts", pl.DataFrame({"text": [text[:_SHOWN] for text in prepared.texts]}))
    run.write_json("label_errors", labels.error_strings)
    return StageReport(
        numbers={
            "groups": frame.height,
            "by_model": frame.filter(source="llm").height,
            "errors": len(labels.errors),
            "bytes": size,
        },
        texts={"text_fields": ", ".join(prepared.choice.fields)},
        records={"errors": labels.error_strings} if labels.errors else {},
        uri=run.uri("labels.parquet"),
    )


def _prepared(run: Run, documents: pl.DataFrame, config: LabelingConfig) -> Prepared:
    labels = documents["label"].to_numpy()
    ours = {run_mark(run.cluster_id), *target_fields(run)}
    return prepare(
        documents["payload"].to_list(),
        labels,
        vector_matrix(documents[VECTOR]),
        config=config,
        cluster_ids={number: group_id(number) for number in range(int(labels.max()) + 1)},
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
