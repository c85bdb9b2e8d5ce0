"""Runs of one definition are killed at one write after the other; what readers see each time."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from clustering_pipeline.model.definitions.cluster import ClusterRecord
from clustering_pipeline.model.scope import LOCAL
from clustering_pipeline.pipeline.publishing.output_aliases import generations, repair_aliases
from clustering_pipeline.pipeline.run.pipeline import Pipeline
from clustering_pipeline.service.executions.recovery import recover
from clustering_pipeline.service.results.groups import published_groups
from clustering_pipeline.service.results.verify import verify_run
from clustering_pipeline_tests.sizes import size
from clustering_pipeline_tests.worlds.direct import execute
from clustering_pipeline_tests.worlds.dying import Places, kill, run_directly

Subjects = Mapping[int, str | None]
Topic = tuple[str, int]

ENDED = "(it came to its end)"
"""Of a run that wrote less on its way back than there, so that nothing killed it."""


def asks_nothing(_turn: int) -> dict[str, Any]:
    """Executions as the definition says."""
    return {}


def points(writes: int, *, every: bool, ci: int) -> list[int]:
    """All, or some of them from the first to the last third."""
    if every:
        return list(range(1, writes + 1))
    wanted = size(ci=ci, full=6)
    return [1 + (2 * place + 1) * writes // (2 * wanted) for place in range(wanted)]


class Scene(Protocol):
    """Documents, and what a run makes of them: plain Python knows it."""

    named: str
    """What groups go by: their ``label``, or their ``cluster_id``."""

    def change(self, before: Subjects, after: Subjects) -> None: ...

    def expected(self, subjects: Subjects) -> dict[int, Topic]: ...

    def grouped(self, subjects: Subjects) -> dict[str, int]: ...

    def topics(self) -> dict[int, Topic | None]: ...

    def output(self) -> tuple[dict[str, int], dict[str, int]]: ...


@dataclass(frozen=True, kw_only=True)
class Killing:
    """The runs of ``cluster`` go back and forth between two states of the documents."""

    pipeline: Pipeline
    places: Places
    scene: Scene
    cluster: ClusterRecord
    states: tuple[Subjects, Subjects]
    target: Callable[..., None] = run_directly
    asks: Callable[[int], dict[str, Any]] = asks_nothing
    """What the execution is asked for that comes to the first or to the second state."""

    def at_points(self, choose: Callable[[int], Sequence[int]], title: str) -> str:
        """From the first state, which is published, to the second; then once for each point.

        A table of what was seen.
        """
        self.scene.change(*self.states)
        written = self._kill(1, after=None)
        self.check_finished(self.states[1])
        assert written
        rows = [self._row(turn, point, written) for turn, point in enumerate(choose(len(written)))]
        assert not all(ENDED in row for row in rows)
        head = f"   n {'write':38} {'shows':5} {'readers see':28} finished by"
        return "\n".join(["", f"{title}, {len(written)} writes: killed after write n", head, *rows])

    def _row(self, turn: int, point: int, written: list[str]) -> str:
        """Killed there, seen, finished by a start or by the next run, and run again."""
        place = turn % 2
        old, new = self.states[1 - place], self.states[place]
        before = self._state().last_run_id
        self.scene.change(old, new)
        survived = self._kill(place, after=point)
        seen, subjects = self.check_readers(old, new, before)
        resumed = turn % 2 == 0 and recover(self.pipeline, self.cluster.cluster_id)
        if resumed:
            self.check_finished(subjects)
        again = execute(self.pipeline, self.cluster, **self.asks(place))
        self.check_finished(new)
        assert {one.verdict for one in verify_run(self.pipeline, again)} == {"same"}
        pointer = "old" if subjects is old else "new"
        name = written[point - 1] if survived is None else ENDED
        return f"{point:4} {name:38} {pointer:5} {seen:28} {'start' if resumed else 'run'}"

    def check_readers(self, old: Subjects, new: Subjects, before: str | None) -> tuple[str, Any]:
        """What readers see, and the state that the published run is of: they agree on it."""
        state = self._state()
        subjects = old if state.last_run_id == before else new
        seen = published_groups(self.pipeline.catalog, LOCAL, self.cluster.cluster_id)
        assert seen.run_id == state.last_run_id
        groups = {getattr(one, self.scene.named): one.member_count for one in seen.groups}
        assert groups == self.scene.grouped(subjects)
        assert state.num_documents_clustered == len(subjects)
        if self.cluster.spec.enriches:
            return self._documents(old, new), subjects
        return self._output(old, subjects), subjects

    def check_finished(self, subjects: Subjects) -> None:
        """Whatever the catalog points to is what all readers see, and nothing else is there."""
        state = self._state()
        if self.cluster.spec.enriches:
            shown = {one: topic for one, topic in self.scene.topics().items() if topic}
            assert shown == self.scene.expected(subjects)
            assert state.documents_hold == [state.last_run_id]
        else:
            (alias,) = state.output_collection_ids
            assert generations(self.pipeline, alias) == [f"{alias}__{state.last_run_id}"]
            assert self.scene.output() == self._points(subjects)

    def _documents(self, old: Subjects, new: Subjects) -> str:
        """Each whole: as the old run left it, as the new one makes it, or put anew and empty."""
        counts = dict.fromkeys(("old", "new", "empty"), 0)
        before, after = self.scene.expected(old), self.scene.expected(new)
        for number, topic in self.scene.topics().items():
            known = {before.get(number): "old", after.get(number): "new"}
            assert topic in {*known, None}
            counts["empty" if topic is None else known[topic]] += 1
        return " ".join(f"{count} {name}" for name, count in counts.items())

    def _output(self, old: Subjects, subjects: Subjects) -> str:
        """One generation, whole: the published one, or the one before until somebody reads."""
        found, current = self.scene.output(), self._points(subjects)
        assert found in (current, self._points(old))
        of = "published" if found == current else "before"
        assert repair_aliases(self.pipeline, self.cluster.cluster_id) is (of == "before")
        assert self.scene.output() == current
        return of

    def _points(self, subjects: Subjects) -> tuple[dict[str, int], dict[str, int]]:
        """Group to its size, and to the number of its documents, noise among them."""
        return self.scene.grouped(subjects), dict(self.scene.expected(subjects).values())

    def _kill(self, place: int, *, after: int | None) -> list[str]:
        target = partial(self.target, **self.asks(place))
        return kill(target, self.places, self.cluster.cluster_id, after=after)

    def _state(self) -> Any:
        return self.pipeline.catalog.clusters.by_id(self.cluster.cluster_id).state
