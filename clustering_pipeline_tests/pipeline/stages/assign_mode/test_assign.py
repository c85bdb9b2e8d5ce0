"""Mode assign: new documents join the published groups, which stay as they are."""

import json
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
import pytest
from qdrant_client import models
from sklearn.metrics import adjusted_rand_score

from clustering_pipeline.automation.drift import OF_THE_POOL, drift
from clustering_pipeline.defs.instance.tags import ASSIGN, RELABEL
from clustering_pipeline.labeling import LabelingConfig, open_provider
from clustering_pipeline.model.collections import CollectionRecord
from clustering_pipeline.model.definitions.execute import ExecuteClusterByIdRequest
from clustering_pipeline.model.definitions.labeling import LLMLabeling
from clustering_pipeline.model.errors import InvalidRequest, StateConflict
from clustering_pipeline.model.executions.lineage import LineageEvent
from clustering_pipeline.model.ids import NOISE_ID
from clustering_pipeline.model.scope import LOCAL
from clustering_pipeline.service.executions.plan import plan_of
from clustering_pipeline.service.results.label_estimate import estimate_labels
from clustering_pipeline.stores.documents.connection import open_client
from clustering_pipeline_tests.labeling.loopback import serving, well
from clustering_pipeline_tests.worlds.planted import SUBJECTS, Documents, planted
from clustering_pipeline_tests.worlds.world import FEATURE, KMEANS, Done, Ran, World, failure_of

SIZES = {"sea": 40, "kitchen": 30, "court": 20}
THREE = KMEANS | {"algorithm_params": {"n_clusters": 3}}
FAR = ((0, 600), (1, 601))
REQUEST = ExecuteClusterByIdRequest(mode="assign")


def assign(world: World, ran: Done, **overrides: Any) -> Ran:
    request = ExecuteClusterByIdRequest(mode="assign", **overrides)
    return world.execute(ran.cluster, job=ASSIGN, request=request)


def table(world: World, ran: Done, name: str):
    key = ran.execution.artifact_key(f"{name}.parquet")
    return world.pipeline.artifacts.read_frame(key)


def metrics(ran: Done) -> dict[str, Any]:
    return ran.execution.metrics.additional_properties


def groups(members) -> dict[str, str]:
    """Point id to group."""
    return dict(members.select("point_id", "cluster_id").iter_rows())


@dataclass(frozen=True)
class Grown:
    world: World
    collection: CollectionRecord
    first: Done
    second: Ran

    def members(self, ran: Done):
        return table(self.world, ran, "members")


@pytest.fixture(scope="module")
def grown(world: World) -> Grown:
    """Ninety documents, grouped; then four of known subjects, six of a new one, one that changed
    its subject and one that is gone.
    """
    collection = world.collection(planted(sizes=SIZES))
    name = collection.qdrant_collection
    first = world.run(world.define(collection, THREE, enrich_source_collection=True))
    world.pipeline.catalog.executions.relabel(LOCAL, first.run_id, {"cl_0": "By the shore"})
    world.add(name, planted(sizes={"sea": 3, "court": 1}, first_id=500, seed=11))
    world.add(name, planted(sizes={"space": 6}, first_id=600, seed=12))
    world.add(
        name,
        planted(sizes={"kitchen": 1}, first_id=_one_of(first, world, "cl_0"), seed=13, spread=0.05),
    )
    world.pipeline.documents.delete_points(name, point_ids=[str(_one_of(first, world, "cl_2"))])
    return Grown(world, collection, first, assign(world, first))


def _one_of(ran: Done, world: World, group: str) -> int:
    members = table(world, ran, "members").filter(cluster_id=group)
    return int(members["point_id"].sort()[0])


def test_it_is_a_run_of_its_own_that_is_published(grown):
    state = grown.second.cluster.state
    assert (state.status, state.last_run_id) == ("COMPLETED", grown.second.run_id)
    assert (grown.second.execution.plan, grown.second.execution.mode) == ("assign", "assign")
    assert grown.second.execution.num_points == 90 + 10 - 1
    assert state.num_documents_clustered == 99


def test_new_documents_join_the_group_of_their_subject(grown):
    payloads = grown.world.payloads(grown.collection)
    subjects = {one: found["subject"] for one, found in payloads.items()}
    of = groups(grown.members(grown.second))
    names = {subject: f"cl_{at}" for at, subject in enumerate(SIZES)}
    new = [str(one) for one in range(500, 504)]
    assert [of[one] for one in new] == [names[subjects[one]] for one in new]


