"""Whatever happens in whatever order: catalog, groups, output collection and documents agree.

The model is plain Python: the documents, what each shows, and the documents of every run.
"""

from collections import Counter
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from clustering_pipeline.model.scope import LOCAL
from clustering_pipeline.service.executions.rollback import roll_back
from clustering_pipeline.service.results.groups import published_groups
from clustering_pipeline.service.results.verify import verify_documents
from clustering_pipeline_tests.sizes import size
from clustering_pipeline_tests.worlds.direct import RELABEL, execute
from clustering_pipeline_tests.worlds.subjects import Shelf, expected, grouped, shelf
from clustering_pipeline_tests.worlds.world import World

NUMBERS = st.integers(1, 12)
NAMES = st.sampled_from(["sea", "court", "space", None])
KINDS = st.sampled_from(["onto", "beside"])
START: dict[int, str | None] = {1: "sea", 2: "sea", 3: "court", 4: "court", 5: None}
Topic = tuple[str, int]


class History(RuleBasedStateMachine):
    """Documents change, definitions run, relabel and roll back."""

    def __init__(self, world: World):
        super().__init__()
        self.found: Shelf = shelf(world, START)
        self.documents = dict(START)
        self.shows: dict[int, Topic | None] = dict.fromkeys(START)
        self.runs: dict[str, list[tuple[str, dict[int, str | None]]]] = {"onto": [], "beside": []}
        self.current: dict[str, int] = {}

    @rule(number=NUMBERS, name=NAMES)
    def put(self, number: int, name: str | None) -> None:
        """A new document, or another one under an id that there was."""
        self.found.put({number: name})
        self.documents[number] = name
        self.shows[number] = None

    @precondition(lambda self: len(self.documents) > 1)
    @rule(data=st.data())
    def delete(self, data: Any) -> None:
        number = data.draw(st.sampled_from(sorted(self.documents)))
        self.found.remove(number)
        del self.documents[number], self.shows[number]

    @rule(kind=KINDS)
    def full(self, kind: str) -> None:
        self._published(kind, self._execute(kind), dict(self.documents))

    @precondition(lambda self: self.current)
    @rule(data=st.data())
    def relabel(self, data: Any) -> None:
        kind = data.draw(st.sampled_from(sorted(self.current)))
        _, documents = self.runs[kind][self.current[kind]]
        self._published(kind, self._execute(kind, stages=RELABEL), documents)

    @precondition(lambda self: any(self.current.values()))
    @rule(data=st.data())
    def roll_back(self, data: Any) -> None:
        """To any run of before, or without saying to which."""
        kind = data.draw(st.sampled_from([one for one, at in self.current.items() if at]))
        earlier = range(self.current[kind])
        place = data.draw(st.sampled_from([None, *earlier]))
        run_id = None if place is None else self.runs[kind][place][0]
        roll_back(self.found.world.pipeline, LOCAL, self._definition(kind).name, run_id)
        self._shown(kind, self.current[kind] - 1 if place is None else place)

    @invariant()
    def every_reader_agrees(self) -> None:
        assert self.found.topics() == self.shows
        for kind, place in self.current.items():
            run_id, documents = self.runs[kind][place]
            self._check_catalog(kind, run_id, documents)
        if "beside" in self.current:
            _, documents = self.runs["beside"][self.current["beside"]]
            members = Counter(label for label, _ in expected(documents).values())
            assert self.found.output() == (grouped(documents), dict(members))

    def teardown(self) -> None:
        self._check_numbers()
        if "onto" in self.current:
            pipeline = self.found.world.pipeline
            record = pipeline.catalog.clusters.by_id(self.found.onto.cluster_id)
            _, documents = self.runs["onto"][self.current["onto"]]
            check = verify_documents(pipeline, record)
            there = [one for one in documents if one in self.shows]
            right = [one for one in there if self.shows[one] is not None]
            assert (check.documents, check.gone) == (len(documents), len(documents) - len(there))
            assert (check.right, check.wrong, check.strangers) == (
                len(right),
                len(there) - len(right),
                0,
            )

    def _check_catalog(self, kind: str, run_id: str, documents: dict[int, str | None]) -> None:
        catalog, cluster_id = self.found.world.pipeline.catalog, self._definition(kind).cluster_id
        record, seen = (
            catalog.clusters.by_id(cluster_id),
            published_groups(catalog, LOCAL, cluster_id),
        )
        assert (record.state.last_run_id, seen.run_id, record.claim) == (run_id, run_id, None)
        assert record.state.num_documents_clustered == seen.total_documents == len(documents)
        assert record.state.num_clusters == seen.total_groups == len(grouped(documents))
        assert {one.label: one.member_count for one in seen.groups} == grouped(documents)

    def _check_numbers(self) -> None:
        """No number is that of two groups, of whatever runs."""
        executions = self.found.world.pipeline.catalog.executions
        for runs in self.runs.values():
            found = [one for run_id, _ in runs for one in executions.by_id(run_id).centroids]
            named = {(one.cluster_id, one.group_uid) for one in found}
            assert len(named) == len({number for number, _ in named})

    def _definition(self, kind: str) -> Any:
        return getattr(self.found, kind)

    def _execute(self, kind: str, **options: Any) -> str:
        return execute(self.found.world.pipeline, self._definition(kind), **options).run_id

    def _published(self, kind: str, run_id: str, documents: dict[int, str | None]) -> None:
        self.runs[kind].append((run_id, documents))
        self._shown(kind, len(self.runs[kind]) - 1)

    def _shown(self, kind: str, place: int) -> None:
        self.current[kind] = place
        if kind == "onto":
            topics = expected(self.runs[kind][place][1])
            self.shows = {one: topics.get(one) for one in self.documents}


def test_readers_agree_whatever_happens(world: World) -> None:
    run_state_machine_as_test(
        lambda: History(world.over(kept_runs=100)),
        settings=settings(
            max_examples=size(ci=5, full=60),
            stateful_step_count=size(ci=10, full=30),
            derandomize=True,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
