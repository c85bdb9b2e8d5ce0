"""New groups out of the novelty pool, beside the published ones: ``from_pool``."""

from dataclasses import dataclass, replace

import pytest

from clustering_pipeline.cli.terminal.summaries import execution_summary
from clustering_pipeline.model.collections import CollectionRecord
from clustering_pipeline.model.definitions.cluster import ClusterRecord
from clustering_pipeline.model.definitions.execute import ExecuteClusterByIdRequest
from clustering_pipeline.model.definitions.labeling import LLMLabeling
from clustering_pipeline.model.errors import InvalidRequest, StateConflict
from clustering_pipeline.model.executions.execution import ExecutionRecord
from clustering_pipeline.model.ids import NOISE_ID
from clustering_pipeline.model.scope import LOCAL
from clustering_pipeline.service.executions.plan import plan_of
from clustering_pipeline.service.results.label_estimate import estimate_labels
from clustering_pipeline_tests.worlds.direct import execute
from clustering_pipeline_tests.worlds.planted import Documents, is_about, planted
from clustering_pipeline_tests.worlds.world import World

DENSE = {"clustering_method": "hdbscan", "algorithm_params": {"min_cluster_size": 5}}
FROM_POOL = ExecuteClusterByIdRequest(from_pool=True)


def named(documents: Documents, prefix: str) -> Documents:
    """With ids that no other document has."""
    payloads = [
        one | {"document_id": f"{prefix}-{number}"}
        for number, one in zip(documents.ids, documents.payloads, strict=True)
    ]
    return replace(documents, payloads=payloads)


@dataclass(frozen=True)
class Story:
    """Two subjects grouped; a third and a fourth arrive, and a document that is about nothing."""

    world: World
    cluster: ClusterRecord
    collection: CollectionRecord
    first: ExecutionRecord
    assigned: ExecutionRecord
    proposed: ExecutionRecord

    def table(self, run: ExecutionRecord, name: str):
        return self.world.pipeline.artifacts.read_frame(run.artifact_key(f"{name}.parquet"))

    def groups(self, run: ExecutionRecord) -> dict[str, str]:
        return dict(self.table(run, "members").select("point_id", "cluster_id").iter_rows())


@pytest.fixture(scope="module")
def story(world: World) -> Story:
    collection = world.collection(named(planted(sizes={"sea": 40, "kitchen": 30}), "old"))
    cluster = world.define(collection, DENSE, enrich_source_collection=True)
    first = execute(world.pipeline, cluster)
    world.pipeline.catalog.executions.relabel(LOCAL, first.run_id, {"cl_0": "By the shore"})
    for number, sizes in ((500, {"space": 14}), (600, {"court": 9}), (700, {"sea": 2})):
        new = planted(sizes=sizes, first_id=number, seed=number, spread=0.05)
        world.add(collection.qdrant_collection, named(new, "new"))
    stray = planted(sizes={}, strays=1, first_id=800, seed=1)
    world.add(collection.qdrant_collection, named(stray, "new"))
    assigned = execute(world.pipeline, cluster, mode="assign")
    proposed = execute(world.pipeline, cluster, from_pool=True)
    return Story(world, cluster, collection, first, assigned, proposed)


def test_published_groups_are_as_they_were(story):
    before = {one.cluster_id: one for one in story.assigned.centroids}
    after = {one.cluster_id: one for one in story.proposed.centroids}
    assert set(before) < set(after)
    for name, group in before.items():
        told = ("group_uid", "label", "summary", "keywords", "num_members")
        assert [getattr(after[name], one) for one in told] == [getattr(group, one) for one in told]
    then, now = story.groups(story.assigned), story.groups(story.proposed)
    assert {one: now[one] for one in now if then[one] != NOISE_ID} == {
        one: group for one, group in then.items() if group != NOISE_ID
    }
    assert after["cl_0"].label == "By the shore"


def test_the_pool_becomes_groups_of_its_own(story):
    now = story.groups(story.proposed)
    found = [{now[str(one)] for one in range(start, start + count)} for start, count in POOLED]
    assert found == [{"cl_2"}, {"cl_3"}]
    uids = {one.cluster_id: one.group_uid for one in story.proposed.centroids}
    assert len(set(uids.values())) == 4


