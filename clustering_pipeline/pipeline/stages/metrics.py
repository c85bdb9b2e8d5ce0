"""How good a clustering is, and what to say of several that are independent of each other."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from pydantic_core import from_json

from clustering_pipeline import engine
from clustering_pipeline.engine import Centroids
from clustering_pipeline.engine.algorithms import algorithm
from clustering_pipeline.engine.groups.numbering import canonical
from clustering_pipeline.engine.metrics.agreement import MOST_VALUES
from clustering_pipeline.engine.vectors import Labels
from clustering_pipeline.model.progress import Check
from clustering_pipeline.pipeline.run.artifacts import EMBEDDINGS
from clustering_pipeline.pipeline.run.columns import FEATURE, PAYLOAD
from clustering_pipeline.pipeline.run.run import Run
from clustering_pipeline.pipeline.run.spaces import Matrix, Space

SPACE = "original"
EXPLAINED = "explained_by_fields"
FINDINGS = "findings"
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
    metrics = engine.quality(
        space.vectors, numbers, space=SPACE, middles=middles, check=check
    ).contract()
    density = fit.get(VALIDITY)
    if density is None:
        return metrics
    return {**metrics, VALIDITY: density["value"], f"{VALIDITY}_space": density["space"]}


def validity(
    method: str, points: Matrix, labels: Labels, steps: Sequence[Mapping[str, Any]], check: Check
) -> dict[str, Any]:
    """For a method that goes by density, DBCV of the top groups where they were clustered."""
    if not algorithm(method).density:
        return {}
    value = engine.density_validity(points, canonical(labels), sample=SAMPLE, check=check)
    done = " and ".join(str(step["method"]) for step in steps) or "no preprocessing"
    space = f"{points.shape[1]} dimensions after {done}"
    return {VALIDITY: {"value": value, "space": space, "documents": min(len(points), SAMPLE)}}


def fits_of(record: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """What the fit of each clustering said, from the record of all of them."""
    return list(record.get("fits") or [record])


def all_of(by_feature: Mapping[str, Metrics]) -> Metrics:
    """The metrics of a run: those of its clustering, or the means over several and each one's own.

    A mean is null where one of them is, and a run is as degenerate as the first of them that is.
    """
    first = next(iter(by_feature.values()))
    if len(by_feature) == 1:
        return first
    odd = [(name, metrics) for name, metrics in by_feature.items() if metrics["degenerate"]]
    shares: list[Metrics] = [
        {FEATURE: name, **share}
        for name, metrics in by_feature.items()
        for share in metrics[EXPLAINED]
    ]
    return {
        **{
            name: _mean([metrics[name] for metrics in by_feature.values()])
            for name in numbers_of(first)
        },
        "space": f"{SPACE}, mean of {len(by_feature)} features",
        "degenerate": odd[0][1]["degenerate"] if odd else False,
        "degenerate_detail": f"{odd[0][0]}: {odd[0][1]['degenerate_detail']}" if odd else None,
        EXPLAINED: sorted(shares, key=lambda share: -share["share"]),
        PER_FEATURE: [{FEATURE: name, **metrics} for name, metrics in by_feature.items()],
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


MOST = 0.5
PLAIN = (str, int, float)
Share = dict[str, Any]


def explained_by_fields(run: Run, groupings: Sequence[Labels]) -> list[list[Share]]:
    """For each grouping, payload fields of few values and the share each explains, largest first.

    Fields that this definition wrote are no explanation.
    """
    ours = {field.partition(".")[0] for field in run.own_fields}
    stored = run.read_frame(EMBEDDINGS, columns=[PAYLOAD])[PAYLOAD]
    fields = _fields(stored, len(stored), ours)
    return [_shares(labels, fields) for labels in groupings]


def text_lengths(run: Run) -> list[int]:
    """Of each document, the characters of all texts in its payload."""
    ours = {field.partition(".")[0] for field in run.own_fields}
    return [
        sum(
            len(value)
            for name, value in from_json(text).items()
            if isinstance(value, str) and name not in ours
        )
        for text in run.read_frame(EMBEDDINGS, columns=[PAYLOAD])[PAYLOAD]
    ]


def _shares(labels: Labels, fields: Mapping[str, Sequence[Any]]) -> list[Share]:
    shares = engine.explained_shares(labels, fields)
    # Not by name: a payload's field may be called what no key of the catalog can be.
    return [{"field": name, "share": share} for name, share in shares.items()]


def warning(explained: Sequence[Share]) -> dict[str, str]:
    """What to say when one field explains most of the groups."""
    if not explained or explained[0]["share"] < MOST:
        return {}
    name, share = explained[0]["field"], explained[0]["share"]
    return {"warning": f"{name!r} explains {share:.0%} of the grouping: are these its values?"}


def _fields(
    stored: Iterable[str], documents: int, ignored: Collection[str]
) -> dict[str, list[Any]]:
    """The values of the fields that have few, read one document at a time."""
    columns: dict[str, list[Any]] = {}
    seen: dict[str, set[Any]] = {}
    dropped = set(ignored)
    for row, text in enumerate(stored):
        for name, value in from_json(text).items():
            if name in dropped or value is None:
                continue
            values = seen.setdefault(name, set())
            values_left = MOST_VALUES - len(values)
            if isinstance(value, PLAIN) and (value in values or values_left):
                values.add(value)
                columns.setdefault(name, [None] * documents)[row] = value
            else:
                dropped.add(name)
                columns.pop(name, None)
    return columns
