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
    return [_after(lagging, first, places) for lagging in judged]


def choose(judged: Iterable[Judged], places: Mapping[str, Place]) -> list[Judged]:
    """At most ``MOST`` of the due ones; the others are due at the next look as well."""

    def rank(lagging: Judged) -> tuple[int, int, str]:
        place = places.get(lagging.definition.cluster_id, DEFAULT)
        return place.phase, -place.priority, lagging.definition.cluster_id

    due = sorted((lagging for lagging in judged if lagging.standing.due), key=rank)
    return list(in_turns(due))[:MOST]


def in_turns(due: Iterable[Judged]) -> Iterator[Judged]:
    """The first of each namespace, then the second of each: no tenant waits for all of another."""
    turns: defaultdict[int, list[Judged]] = defaultdict(list)
    seen: Counter[Scope] = Counter()
    for lagging in due:
        scope = lagging.definition.scope
        turns[seen[scope]].append(lagging)
        seen[scope] += 1
    for turn in sorted(turns):
        yield from turns[turn]


def _going_first(judged: Sequence[Judged]) -> dict[tuple[Scope, str], list[AutomaticDefinition]]:
    going: defaultdict[tuple[Scope, str], list[AutomaticDefinition]] = defaultdict(list)
    for lagging in judged:
        goes = lagging.standing.due or lagging.standing.in_flight is not None
        if goes and lagging.definition.failures < PATIENCE:
            for collection in lagging.standing.behind:
                going[lagging.definition.scope, collection].append(lagging.definition)
    return going


def _after(
    lagging: Judged,
    going: Mapping[tuple[Scope, str], Sequence[AutomaticDefinition]],
    places: Mapping[str, Place],
) -> Judged:
    mine = lagging.definition
    phase = places.get(mine.cluster_id, DEFAULT).phase
    for collection in lagging.standing.behind:
        for other in going.get((mine.scope, collection), ()):
            earlier = places.get(other.cluster_id, DEFAULT).phase < phase
            if earlier and _at(other, collection) <= _at(mine, collection):
                return replace(lagging, standing=replace(lagging.standing, phase_before=other.name))
    return lagging


def _at(definition: AutomaticDefinition, collection: str) -> int:
    return definition.settled.get(collection, 0)
