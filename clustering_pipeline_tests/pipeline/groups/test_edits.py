"""What people want of groups holds through runs over more documents."""

from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl
import pytest

from clustering_pipeline.engine.identity import Generation
from clustering_pipeline.engine.identity.edits import Groups
from clustering_pipeline.model.collections import CollectionRecord
from clustering_pipeline.model.definitions.cluster import ClusterRecord
from clustering_pipeline.model.definitions.patch import PatchClusterRequest
from clustering_pipeline.model.errors import RunCanceled
from clustering_pipeline.model.executions.group_edits import ClusterEdits
from clustering_pipeline.model.ids import NOISE_ID
from clustering_pipeline.pipeline.groups.edits import Documents as EditedDocuments
from clustering_pipeline.pipeline.groups.edits import apply_edits
from clustering_pipeline.pipeline.groups.names import names_are_due
from clustering_pipeline.pipeline.run.spaces import Space
from clustering_pipeline.service.executions.delete import remove_cluster
from clustering_pipeline.service.executions.plan import plan_of
from clustering_pipeline.service.results.edits import get_edits, put_edits
from clustering_pipeline_tests.sizes import FULL
from clustering_pipeline_tests.worlds.direct import RELABEL, execute
from clustering_pipeline_tests.worlds.planted import Documents, planted
from clustering_pipeline_tests.worlds.sample import passages
from clustering_pipeline_tests.worlds.world import KMEANS, Done, World

LATER = 100_000
FEW = {"sea": 30, "kitchen": 25, "space": 20, "court": 15}
SUBJECTS = {"clustering_method": "hdbscan", "algorithm_params": {"min_cluster_size": 15}}
TOPICS = {
    "clustering_method": "hdbscan",
    "algorithm_params": {"min_cluster_size": 25, "min_samples": 5},
    "preprocessing_steps": [{"method": "umap", "n_components": 10, "n_neighbors": 15}],
}


def some_documents() -> Documents:
    """Of four subjects; at full size, the passages to 2010."""
    return passages(pl.col("year") <= 2010, every=1, first_id=1) if FULL else planted()


def further_documents() -> Documents:
    """Of the same subjects; at full size, the passages after 2010."""
    if FULL:
        return passages(pl.col("year") > 2010, every=1, first_id=LATER)
    more = planted(sizes={"sea": 20, "kitchen": 30, "court": 10}, seed=8, first_id=LATER)
    named = [one | {"document_id": f"later {one['document_id']}"} for one in more.payloads]
    return replace(more, payloads=named)


@dataclass(kw_only=True)
class Story:
    """A definition over some documents, executed, and what is wanted of its groups."""

    world: World
    cluster: ClusterRecord
    collection: CollectionRecord
    first: Done
    wanted: dict = field(default_factory=dict)

    def uid(self, number: int) -> str:
        return self.first.execution.centroids[number].group_uid

    def documents(self, uid: str) -> list[str]:
        return self.members(self.first).filter(group_uid=uid)["document_id"].to_list()

    def members(self, ran: Done) -> pl.DataFrame:
        return self.world.pipeline.artifacts.read_frame(ran.execution.members_key)

    def groups_of(self, ran: Done, documents: list[str]) -> list[str | None]:
        shown = dict(self.members(ran).select("document_id", "group_uid").iter_rows())
        return [shown[one] for one in documents]


@pytest.fixture(scope="module")
def story(world: World) -> Story:
    collection = world.collection(some_documents())
    cluster = world.define(collection, TOPICS if FULL else SUBJECTS)
    return Story(world=world, cluster=cluster, collection=collection, first=world.run(cluster))


@pytest.fixture(scope="module")
def runs(story: Story) -> tuple[Done, Done]:
    """The run after the edits, and one over further documents too."""
    excluded, far, near = story.documents(story.uid(3))[:3]
    story.wanted = {
        "rename": {story.uid(3): "By hand"},
        "merge": [[story.uid(2), story.uid(1)]],
        "split": {story.uid(0): 2},
        "exclude": [excluded],
        "cannot_link": [[far, near]],
        "must_link": [story.documents(story.uid(2))[:1] + story.documents(story.uid(3))[3:5]],
    }
    put_edits(
        story.world.pipeline.catalog,
        story.cluster.scope,
        story.cluster.cluster_id,
        ClusterEdits(**story.wanted),
    )
    edited = story.world.run(story.cluster)
    story.world.add(story.collection.qdrant_collection, further_documents())
    return edited, story.world.run(story.cluster)


