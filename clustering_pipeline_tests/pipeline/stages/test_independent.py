"""Several features, each clustered on its own, through the graph from a stored definition."""

from dataclasses import dataclass

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import adjusted_rand_score

from clustering_pipeline.defs.instance.tags import RELABEL
from clustering_pipeline.model.collections import CollectionRecord
from clustering_pipeline.model.ids import NOISE_ID
from clustering_pipeline_tests.worlds.planted import SUBJECTS, Documents, planted
from clustering_pipeline_tests.worlds.world import FEATURE, Done, World

PICTURE = "mixpeek://image_extractor@v1/picture"
FEATURES = ("embedding", "picture")
BOTH = 292  # documents that have both vectors
CONFIG = {
    "feature_uri": None,
    "feature_uris": [FEATURE, PICTURE],
    "clustering_method": "hdbscan",
    "algorithm_params": {"min_cluster_size": 20},
    "multi_feature_strategy": "independent",
}


@dataclass(frozen=True, kw_only=True)
class Pictures:
    """Documents whose text tells four subjects and whose picture only two pairs of them."""

    world: World
    documents: Documents
    collection: CollectionRecord

    def pair_of(self, subject: str) -> int:
        return SUBJECTS.index(subject) // 2

    def members(self, ran: Done) -> pl.DataFrame:
        return self.world.pipeline.artifacts.read_frame(str(ran.execution.members_key))

    def subject_of(self, document_id: str) -> str:
        return self.documents.subjects[int(document_id.removeprefix("doc_"))]


