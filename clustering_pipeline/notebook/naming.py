"""Names of the groups of texts: keyphrases, and the texts that stand for each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from clustering_pipeline.engine.vectors import Labels, Vectors
from clustering_pipeline.labeling import LabelingConfig, LabelRequest, label_groups, prepare

TEXT = "text"


@dataclass(frozen=True, slots=True, kw_only=True)
class Name:
    """What a group is called, and why."""

    label: str
    keywords: tuple[str, ...]
    rows: tuple[int, ...]
    """Of the texts that stand for it."""
    by_people: bool = False


def named(
    texts: Sequence[str],
    vectors: Vectors,
    numbers: Labels,
    *,
    stop_words: Sequence[str] = (),
    given: Mapping[int, str] | None = None,
) -> dict[int, Name]:
    """Group to name; ``given`` are names by people, which win."""
    config = LabelingConfig(stop_words=tuple(stop_words))
    prepared = prepare([{TEXT: text} for text in texts], numbers, vectors, config=config)
    people = dict(given or {})
    request = LabelRequest(groups=prepared.groups, config=config, human_names=people)
    phrases = {group.number: group.keyphrases for group in prepared.groups}
    return {
        label.number: Name(
            label=label.label,
            keywords=tuple(phrases[label.number]),
            rows=prepared.representative_rows[label.number],
            by_people=label.number in people,
        )
        for label in label_groups(request).groups
    }


def sizes_of(numbers: Labels) -> dict[int, int]:
    """Group to its size, largest first."""
    groups, counts = np.unique(numbers[numbers >= 0], return_counts=True)
    pairs = sorted(zip(groups.tolist(), counts.tolist(), strict=True), key=lambda pair: -pair[1])
    return dict(pairs)
