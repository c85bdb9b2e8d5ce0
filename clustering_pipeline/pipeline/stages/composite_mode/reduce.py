"""The map of the documents: what is grouped are centroids, what is shown are documents."""

from clustering_pipeline import engine
from clustering_pipeline.pipeline.run.progress import Paced
from clustering_pipeline.pipeline.run.report import StageReport
from clustering_pipeline.pipeline.run.run import Run
from clustering_pipeline.pipeline.run.spaces import Space, clustering_spaces, features
from clustering_pipeline.pipeline.stages.feature_weights import Weights
from clustering_pipeline.pipeline.stages.reduce import Reduced, keep_reduced, layout_of


def lay_out(run: Run) -> StageReport:
    """Gives documents their places; preprocessing is for the centroids, in the next stage."""
    found = features(run)
    weights = Weights(values=run.spec.vectors.feature_weights)
    spaces = clustering_spaces(run, found, weights=weights.values)
    return keep_reduced(run, found, [_laid_out(run, space) for space in spaces], weights)


def _laid_out(run: Run, space: Space) -> Reduced:
    rows = engine.sample_rows(len(space.vectors), run.spec.sample_size)
    vectors, check = space.vectors[rows], Paced(ask=run.check)
    neighbors = engine.Neighborhood(vectors, check)
    layout = layout_of(run, vectors, neighbors, check)
    return Reduced(
        space=space, rows=rows, vectors=vectors, layout=layout, neighbors=neighbors, steps=[]
    )
