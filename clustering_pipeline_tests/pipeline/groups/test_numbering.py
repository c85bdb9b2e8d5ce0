"""A number that a run gave to a group is never another group's, whatever readers saw since."""

from collections import defaultdict
from typing import Any

from clustering_pipeline.model.collections import CollectionRecord
from clustering_pipeline.model.definitions.cluster import ClusterRecord
from clustering_pipeline.model.executions.execution import ExecutionRecord
from clustering_pipeline.model.scope import LOCAL
from clustering_pipeline.service.executions.rollback import roll_back
from clustering_pipeline_tests.worlds.direct import RELABEL, execute
from clustering_pipeline_tests.worlds.planted import planted
from clustering_pipeline_tests.worlds.subjects import BY_SUBJECT, documents
from clustering_pipeline_tests.worlds.world import World

START = {1: "sea", 2: "sea", 3: "sea", 4: "court", 5: "court"}
GARDENS = {11: "garden", 12: "garden", 13: "garden", 14: "garden"}
DESERTS = {21: "desert", 22: "desert", 23: "desert"}
SPACES = {31: "space", 32: "space"}


class Told:
    """A definition by subject; the numbers and uids that its runs gave."""

    def __init__(self, world: World, **fields: Any):
        self.world = world
        self.collection: CollectionRecord = world.collection(documents(START))
        self.cluster: ClusterRecord = world.define(self.collection, None, **BY_SUBJECT, **fields)
        self.runs: list[ExecutionRecord] = []

    def run(self, **options: Any) -> dict[str, str]:
        """Subject to number."""
        made = execute(self.world.pipeline, self.cluster, defer_visualization=True, **options)
        self.runs.append(made)
        return {one.label.removeprefix("subject: "): one.cluster_id for one in made.centroids}

    def put(self, *some: dict[int, str]) -> None:
        for one in some:
            self.world.add(self.collection.qdrant_collection, documents(one))

    def remove(self, *some: dict[int, str]) -> None:
        doomed = [number for one in some for number in one]
        name = self.collection.qdrant_collection
        self.world.pipeline.documents.delete_points(name, point_ids=doomed)

    def roll_back(self, place: int = 0) -> None:
        roll_back(self.world.pipeline, LOCAL, self.cluster.cluster_id, self.runs[place].run_id)

    @property
    def ambiguous(self) -> dict[str, set[str]]:
        return ambiguous(self.runs)


def ambiguous(runs: list[ExecutionRecord]) -> dict[str, set[str]]:
    """The numbers that more than one group has had."""
    named = defaultdict(set)
    for one in (group for run in runs for group in run.centroids):
        named[one.cluster_id].add(one.group_uid)
    return {number: uids for number, uids in named.items() if len(uids) > 1}


def test_numbers_of_a_run_that_was_rolled_back_from_are_taken(world):
    told = Told(world)
    assert told.run() == {"sea": "cl_0", "court": "cl_1"}
    told.put(GARDENS, DESERTS)
    assert told.run() == {"sea": "cl_0", "court": "cl_1", "garden": "cl_2", "desert": "cl_3"}
    told.roll_back()
    # The garden has another document now; the desert is what it was, and has its number.
    told.put({15: "garden"}, SPACES)
    assert told.run() == {
        "sea": "cl_0",
        "court": "cl_1",
        "garden": "cl_4",
        "desert": "cl_3",
        "space": "cl_5",
    }
    assert told.ambiguous == {}


def test_numbers_of_a_run_that_a_gate_refused_are_taken(world):
    told = Told(world, quality_gates={"maximum_largest_share": 0.45})
    # The largest has three of five: nothing is published, and the result is kept.
    assert told.run() == {"sea": "cl_0", "court": "cl_1"}
    assert told.runs[0].refusals
    told.remove(START)
    told.put(GARDENS, DESERTS, SPACES)
    assert told.run() == {"garden": "cl_2", "desert": "cl_3", "space": "cl_4"}
    told.roll_back()
    assert told.run() == {"garden": "cl_2", "desert": "cl_3", "space": "cl_4"}
    assert told.ambiguous == {}


