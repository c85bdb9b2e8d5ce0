"""Assignments in whatever order: the groups, the pool and the documents agree with plain Python."""

from collections import Counter
from dataclasses import dataclass

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from clustering_pipeline.model.ids import NOISE_ID
from clustering_pipeline.model.scope import LOCAL
from clustering_pipeline.service.executions.rollback import roll_back
from clustering_pipeline_tests.sizes import size
from clustering_pipeline_tests.worlds.direct import RELABEL, execute
from clustering_pipeline_tests.worlds.planted import SUBJECTS, planted
from clustering_pipeline_tests.worlds.world import KMEANS, World

KNOWN = SUBJECTS[:3]
START = dict.fromkeys(KNOWN, 6)
NUMBERS = st.integers(100, 105)


@dataclass(frozen=True)
class Published:
    """A run: the group of each document, and which words it had then."""

    run_id: str
    groups: dict[int, str]
    versions: dict[int, int]


class Assignments(RuleBasedStateMachine):
    """Documents come, change their subject and go, and are assigned; runs are taken back, and
    labels made again.

    A group lives as long as it has a member; what is about nothing that is there is in the pool,
    and stays there while it is as it was.
    """

    def __init__(self, world: World):
        super().__init__()
        self.world, self.seed = world, 0
        base = planted(sizes=START, spread=0.05)
        self.collection = world.collection(base)
        config = KMEANS | {"algorithm_params": {"n_clusters": len(KNOWN)}}
        self.cluster = world.define(self.collection, config, enrich_source_collection=True)
        first = execute(world.pipeline, self.cluster)
        self.documents = dict(zip(base.ids, base.subjects, strict=True))
        self.versions = dict.fromkeys(base.ids, 0)
        shown = {one: str(group) for one, group in self.shown().items()}
        self.groups = {name: shown[one] for one, name in self.documents.items()}
        self.runs = [Published(first.run_id, shown, dict(self.versions))]
        self.current = self.runs[0]

    @rule(
        arrivals=st.lists(st.tuples(NUMBERS, st.sampled_from(SUBJECTS)), min_size=1, max_size=4),
        gone=st.sampled_from([None, None, *KNOWN]),
    )
    def happens(self, arrivals: list[tuple[int, str]], gone: str | None) -> None:
        """All documents of a subject go, others come, and then what is new is assigned."""
        for number, name in arrivals:
            self.put(number, name)
        doomed = [one for one, about in self.documents.items() if about == gone]
        if len(doomed) < len(self.documents):
            self.delete(doomed)
        self.assign()

    @rule()
    def assign(self) -> None:
        expected = {one: self.joins(one) for one in self.documents}
        ran = execute(self.world.pipeline, self.cluster, mode="assign")
        sizes = Counter(expected.values())
        pool = sizes.pop(NOISE_ID, 0)
        assert self.shown() == expected
        assert {one.cluster_id: one.num_members for one in ran.centroids} == sizes
        assert ran.metrics.additional_properties["novelty_pool"] == pool
        assert ran.num_points == len(self.documents)
        self.publishes(ran.run_id, expected, self.versions)

    @rule(data=st.data())
    def roll_back(self, data: st.DataObject) -> None:
        """What came since is in no group, until it is assigned."""
        earlier = [one for one in self.runs if one is not self.current]
        if earlier:
            self.current = data.draw(st.sampled_from(earlier))
            run_id = self.current.run_id
            roll_back(self.world.pipeline, LOCAL, self.cluster.cluster_id, run_id)
            assert self.shown() == {one: self.current.groups.get(one) for one in self.documents}

    @rule()
    def relabel(self) -> None:
        ran = execute(self.world.pipeline, self.cluster, stages=RELABEL)
        assert self.shown() == {one: self.current.groups.get(one) for one in self.documents}
        self.publishes(ran.run_id, self.current.groups, self.current.versions)

    def joins(self, document: int) -> str:
        """As it was it stays; else it goes to its subject's group, if that has a member."""
        if self.current.versions.get(document) == self.versions[document]:
            return self.current.groups[document]
        group = self.groups.get(self.documents[document], NOISE_ID)
        return group if group in self.current.groups.values() else NOISE_ID

    def publishes(self, run_id: str, groups: dict[int, str], versions: dict[int, int]) -> None:
        self.current = Published(run_id, dict(groups), dict(versions))
        self.runs.append(self.current)

    def put(self, number: int, name: str) -> None:
        """A new document, or other words under an id that there was."""
        self.seed += 1
        # Nearer than the first members are: what lies at the edge of a reach may be either.
        made = planted(sizes={name: 1}, spread=0.01, first_id=number, seed=self.seed)
        self.world.add(self.collection.qdrant_collection, made)
        self.documents[number], self.versions[number] = name, self.seed

    def delete(self, doomed: list[int]) -> None:
        if doomed:
            name = self.collection.qdrant_collection
            self.world.pipeline.documents.delete_points(name, point_ids=doomed)
        for one in doomed:
            del self.documents[one], self.versions[one]

    def shown(self) -> dict[int, str | None]:
        """The group that each document shows."""
        payloads = self.world.payloads(self.collection)
        return {int(one): shown.get("cluster_id") for one, shown in payloads.items()}


def test_assignments_agree_whatever_happens(world: World) -> None:
    run_state_machine_as_test(
        lambda: Assignments(world.over(kept_runs=100)),
        settings=settings(
            max_examples=size(ci=3, full=40),
            stateful_step_count=size(ci=5, full=16),
            derandomize=True,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
