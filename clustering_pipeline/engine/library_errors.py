"""What libraries raise, as errors that name the fix."""

from collections.abc import Generator
from contextlib import contextmanager

from clustering_pipeline.engine.vectors import Vectors
from clustering_pipeline.model.errors import DoesNotFit, InvalidParameters


@contextmanager
def answerable(method: str, vectors: Vectors) -> Generator[None]:
    """Raises ``DoesNotFit`` for want of memory and ``InvalidParameters`` for values refused."""
    try:
        yield
    except MemoryError as error:
        message = (
            f"{method} ran out of memory with {len(vectors):,} documents of "
            f"{vectors.shape[1]:,} dimensions; lower sample_size or free memory"
        )
        raise DoesNotFit(message) from error
    except ValueError as error:
        message = f"{method} does not work with these parameters: {error}"
        raise InvalidParameters(message) from error


@contextmanager
def arguments_of(method: str) -> Generator[None]:
    """Raises ``InvalidParameters`` for what a library says of arguments passed on as they came."""
    try:
        yield
    except (TypeError, ValueError) as error:
        message = f"{method} does not take these parameters: {error}"
        raise InvalidParameters(message) from error


def refuse_tree_without(metric: str, *, algorithm: str) -> None:
    """Raise ``InvalidParameters`` where a search tree was asked for that has no such metric."""
    from sklearn.neighbors import VALID_METRICS  # noqa: PLC0415 - heavy

    if algorithm.endswith("_tree") and metric not in VALID_METRICS[algorithm]:
        message = f"algorithm {algorithm!r} has no metric {metric!r}; use algorithm 'auto'"
        raise InvalidParameters(message)
