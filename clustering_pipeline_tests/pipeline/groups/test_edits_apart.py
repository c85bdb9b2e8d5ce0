"""Where a document goes that has to leave its group, and how sure that is."""

from dataclasses import dataclass, replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clustering_pipeline.engine.identity.edits import Groups
from clustering_pipeline.engine.incremental import assign_to, reference_of
from clustering_pipeline.engine.vectors import unit_rows
from clustering_pipeline.model.collections import CollectionRecord
from clustering_pipeline.model.definitions.cluster import ClusterRecord
from clustering_pipeline.model.executions.execution import ExecutionRecord
from clustering_pipeline.model.executions.group_edits import ClusterEdits
from clustering_pipeline.model.ids import NOISE_ID
from clustering_pipeline.pipeline.groups.edits import Documents, apply_edits
from clustering_pipeline.pipeline.run.spaces import Space
from clustering_pipeline.pipeline.stages.assign_mode.reference import calibrated_by, reference_in
from clustering_pipeline.service.results.edits import put_edits
from clustering_pipeline_tests.pipeline.stages.assign_mode.test_propose import named
from clustering_pipeline_tests.worlds.direct import execute
from clustering_pipeline_tests.worlds.planted import planted
from clustering_pipeline_tests.worlds.world import KMEANS, World

SIZES = {"sea": 30, "kitchen": 20}
TWO = KMEANS | {"algorithm_params": {"n_clusters": 2}}
COLUMNS = ("document_id", "cluster_id", "probability")


@dataclass(frozen=True, kw_only=True)
class Place:
    """Two subjects far apart, grouped once as they are."""

    world: World
    collection: CollectionRecord
    cluster: ClusterRecord

    def edit(self, edits: ClusterEdits) -> None:
        put_edits(self.world.pipeline.catalog, self.cluster.scope, self.cluster.cluster_id, edits)

    def members(self, run: ExecutionRecord) -> dict[str, tuple[str, float]]:
        table = self.world.pipeline.artifacts.read_frame(run.members_key).select(COLUMNS)
        return {name: (group, sure) for name, group, sure in table.iter_rows()}


@pytest.fixture
def place(world: World) -> Place:
    collection = world.collection(named(planted(sizes=SIZES, spread=0.08), "old"))
    return Place(world=world, collection=collection, cluster=world.define(collection, TWO))


def test_no_group_takes_in_a_document_that_is_nothing_to_it(place: Place) -> None:
    before = place.members(execute(place.world.pipeline, place.cluster))
    first, second, third = sorted(one for one in before if before[one][0] == "cl_0")[:3]
    place.edit(ClusterEdits(cannot_link=[[first, second, third]]))
    run = execute(place.world.pipeline, place.cluster)
    after = place.members(run)
    assert {one for one in after if after[one] != before[one]} == {second, third}
    assert [after[second], after[third]] == [(NOISE_ID, 0.0)] * 2
    told = [
        f"cannot_link: {one!r} would be in the group of {first!r}, and is in none"
        for one in (second, third)
    ]
    assert run.edit_conflicts == told
    # Documents that join say the same of those that had to leave.
    assigned = execute(place.world.pipeline, place.cluster, mode="assign")
    assert (place.members(assigned), assigned.edit_conflicts) == (after, told)


def test_who_is_excluded_or_linked_is_as_sure_as_it_is_there(place: Place) -> None:
    before = place.members(execute(place.world.pipeline, place.cluster))
    shut, far = sorted(one for one in before if before[one][0] == "cl_0")[:2]
    cook = min(one for one in before if before[one][0] == "cl_1")
    others = sorted(one for one in before if before[one][0] == "cl_1")[:2]
    place.edit(ClusterEdits(exclude=[shut], must_link=[[cook, *others, far]]))
    after = place.members(execute(place.world.pipeline, place.cluster))
    assert after[shut] == (NOISE_ID, 0.0)
    assert after[far] == ("cl_1", 0.0)
    assert {one for one in after if after[one] != before[one]} == {shut, far}


