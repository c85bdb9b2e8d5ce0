"""What a run is expected to take, before it is submitted."""

from clustering_pipeline.engine.limits import Need, expected_need
from clustering_pipeline.engine.runtime.job import Job
from clustering_pipeline.model.definitions.composite import COMPOSITE
from clustering_pipeline.model.definitions.spec import ClusterSpec
from clustering_pipeline.model.errors import ClusteringError
from clustering_pipeline.model.filters.tree import parse_filter
from clustering_pipeline.pipeline.run.pipeline import Pipeline
from clustering_pipeline.pipeline.stages.export import sources_of

_FITS = {"full", "from_pool"}
_SINGLE = 4  # bytes of a number as Qdrant keeps it


def predicted(pipeline: Pipeline, spec: ClusterSpec, *, plan: str = "full") -> Need | None:
    """By how many documents the filter selects now, and how long their vectors are.

    None where that is not known: no document yet, a collection that is gone or does not answer,
    a composite run.
    """
    if COMPOSITE in {plan, spec.mode}:
        return None
    try:
        job = _job(pipeline, spec)
    except ClusteringError:
        # The run will say what is wrong.
        return None
    if job is None:
        return None
    fits = plan in _FITS and spec.mode == "full" and spec.attributes is None
    return expected_need(
        job,
        algorithm=spec.method if fits else None,
        params=spec.params if fits else None,
        preprocessing=spec.preprocessing,
        sample_size=spec.sample_size,
        maps=not spec.defer_visualization,
    )


def _job(pipeline: Pipeline, spec: ClusterSpec) -> Job | None:
    sources, selected = sources_of(pipeline, spec), parse_filter(spec.filters)
    names = [source.qdrant_collection for source in sources]
    count = sum(pipeline.documents.count(name, selected) for name in names)
    if not count:
        return None
    lengths = []
    for source in sources:
        vectors = pipeline.documents.describe(source.qdrant_collection).vectors
        lengths.append(sum(vectors[name].size for name in source.vector_names))
    return Job(count=count, dimensions=max(lengths), itemsize=_SINGLE)
