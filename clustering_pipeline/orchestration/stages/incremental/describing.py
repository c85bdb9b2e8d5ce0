"""What is said of groups that new documents joined: their quality now, their names as before."""

import json
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from clustering_pipeline.engine import Centroids
from clustering_pipeline.engine.centroids import around
from clustering_pipeline.labeling import LabelingConfig
from clustering_pipeline.labeling.inputs import text_of
from clustering_pipeline.orchestration.incremental import ASSIGN
from clustering_pipeline.orchestration.report import StageReport
from clustering_pipeline.orchestration.run import Run
from clustering_pipeline.orchestration.stages.incremental.joining import JOINED
from clustering_pipeline.orchestration.stages.incremental.known import earlier, known_documents
from clustering_pipeline.orchestration.stages.inputs import Space, original_spaces
from clustering_pipeline.orchestration.stages.levels import Level
from clustering_pipeline.orchestration.stages.summarize import summarize_by

_SHOWN = 400


def measure_groups(run: Run) -> StageReport:
    """Measures the groups where they stand, with how much was new: triggers can go by that.

    Their centroids stay, and with them the distance of every document that is as it was.
    """
    standing = _standing(run, earlier(run))
    report = summarize_by(run, standing.describe)
    joined = run.read_json(JOINED)
    run.write_json("metrics", run.read_json("metrics") | joined)
    return report


@dataclass(frozen=True, kw_only=True, eq=False)
class _Standing:
    """The published groups' centroids, and the distances that documents have kept; NaN for others.

    Of several clusterings, one after the other.
    """

    method: str
    groups: pl.DataFrame
    distances: NDArray[np.float64]

    def describe(self, space: Space, level: Level) -> Centroids:
        """The groups of a level with the members that they have now."""
        names = pl.DataFrame({"cluster_id": level.cluster_ids}, schema={"cluster_id": pl.String})
        own = names.join(self.groups, on="cluster_id", how="left", maintain_order="left")
        vectors = np.array(own["centroid_vector"].to_list(), dtype=np.float64)
        middles = vectors.reshape(len(names), space.vectors.shape[1])
        found = around(space.vectors, level.labels, middles, self.method)
        kept = self.distances[space.rows]
        there = (level.labels >= 0) & ~np.isnan(kept)
        return replace(found, distances=np.where(there, kept, found.distances))


def _standing(run: Run, before: Run) -> _Standing:
    known = known_documents(run)
    published = before.read_frame("distances")["distance_to_centroid"].to_numpy()
    parts = []
    for space in original_spaces(run):
        then = np.append(published[known.earlier_rows(space)], np.nan)
        parts.append(then[known.rows])
    return _Standing(
        method=run.spec.vectors.effective_feature_method,
        groups=before.read_frame("summaries", columns=["cluster_id", "centroid_vector"]),
        distances=np.concatenate(parts),
    )


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
    rows = known_documents(run).rows.tolist()
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
