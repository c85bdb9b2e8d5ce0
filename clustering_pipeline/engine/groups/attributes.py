"""Groups of documents that say the same in their payload."""

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np

from clustering_pipeline.engine.groups.numbering import canonical
from clustering_pipeline.engine.vectors import NOISE, Labels
from clustering_pipeline.model.errors import EmptySelection
from clustering_pipeline.model.filters.tree import split_path

Aggregation: TypeAlias = Literal["most_frequent", "first", "last"]
Values: TypeAlias = tuple[Any, ...]


@dataclass(frozen=True, kw_only=True)
class AttributeGroups:
    """One group per combination of values.

    ``labels`` (n,) int64: 0 is the largest group, -1 a document that lacks an attribute; their
    number is ``missing``.  ``values`` has each group's combination, in the order of ``attributes``.
    ``parents`` (n,) int64 numbers the first values alone, and ``parent_values`` are those; without
    a hierarchy ``parents`` is None.
    """

    attributes: tuple[str, ...]
    labels: Labels
    values: tuple[Values, ...]
    missing: int
    parents: Labels | None = None
    parent_values: tuple[Values, ...] = ()


def group_by_attributes(
    payloads: Sequence[Mapping[str, Any]], attributes: Sequence[str], *, hierarchical: bool = False
) -> AttributeGroups:
    """Group documents by the values at ``attributes``, which may be dotted paths.

    A list or an object is a value like any other; null is none.
    """
    if not payloads:
        message = "there is no document to group; widen the filter or add documents"
        raise EmptySelection(message)
    paths = [split_path(attribute) for attribute in attributes]
    combinations = [_combination(payload, paths) for payload in payloads]
    labels, values = _numbered(combinations)
    firsts = [None if combination is None else combination[:1] for combination in combinations]
    parents, parent_values = _numbered(firsts) if hierarchical else (None, ())
    return AttributeGroups(
        attributes=tuple(attributes),
        labels=labels,
        values=values,
        missing=int((labels == NOISE).sum()),
        parents=parents,
        parent_values=parent_values,
    )


def aggregate(values: Sequence[Any], method: Aggregation | None = None) -> Any:
    """The value that stands for ``values``: the most frequent one, the first or the last.

    Nulls do not count; equally frequent values go by which comes first.
    """
    present = [value for value in values if value is not None]
    return AGGREGATIONS[method or "most_frequent"](present) if present else None


def value_at(payload: Mapping[str, Any], path: Sequence[str]) -> Any:
    """What ``payload`` holds at a path, or None."""
    value: Any = payload
    for part in path:
        if not isinstance(value, Mapping):
            return None
        value = value.get(part)
    return value


def _most_frequent(values: Sequence[Any]) -> Any:
    keys = [key_of(value) for value in values]
    winner = max(Counter(keys).items(), key=lambda item: item[1])[0]
    return values[keys.index(winner)]


AGGREGATIONS: dict[Aggregation, Callable[[Sequence[Any]], Any]] = {
    "most_frequent": _most_frequent,
    "first": lambda values: values[0],
    "last": lambda values: values[-1],
}


def _combination(payload: Mapping[str, Any], paths: Sequence[Sequence[str]]) -> Values | None:
    values = tuple(value_at(payload, path) for path in paths)
    return None if any(value is None for value in values) else values


def _numbered(combinations: Sequence[Values | None]) -> tuple[Labels, tuple[Values, ...]]:
    """Canonical numbers of the combinations, and the combination of each number."""
    codes: dict[str, int] = {}
    raw = np.array(
        [
            NOISE if combination is None else codes.setdefault(key_of(combination), len(codes))
            for combination in combinations
        ],
        dtype=np.int64,
    )
    labels = canonical(raw)
    _, first = np.unique(labels, return_index=True)
    values = (combinations[row] for row in first if labels[row] != NOISE)
    return labels, tuple(value for value in values if value is not None)


def key_of(value: Any) -> str:
    """A text that is equal for equal JSON values of one type: 1, true and "1" all differ."""
    return json.dumps(value, sort_keys=True, default=str, ensure_ascii=False)