def test_unknown_ones_go_to_the_pool(grown):
    pool = table(grown.world, grown.second, "assignments").filter("novel")
    assert sorted(map(int, pool["point_id"])) == list(range(600, 606))
    assert set(pool["cluster_id"]) == {NOISE_ID}
    assert set(pool["nearest_cluster_id"]) <= {"cl_0", "cl_1", "cl_2"}


def test_a_copy_joins_the_group_of_its_original_however_far_out_that_lies(world):
    far = planted(sizes={"space": 2}, first_id=600, seed=12)
    collection = world.collection(planted(sizes=SIZES))
    original, other = (replace(far, ids=[row], vectors=far.vectors[[at]]) for at, row in FAR)
    original, other = replace(original, payloads=[{}]), replace(other, payloads=[{}])
    world.add(collection.qdrant_collection, original)
    first = world.run(world.define(collection, THREE))
    world.add(collection.qdrant_collection, replace(original, ids=[700]))
    world.add(collection.qdrant_collection, other)
    of = groups(table(world, assign(world, first), "members"))
    assert of["700"] == of["600"] != NOISE_ID
    assert of["601"] == NOISE_ID


def test_what_did_not_change_stays_where_it_was(grown):
    before, after = groups(grown.members(grown.first)), groups(grown.members(grown.second))
    moved = {one for one in before.keys() & after.keys() if before[one] != after[one]}
    assert len(moved) == 1
    assert {(before[one], after[one]) for one in moved} == {("cl_0", "cl_1")}
    assert len(before.keys() - after.keys()) == 1


def test_counts_follow_and_no_group_is_new(grown):
    sizes = {one.cluster_id: one.num_members for one in grown.second.execution.centroids}
    assert sizes == {"cl_0": 40 + 3 - 1, "cl_1": 30 + 1, "cl_2": 20 + 1 - 1}
    before = {one.cluster_id: one.group_uid for one in grown.first.execution.centroids}
    after = {one.cluster_id: one.group_uid for one in grown.second.execution.centroids}
    assert after == before


def test_names_stay_those_by_people_too(grown):
    before = {one.cluster_id: one.label for one in grown.first.execution.centroids}
    after = {one.cluster_id: one.label for one in grown.second.execution.centroids}
    assert after == before | {"cl_0": "By the shore"}
    assert grown.second.execution.label_overrides == {"cl_0": "By the shore"}


def test_how_much_is_new_is_measured(grown):
    found = metrics(grown.second)
    assert {name: found[name] for name in COUNTED} == {
        "new_documents": 10,
        "changed_documents": 1,
        "removed_documents": 1,
        "assigned_documents": 5,
        "novelty_pool": 6,
    }
    assert found["novelty_share"] == pytest.approx(6 / 11)
    assert found["drift"] > 0.1
    shown = grown.second.metadata("reduced_embeddings")
    assert shown["novelty_pool"] == 6


COUNTED = (
    "new_documents",
    "changed_documents",
    "removed_documents",
    "assigned_documents",
    "novelty_pool",
)


def test_the_map_stays_and_new_ones_lie_among_their_group(grown):
    before = grown.members(grown.first).select("point_id", "cluster_id", "x", "y")
    after = grown.members(grown.second).select("point_id", "cluster_id", "x", "y")
    both = before.join(after, on=["point_id", "cluster_id"])
    assert both.height == 88
    assert both["x"].equals(both["x_right"].alias("x"))
    assert after.drop_nulls().height == 99
    new = after.filter(point_id="500")
    own = after.filter(pl.col("cluster_id") == new["cluster_id"][0])
    assert own["x"].min() <= new["x"][0] <= own["x"].max()
    assert grown.second.execution.layout_stability_applied == "kept"


def test_documents_show_their_group_and_only_what_differs_is_written(grown):
    shown = {
        one: found.get("cluster_id")
        for one, found in grown.world.payloads(grown.collection).items()
    }
    assert shown == groups(grown.members(grown.second))
    done = grown.second.execution.write_back
    renamed = 40 - 1
    assert (done.status, done.failed, done.removed) == ("completed", 0, 0)
    assert (done.written, done.unchanged) == (11 + renamed, 99 - 11 - renamed)