BOTH = pytest.mark.parametrize("run", [0, 1], ids=["at-once", "with-more-documents"])


@BOTH
def test_a_group_keeps_the_name_it_was_given(story, runs, run):
    (renamed,) = [one for one in runs[run].execution.centroids if one.label == "By hand"]
    assert renamed.group_uid == story.uid(3)


@BOTH
def test_merged_groups_are_one(story, runs, run):
    shown = {one.group_uid for one in runs[run].execution.centroids}
    assert {story.uid(1), story.uid(2)} & shown == {story.uid(2)}
    of_both = [*story.documents(story.uid(1)), *story.documents(story.uid(2))]
    # Further documents turn some of these into noise, of two groups as of one.
    found = [one for one in story.groups_of(runs[run], of_both) if one]
    assert len(found) >= 0.75 * len(of_both)
    assert found.count(story.uid(2)) >= 0.95 * len(found)


@BOTH
def test_the_parts_of_a_split_group_are_two_and_the_same_ones(story, runs, run):
    parts = set(story.groups_of(runs[run], story.documents(story.uid(0))))
    at_once = set(story.groups_of(runs[0], story.documents(story.uid(0))))
    assert (len(at_once), story.uid(0) in at_once) == (2, True)
    assert at_once <= parts


@BOTH
def test_excluded_documents_are_in_no_group(story, runs, run):
    members = story.members(runs[run]).filter(document_id=story.wanted["exclude"][0])
    assert members["cluster_id"].to_list() == [NOISE_ID]


@BOTH
def test_documents_that_cannot_be_linked_are_apart(story, runs, run):
    assert len(set(story.groups_of(runs[run], story.wanted["cannot_link"][0]))) == 2


@BOTH
def test_documents_that_must_be_linked_are_together(story, runs, run):
    assert len(set(story.groups_of(runs[run], story.wanted["must_link"][0]))) == 1


@BOTH
def test_the_run_tells_of_nobody_but_who_is_in_no_group_now(story, runs, run):
    far, near = story.wanted["cannot_link"][0]
    told = f"cannot_link: {near!r} would be in the group of {far!r}, and is in none"
    conflicts = runs[run].execution.edit_conflicts
    assert set(conflicts) <= {told}
    assert not conflicts or story.groups_of(runs[run], [near]) == [None]


def test_the_lineage_tells_of_the_edits(story, runs):
    lineage = story.world.pipeline.catalog.lineages.find(runs[0].run_id)
    told = {(one.event, one.group_uid) for one in lineage.events}
    assert ("merged", story.uid(2)) in told
    assert ("split", story.uid(0)) in told
    assert ("relabelled", story.uid(3)) in told


def test_groups_come_back_when_the_edits_go(story, runs):
    catalog = story.world.pipeline.catalog
    put_edits(catalog, story.cluster.scope, story.cluster.cluster_id, ClusterEdits())
    assert plan_of(story.world.pipeline, story.cluster.resolved()) == "full"
    free = story.world.run(story.cluster)
    shown = {one.group_uid: one.label for one in free.execution.centroids}
    assert story.uid(1) in shown
    assert "By hand" not in shown.values()


