"""What people want of groups, where documents join them: exclusions and links, and new names.

Merges, splits and pins were applied when the groups were made; who wants others by now has to let
the groups be made again.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache

import numpy as np
import polars as pl
from numpy.typing import NDArray

from clustering_pipeline.model.executions.group_edits import ClusterEdits
from clustering_pipeline.model.ids import NOISE_ID
from clustering_pipeline.pipeline.groups.reassignment import Homes, homeless, stays_apart
from clustering_pipeline.pipeline.run.artifacts import EMBEDDINGS
from clustering_pipeline.pipeline.run.columns import NOVEL
from clustering_pipeline.pipeline.run.run import Run
from clustering_pipeline.pipeline.run.spaces import original_spaces
from clustering_pipeline.pipeline.stages.assign_mode.reference import reference_in

_MADE = ("split:", "merge:", "pin:")


@dataclass(kw_only=True, eq=False)
class Shown:
    """The group of each row, some of which may be ``movable`` between groups; all others may only
    come to be in one.  Who is moved is as sure as ``homes`` says.
    """

    groups: list[str]
    probabilities: NDArray[np.float64]
    homes: Homes
    novel: NDArray[np.bool_]
    movable: NDArray[np.bool_]
    conflicts: list[str] = field(default_factory=list)

    def link(self, rows: Sequence[int]) -> None:
        """Rows that belong to one group: that of those which are to stay, if there is any."""
        free = [row for row in rows if self.movable[row] or self.groups[row] == NOISE_ID]
        staying = [self.groups[row] for row in rows if row not in free]
        among = staying or [self.groups[row] for row in free if self.groups[row] != NOISE_ID]
        if not among:
            return
        sizes = Counter(among)
        wanted = min(sizes, key=lambda one: (-sizes[one], one))
        for row in free:
            if self.groups[row] != wanted:
                self._move(row, wanted)

    def part(self, rows: Sequence[tuple[int, str]]) -> None:
        """Rows that belong to different groups: one that would come second joins the next that
        would have it, or waits in the pool.
        """
        first: dict[str, str] = {}
        for row, name in sorted(rows, key=lambda one: bool(self.movable[one[0]])):
            group = self.groups[row]
            if group in first and self.movable[row]:
                other, group = first[group], self.homes.next_of(row, first) or NOISE_ID
                self._move(row, group)
                self.conflicts += [homeless(name, other)] if group == NOISE_ID else []
            if group != NOISE_ID:
                first.setdefault(group, name)

    def exclude(self, rows: Sequence[int]) -> None:
        """Rows that belong to no group, and do not wait for one."""
        for row in rows:
            self._move(row, NOISE_ID)
            self.novel[row] = False

    def _move(self, row: int, group: str) -> None:
        self.groups[row], self.novel[row] = group, group == NOISE_ID
        there = group != NOISE_ID
        sure = self.homes.probabilities(np.array([row]), group)[0] if there else 0.0
        self.probabilities[row] = sure


def with_edits(
    run: Run,
    table: pl.DataFrame,
    movable: NDArray[np.bool_],
    reference: Callable[[], pl.DataFrame],
) -> pl.DataFrame:
    """The rows of all clusterings as people want them; what cannot be is in the run's record.

    ``reference`` is how far the groups reach that a row may be moved to.
    """
    edits = run.edits
    if not (edits.exclude or edits.must_link or edits.cannot_link):
        _tell(run)
        return table
    ids = run.read_frame(EMBEDDINGS, columns=["document_id"])["document_id"].to_list()
    shown = Shown(
        groups=table["cluster_id"].to_list(),
        probabilities=table["probability"].to_numpy().copy(),
        homes=_homes(run, reference),
        novel=table[NOVEL].to_numpy().copy(),
        movable=movable,
    )
    places, links = _places(edits, ids), edits.links
    for first in range(0, table.height, max(len(ids), 1)):
        for names in links.must:
            shown.link([row for row, _ in _rows(places, names, first)])
        for names in links.cannot:
            shown.part(_rows(places, names, first))
        shown.exclude([row for row, _ in _rows(places, edits.exclude, first)])
    apart = (pl.Series(shown.groups, dtype=pl.String) == NOISE_ID).to_numpy()
    alone = np.logical_or.reduce(apart.reshape(-1, max(len(ids), 1)))
    linked = places.keys() - set(edits.exclude)
    waiting = [name for name in linked if alone[places[name]].any()]
    _tell(run, [*shown.conflicts, *_missing(edits, places)], waiting)
    return _changed(table, shown)


def _homes(run: Run, reference: Callable[[], pl.DataFrame]) -> Homes:
    table = cache(reference)
    return Homes(
        spaces=lambda: original_spaces(run),
        reached=lambda space: reference_in(table(), space),
        threshold=run.spec.assignment_threshold,
    )


def _rows(places: dict[str, list[int]], names: Sequence[str], first: int) -> list[tuple[int, str]]:
    """The rows of documents in one clustering, and what each is called."""
    return [(first + row, name) for name in names for row in places[name]]


def _places(edits: ClusterEdits, ids: Sequence[str]) -> dict[str, list[int]]:
    named = [*edits.must_link, *edits.cannot_link, edits.exclude]
    places: dict[str, list[int]] = {one: [] for group in named for one in group}
    for row, name in enumerate(ids):
        if name in places:
            places[name].append(row)
    return places


def _missing(edits: ClusterEdits, places: dict[str, list[int]]) -> Iterator[str]:
    for kind in ("exclude", "must_link", "cannot_link"):
        lists = [edits.exclude] if kind == "exclude" else getattr(edits, kind)
        gone = sorted({one for group in lists for one in group if not places[one]})
        if gone:
            yield f"{kind}: {len(gone)} documents are not there, {gone[0]!r} among them"


def _tell(run: Run, conflicts: Sequence[str] = (), waiting: Sequence[str] = ()) -> None:
    """Beside what could not be done when the groups were made, and what keeps documents
    ``waiting`` that a run before looked at.
    """
    before = run.published.edit_conflicts if run.published else []
    told = run.pipeline.catalog.executions.by_id(run.run_id).edit_conflicts
    lasting = (*_MADE, *map(stays_apart, waiting))
    stands = [one for one in [*before, *told] if one.startswith(lasting)]
    run.record(edit_conflicts=list(dict.fromkeys([*stands, *conflicts])))


def _changed(table: pl.DataFrame, shown: Shown) -> pl.DataFrame:
    return table.with_columns(
        pl.Series("cluster_id", shown.groups, dtype=pl.String),
        pl.Series(NOVEL, shown.novel),
        probability=shown.probabilities,
    )
