"""What is said of groups that new documents joined: their quality now, their names as before."""

import json

import polars as pl

from clustering_pipeline.labeling import LabelingConfig
from clustering_pipeline.labeling.inputs import text_of
from clustering_pipeline.orchestration.incremental import ASSIGN
from clustering_pipeline.orchestration.report import StageReport
from clustering_pipeline.orchestration.run import Run
from clustering_pipeline.orchestration.stages.incremental.joining import JOINED, KNOWN
from clustering_pipeline.orchestration.stages.incremental.known import earlier
from clustering_pipeline.orchestration.stages.summarize import summarize

_SHOWN = 400


def measure_groups(run: Run) -> StageReport:
    """As after a full run, with how much was new: triggers can go by that."""
    report = summarize(run)
    joined = run.read_json(JOINED)
    run.write_json("metrics", run.read_json("metrics") | joined)
    return report


def keep_labels(run: Run) -> StageReport:
    """Every group keeps its name, by whomever; nobody is asked anything."""
    before = earlier(run)
    there = run.read_frame("assignments", columns=["document_id"])["document_id"].unique()
    groups = run.read_frame("summaries", columns=["cluster_id"])
    labels = before.read_frame("labels").join(groups, on="cluster_id", how="semi")
    ids, overrides = set(labels["cluster_id"]), before.execution.label_overrides or {}
    names = {one: name for one, name in overrides.items() if one in ids}
    stand = pl.col("representative_ids").list.filter(pl.element().is_in(there.implode()))
    size = run.write_frame("labels", _named(labels, names).with_columns(stand))
    run.write_frame("texts", pl.DataFrame({"text": _texts(run, before)}))
    run.record(label_overrides=names or None, plan=ASSIGN)
    return StageReport(
        numbers={"groups": labels.height, "bytes": size}, uri=run.uri("labels.parquet")
    )


def _named(labels: pl.DataFrame, names: dict[str, str]) -> pl.DataFrame:
    """Names that people gave since are the labels now."""
    by_people = pl.col("cluster_id").is_in(list(names))
    given = pl.col("cluster_id").replace_strict(names, default=None, return_dtype=pl.String)
    return labels.with_columns(
        label=pl.when(by_people).then(given).otherwise("label"),
        source=pl.when(by_people).then(pl.lit("human")).otherwise("source"),
    )


def _texts(run: Run, before: Run) -> list[str]:
    """The beginning of each document's text, as the labels before were made of it."""
    rows = run.read_frame(KNOWN)["row"].to_list()
    old = list(map(str, before.read_frame("texts")["text"]))
    payloads = run.read_frame("embeddings", columns=["payload"])["payload"]
    config = LabelingConfig.from_mapping(run.spec.llm_labeling.model_dump())
    fields = list(map(str, before.read_json("labelling")["text_fields"][0]["fields"]))
    texts: list[str] = [
        old[row]
        if row >= 0
        else text_of(json.loads(payloads[at]), config.input_mappings, fields)[:_SHOWN]
        for at, row in enumerate(rows)
    ]
    return texts * len(run.spec.clusterings)