def test_numbers_of_a_run_whose_files_are_gone_are_taken(world):
    told = Told(world.over(kept_runs=2))
    told.run()
    told.put(GARDENS)
    assert told.run()["garden"] == "cl_2"
    told.roll_back()
    for _ in range(2):
        told.run(stages=RELABEL)
    assert world.pipeline.catalog.executions.by_id(told.runs[1].run_id).expired_at is not None
    told.remove(GARDENS)
    told.put(DESERTS)
    assert told.run()["desert"] == "cl_3"
    assert told.ambiguous == {}


def test_groups_within_groups_have_numbers_of_their_own(world):
    attributes = {"attributes": ["subject", "year"], "hierarchical_grouping": True}
    told = Told(world)
    told.cluster = world.define(
        told.collection, None, cluster_type="attribute", attribute_config=attributes
    )
    put(told, {1: 1990, 2: 1990, 3: 1991})
    told.run()
    put(told, {6: 1992, 7: 1993})
    told.run()
    told.roll_back()
    put(told, {8: 1993, 9: 1994})
    told.run()
    first, second, third = (
        {one.cluster_id for one in run.centroids if one.hierarchy_level} for run in told.runs
    )
    # 1992 is the group that it was; 1993 has another document, and 1994 was never there.
    assert len(third & second - first) == 1
    assert third - second == {"cl_0_sub_4", "cl_0_sub_5"}
    assert told.ambiguous == {}


def put(told: Told, years: dict[int, int]) -> None:
    made = documents(dict.fromkeys(years, "sea"))
    for payload, year in zip(made.payloads, years.values(), strict=True):
        payload["year"] = year
    told.world.add(told.collection.qdrant_collection, made)


def test_groups_made_of_the_pool_have_numbers_of_their_own(world):
    collection = world.collection(planted(sizes={"sea": 20, "kitchen": 16}))
    config = {"clustering_method": "hdbscan", "algorithm_params": {"min_cluster_size": 4}}
    cluster = world.define(collection, config, enrich_source_collection=True)
    runs = [execute(world.pipeline, cluster, defer_visualization=True)]

    def proposed() -> ExecutionRecord:
        return execute(world.pipeline, cluster, from_pool=True, defer_visualization=True)

    def arrive(subject: str, count: int, first_id: int) -> None:
        new = planted(sizes={subject: count}, first_id=first_id, seed=first_id, spread=0.05)
        for payload, one in zip(new.payloads, new.ids, strict=True):
            payload["document_id"] = f"new-{one}"
        world.add(collection.qdrant_collection, new)

    arrive("space", 6, 500)
    arrive("court", 9, 600)
    runs.append(proposed())
    before = {one.group_uid: one.cluster_id for one in runs[-1].centroids}
    assert len(before) == 4
    roll_back(world.pipeline, LOCAL, cluster.cluster_id, runs[0].run_id)
    arrive("space", 6, 700)
    runs.append(proposed())
    after = {one.group_uid: one.cluster_id for one in runs[-1].centroids}
    # The court is what it was, and space has other documents.
    assert sorted(after.values()) == ["cl_0", "cl_1", "cl_2", "cl_4"]
    assert {uid: after[uid] for uid in after if uid in before} == {
        uid: number for uid, number in before.items() if number != "cl_3"
    }
    assert ambiguous(runs) == {}


def test_a_run_from_before_numbers_were_kept_is_known_by_its_groups(world):
    told = Told(world)
    told.put(GARDENS)
    told.run()
    world.pipeline.artifacts.delete(told.runs[0].artifact_key("numbers.json"))
    told.remove(GARDENS)
    told.put(DESERTS)
    assert told.run() == {"sea": "cl_1", "court": "cl_2", "desert": "cl_3"}
    assert told.ambiguous == {}
