"""What is said of groups that new documents joined: their quality now, their names as before."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic_core import from_json

from clustering_pipeline.engine import Centroids
from clustering_pipeline.engine.groups.centroids import METHODS, around
from clustering_pipeline.labeling import LabelingConfig
from clustering_pipeline.labeling.inputs import as_mappings, text_of
from clustering_pipeline.model.definitions.spec import ASSIGN
from clustering_pipeline.pipeline.groups.names import carried_names, named
from clustering_pipeline.pipeline.run.artifacts import (
    ASSIGNMENTS,
    DISTANCES,
    EMBEDDINGS,
    JOINED_RECORD,
    LABELLING,
    LABELS,
    METRICS,
    SUMMARIES,
    TEXTS,
)
from clustering_pipeline.pipeline.run.hierarchy_levels import Level
from clustering_pipeline.pipeline.run.report import StageReport
from clustering_pipeline.pipeline.run.run import Run
from clustering_pipeline.pipeline.run.spaces import Space
from clustering_pipeline.pipeline.stages.assign_mode.published import (
    Known,
    earlier,
    known_documents,
)
from clustering_pipeline.pipeline.stages.label import label_beside, named_of
from clustering_pipeline.pipeline.stages.metrics import EXPLAINED, PER_FEATURE
from clustering_pipeline.pipeline.stages.summarize import summarize_by

_SHOWN = 400
_MIDDLES = ["cluster_id", "centroid_vector"]


def measure_groups(run: Run) -> StageReport:
    """Measures the groups where they stand, with how much was new: triggers can go by that.

    Their centroids stay, and with them the distance of every document that is as it was.  What
    fields explain of groups is said when groups are made, and so is their density validity: no
    document is clustered here.
    """
    before = earlier(run)
    explained = None if run.spec.from_pool else _explained(before)
    report = summarize_by(run, _standing(run, before).describe, explained=explained)
    joined = run.read_json(JOINED_RECORD)
    run.write_json(METRICS, run.read_json(METRICS) | joined)
    return report


def _explained(before: Run) -> list[list[dict[str, Any]]] | None:
    metrics = before.read_json(METRICS)
    parts = metrics.get(PER_FEATURE) or [metrics]
    known = [list(part[EXPLAINED]) for part in parts if EXPLAINED in part]
    return known if len(known) == len(parts) else None


@dataclass(frozen=True, kw_only=True, eq=False)
class _Standing:
    """The published groups' centroids, and the distances to them of the documents that it had."""

    method: str
    middles: Mapping[str, Sequence[float]]
    known: Known
    distances: NDArray[np.float64]

    def describe(self, space: Space, level: Level) -> Centroids:
        """The groups of a level with the members that they have now."""
        middles = [
            self._middle(space, level, place, name) for place, name in enumerate(level.cluster_ids)
        ]
        shape = (len(middles), space.vectors.shape[1])
        centroids = around(
            space.vectors,
            level.labels,
            np.array(middles, dtype=np.float64).reshape(shape),
            self.method,
        )
        stored = self._stored(space)
        stays = (level.labels >= 0) & ~np.isnan(stored)
        return replace(centroids, distances=np.where(stays, stored, centroids.distances))

    def _middle(self, space: Space, level: Level, place: int, name: str) -> NDArray[np.float64]:
        """Where a published group stands; a new one is where its members are."""
        if name in self.middles:
            return np.asarray(self.middles[name], dtype=np.float64)
        members = space.vectors[level.labels == place]
        return METHODS[self.method](members.astype(np.float64))

    def _stored(self, space: Space) -> NDArray[np.float64]:
        """(n,) NaN for documents that are new or changed."""
        then = np.append(self.distances[self.known.earlier_rows(space)], np.nan)
        return then[self.known.rows]


def _standing(run: Run, before: Run) -> _Standing:
    return _Standing(
        method=run.spec.vectors.effective_feature_method,
        middles=dict(before.read_frame(SUMMARIES, columns=_MIDDLES).iter_rows()),
        known=known_documents(run),
        distances=before.read_frame(DISTANCES)["distance_to_centroid"].to_numpy(),
    )


def keep_labels(run: Run) -> StageReport:
    """Every group keeps its name, unless people gave it another; nobody is asked anything."""
    before = earlier(run)
    names = carried_names(run)
    labels = _standing_labels(run, before, names)
    size = run.write_frame(LABELS, labels)
    run.write_frame(TEXTS, pl.DataFrame({"text": _texts(run, before)}))
    run.record(label_overrides=names or None, plan=ASSIGN)
    return StageReport(numbers={"groups": labels.height, "bytes": size}, uri=run.uri(LABELS))


def label_proposed(run: Run) -> StageReport:
    """Names the new groups as the definition says; all others keep their names."""
    standing = _standing_labels(run, earlier(run), carried_names(run))
    named_before = {row["cluster_id"]: named_of(row) for row in standing.iter_rows(named=True)}
    report = label_beside(run, named_before)
    new = run.read_frame(LABELS).join(standing, on="cluster_id", how="anti")
    run.write_frame(LABELS, pl.concat([standing, new], how="diagonal_relaxed"))
    return report


def _standing_labels(run: Run, before: Run, names: Mapping[str, str]) -> pl.DataFrame:
    present = run.read_frame(ASSIGNMENTS, columns=["document_id"])["document_id"].unique()
    groups = run.read_frame(SUMMARIES, columns=["cluster_id"])
    labels = before.read_frame(LABELS).join(groups, on="cluster_id", how="semi")
    stand = pl.col("representative_ids").list.filter(pl.element().is_in(present.implode()))
    return named(labels, names).with_columns(stand)


def _texts(run: Run, before: Run) -> pl.Series:
    """The beginning of each document's text, as the labels before were made of it."""
    known = known_documents(run)
    old = before.read_frame(TEXTS)["text"]
    payloads = run.read_frame(EMBEDDINGS, columns=["payload"])["payload"][known.fresh].to_list()
    config = LabelingConfig.from_mapping(run.spec.llm_labeling.model_dump())
    fields = list(map(str, before.read_json(LABELLING)["text_fields"][0]["fields"]))
    own = config.input_mappings or as_mappings(fields)
    new = [text_of(from_json(payload), own, fields)[:_SHOWN] for payload in payloads]
    places = known.rows.copy()
    places[known.fresh] = len(old) + np.arange(len(new))
    texts = pl.concat([old, pl.Series(new, dtype=pl.String)])[places]
    return pl.concat([texts] * len(run.spec.clusterings))
