"""Several vectors per document, brought into one space."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from clustering_pipeline.engine.vectors import Vectors, as_vectors, unit_rows
from clustering_pipeline.model.errors import InvalidParameters, WrongDimension


def concatenate(
    features: Mapping[str, ArrayLike],
    *,
    weights: Mapping[str, float] | None = None,
    normalize: bool = True,
) -> Vectors:
    """(n, sum of d) vectors: the features side by side, in order.

    ``normalize`` brings each document's part of each feature to length one; ``weights`` scale the
    parts, one where none is given.  Raises ``WrongDimension`` when the features have different
    numbers of documents and ``InvalidParameters`` for a weight of no feature.
    """
    blocks = as_blocks(features)
    scales = checked_weights(tuple(blocks), weights)
    parts = [
        (unit_rows(block) if normalize else block) * np.float32(scales[name])
        for name, block in blocks.items()
    ]
    return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)


def as_blocks(features: Mapping[str, ArrayLike]) -> dict[str, Vectors]:
    """The features as matrices of equally many rows."""
    blocks = {name: as_vectors(vectors) for name, vectors in features.items()}
    counts = {name: len(block) for name, block in blocks.items()}
    if len(set(counts.values())) > 1:
        listed = ", ".join(f"{name} {count}" for name, count in counts.items())
        message = (
            f"features have different numbers of documents ({listed}); "
            "keep the documents that have all of them"
        )
        raise WrongDimension(message)
    return blocks


def checked_weights(
    names: tuple[str, ...], weights: Mapping[str, float] | None
) -> dict[str, float]:
    """A weight per feature; raises ``InvalidParameters`` for unknown names and all zeros."""
    given = dict(weights or {})
    strange = [name for name in given if name not in names]
    if strange:
        message = f"feature_weights names {strange[0]!r}; the features are: {', '.join(names)}"
        raise InvalidParameters(message)
    scales = {name: float(given.get(name, 1.0)) for name in names}
    if not any(scales.values()):
        message = "feature_weights are all zero; give at least one feature a weight"
        raise InvalidParameters(message)
    return scales


def complete_rows(present: Mapping[str, ArrayLike]) -> NDArray[np.int64]:
    """The rows that have every feature; ``present`` tells for each feature which rows do."""
    masks = [np.asarray(mask, dtype=bool) for mask in present.values()]
    return np.flatnonzero(np.logical_and.reduce(masks))