POOLED = ((500, 14), (600, 9))


def test_new_groups_get_labels_of_their_own(story):
    labels = {one.cluster_id: one.label for one in story.proposed.centroids}
    assert is_about("space", labels["cl_2"])
    assert is_about("court", labels["cl_3"])
    assert story.proposed.label_overrides == {"cl_0": "By the shore"}


def test_what_is_in_no_group_stays_in_the_pool(story):
    metrics = story.proposed.metrics.additional_properties
    told = ("novelty_pool", "proposed_groups", "proposed_documents", "new_documents")
    assert [metrics[one] for one in told] == [1, 2, 23, 0]
    assert execution_summary(story.proposed)["joined"] == (
        "new_documents 0, changed_documents 0, removed_documents 0, assigned_documents 0, "
        "proposed_groups 2, proposed_documents 23, novelty_pool 1"
    )
    left = story.table(story.proposed, "assignments").filter("novel")
    assert left["point_id"].to_list() == ["800"]


def test_lineage_tells_who_was_born(story):
    events = story.table(story.proposed, "lineage").select("cluster_id", "event", "parents")
    assert events.rows() == [
        ("cl_0", "continued", [story.proposed.centroids[0].group_uid]),
        ("cl_1", "continued", [story.proposed.centroids[1].group_uid]),
        ("cl_2", "born", []),
        ("cl_3", "born", []),
    ]


def test_documents_show_it_and_only_those_are_written(story):
    payloads = story.world.payloads(story.collection)
    shown = {one: found["cluster_id"] for one, found in payloads.items()}
    assert shown == story.groups(story.proposed)
    done = story.proposed.write_back
    assert (done.status, done.written) == ("completed", 23)
    assert (story.proposed.mode, story.proposed.plan) == ("full", "from_pool")


def test_later_documents_join_the_new_groups_and_numbers_go_on(story, world):
    new = named(planted(sizes={"space": 3}, first_id=900, seed=9, spread=0.05), "later")
    world.add(story.collection.qdrant_collection, new)
    again = execute(world.pipeline, story.cluster, mode="assign")
    now = story.groups(again)
    assert {now[str(one)] for one in new.ids} == {"cl_2"}
    nothing = execute(world.pipeline, story.cluster, from_pool=True)
    assert nothing.metrics.additional_properties["proposed_groups"] == 0
    assert story.groups(nothing) == now
    numbers = world.pipeline.artifacts.read_json(nothing.artifact_key("numbers.json"))
    assert numbers["following"][""] == 4


def test_a_full_run_afterwards_takes_the_new_groups_for_what_they_are(story, world):
    full = execute(world.pipeline, story.cluster)
    before = {one.group_uid: one.cluster_id for one in story.proposed.centroids}
    assert {one.group_uid: one.cluster_id for one in full.centroids} == before
    resolved = world.pipeline.catalog.clusters.by_id(story.cluster.cluster_id).resolved()
    assert resolved.from_pool is False


@pytest.mark.parametrize("mode", ["assign", "composite"])
def test_it_is_for_mode_full(story, mode):
    request = ExecuteClusterByIdRequest(mode=mode, from_pool=True)
    with pytest.raises(
        InvalidRequest, match=f"from_pool is for mode 'full', not for mode '{mode}'"
    ):
        story.cluster.resolved(request)


def test_without_published_groups_it_says_what_to_do(world, story):
    definition = world.define(story.collection, DENSE)
    with pytest.raises(StateConflict, match="execute it in mode full without from_pool"):
        plan_of(world.pipeline, definition.resolved(FROM_POOL))
    record = world.pipeline.catalog.clusters.by_id(story.cluster.cluster_id)
    assert plan_of(world.pipeline, record.resolved(FROM_POOL)) == "from_pool"


def test_what_labels_would_cost_is_not_known_before(story, world):
    asking = FROM_POOL.model_copy(update={"llm_labeling": LLMLabeling(enabled=True)})
    record = world.pipeline.catalog.clusters.by_id(story.cluster.cluster_id)
    found = estimate_labels(world.pipeline, record.resolved(asking), plan="from_pool")
    assert (found["calls"], found["cost"]) == (None, None)
    assert "only new groups are named" in found["note"]