def test_what_cannot_be_done_is_told(world):
    cluster = world.define(world.collection(planted(sizes=FEW)), KMEANS)
    first = world.run(cluster)
    gone, there = "grp_00", first.execution.centroids[0].group_uid
    edits = ClusterEdits(
        rename={gone: "Nobody"},
        merge=[[there, gone]],
        split={"grp_01": 2},
        pin=["grp_02"],
        exclude=["no such document"],
    )
    put_edits(world.pipeline.catalog, cluster.scope, cluster.cluster_id, edits)
    ran = world.run(cluster)
    assert ran.execution.status == "completed"
    expected = [
        "split: grp_01 is not there",
        f"merge: of {there}, {gone} only {there} is there",
        "pin: grp_02 is not there",
        "exclude: 1 documents are not there, 'no such document' among them",
        "rename: grp_00 is not there",
    ]
    assert ran.execution.edit_conflicts == expected
    for again in ({"stages": RELABEL}, {"mode": "assign"}, {"from_pool": True}):
        told = execute(world.pipeline, cluster, **again).edit_conflicts
        assert sorted(told) == sorted(expected)
    shown = get_edits(world.pipeline.catalog, cluster.scope, cluster.cluster_id)
    assert (shown.version, shown.edits, shown.conflicts) == (1, edits, expected)
    remove_cluster(world.pipeline, cluster.scope, cluster.cluster_id)
    assert world.pipeline.catalog.edits.get(cluster.cluster_id).edits == ClusterEdits()


def test_the_name_of_a_merged_group_goes_on_with_the_one_that_took_it_in(world):
    cluster = world.define(world.collection(planted(sizes=FEW)), KMEANS)
    catalog = world.pipeline.catalog
    own, second, third, _ = [one.group_uid for one in world.run(cluster).execution.centroids]

    def shown(rename: dict[str, str], **options: object) -> tuple[str, list[str]]:
        edits = ClusterEdits(merge=[[own, second, third]], rename=rename)
        put_edits(catalog, cluster.scope, cluster.cluster_id, edits)
        run = execute(world.pipeline, cluster, **options)
        (label,) = [one.label for one in run.centroids if one.group_uid == own]
        told = get_edits(catalog, cluster.scope, cluster.cluster_id).conflicts
        assert told == run.edit_conflicts
        assert not names_are_due(world.pipeline, run, rename)
        assert names_are_due(world.pipeline, run, {**rename, own: "Other"})
        return label, told

    lost = f"rename: {third} was merged into {own}, which is called "
    both = {third: "Stars", second: "Bread"}
    assert shown(both) == ("Bread", [f"{lost}'Bread'"])
    for again in ({"mode": "assign"}, {"stages": RELABEL}, {}):
        assert shown(both | {second: "Loaf"}, **again) == ("Loaf", [f"{lost}'Loaf'"])
    assert shown({third: "Stars"}, stages=RELABEL) == ("Stars", [])
    assert shown({third: "Stars", own: "Own"}, stages=RELABEL) == ("Own", [f"{lost}'Own'"])
    label, told = shown({}, stages=RELABEL)
    assert (label in {"Bread", "Loaf", "Stars", "Own"}, told) == (False, [])


def test_a_pinned_group_stays_when_the_algorithm_loses_it(world):
    collection = world.collection(planted(sizes=FEW))
    cluster = world.define(collection, KMEANS)
    first = world.run(cluster)
    smallest = first.execution.centroids[-1]
    put_edits(
        world.pipeline.catalog,
        cluster.scope,
        cluster.cluster_id,
        ClusterEdits(pin=[smallest.group_uid]),
    )
    world.pipeline.catalog.clusters.patch(cluster.scope, cluster.cluster_id, fewer())
    second = world.run(cluster)
    kept = [one for one in second.execution.centroids if one.group_uid == smallest.group_uid]
    assert [one.num_members for one in kept] == [smallest.num_members]


def fewer() -> PatchClusterRequest:
    return PatchClusterRequest(algorithm_params={"n_clusters": 2})


def test_a_cancel_is_noticed_while_a_group_is_split():
    points = np.random.default_rng(0).normal(size=(40, 4)).astype(np.float32)
    uid, names = "grp_0", [f"d{row}" for row in range(len(points))]
    whole = Generation(
        documents=names, names=names, deepest=np.zeros(len(points), dtype=np.int64), paths=((0,),)
    )
    documents = EditedDocuments(
        keys=names, ids=names, spaces=(Space(name="one", number=0, vectors=points),)
    )

    def check() -> None:
        message = "canceled"
        raise RunCanceled(message)

    with pytest.raises(RunCanceled):
        apply_edits(Groups.of(whole, (uid,)), ClusterEdits(split={uid: 2}), documents, check=check)
