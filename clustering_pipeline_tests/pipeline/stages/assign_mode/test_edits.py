"""What people want of groups, where new documents only join them."""

from dataclasses import dataclass

import pytest

from clustering_pipeline.model.collections import CollectionRecord
from clustering_pipeline.model.definitions.cluster import ClusterRecord
from clustering_pipeline.model.definitions.execute import ExecuteClusterByIdRequest
from clustering_pipeline.model.errors import StateConflict
from clustering_pipeline.model.executions.execution import ExecutionRecord
from clustering_pipeline.model.executions.group_edits import ClusterEdits
from clustering_pipeline.model.ids import NOISE_ID
from clustering_pipeline.service.executions.plan import plan_of
from clustering_pipeline.service.results.edits import put_edits
from clustering_pipeline_tests.pipeline.stages.assign_mode.test_propose import named
from clustering_pipeline_tests.worlds.direct import execute
from clustering_pipeline_tests.worlds.planted import planted
from clustering_pipeline_tests.worlds.world import KMEANS, World

TWO = KMEANS | {"algorithm_params": {"n_clusters": 2}}
ASSIGN = ExecuteClusterByIdRequest(mode="assign")


@dataclass(frozen=True)
class Place:
    """Two subjects, grouped with links that name documents which are still to come."""

    world: World
    collection: CollectionRecord
    cluster: ClusterRecord
    first: ExecutionRecord

    def edit(self, **edits: object) -> None:
        catalog = self.world.pipeline.catalog
        put_edits(catalog, self.cluster.scope, self.cluster.cluster_id, ClusterEdits(**edits))

    def add(self, sizes: dict[str, int], *, first_id: int) -> None:
        new = planted(sizes=sizes, first_id=first_id, seed=first_id, spread=0.05)
        self.world.add(self.collection.qdrant_collection, named(new, "new"))

    def assign(self) -> ExecutionRecord:
        return execute(self.world.pipeline, self.cluster, mode="assign")

    def groups(self, run: ExecutionRecord) -> dict[str, str]:
        members = self.world.pipeline.artifacts.read_frame(run.members_key)
        return dict(members.select("document_id", "cluster_id").iter_rows())


def one_of(groups: dict[str, str], group: str) -> str:
    return min(one for one, where in groups.items() if where == group)


@pytest.fixture(scope="module")
def place(world: World) -> Place:
    collection = world.collection(named(planted(sizes={"sea": 20, "kitchen": 12}), "old"))
    cluster = world.define(collection, TWO, enrich_source_collection=True)
    plain = Place(world, collection, cluster, execute(world.pipeline, cluster))
    cook = one_of(plain.groups(plain.first), "cl_1")
    plain.edit(must_link=[[cook, "new-500"]], cannot_link=[["new-501", "new-502"]])
    return Place(world, collection, cluster, execute(world.pipeline, cluster))


def test_links_exclusions_and_names_hold_for_what_joins(place):
    """Of four that are about the sea one is linked to the kitchen, two may not be together."""
    before = place.groups(place.first)
    shut, shore = one_of(before, "cl_0"), place.first.centroids[0].group_uid
    links = place.first.edits
    kept = {"must_link": links.must_link, "cannot_link": links.cannot_link}
    place.edit(**kept, exclude=[shut, "new-503", "nobody"], rename={shore: "Ashore"})
    place.add({"sea": 4}, first_id=500)
    run = place.assign()
    after = place.groups(run)
    new = [after[f"new-{one}"] for one in range(500, 504)]
    assert new == ["cl_1", "cl_0", NOISE_ID, NOISE_ID]
    assert after[shut] == NOISE_ID
    moved = {one for one in before if before[one] != after[one]}
    assert moved == {shut}
    assert {one.cluster_id: one.label for one in run.centroids}["cl_0"] == "Ashore"
    assert run.edit_conflicts == [
        "cannot_link: 'new-502' would be in the group of 'new-501', and is in none",
        "exclude: 1 documents are not there, 'nobody' among them",
    ]
    assert run.metrics.additional_properties["novelty_pool"] == 1
    manifest = place.world.pipeline.artifacts.read_json(run.artifact_key("manifest.json"))
    assert manifest["edits"] == {
        "rename": {shore: "Ashore"},
        "exclude": [shut, "new-503", "nobody"],
        **kept,
    }
    shown = place.world.payloads(place.collection)
    assert {one["document_id"]: one["cluster_id"] for one in shown.values()} == after


def test_who_is_let_in_again_is_assigned_again(place):
    """Runs after the one above: its exclusions and its name are taken back."""
    links, own = place.first.edits, place.first.centroids[0].label
    place.edit(must_link=links.must_link, cannot_link=links.cannot_link)
    run = place.assign()
    after = place.groups(run)
    assert (after["new-503"], after["new-502"]) == ("cl_0", NOISE_ID)
    assert run.metrics.additional_properties["changed_documents"] == 2
    assert run.edit_conflicts == [
        "cannot_link: 'new-502' would be in the group of 'new-501', and is in none"
    ]
    assert run.centroids[0].label == own


def test_what_could_not_be_done_when_groups_were_made_is_still_told(world: World) -> None:
    collection = world.collection(planted(sizes={"sea": 9, "kitchen": 6}))
    cluster = world.define(collection, TWO)
    edits = ClusterEdits(merge=[["grp_0a", "grp_0b"]])
    put_edits(world.pipeline.catalog, cluster.scope, cluster.cluster_id, edits)
    made = execute(world.pipeline, cluster)
    assert made.edit_conflicts == ["merge: of grp_0a, grp_0b only none is there"]
    assert execute(world.pipeline, cluster, mode="assign").edit_conflicts == made.edit_conflicts


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        pytest.param("merge", lambda uids: [uids], id="merge"),
        pytest.param("split", lambda uids: {uids[0]: 2}, id="split"),
        pytest.param("must_link", lambda _: [["a", "b"]], id="must-link"),
        pytest.param("cannot_link", lambda _: [["a", "b"]], id="cannot-link"),
    ],
)
def test_who_wants_other_groups_is_told_to_make_them(place, kind, value):
    links = place.first.edits
    kept = {"must_link": links.must_link, "cannot_link": links.cannot_link}
    place.edit(**kept | {kind: value([one.group_uid for one in place.first.centroids])})
    record = place.world.pipeline.catalog.clusters.by_id(place.cluster.cluster_id)
    with pytest.raises(StateConflict, match=f"another {kind} since .*: execute it in mode full"):
        plan_of(place.world.pipeline, record.resolved(ASSIGN))
    place.edit(**kept)
    assert plan_of(place.world.pipeline, record.resolved(ASSIGN)) == "assign"
