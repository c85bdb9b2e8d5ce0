"""Labels made of keyphrases: short, without repetition, no two groups alike."""

from collections.abc import Mapping, Sequence

from clustering_pipeline.labeling.text.selection import stems
from clustering_pipeline.labeling.text.tokens import is_unspaced

SEPARATOR = " · "
_PHRASES = 3
_LONGEST = 60


def names_of(
    phrases: Mapping[int, Sequence[str]], *, marks: Mapping[int, str] | None = None
) -> dict[int, str]:
    """A label of two or three phrases for each group; the lower number keeps a contested one.

    A group without phrases reads ``Cluster 4``; ``marks`` tells what stands for the 4, the group's
    number unless given.
    """
    taken: set[frozenset[str]] = set()
    names: dict[int, str] = {}
    for group in sorted(phrases):
        chosen = _untaken(_apart(phrases[group]), taken)
        taken.add(frozenset(chosen))
        names[group] = SEPARATOR.join(chosen)
    shown = {group: (marks or {}).get(group, str(group)) for group in names}
    return {
        group: name or f"Cluster {shown[group]}" for group, name in _numbered(names, shown).items()
    }


def contains(phrase: str, other: str) -> bool:
    """Whether one phrase is part of the other, or differs by its endings only."""
    short, long = sorted((phrase.casefold(), other.casefold()), key=len)
    if is_unspaced(short):
        return short in long
    return stems(short) <= stems(long)


def _apart(phrases: Sequence[str]) -> list[str]:
    apart: list[str] = []
    for phrase in phrases:
        if not any(contains(phrase, other) for other in apart):
            apart.append(phrase)
    return apart


def _untaken(phrases: list[str], taken: set[frozenset[str]]) -> list[str]:
    """The first phrases, the last of them exchanged for a later one while the label is taken."""
    chosen = _fitting(phrases)
    later = iter(phrases[len(chosen) :])
    while frozenset(chosen) in taken and (other := next(later, None)):
        chosen[-1] = other
    return chosen


def _fitting(phrases: list[str]) -> list[str]:
    chosen: list[str] = phrases[:_PHRASES]
    while len(chosen) > 2 and len(SEPARATOR.join(chosen)) > _LONGEST:
        chosen.pop()
    return chosen


def _numbered(names: Mapping[int, str], marks: Mapping[int, str]) -> dict[int, str]:
    """Groups whose texts say the same still read apart."""
    seen: set[str] = set()
    numbered: dict[int, str] = {}
    for group, name in names.items():
        numbered[group] = f"{name} ({marks[group]})" if name and name in seen else name
        seen.add(name)
    return numbered