def test_groups_stay_where_they_are(grown):
    before, after = (
        table(grown.world, one, "summaries").select("cluster_id", "centroid_vector")
        for one in (grown.first, grown.second)
    )
    assert after.equals(before)
    then, now = (
        grown.members(one).select("point_id", "cluster_id", "distance_to_centroid")
        for one in (grown.first, grown.second)
    )
    both = then.join(now, on=["point_id", "cluster_id"])
    assert both["distance_to_centroid"].equals(
        both["distance_to_centroid_right"].alias("distance_to_centroid")
    )
    assert both.height == 88


def test_what_is_put_anew_is_read_whole_and_what_is_not_is_not(grown):
    """A group's reach is calibrated when it is made, and kept."""
    exports = [table(grown.world, one, "embeddings") for one in (grown.first, grown.second)]
    then, now = (dict(one.select("point_id", "payload").iter_rows()) for one in exports)
    moved = str(_one_of(grown.first, grown.world, "cl_0"))
    assert json.loads(now[moved])["subject"] == "kitchen"
    assert {one for one in then.keys() & now.keys() if then[one] != now[one]} == {moved}
    keys = exports[1].select("collection_id", "document_id", "point_id")
    assert keys.equals(keys.sort(keys.columns))
    references = [table(grown.world, one, "reference") for one in (grown.first, grown.second)]
    assert references[0].equals(references[1])


def test_vectors_written_in_place_are_seen_and_names_too(world):
    """Neither costs a document the mark that says it is as a run left it."""
    collection = world.collection(planted(sizes=SIZES))
    name = collection.qdrant_collection
    first = world.run(world.define(collection, THREE, enrich_source_collection=True))
    sea, court = (_one_of(first, world, one) for one in ("cl_0", "cl_2"))
    vector = planted(sizes={"kitchen": 1}, seed=13, spread=0.05).vectors[0]
    client = world.pipeline.documents
    point = client.retrieve(name, [str(sea)])[0]
    write_vector(world, name, sea, vector)
    client.write_payloads(name, [(court, {"document_id": "renamed"})])
    assert client.retrieve(name, [str(sea)])[0].payload == point.payload
    again = assign(world, first)
    members = table(world, again, "members")
    assert groups(members)[str(sea)] == "cl_1"
    assert members.filter(point_id=str(court))["document_id"].to_list() == ["renamed"]
    assert [metrics(again)[one] for one in COUNTED] == [0, 1, 0, 1, 0]
    assert again.execution.write_back.written == 1


@pytest.mark.parametrize("datatype", ["float16", "uint8"])
def test_vectors_that_are_kept_rounded_are_not_read_again(world, datatype):
    documents = planted(sizes=SIZES)
    whole = np.round(100 + 40 * documents.vectors).clip(0, 255).astype(np.float32)
    name = world.name("rounded")
    params = models.VectorParams(
        size=whole.shape[1], distance=models.Distance.COSINE, datatype=models.Datatype(datatype)
    )
    with closing(open_client(world.pipeline.documents.address)) as client:
        client.create_collection(name, {"embedding": params})
    world.add(name, replace(documents, vectors=whole))
    first = world.run(world.define(world.registered(name), THREE))
    again = assign(world, first)
    assert [metrics(again)[one] for one in COUNTED] == [0] * 5
    world.pipeline.documents.delete_collection(name)


def write_vector(world: World, name: str, point: int, vector: np.ndarray) -> None:
    """Only the vector: the payload stays as it is."""
    with closing(open_client(world.pipeline.documents.address)) as client:
        client.update_vectors(
            name, [models.PointVectors(id=point, vector={"embedding": vector.tolist()})]
        )


def test_lineage_tells_who_grew(grown):
    events = [(one.cluster_id, one.event) for one in lineage(grown.world, grown.second)]
    assert events == [("cl_0", "grown"), ("cl_1", "grown"), ("cl_2", "continued")]


def lineage(world: World, ran: Done):
    found = world.pipeline.artifacts.read_frame(ran.execution.artifact_key("lineage.parquet"))
    return [LineageEvent.model_validate(row) for row in found.iter_rows(named=True)]


def test_again_with_nothing_new_changes_nothing(grown):
    again = assign(grown.world, grown.first)
    assert groups(grown.members(again)) == groups(grown.members(grown.second))
    found = metrics(again)
    assert [found[name] for name in COUNTED] == [0, 0, 0, 0, 6]
    assert (found["drift"], found["novelty_share"]) == (0.0, 0.0)
    assert again.execution.write_back.written == 0


