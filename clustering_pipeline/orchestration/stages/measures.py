"""How good a clustering is, and what to say of several that are independent of each other."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from clustering_pipeline import engine
from clustering_pipeline.engine.numbering import canonical
from clustering_pipeline.engine.vectors import Labels
from clustering_pipeline.orchestration.stages.inputs import FEATURE, Space

SPACE = "original"
EXPLAINED = "explained_by_fields"
PER_FEATURE = "per_feature"
Metrics = dict[str, Any]


def measured(space: Space, labels: Labels) -> Metrics:
    """The contract's metrics over the vectors as they came in."""
    return engine.quality(space.vectors, canonical(labels), space=SPACE).contract()


def all_of(found: Mapping[str, Metrics]) -> Metrics:
    """The metrics of a run: those of its clustering, or the means over several and each one's own.

    A mean is null where one of them is, and a run is as degenerate as the first of them that is.
    """
    first = next(iter(found.values()))
    if len(found) == 1:
        return first
    odd = [(name, one) for name, one in found.items() if one["degenerate"]]
    shares: list[Metrics] = [
        {FEATURE: name, **share} for name, one in found.items() for share in one[EXPLAINED]
    ]
    return {
        **{name: _mean([one[name] for one in found.values()]) for name in numbers_of(first)},
        "space": f"{SPACE}, mean of {len(found)} features",
        "degenerate": odd[0][1]["degenerate"] if odd else False,
        "degenerate_detail": f"{odd[0][0]}: {odd[0][1]['degenerate_detail']}" if odd else None,
        EXPLAINED: sorted(shares, key=lambda one: -one["share"]),
        PER_FEATURE: [{FEATURE: name, **one} for name, one in found.items()],
    }


def numbers_of(metrics: Mapping[str, object]) -> dict[str, float | None]:
    """The metrics that are numbers, missing ones included."""
    return {
        name: value
        for name, value in metrics.items()
        if value is None or (isinstance(value, int | float) and not isinstance(value, bool))
    }


def _mean(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if len(known) == len(values) else None