@pytest.fixture(scope="module")
def pictures(world: World) -> Pictures:
    documents = planted()
    random = np.random.default_rng(5)
    pairs = np.array([SUBJECTS.index(one) // 2 for one in documents.subjects])
    vectors = np.eye(8, dtype=np.float32)[pairs] + random.normal(scale=0.05, size=(300, 8))
    name, store = world.name("pictures"), world.pipeline.documents
    store.create_collection(name, {"embedding": 16, "picture": 8})
    world.made.append(name)
    for rows, both in ((slice(0, BOTH), True), (slice(BOTH, None), False)):
        found = {"embedding": documents.vectors[rows]}
        found |= {"picture": vectors[rows].astype(np.float32)} if both else {}
        store.upsert(name, documents.ids[rows], found, documents.payloads[rows])
    return Pictures(world=world, documents=documents, collection=world.registered(name))


@pytest.fixture(scope="module")
def ran(pictures: Pictures) -> Done:
    return pictures.world.run(pictures.world.define(pictures.collection, CONFIG))


def test_each_feature_has_its_own_groups_of_all_documents(pictures: Pictures, ran: Done) -> None:
    members = pictures.members(ran)
    truths = (lambda subject: subject, pictures.pair_of)
    assert members["feature_name"].unique(maintain_order=True).to_list() == list(FEATURES)
    for feature, truth in zip(FEATURES, truths, strict=True):
        own = members.filter(feature_name=feature)
        assert own["document_id"].n_unique() == own.height == BOTH
        subjects = [truth(pictures.subject_of(one)) for one in own["document_id"]]
        assert adjusted_rand_score(subjects, own["cluster_id"]) > 0.9


def test_groups_are_numbered_over_all_features_by_size(pictures: Pictures, ran: Done) -> None:
    clusters = pictures.world.pipeline.artifacts.read_frame(str(ran.execution.parquet_path))
    assert clusters["cluster_id"].to_list() == [f"cl_{number}" for number in range(6)]
    assert clusters["num_members"].to_list() == sorted(clusters["num_members"], reverse=True)
    shapes = clusters.group_by("feature_name").agg(pl.len(), pl.first("feature_dimensions"))
    assert sorted(shapes.rows()) == [("embedding", 4, 16), ("picture", 2, 8)]
    assert sorted({len(one) for one in clusters["centroid_vector"]}) == [8, 16]
    assert clusters["label"].null_count() == 0


def test_documents_are_counted_once_and_those_that_lack_a_vector_too(ran: Done) -> None:
    execution, state = ran.execution, ran.cluster.state
    assert (execution.num_points, execution.num_clusters) == (BOTH, 6)
    assert (execution.source_documents, execution.vectors_retrieved) == (300, BOTH)
    assert execution.index_gap == 300 - BOTH
    assert execution.vectors_clustered + execution.pipeline_drop == BOTH
    assert (state.num_documents_clustered, state.num_clusters) == (BOTH, 6)
    assert state.cluster_stats.noise_points == execution.pipeline_drop


def test_a_group_within_one_of_another_feature_is_its_child(pictures: Pictures, ran: Done) -> None:
    relations = ran.cluster.metadata().hierarchy_relationships
    assert ran.cluster.state.hierarchy_detected
    assert ran.execution.hierarchy_relationships == relations
    feature = {one.cluster_id: one for one in ran.execution.centroids}
    assert {one["child_cluster_id"] for one in relations} == {
        row["cluster_id"]
        for row in pictures.members(ran).filter(feature_name="embedding").to_dicts()
        if row["cluster_id"] != NOISE_ID
    }
    for one in relations:
        assert (one["parent_feature"], one["child_feature"]) == ("picture", "embedding")
        assert one["overlap"] >= 0.7
        child, parent = (feature[one[f"{role}_cluster_id"]] for role in ("child", "parent"))
        assert one["child_members"] == child.num_members <= parent.num_members


def test_each_feature_is_measured_and_the_run_by_their_means(ran: Done) -> None:
    metrics = ran.execution.metrics
    own = metrics.additional_properties["per_feature"]
    assert [one["feature_name"] for one in own] == list(FEATURES)
    assert metrics.silhouette_score == pytest.approx(
        np.mean([one["silhouette_score"] for one in own])
    )
    assert metrics.degenerate is False
    shares = metrics.additional_properties["explained_by_fields"]
    assert {one["feature_name"] for one in shares if one["share"] > 0.9} == set(FEATURES)


def test_the_manifest_tells_of_each_fit(pictures: Pictures, ran: Done) -> None:
    key = ran.execution.artifact_key("manifest.json")
    manifest = pictures.world.pipeline.artifacts.read_json(key)
    assert [one["feature_name"] for one in manifest["fit"]["fits"]] == list(FEATURES)
    assert manifest["fit"]["params"]["min_cluster_size"] == 20
    assert manifest["preprocessing"]["dimensions"] == {"embedding": 16, "picture": 8}


def test_their_maps_lie_side_by_side(pictures: Pictures, ran: Done) -> None:
    places = (
        pictures.members(ran).group_by("feature_name").agg(pl.min("x"), pl.max("x").alias("to"))
    )
    (_, _, end), (_, start, _) = sorted(places.rows())
    assert end < start


def test_one_output_collection_finds_groups_by_either_feature(
    pictures: Pictures, ran: Done
) -> None:
    (alias,) = ran.cluster.state.output_collection_ids
    store = pictures.world.pipeline.documents
    sizes = {name: one.size for name, one in store.describe(alias).vectors.items()}
    assert sizes == {"centroid_embedding": 16, "centroid_picture": 8}
    points = [point.payload for page in store.scroll(alias) for point in page]
    assert sum(point["is_centroid"] for point in points) == 6
    assert len(points) == 6 + 2 * BOTH


def test_a_mapped_field_holds_every_features_result(pictures: Pictures) -> None:
    world = pictures.world
    definition = world.define(pictures.collection, CONFIG, enrich_source_collection=True)
    enriched = world.run(definition)
    payloads = world.payloads(pictures.collection)
    written = {
        (row["point_id"], row["feature_name"]): row["cluster_id"]
        for row in pictures.members(enriched).to_dicts()
    }
    assert len(written) == 2 * BOTH
    for (point, feature), cluster_id in written.items():
        assert set(payloads[point]["cluster_id"]) == set(FEATURES)
        assert payloads[point]["cluster_id"][feature] == cluster_id
    lacking = [payloads[str(one)] for one in pictures.documents.ids[BOTH:]]
    assert lacking == pictures.documents.payloads[BOTH:]


def generation(pictures: Pictures, alias: str) -> tuple[dict[str, int], list[dict]]:
    store = pictures.world.pipeline.documents
    sizes = {name: one.size for name, one in store.describe(alias).vectors.items()}
    return sizes, [point.payload for page in store.scroll(alias) for point in page]


def test_each_feature_may_have_an_output_collection_with_its_own_groups(pictures: Pictures) -> None:
    world = pictures.world
    definition = world.define(pictures.collection, CONFIG | {"output_strategy": "per_feature"})
    reserved = definition.state
    assert len(set(reserved.output_collection_ids)) == 2
    assert [
        name.endswith(f" {feature} clusters")
        for name, feature in zip(reserved.output_collection_names, FEATURES, strict=True)
    ] == [True, True]
    ran = world.run(definition)
    found = [generation(pictures, one) for one in ran.cluster.state.output_collection_ids]
    assert [sizes for sizes, _ in found] == [{"centroid": 16}, {"centroid": 8}]
    for (_, points), feature, groups in zip(found, FEATURES, (4, 2), strict=True):
        assert {point["feature_name"] for point in points} == {feature}
        assert sum(point["is_centroid"] for point in points) == groups
        assert len(points) == groups + BOTH
    assert set(ran.execution.output_collections) == set(reserved.output_collection_ids)


def test_features_clustered_together_find_the_same_groups_in_each_collection(
    pictures: Pictures,
) -> None:
    joint = CONFIG | {"multi_feature_strategy": "concatenate", "output_strategy": "per_feature"}
    ran = pictures.world.run(pictures.world.define(pictures.collection, joint))
    (text, texts), (picture, pictured) = (
        generation(pictures, one) for one in ran.cluster.state.output_collection_ids
    )
    assert (text, picture) == ({"centroid": 16}, {"centroid": 8})
    drop = ("feature_name",)
    assert [{name: value for name, value in one.items() if name not in drop} for one in texts] == [
        {name: value for name, value in one.items() if name not in drop} for one in pictured
    ]
    assert sum(point["is_centroid"] for point in texts) == ran.execution.num_clusters


def test_groups_keep_their_numbers_in_the_next_run_and_labels_can_be_made_again(
    pictures: Pictures, ran: Done
) -> None:
    again = pictures.world.run(ran.cluster)
    relabelled = pictures.world.execute(ran.cluster, job=RELABEL)
    columns = ["point_id", "feature_name", "cluster_id", "group_uid"]
    first, second, third = (
        pictures.members(one).select(columns) for one in (ran, again, relabelled)
    )
    assert first.equals(second)
    assert second.equals(third)
    assert again.execution.hierarchy_relationships == ran.execution.hierarchy_relationships
    uids = second.filter(pl.col("cluster_id") != NOISE_ID).group_by("group_uid")
    assert uids.agg(pl.n_unique("feature_name"))["feature_name"].unique().to_list() == [1]
