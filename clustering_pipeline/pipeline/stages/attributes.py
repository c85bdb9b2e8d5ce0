"""Groups made of what the payload says: nothing is reduced, nothing fitted, nothing laid out."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from clustering_pipeline import engine
from clustering_pipeline.engine import AttributeGroups, Hierarchy
from clustering_pipeline.engine.vectors import Labels
from clustering_pipeline.model.definitions.vector_config import AttributeConfig
from clustering_pipeline.model.errors import InvalidDefinition
from clustering_pipeline.model.filters.tree import split_path
from clustering_pipeline.model.ids import NOISE_ID, group_id
from clustering_pipeline.pipeline.run.artifacts import (
    ASSIGNMENTS,
    DISTANCES,
    METRICS,
    REDUCED,
    REDUCTION,
    SUMMARIES,
)
from clustering_pipeline.pipeline.run.columns import FEATURE, ROW, VALUES
from clustering_pipeline.pipeline.run.hierarchy_levels import Level, levels
from clustering_pipeline.pipeline.run.report import StageReport
from clustering_pipeline.pipeline.run.run import Run
from clustering_pipeline.pipeline.run.spaces import payloads
from clustering_pipeline.pipeline.stages.findings import findings, grouped, shown
from clustering_pipeline.pipeline.stages.metrics import FINDINGS

MISSING = "missing_attribute"
"""How many documents lack an attribute, in the fit's record."""


def attribute_config(run: Run) -> AttributeConfig:
    """Raises InvalidDefinition when vectors make the groups."""
    if run.spec.attributes is None:
        message = f"definition {run.title!r} has no attribute_config"
        raise InvalidDefinition(message)
    return run.spec.attributes


def without_vectors(run: Run) -> StageReport:
    """No document has a place on a map; the input's digest is that of the attributes' values."""
    attributes = attribute_config(run).attributes
    paths = [split_path(attribute) for attribute in attributes]
    values = [[engine.value_at(payload, path) for path in paths] for payload in payloads(run)]
    content = json.dumps(values, sort_keys=True, ensure_ascii=False).encode()
    record = {
        "input": {
            "documents": len(values),
            "attributes": attributes,
            "sha256": hashlib.sha256(content).hexdigest(),
        },
        "documents": len(values),
        "fitted": len(values),
        "steps": [],
        "weights": None,
        "learning_quality_score": None,
        "weight_learning": None,
    }
    run.write_frame(REDUCED, pl.DataFrame(schema={ROW: pl.Int64}))
    run.write_json(REDUCTION, record)
    return StageReport(numbers={"documents": len(values)}, uri=run.uri(REDUCED))


def attribute_groups(
    config: AttributeConfig, documents: Sequence[Mapping[str, Any]], keys: pl.DataFrame
) -> tuple[pl.DataFrame, dict[str, Any]]:
    """The assignments with one group per combination of values, and the record of it.

    A document that lacks a value is noise, and counted.
    """
    hierarchical = has_parents(config)
    groups = engine.group_by_attributes(documents, config.attributes, hierarchical=hierarchical)
    labels = groups.labels if groups.parents is None else groups.parents
    tree = _tree(groups)
    ids = [*(group_id(node.path) for node in tree.nodes), NOISE_ID]
    frame = keys.with_columns(
        label=labels,
        cluster_id=pl.Series([ids[place] for place in tree.deepest], dtype=pl.String),
        probability=np.where(labels >= 0, 1.0, 0.0),
        outlier_score=pl.lit(None, dtype=pl.Float64),
        **{FEATURE: pl.lit(None, dtype=pl.String)},
    )
    return frame, {
        "attributes": config.attributes,
        "hierarchical_grouping": hierarchical,
        MISSING: groups.missing,
    }


def has_parents(config: AttributeConfig) -> bool:
    """Below a first value there is something only when there are further attributes."""
    return config.hierarchical_grouping and len(config.attributes) > 1


def _tree(groups: AttributeGroups) -> Hierarchy:
    if groups.parents is not None:
        return engine.of_labels(groups.parents, groups.labels)
    return _flat(groups.labels)


def _flat(labels: Labels) -> Hierarchy:
    numbers = range(int(labels.max(initial=-1)) + 1)
    nodes = [
        engine.Node(path=(number,), rows=np.flatnonzero(labels == number)) for number in numbers
    ]
    return engine.hierarchy(len(labels), nodes)


GIVEN = ("llm", "human")  # where names come from that values do not replace


def summarize_attributes(run: Run) -> StageReport:
    """Sizes and values; what would need vectors is null."""
    documents = payloads(run)
    assignments = run.read_frame(ASSIGNMENTS, columns=["label", "cluster_id"])
    rows = [
        row
        for level in levels(assignments["cluster_id"])
        for row in _summaries(run, level, documents)
    ]
    noticed = findings([grouped(run.spec.method, assignments)])
    counts = engine.counted(assignments["label"].to_numpy()).contract()
    metrics = counts | {FINDINGS: [each.model_dump() for each in noticed]}
    size = run.write_frame(SUMMARIES, pl.DataFrame(rows, schema=SUMMARIES.schema))
    nowhere = pl.Series("distance_to_centroid", [None] * len(documents), dtype=pl.Float64)
    run.write_frame(DISTANCES, nowhere.to_frame())
    run.write_json(METRICS, metrics)
    return StageReport(
        numbers={"groups": len(rows), "bytes": size},
        texts={"space": str(metrics["space"]), "degenerate": str(metrics["degenerate"])},
        markdown=shown(noticed),
        uri=run.uri(SUMMARIES),
    )


def _summaries(
    run: Run, level: Level, documents: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    rows = []
    parents = level.parents()
    for place, cluster_id in enumerate(level.cluster_ids):
        members = np.flatnonzero(level.labels == place)
        row = {
            "cluster_id": cluster_id,
            "parent_cluster_id": parents[place],
            "hierarchy_level": level.number,
            "num_members": len(members),
            VALUES: json.dumps(_values(run, [documents[member] for member in members])),
        }
        rows.append(dict.fromkeys(SUMMARIES.schema) | row)
    return rows


def _values(run: Run, members: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Attribute to value; where a parent's members differ, the one that stands for them."""
    config = attribute_config(run)
    return {
        attribute: engine.aggregate(
            [engine.value_at(member, split_path(attribute)) for member in members],
            config.aggregation_method,
        )
        for attribute in config.attributes
    }


def named_by_values(clusters: pl.DataFrame, config: AttributeConfig | None) -> pl.DataFrame:
    """Groups by attributes are called by their values unless a model or a person named them."""
    if config is None:
        return clusters
    rows = clusters.select(VALUES, "hierarchy_level").iter_rows()
    names = pl.Series("by_values", [_name(config, *row) for row in rows], dtype=pl.String)
    by_others = pl.col("source").is_in(GIVEN)
    return clusters.with_columns(
        label=pl.when(by_others).then("label").otherwise(names),
        source=pl.when(by_others).then("source").otherwise(pl.lit("attributes")),
    )


def _name(config: AttributeConfig, stored: str, level: int) -> str:
    shared = config.attributes[:1] if has_parents(config) and level == 0 else config.attributes
    values = json.loads(stored)
    return " · ".join(f"{attribute}: {_shown(values[attribute])}" for attribute in shared)


def _shown(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
