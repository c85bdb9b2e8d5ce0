"""Assignments in whatever order: the groups, the pool and the documents agree with plain Python."""

from collections import Counter

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from clustering_pipeline.model.ids import NOISE_ID
from clustering_pipeline_tests.orchestration.direct import execute
from clustering_pipeline_tests.orchestration.planted import SUBJECTS, planted
from clustering_pipeline_tests.orchestration.world import KMEANS, World
from clustering_pipeline_tests.sizes import size

KNOWN = SUBJECTS[:3]
START = dict.fromkeys(KNOWN, 6)
NUMBERS = st.integers(100, 105)


class Assignments(RuleBasedStateMachine):
    """Documents come, change their subject and go; only then are they assigned.

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
        execute(world.pipeline, self.cluster)
        self.documents = dict(zip(base.ids, base.subjects, strict=True))
        shown = self.shown()
        self.groups = {name: shown[one] for one, name in self.documents.items()}
        self.group_of: dict[int, str] = dict(shown)
        self.dirty: set[int] = set()

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

    def put(self, number: int, name: str) -> None:
        """A new document, or other words under an id that there was."""
        self.seed += 1
        # Nearer than the first members are: what lies at the edge of a reach may be either.
        made = planted(sizes={name: 1}, spread=0.01, first_id=number, seed=self.seed)
        self.world.add(self.collection.qdrant_collection, made)
        self.documents[number] = name
        self.dirty.add(number)

    def delete(self, doomed: list[int]) -> None:
        if doomed:
            name = self.collection.qdrant_collection
            self.world.pipeline.documents.delete_points(name, point_ids=doomed)
        for one in doomed:
            del self.documents[one]
        self.dirty -= set(doomed)

    def assign(self) -> None:
        ran = execute(self.world.pipeline, self.cluster, mode="assign")
        there = set(self.group_of.values()) - {NOISE_ID}
        for one in self.dirty:
            group = self.groups.get(self.documents[one], NOISE_ID)
            self.group_of[one] = group if group in there else NOISE_ID
        self.group_of = {one: self.group_of[one] for one in self.documents}
        self.dirty.clear()
        sizes = Counter(self.group_of.values())
        pool = sizes.pop(NOISE_ID, 0)
        assert self.shown() == self.group_of
        assert {one.cluster_id: one.num_members for one in ran.centroids} == sizes
        assert ran.metrics.additional_properties["novelty_pool"] == pool
        assert ran.num_points == len(self.documents)

    def shown(self) -> dict[int, str]:
        """The group that each document shows."""
        payloads = self.world.payloads(self.collection)
        return {int(one): shown.get("cluster_id") for one, shown in payloads.items()}


def test_assignments_agree_whatever_happens(world: World) -> None:
    run_state_machine_as_test(
        lambda: Assignments(world),
        settings=settings(
            max_examples=size(ci=3, full=40),
            stateful_step_count=size(ci=4, full=12),
            derandomize=True,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
