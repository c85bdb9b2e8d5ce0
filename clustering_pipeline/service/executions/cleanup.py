"""A definition that is deleted while its run goes on: nothing of the run stays behind."""

from collections.abc import Generator
from contextlib import contextmanager

from clustering_pipeline.model.errors import ClusteringError, ClusterNotFound
from clustering_pipeline.pipeline.publishing.output_aliases import SEPARATOR
from clustering_pipeline.pipeline.run.run import Run


@contextmanager
def leaving_nothing(run: Run) -> Generator[None]:
    """Removes what the run wrote, if its definition was deleted meanwhile, when it fails of that.

    Whoever deletes a definition removes what is there; its run hears of it at its next look into
    the catalog only.
    """
    try:
        yield
    except ClusteringError:
        if _is_gone(run):
            _sweep(run)
        raise


def _is_gone(run: Run) -> bool:
    try:
        run.pipeline.catalog.clusters.by_id(run.cluster_id)
    except ClusterNotFound:
        return True
    return False


def _sweep(run: Run) -> None:
    run.pipeline.artifacts.delete(run.execution.artifacts_prefix)
    documents = run.pipeline.documents
    for name in documents.collections():
        if name.endswith(f"{SEPARATOR}{run.run_id}"):
            documents.delete_collection(name)
