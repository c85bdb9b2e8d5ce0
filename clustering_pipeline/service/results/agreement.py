"""How far the published groups agree with what a payload field already says."""

import json
from dataclasses import asdict, dataclass
from typing import Any

import polars as pl

from clustering_pipeline import engine
from clustering_pipeline.model.errors import InvalidRequest, StateConflict
from clustering_pipeline.model.filters.tree import split_path
from clustering_pipeline.model.ids import NOISE_ID, TOP_ID
from clustering_pipeline.model.scope import Scope
from clustering_pipeline.pipeline.run.artifacts import EMBEDDINGS, MEMBERS
from clustering_pipeline.pipeline.run.columns import CLUSTER_ID, FEATURE, KEYS, PAYLOAD
from clustering_pipeline.pipeline.run.pipeline import Pipeline


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldAgreement:
    """Adjusted Rand index and normalised mutual information of one clustering with a field, over
    the ``documents`` that are in a group and have a value.
    """

    feature_name: str | None
    documents: int
    adjusted_rand_index: float
    normalized_mutual_information: float


def field_agreement(
    pipeline: Pipeline, scope: Scope, cluster: str, field: str
) -> list[FieldAgreement]:
    """One for each clustering of the published run, by its top groups.

    ``field`` may be a dotted path.  Raises ClusterNotFound, StateConflict before anything is
    published, and InvalidRequest when no document in a group has a value there.
    """
    record = pipeline.catalog.clusters.get(scope, cluster)
    execution = pipeline.catalog.executions.published(record)
    if execution is None:
        message = f"{record.name!r} has published nothing yet: execute it"
        raise StateConflict(message)
    stored = pipeline.artifacts
    members = MEMBERS.read(stored, execution, [*KEYS, FEATURE, CLUSTER_ID])
    documents = EMBEDDINGS.read(stored, execution, [*KEYS, PAYLOAD])
    rows = members.join(documents, on=KEYS, how="left", maintain_order="left")
    parts = rows.partition_by(FEATURE, maintain_order=True)
    agreements = [_measured(part, field) for part in parts]
    if None in agreements:
        message = f"no document in a group of {record.name!r} has a value of {field!r}"
        raise InvalidRequest(message)
    return [agreement for agreement in agreements if agreement is not None]


def _measured(rows: pl.DataFrame, field: str) -> FieldAgreement | None:
    path = split_path(field)
    tops = rows["cluster_id"].str.extract(TOP_ID, 0)
    numbers = {name: number for number, name in enumerate(tops.unique(maintain_order=True))}
    labels = tops.replace_strict(numbers | {NOISE_ID: -1}, return_dtype=pl.Int64).to_numpy()
    values: list[Any] = [engine.value_at(json.loads(payload), path) for payload in rows["payload"]]
    agreement = engine.agreement(labels, values)
    if agreement is None:
        return None
    return FieldAgreement(feature_name=rows[FEATURE][0], **asdict(agreement))
