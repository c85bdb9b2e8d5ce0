"""How far the published groups agree with what a payload field already says."""

from dataclasses import asdict, dataclass

import polars as pl

from clustering_pipeline import engine
from clustering_pipeline.model.errors import InvalidRequest
from clustering_pipeline.model.ids import NOISE_ID, TOP_ID
from clustering_pipeline.model.scope import Scope
from clustering_pipeline.pipeline.run.columns import FEATURE
from clustering_pipeline.pipeline.run.pipeline import Pipeline
from clustering_pipeline.service.results.documents import read_members, results_of, values_at


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
    record, execution = results_of(pipeline, scope, cluster)
    parts = read_members(pipeline, execution).partition_by(FEATURE, maintain_order=True)
    agreements = [_measured(part, field) for part in parts]
    if None in agreements:
        message = f"no document in a group of {record.name!r} has a value of {field!r}"
        raise InvalidRequest(message)
    return [agreement for agreement in agreements if agreement is not None]


def _measured(rows: pl.DataFrame, field: str) -> FieldAgreement | None:
    tops = rows["cluster_id"].str.extract(TOP_ID, 0)
    numbers = {name: number for number, name in enumerate(tops.unique(maintain_order=True))}
    labels = tops.replace_strict(numbers | {NOISE_ID: -1}, return_dtype=pl.Int64).to_numpy()
    agreement = engine.agreement(labels, values_at(rows, field))
    if agreement is None:
        return None
    return FieldAgreement(feature_name=rows[FEATURE][0], **asdict(agreement))
