"""Groups made of what the payload says: nothing is reduced, nothing fitted, nothing laid out."""

import hashlib
import json

import numpy as np
import polars as pl

from clustering_pipeline import engine
from clustering_pipeline.engine import AttributeGroups, Hierarchy
from clustering_pipeline.engine.vectors import Labels
from clustering_pipeline.model.definitions.vector_config import AttributeConfig
from clustering_pipeline.model.errors import InvalidDefinition
from clustering_pipeline.model.filters.tree import split_path
from clustering_pipeline.model.ids import NOISE_ID
from clustering_pipeline.orchestration.report import StageReport
from clustering_pipeline.orchestration.run import Run
from clustering_pipeline.orchestration.stages.identity import name_groups
from clustering_pipeline.orchestration.stages.inputs import FEATURE, KEYS, ROW, payloads


def attribute_config(run: Run) -> AttributeConfig:
    """Raises InvalidDefinition when vectors make the groups."""
    if run.spec.attributes is None:
        message = f"definition {run.title!r} has no attribute_config"
        raise InvalidDefinition(message)
    return run.spec.attributes


def without_vectors(run: Run) -> StageReport:
    """No document has a place on a map; the input's digest is that of the attributes' values."""
    attributes = attribute_config(run).attributes
    paths = [split_path(one) for one in attributes]
    values = [[engine.value_at(one, path) for path in paths] for one in payloads(run)]
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
    run.write_frame("reduced", pl.DataFrame(schema={ROW: pl.Int64}))
    run.write_json("reduction", record)
    return StageReport(numbers={"documents": len(values)}, uri=run.uri("reduced.parquet"))


def assign_by_attributes(run: Run) -> StageReport:
    """One group per combination of values; a document that lacks one is noise, and counted."""
    config = attribute_config(run)
    groups = engine.group_by_attributes(
        payloads(run), config.attributes, hierarchical=has_parents(config)
    )
    labels = groups.labels if groups.parents is None else groups.parents
    tree = _tree(groups)
    ids = [*(engine.group_id(node.path) for node in tree.nodes), NOISE_ID]
    frame = run.read_frame("embeddings", columns=KEYS).with_columns(
        label=labels,
        cluster_id=pl.Series([ids[place] for place in tree.deepest], dtype=pl.String),
        probability=np.where(labels >= 0, 1.0, 0.0),
        outlier_score=pl.lit(None, dtype=pl.Float64),
        **{FEATURE: pl.lit(None, dtype=pl.String)},
    )
    size = run.write_frame("assignments", name_groups(run, frame))
    record = {
        "algorithm": run.spec.method,
        "attributes": config.attributes,
        "hierarchical_grouping": has_parents(config),
        "missing_attribute": groups.missing,
        "versions": engine.versions(),
    }
    run.write_json("fit", record)
    run.write_json("relations", [])
    return StageReport(
        numbers={
            "documents": len(labels),
            "groups": len(groups.parent_values or groups.values),
            "missing_attribute": groups.missing,
            "noise_ratio": groups.missing / len(labels),
            "bytes": size,
        },
        records={"fit": record},
        uri=run.uri("assignments.parquet"),
    )


def has_parents(config: AttributeConfig) -> bool:
    """Below a first value there is something only when there are further attributes."""
    return config.hierarchical_grouping and len(config.attributes) > 1


def _tree(groups: AttributeGroups) -> Hierarchy:
    if groups.parents is not None:
        return engine.of_labels(groups.parents, groups.labels)
    return _flat(groups.labels)


def _flat(labels: Labels) -> Hierarchy:
    numbers = range(int(labels.max(initial=-1)) + 1)
    nodes = [engine.Node(path=(one,), rows=np.flatnonzero(labels == one)) for one in numbers]
    return engine.hierarchy(len(labels), nodes)
