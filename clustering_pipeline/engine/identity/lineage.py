"""What became of the groups of the run before, and where those of this run come from."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from clustering_pipeline.engine.identity.matching import By, Evidence, Match

EventKind = Literal["born", "continued", "grown", "shrunk", "split", "merged", "died", "relabelled"]
MAJORITY = 0.5
PART = 0.1
"""What is less of a split or merged group than this is no part of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that happened to one group.

    ``new`` is the group's place in this run, ``old`` the one it had in the run before; None where
    it was not there.  ``parents`` are places in the run before, ``overlaps`` their Jaccard with the
    group over the documents that both runs saw.
    """

    kind: EventKind
    new: int | None = None
    old: int | None = None
    parents: tuple[int, ...] = ()
    overlaps: tuple[float, ...] = ()
    by: By | None = None
    score: float | None = None


def events_between(evidence: Evidence, matches: Sequence[Match]) -> tuple[Event, ...]:
    """All events of a run, group by group; those that died come last."""
    merged, split = _merged(evidence), _split(evidence)
    continued = {match.new: match for match in matches}
    events: list[Event] = []
    for new in range(evidence.after.k):
        events += _of(evidence, new, continued.get(new), merged, split)
    live_on = {match.old for match in matches}
    live_on |= {parent for parents in (*merged.values(), *split.values()) for parent in parents}
    gone = sorted(set(range(evidence.before.k)) - live_on)
    return (*events, *(Event(kind="died", old=old) for old in gone))


def _of(
    evidence: Evidence,
    new: int,
    match: Match | None,
    merged: Mapping[int, tuple[int, ...]],
    split: Mapping[int, tuple[int, ...]],
) -> Iterator[Event]:
    if match is not None:
        yield _continued(evidence, match)
    old = None if match is None else match.old
    for kind, parents in (("merged", merged.get(new)), ("split", split.get(new))):
        if parents:
            yield _event(evidence, kind, new, old, parents)
    if match is None and new not in merged and new not in split:
        yield _event(evidence, "born", new, None, _sources(evidence, new))


def _continued(evidence: Evidence, match: Match) -> Event:
    difference = evidence.after.sizes[match.new] - evidence.before.sizes[match.old]
    kind: EventKind = "continued"
    if difference:
        kind = "grown" if difference > 0 else "shrunk"
    return Event(
        kind=kind,
        new=match.new,
        old=match.old,
        parents=(match.old,),
        overlaps=(evidence.jaccards.get((match.old, match.new), 0.0),),
        by=match.by,
        score=match.score,
    )


def _event(
    evidence: Evidence, kind: EventKind, new: int, old: int | None, parents: tuple[int, ...]
) -> Event:
    overlaps = tuple(evidence.jaccards.get((parent, new), 0.0) for parent in parents)
    return Event(kind=kind, new=new, old=old, parents=parents, overlaps=overlaps)


def _merged(evidence: Evidence) -> dict[int, tuple[int, ...]]:
    """Groups that most of several earlier ones went to, with those."""
    of_old = evidence.shared / evidence.old_known[evidence.old]
    of_new = evidence.shared / evidence.new_known[evidence.new]
    whole = evidence.same_level & (of_old > MAJORITY) & (of_new >= PART)
    return _several(evidence.new[whole], evidence.old[whole])


def _split(evidence: Evidence) -> dict[int, tuple[int, ...]]:
    """Groups that mostly come from an earlier one that others mostly come from too, with it."""
    of_old = evidence.shared / evidence.old_known[evidence.old]
    of_new = evidence.shared / evidence.new_known[evidence.new]
    part = evidence.same_level & (of_new > MAJORITY) & (of_old >= PART)
    parts = _several(evidence.old[part], evidence.new[part])
    return {new: (old,) for old, news in parts.items() for new in news}


def _several(sides: np.ndarray, others: np.ndarray) -> dict[int, tuple[int, ...]]:
    pairs: dict[int, list[int]] = defaultdict(list)
    for side, other in zip(sides.tolist(), others.tolist(), strict=True):
        pairs[side].append(other)
    return {side: tuple(sorted(some)) for side, some in pairs.items() if len(some) > 1}


def _sources(evidence: Evidence, new: int) -> tuple[int, ...]:
    """The earlier groups that at least a tenth of a born one comes from."""
    here = evidence.same_level & (evidence.new == new)
    enough = evidence.shared >= PART * evidence.new_known[evidence.new]
    return tuple(sorted(evidence.old[here & enough].tolist()))
