"""How good a clustering is, and what to say of several that are independent of each other."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from clustering_pipeline import engine
from clustering_pipeline.engine import Centroids
from clustering_pipeline.engine.algorithms import algorithm
from clustering_pipeline.engine.groups.numbering import canonical
from clustering_pipeline.engine.vectors import Check, Labels
from clustering_pipeline.orchestration.run import Run
from clustering_pipeline.orchestration.stages.inputs import FEATURE, Matrix, Space

SPACE = "original"
EXPLAINED = "explained_by_fields"
VALIDITY = "density_validity"
SAMPLE = 5_000  # documents that density validity is measured on, drawn with a seed
PER_FEATURE = "per_feature"
Metrics = dict[str, Any]


def measured(
    space: Space,
    labels: Labels,
    fit: Mapping[str, Any],
    *,
    check: Check,
    middles: Centroids | None = None,
) -> Metrics:
    """The contract's metrics over the vectors as they came in; density validity from ``fit``.

    ``middles`` are the groups' centroids where they are not those of the vectors.
    """
    numbers = canonical(labels)
    found = engine.quality(
        space.vectors, numbers, space=SPACE, middles=middles, check=check
    ).contract()
    density = fit.get(VALIDITY)
    if density is None:
        return found
    return {**found, VALIDITY: density["value"], f"{VALIDITY}_space": density["space"]}


def validity(
    run: Run, points: Matrix, labels: Labels, steps: Sequence[Mapping[str, Any]], check: Check
) -> dict[str, Any]:
    """For a method that goes by density, DBCV of the top groups where they were clustered."""
    if not algorithm(run.spec.method).density:
        return {}
    value = engine.density_validity(points, canonical(labels), sample=SAMPLE, check=check)
    done = " and ".join(str(step["method"]) for step in steps) or "no preprocessing"
    space = f"{points.shape[1]} dimensions after {done}"
    return {VALIDITY: {"value": value, "space": space, "documents": min(len(points), SAMPLE)}}


def fits_of(record: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """What the fit of each clustering said, from the record of all of them."""
    return list(record.get("fits") or [record])


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
