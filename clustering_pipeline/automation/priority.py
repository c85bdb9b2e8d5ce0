"""Which of the due definitions run now: by phase and priority, in turns between namespaces."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from clustering_pipeline.automation.due import Standing
from clustering_pipeline.model.definitions.automation import AutomaticDefinition
from clustering_pipeline.model.scope import Scope
from clustering_pipeline.stores.catalog.definitions.automatic import Place

DEFAULT = Place()
MOST = 200
PATIENCE = 2
"""Failures in a row, after which nobody waits for a definition any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A definition that lags behind, and where it stands."""

    definition: AutomaticDefinition
    standing: Standing


def in_phases(judged: Sequence[Judged], places: Mapping[str, Place]) -> list[Judged]:
    """Holds back who waits for the same batch as a definition of an earlier phase that goes first.

    That one must be about to run, or running: what waits for a cooldown makes nobody wait.  It
    goes first with the oldest batch only, and until it has failed twice, so that one which always
    runs starves nobody.
    """
    if not places:
        return list(judged)
    first = _going_first(judged)
    return [_after(one, first, places) for one in judged]


def choose(judged: Iterable[Judged], places: Mapping[str, Place]) -> list[Judged]:
    """At most ``MOST`` of the due ones; the others are due at the next look as well."""

    def rank(one: Judged) -> tuple[int, int, str]:
        place = places.get(one.definition.cluster_id, DEFAULT)
        return place.phase, -place.priority, one.definition.cluster_id

    due = sorted((one for one in judged if one.standing.due), key=rank)
    return list(in_turns(due))[:MOST]


def in_turns(due: Iterable[Judged]) -> Iterator[Judged]:
    """The first of each namespace, then the second of each: no tenant waits for all of another."""
    turns: defaultdict[int, list[Judged]] = defaultdict(list)
    seen: Counter[Scope] = Counter()
    for one in due:
        scope = one.definition.scope
        turns[seen[scope]].append(one)
        seen[scope] += 1
    for turn in sorted(turns):
        yield from turns[turn]


def _going_first(judged: Sequence[Judged]) -> dict[tuple[Scope, str], list[AutomaticDefinition]]:
    going: defaultdict[tuple[Scope, str], list[AutomaticDefinition]] = defaultdict(list)
    for one in judged:
        goes = one.standing.due or one.standing.in_flight is not None
        if goes and one.definition.failures < PATIENCE:
            for collection in one.standing.behind:
                going[one.definition.scope, collection].append(one.definition)
    return going


def _after(
    one: Judged,
    going: Mapping[tuple[Scope, str], Sequence[AutomaticDefinition]],
    places: Mapping[str, Place],
) -> Judged:
    mine = one.definition
    phase = places.get(mine.cluster_id, DEFAULT).phase
    for collection in one.standing.behind:
        for other in going.get((mine.scope, collection), ()):
            earlier = places.get(other.cluster_id, DEFAULT).phase < phase
            if earlier and _at(other, collection) <= _at(mine, collection):
                return replace(one, standing=replace(one.standing, phase_before=other.name))
    return one


def _at(definition: AutomaticDefinition, collection: str) -> int:
    return definition.settled.get(collection, 0)