def test_labels_can_be_made_again_and_the_pool_is_still_known(grown):
    relabelled = grown.world.execute(grown.first.cluster, job=RELABEL)
    assert groups(grown.members(relabelled)) == groups(grown.members(grown.second))
    again = assign(grown.world, relabelled)
    assert metrics(again)["novelty_pool"] == 6


def test_nobody_is_asked_for_a_name(world):
    collection = world.collection(planted(sizes=SIZES))
    with serving(well) as server:

        def provider(_config: LabelingConfig):
            return open_provider(api_key="local", base_url=server.base_url, model="tiny")

        there = world.over(provider_of=provider)
        first = there.run(world.define(collection, THREE, llm_labeling={"enabled": True}))
        calls = server.calls
        world.add(collection.qdrant_collection, planted(sizes={"sea": 5}, first_id=500, seed=11))
        again = assign(there, first)
        assert server.calls == calls == 3
    assert (again.execution.ledger, again.execution.num_points) == (None, 95)


def test_parts_of_groups_take_new_members(world):
    """Two pairs of subjects far apart: pairs on top, the subjects below."""
    documents = pairs(dict.fromkeys(SUBJECTS, 30), first_id=1, seed=1)
    collection = world.collection(documents, distance="Euclid")
    nested = THREE | {
        "algorithm_params": {"n_clusters": 2},
        "hierarchical": True,
        "max_hierarchy_depth": 1,
    }
    first = world.run(world.define(collection, nested))
    before = groups(table(world, first, "members"))
    new = pairs({"sea": 3, "space": 2}, first_id=900, seed=2)
    world.add(collection.qdrant_collection, new)
    again = assign(world, first)
    after = groups(table(world, again, "members"))
    assert {one: after[one] for one in before} == before
    home = {
        subject: before[str(one)]
        for one, subject in zip(documents.ids, documents.subjects, strict=True)
    }
    assert "_sub_" in home["sea"]
    assert [after[str(one)] for one in new.ids] == [home[one] for one in new.subjects]
    sizes = {one.cluster_id: one.num_members for one in again.execution.centroids}
    assert sum(size for one, size in sizes.items() if "_sub_" not in one) == 125


def pairs(sizes: dict[str, int], *, first_id: int, seed: int) -> Documents:
    base = planted(sizes=sizes, spread=0.02, first_id=first_id, seed=seed)
    far = [[5.0 if one in SUBJECTS[:2] else -5.0] for one in base.subjects]
    vectors = np.hstack([base.vectors, np.array(far)]).astype(np.float32)
    return Documents(vectors=vectors, payloads=base.payloads, ids=base.ids)


def test_each_feature_assigns_to_its_own_groups(world):
    """The text tells three subjects, the picture only whether it is the first of them."""
    uris = [FEATURE, "mixpeek://image_extractor@v1/picture"]
    config = KMEANS | {
        "feature_uri": None,
        "feature_uris": uris,
        "multi_feature_strategy": "independent",
        "algorithm_params": {"n_clusters": 2},
    }
    name = world.name("pictures")
    world.pipeline.documents.create_collection(name, {"embedding": 16, "picture": 8})
    world.made.append(name)
    two = {"sea": 30, "court": 20}
    with_pictures(world, name, planted(sizes=two))
    first = world.run(world.define(world.registered(name), config))
    before = table(world, first, "members")
    with_pictures(world, name, planted(sizes={"sea": 4, "court": 2}, first_id=500, seed=3))
    after = table(world, assign(world, first), "members")
    assert (before.height, after.height) == (2 * 50, 2 * 56)
    assert set(after["cluster_id"]) == set(before["cluster_id"])
    for feature in ("embedding", "picture"):
        own = after.filter(feature_name=feature, point_id="500")["cluster_id"][0]
        assert own in set(before.filter(feature_name=feature)["cluster_id"])


def with_pictures(world: World, name: str, documents: Documents) -> None:
    sides = [0 if one == "sea" else 1 for one in documents.subjects]
    pictures = np.eye(8, dtype=np.float32)[sides] + 0.01
    vectors = {"embedding": documents.vectors, "picture": pictures.astype(np.float32)}
    world.pipeline.documents.upsert(name, documents.ids, vectors, documents.payloads)


