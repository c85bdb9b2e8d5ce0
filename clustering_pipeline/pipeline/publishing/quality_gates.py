"""Whether a result is good enough for its definition to be shown."""

from collections.abc import Iterator, Mapping

import polars as pl

from clustering_pipeline import engine
from clustering_pipeline.model.definitions.spec import ClusterSpec
from clustering_pipeline.model.definitions.vector_config import QualityGates
from clustering_pipeline.model.ids import NOISE_ID, TOP_ID
from clustering_pipeline.pipeline.run.artifacts import ASSIGNMENTS, MEMBERS, METRICS, REDUCED
from clustering_pipeline.pipeline.run.columns import FEATURE, KEYS, ROW, VECTOR
from clustering_pipeline.pipeline.run.run import Run
from clustering_pipeline.stores.artifacts.matrices import vector_matrix

Measured = Mapping[str, float | None]

# Gate to what it measures, in words.
_NAMES = {
    "silhouette": "silhouette",
    "density_validity": "density validity (DBCV)",
    "noise_ratio": "share of noise",
    "largest_share": "share of the largest group",
    "agreement": "agreement with the published run",
}


def refusals(run: Run, members: pl.DataFrame) -> list[str]:
    """Why the result is not to be published; nothing when it may be."""
    gates = run.spec.definition.quality_gates
    if gates is None:
        return []
    return list(failures(gates, _measured(run, gates, members)))


def passed_over(spec: ClusterSpec) -> list[str]:
    """What is asked of the result and cannot be said of it: where documents join groups that are
    there nothing is clustered, and there is no space to measure density in.
    """
    gates = spec.definition.quality_gates
    if gates is None or gates.minimum_density_validity is None or not spec.joins:
        return []
    name = _NAMES["density_validity"]
    return [f"{name} is not measured where documents join groups: minimum_density_validity waits"]


def failures(gates: QualityGates, measured: Measured) -> Iterator[str]:
    """One sentence for each limit that is broken; what could not be measured breaks a least one."""
    for gate, limit in gates:
        bound, _, name = gate.partition("_")
        if limit is None or name not in measured:
            continue
        value = measured[name]
        if bound == "minimum" and (value is None or value < limit):
            yield f"{_NAMES[name]} {_shown(value)} is below {gate} {limit:g}"
        if bound == "maximum" and value is not None and value > limit:
            yield f"{_NAMES[name]} {_shown(value)} is above {gate} {limit:g}"


def adjusted_rand_index(members: pl.DataFrame, other: pl.DataFrame) -> float | None:
    """How alike two runs group the documents that both hold; noise counts as one group.

    1 is the same grouping, 0 what chance gives (Hubert and Arabie, 1985); None without a document
    in common.
    """
    from sklearn.metrics import adjusted_rand_score  # noqa: PLC0415 - heavy

    keys = [key for key in (*KEYS, FEATURE) if key in members.columns and key in other.columns]
    both = members.select(*keys, "cluster_id").join(
        other.select(*keys, "cluster_id"), on=keys, suffix="_other", nulls_equal=True
    )
    if both.is_empty():
        return None
    return float(adjusted_rand_score(*(both[name].to_list() for name in both.columns[-2:])))


def largest_share(members: pl.DataFrame) -> float:
    """Of all documents, those in the largest group on top of the hierarchy; 0 without groups."""
    top = pl.col("cluster_id").str.extract(TOP_ID, 0)
    grouped = members.filter(pl.col("cluster_id") != NOISE_ID)
    sizes = grouped.group_by(top).len()["len"].to_list()
    return int(max(sizes, default=0)) / max(members.select(KEYS).n_unique(), 1)


def _shown(value: float | None) -> str:
    return "(there is none)" if value is None else f"{value:.3f}"


def _measured(run: Run, gates: QualityGates, members: pl.DataFrame) -> dict[str, float | None]:
    metrics = run.read_json(METRICS)
    measured: dict[str, float | None] = {
        "silhouette": metrics.get("silhouette_score"),
        "noise_ratio": metrics.get("noise_ratio"),
        "largest_share": largest_share(members),
    }
    if gates.minimum_density_validity is not None and not run.spec.joins:
        measured["density_validity"] = _density_validity(run)
    if gates.minimum_agreement is not None and run.published is not None:
        shown = MEMBERS.read(run.pipeline.artifacts, run.published)
        measured["agreement"] = adjusted_rand_index(members, shown)
    return measured


def _density_validity(run: Run) -> float | None:
    """Of one clustering by vectors; several of independent features have no space in common."""
    if run.spec.attributes is not None or len(run.spec.clusterings) > 1:
        return None
    fitted = run.read_frame(REDUCED, columns=[ROW, VECTOR])
    labels = run.read_frame(ASSIGNMENTS, columns=["label"])["label"].to_numpy()
    return engine.density_validity(vector_matrix(fitted[VECTOR]), labels[fitted[ROW].to_numpy()])
