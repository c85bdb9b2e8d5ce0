"""Which numbers of a definition's groups are taken: whoever had one, nobody else gets it.

A run may be refused, rolled back from, or removed in time.  So each keeps beside its results the
numbers of all runs before it, and the newest with results knows of them all.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from clustering_pipeline.engine.identity import Numbers
from clustering_pipeline.engine.identity.identify import TOP
from clustering_pipeline.model.executions.execution import ExecutionRecord
from clustering_pipeline.model.ids import group_path
from clustering_pipeline.pipeline.groups.snapshots import identity_record, uids_of
from clustering_pipeline.pipeline.run.artifacts import NUMBERS
from clustering_pipeline.pipeline.run.pipeline import Pipeline
from clustering_pipeline.pipeline.run.run import Run
from clustering_pipeline.stores.catalog.executions.executions import RunFiles


@dataclass(frozen=True, kw_only=True)
class Taken:
    """``seen`` is uid to the run that had the group last."""

    numbers: Numbers = field(default_factory=Numbers)
    seen: Mapping[str, str] = field(default_factory=dict)

    def by(self, run_id: str, groups: Mapping[str, str]) -> "Taken":
        """After a run whose ``groups`` are id to uid."""
        numbers = self.numbers.with_groups(list(map(group_path, groups)), list(groups.values()))
        return Taken(numbers=numbers, seen={**self.seen, **dict.fromkeys(groups.values(), run_id)})

    def then(self, later: "Taken") -> "Taken":
        """With what a later run knows."""
        numbers, others = self.numbers.with_places(later.numbers.given), later.numbers.following
        ends = {uid: max(others.get(uid, 0), end) for uid, end in numbers.following.items()}
        both = Numbers(given=numbers.given, following={**others, **ends})
        return Taken(numbers=both, seen={**self.seen, **later.seen})

    def last_of(self, run_id: str) -> "Taken":
        """No more than the groups of that run."""
        given = {
            uid: place for uid, place in self.numbers.given.items() if self.seen[uid] == run_id
        }
        return Taken(numbers=Numbers().with_places(given), seen=dict.fromkeys(given, run_id))

    def among(self, runs: Collection[str]) -> "Taken":
        """Without groups that none of the runs has; how far numbers went on top stays known."""
        given = {uid: place for uid, place in self.numbers.given.items() if self.seen[uid] in runs}
        around = {TOP, *given, *(uid for uid, _ in given.values())}
        following = {uid: end for uid, end in self.numbers.following.items() if uid in around}
        numbers = Numbers(given=given, following=following)
        return Taken(numbers=numbers, seen={uid: self.seen[uid] for uid in given})


def taken_numbers(run: Run) -> Numbers:
    """Those that no group of the run may have that did not have it before."""
    return _taken(run, _runs(run)).numbers


def keep_numbers(run: Run, groups: Mapping[str, str]) -> None:
    """Writes what the runs after this one, whose ``groups`` are id to uid, are to know."""
    runs = _runs(run)
    living = {run.run_id, *(other.run_id for other in runs)}
    taken = _taken(run, runs).by(run.run_id, groups).among(living)
    given = {uid: [*place, taken.seen[uid]] for uid, place in taken.numbers.given.items()}
    run.write_json(NUMBERS, {"following": dict(taken.numbers.following), "given": given})


def _runs(run: Run) -> list[RunFiles]:
    """Those whose results are kept."""
    runs = run.pipeline.catalog.executions.with_files(run.cluster_id)
    return [other for other in runs if other.has_results and other.run_id != run.run_id]


def _taken(run: Run, runs: list[RunFiles]) -> Taken:
    """By all runs, whether anybody sees them or not; groups that are seen keep what they have."""
    shown = _by(run.pipeline, run.published) if run.published else Taken()
    newest = max(runs, key=lambda other: other.created_at).run_id if runs else None
    if newest is None or (run.published and run.published.run_id == newest):
        return shown
    last = _by(run.pipeline, run.pipeline.catalog.executions.by_id(newest))
    if run.published is None:
        return last
    return shown.then(last).then(shown.last_of(run.published.run_id))


def _by(pipeline: Pipeline, execution: ExecutionRecord) -> Taken:
    if not NUMBERS.exists(pipeline.artifacts, execution):
        return _unkept(pipeline, execution)
    record: dict[str, Any] = NUMBERS.read(pipeline.artifacts, execution)
    given = {uid: (around, number) for uid, (around, number, _) in record["given"].items()}
    return Taken(
        numbers=Numbers(given=given, following=record["following"]),
        seen={uid: run_id for uid, (_, _, run_id) in record["given"].items()},
    )


def _unkept(pipeline: Pipeline, execution: ExecutionRecord) -> Taken:
    """Of a run from before numbers were kept, or one of a part of the graph."""
    numbers = Numbers(following=identity_record(pipeline, execution).get("following") or {})
    return Taken(numbers=numbers).by(execution.run_id, uids_of(pipeline, execution) or {})