def test_a_document_between_two_groups_joins_the_other(world: World) -> None:
    """In both modes: the one measure has it, and says how sure that is."""
    near = named(planted(sizes={"sea": 60, "kitchen": 60}, dimensions=4, spread=0.5), "old")
    collection = world.collection(near)
    place = Place(world=world, collection=collection, cluster=world.define(collection, TWO))
    before = place.members(execute(world.pipeline, place.cluster))
    names = [one["document_id"] for one in near.payloads]
    vectors = unit_rows(near.vectors)
    groups = np.array([int(before[one][0] == "cl_1") for one in names])
    had = assign_to(reference_of(vectors, groups).only([1]), vectors)
    row = np.flatnonzero((groups == 0) & (had.probabilities > 0))[0]
    first = next(one for one in names if before[one][0] == "cl_0" and one != names[row])
    place.edit(ClusterEdits(cannot_link=[[first, names[row]], [first, "new-500"]]))
    after = place.members(execute(world.pipeline, place.cluster))
    assert after[names[row]] == ("cl_1", pytest.approx(had.probabilities[row], abs=1e-5))

    middles = [vectors[groups == group].mean(axis=0) for group in (0, 1)]
    between = np.stack([1.1 * middles[0] + middles[1]] * 2).astype(np.float32)
    two = planted(sizes={"sea": 2}, dimensions=4, first_id=500)
    world.add(collection.qdrant_collection, named(replace(two, vectors=between), "new"))
    run = execute(world.pipeline, place.cluster, mode="assign")
    joined = place.members(run)
    assert (joined["new-500"][0], joined["new-501"][0]) == ("cl_1", "cl_0")
    assert 0 < joined["new-500"][1] != joined["new-501"][1]
    assert run.edit_conflicts == []


@settings(deadline=None)
@given(seed=st.integers(0, 10_000), spread=st.floats(0.05, 0.9), count=st.integers(2, 6))
def test_nobody_who_is_moved_has_the_probability_of_a_group_that_was_left(seed, spread, count):
    """Also: a document moves only to a group that would have it, by the measure of mode assign."""
    random = np.random.default_rng(seed)
    found = planted(sizes={"sea": 12, "kitchen": 9, "court": 7}, spread=spread, seed=seed)
    inner = np.array(found.subjects, dtype=object)
    groups = Groups(inner=inner, parents=dict.fromkeys(set(found.subjects), ""))
    ids = [str(one) for one in found.ids]
    space = Space(name="one", number=0, vectors=found.vectors)
    chosen = [ids[row] for row in random.permutation(len(ids))[:count]]
    rows = Documents(keys=ids, ids=ids, spaces=(space,))
    after = apply_edits(groups, ClusterEdits(cannot_link=[chosen]), rows)
    names = sorted(set(found.subjects))
    labels = np.array([names.index(one) for one in found.subjects])
    reach = reference_of(found.vectors, labels)
    moved = np.flatnonzero(after.groups.inner != inner)
    assert sorted(after.probabilities) == moved.tolist()
    for row in moved.tolist():
        uid, sure = after.groups.inner[row], after.probabilities[row]
        if uid == "":
            assert sure == 0.0
            continue
        there = assign_to(reach.only([names.index(uid)]), found.vectors[[row]])
        assert (there.labels[0], sure) == (0, there.probabilities[0])
    held = [one for one in after.groups.inner[[ids.index(one) for one in chosen]] if one]
    assert len(held) == len(set(held))


@given(seed=st.integers(0, 10_000), spread=st.floats(0.05, 0.9))
def test_who_joins_groups_is_moved_as_where_they_are_made(seed, spread):
    """The same edits of the same groups: by uid and measured, or by id and their stored reach."""
    random = np.random.default_rng(seed)
    found = planted(sizes={"sea": 12, "kitchen": 9, "court": 7}, spread=spread, seed=seed)
    ids = [str(one) for one in found.ids]
    drawn = [ids[row] for row in random.permutation(len(ids))]
    edits = ClusterEdits(
        must_link=[drawn[:3]], cannot_link=[drawn[3:7], drawn[7:9]], exclude=drawn[2:4]
    )
    documents = Documents(
        keys=ids, ids=ids, spaces=(Space(name="", number=0, vectors=found.vectors),)
    )
    uids = np.array([f"grp_{one}" for one in found.subjects], dtype=object)
    made = apply_edits(flat(uids), edits, documents)

    numbers = {"grp_sea": "cl_2", "grp_kitchen": "cl_0", "grp_court": "cl_1", "": ""}
    cluster_ids = pl.Series([numbers[uid] for uid in uids])
    table = calibrated_by(documents.spaces, cluster_ids, "mean")
    known = replace(documents, reached=lambda space: reference_in(table, space))
    movable = np.ones(len(ids), dtype=np.bool_)
    groups = flat(cluster_ids.to_numpy().astype(object))
    joined = apply_edits(groups, edits, known, movable=movable)
    assert joined.groups.inner.tolist() == [numbers[uid] for uid in made.groups.inner]
    assert (joined.probabilities, joined.conflicts) == (made.probabilities, made.conflicts)


def flat(inner: np.ndarray) -> Groups:
    return Groups(inner=inner, parents=dict.fromkeys(set(inner), ""))
