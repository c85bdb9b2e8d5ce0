"""The reach of a run's groups, kept with them: new documents are compared with this alone."""

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from clustering_pipeline.engine.incremental import Reference, reference_of
from clustering_pipeline.engine.vectors import NOISE
from clustering_pipeline.model.ids import NOISE_ID
from clustering_pipeline.pipeline.run.artifacts import ASSIGNMENTS, REFERENCE
from clustering_pipeline.pipeline.run.columns import FEATURE
from clustering_pipeline.pipeline.run.report import StageReport
from clustering_pipeline.pipeline.run.run import Run
from clustering_pipeline.pipeline.run.spaces import Space, original_spaces
from clustering_pipeline.pipeline.stages.summarize import summarize


def summarize_and_calibrate(run: Run) -> StageReport:
    """What a full run says of its groups, and how far each of them reaches."""
    report = summarize(run)
    # Groups by attributes reach nothing; an absent file would be taken for the published run's.
    reaches = (
        calibrated(run) if run.spec.attributes is None else pl.DataFrame(schema=REFERENCE.schema)
    )
    run.write_frame(REFERENCE, reaches)
    return report


def references(run: Run) -> pl.DataFrame:
    """Those that the run has kept; a run of before there were any is calibrated now."""
    stored = run.pipeline.artifacts
    if REFERENCE.exists(stored, run.execution):
        return REFERENCE.read(stored, run.execution)
    return calibrated(run)


def calibrated(run: Run) -> pl.DataFrame:
    """A row for each group that documents may join; its ``exemplars`` one after the other."""
    cluster_ids = run.read_frame(ASSIGNMENTS, columns=["cluster_id"])["cluster_id"]
    method = run.spec.vectors.effective_feature_method
    return calibrated_by(original_spaces(run), cluster_ids, method)


def calibrated_by(spaces: Sequence[Space], cluster_ids: pl.Series, method: str) -> pl.DataFrame:
    """The same for the groups that these are, a row for each of the assignments."""
    parts = [_of(space, cluster_ids[space.rows], method) for space in spaces]
    return pl.concat([pl.DataFrame(schema=REFERENCE.schema), *parts])


def reference_in(table: pl.DataFrame, space: Space) -> tuple[list[str], Reference]:
    """The ids of one clustering's groups, and what documents of ``space`` are compared with."""
    own = table.filter(pl.col(FEATURE) == space.name)
    return reference_of_table(own, space.vectors.shape[1])


def reference_of_table(own: pl.DataFrame, dimensions: int) -> tuple[list[str], Reference]:
    """The same of a table of one clustering."""
    sizes = (own["exemplars"].list.len() // dimensions).to_list()
    names = list(map(str, own["cluster_id"]))
    return names, Reference(
        centroids=_matrix(own["centroid"], dimensions),
        exemplars=_matrix(own["exemplars"], dimensions),
        starts=np.cumsum([0, *sizes]),
        typical=own["typical"].to_numpy(),
        least=own["least"].to_numpy(),
        mean_cosine=float(own["mean_cosine"][0]) if own.height else 0.0,
    )


def _of(space: Space, cluster_ids: pl.Series, method: str) -> pl.DataFrame:
    names = sorted(set(cluster_ids.to_list()) - {NOISE_ID})
    places = {name: place for place, name in enumerate(names)}
    labels = cluster_ids.replace_strict(places, default=NOISE, return_dtype=pl.Int64).to_numpy()
    reach = reference_of(space.vectors, labels, method=method)
    spans = zip(reach.starts[:-1], reach.starts[1:], strict=True)
    return pl.DataFrame(
        {
            FEATURE: [space.name] * reach.k,
            "cluster_id": names,
            "centroid": list(reach.centroids),
            "exemplars": [reach.exemplars[start:stop].ravel() for start, stop in spans],
            "typical": reach.typical,
            "least": reach.least,
            "mean_cosine": [reach.mean_cosine] * reach.k,
        },
        schema=REFERENCE.schema,
    )


def _matrix(vectors: pl.Series, dimensions: int) -> NDArray[np.float32]:
    """The numbers of all rows as (n, d); none in an empty one."""
    return vectors.explode().drop_nulls().to_numpy().reshape(-1, dimensions)
