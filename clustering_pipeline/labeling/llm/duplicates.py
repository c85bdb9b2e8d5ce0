"""Labels that two groups cannot both have."""

from collections.abc import Mapping, Sequence

import numpy as np

from clustering_pipeline.labeling.names import SEPARATOR
from clustering_pipeline.labeling.text.selection import stems
from clustering_pipeline.labeling.text.tokens import trigrams

_LONGEST = 80


def clashes(
    labels: Mapping[int, str],
    *,
    vectors: Mapping[int, Sequence[float]] | None = None,
    threshold: float | None = 0.8,
) -> dict[int, tuple[str, ...]]:
    """Which groups need another label, and the labels they clash with.

    The order of ``labels`` says who keeps a contested one.  Labels clash when their words are the
    same but for endings, or when the cosine of their ``vectors`` reaches ``threshold``; without
    vectors, when their letters are that much alike.  No threshold compares words alone.
    """
    kept: list[int] = []
    found: dict[int, tuple[str, ...]] = {}
    for group, label in labels.items():
        against = [
            labels[other]
            for other in kept
            if _same(label, labels[other])
            or (threshold and _likeness(group, other, labels, vectors) >= threshold)
        ]
        if against:
            found[group] = tuple(against)
        else:
            kept.append(group)
    return found


def told_apart(
    label: str,
    phrases: Sequence[str],
    taken: Sequence[str],
    *,
    made: Sequence[str] = (),
    mark: str | None = None,
) -> str:
    """The last resort: the label with the first of the group's phrases that no taken one holds.

    ``made`` are labels that came about like this one, which it must not equal; where no phrase
    helps, the group's ``mark`` does.
    """
    others = frozenset().union(*map(stems, taken)) if taken else frozenset()
    for phrase in phrases:
        longer = f"{label}{SEPARATOR}{phrase}"
        fits = not stems(phrase) <= others | stems(label) and len(longer) <= _LONGEST
        if fits and not any(_same(longer, other) for other in made):
            return longer
    return f"{label} ({mark})" if mark else label


def _same(one: str, other: str) -> bool:
    return one.casefold() == other.casefold() or stems(one) == stems(other)


def _likeness(
    one: int, other: int, labels: Mapping[int, str], vectors: Mapping[int, Sequence[float]] | None
) -> float:
    if vectors is not None and one in vectors and other in vectors:
        ours, theirs = np.asarray(vectors[one]), np.asarray(vectors[other])
        return float(ours @ theirs / max(np.linalg.norm(ours) * np.linalg.norm(theirs), 1e-12))
    ours, theirs = (trigrams(f"  {labels[each].casefold()} ") for each in (one, other))
    return len(ours & theirs) / max(len(ours | theirs), 1)