def test_the_pool_is_what_triggers_can_go_by(grown):
    pipeline = grown.world.pipeline
    found = [drift(pipeline, grown.second.execution, one) for one in OF_THE_POOL]
    assert found == [6.0, pytest.approx(6 / 11)]
    assert drift(pipeline, grown.first.execution, "novelty_pool") == 0.0


def test_labels_of_an_assignment_cost_nothing(grown):
    record = grown.world.pipeline.catalog.clusters.by_id(grown.first.cluster.cluster_id)
    asking = record.resolved(REQUEST.model_copy(update={"llm_labeling": LLMLabeling(enabled=True)}))
    found = estimate_labels(grown.world.pipeline, asking, plan="assign")
    assert (found["calls"], found["cost"]) == (0, 0)


def test_a_group_without_a_member_left_is_gone(world):
    collection = world.collection(planted(sizes=SIZES))
    first = world.run(world.define(collection, THREE))
    gone = table(world, first, "members").filter(cluster_id="cl_2")["point_id"].to_list()
    world.pipeline.documents.delete_points(collection.qdrant_collection, point_ids=gone)
    again = assign(world, first)
    assert {one.cluster_id for one in again.execution.centroids} == {"cl_0", "cl_1"}
    assert [one.event for one in lineage(world, again)] == ["continued", "continued", "died"]
    full = world.run(first.cluster)
    assert full.execution.plan == "full"


def test_the_threshold_decides_who_is_known(world):
    collection = world.collection(planted(sizes=SIZES))
    first = world.run(world.define(collection, THREE))
    world.add(collection.qdrant_collection, planted(sizes={"sea": 8}, first_id=500, seed=11))
    strict = assign(world, first, assignment_threshold=1.0)
    assert metrics(strict)["novelty_pool"] == 8


def test_before_anything_is_published_it_says_what_to_do(world):
    definition = world.define(world.collection(planted(sizes={"sea": 12})), THREE)
    with pytest.raises(StateConflict, match="execute it in mode full"):
        plan_of(world.pipeline, definition.resolved(REQUEST))
    ran = world.execute(definition, job=ASSIGN, request=REQUEST)
    assert "has published no groups yet" in failure_of(ran.result)


def test_attributes_have_nothing_to_compare(world):
    definition = world.define(
        world.collection(planted(sizes={"sea": 12})),
        None,
        cluster_type="attribute",
        attribute_config={"attributes": ["subject"]},
    )
    with pytest.raises(InvalidRequest, match="attributes make the groups"):
        plan_of(world.pipeline, definition.resolved(REQUEST))


def test_a_job_started_in_dagster_assigns_too(grown):
    ran = grown.world.execute(grown.first.cluster, job=ASSIGN)
    assert (ran.execution.mode, ran.execution.plan) == ("assign", "assign")


def test_the_plan_is_its_own(grown):
    record = grown.world.pipeline.catalog.clusters.by_id(grown.first.cluster.cluster_id)
    assert plan_of(grown.world.pipeline, record.resolved(REQUEST)) == "assign"
    assert plan_of(grown.world.pipeline, record.resolved()) == "full"


def test_it_agrees_with_a_full_run_on_known_documents(world):
    """Nine tenths of the documents are of known subjects, the rest of one nobody has seen."""
    known, rest = planted(sizes=SIZES, seed=21), planted(sizes=SIZES, first_id=1_000, seed=22)
    new = planted(sizes={"space": 10}, first_id=2_000, seed=23)
    collection = world.collection(known)
    first = world.run(world.define(collection, THREE))
    world.add(collection.qdrant_collection, rest)
    world.add(collection.qdrant_collection, new)
    assigned = groups(table(world, assign(world, first), "members"))
    four = THREE | {"algorithm_params": {"n_clusters": 4}}
    full = groups(table(world, world.run(world.define(collection, four)), "members"))
    of_known = [str(one) for one in (*known.ids, *rest.ids)]
    score = adjusted_rand_score(
        [full[one] for one in of_known], [assigned[one] for one in of_known]
    )
    assert score >= 0.9
    pooled = {one for one, group in assigned.items() if group == NOISE_ID}
    assert len(pooled & {str(one) for one in new.ids}) >= 0.9 * len(new)
    assert len(pooled & set(of_known)) <= 0.02 * len(of_known)
