"""Groups by what the payload says, through the graph from a stored definition."""

import json
from typing import Any

import polars as pl
import pytest

from clustering_pipeline.model.collections import CollectionRecord
from clustering_pipeline.model.definitions.cluster import ClusterRecord
from clustering_pipeline.model.definitions.create import CreateClusterRequest
from clustering_pipeline.model.definitions.validation import validate
from clustering_pipeline.model.errors import InvalidDefinition
from clustering_pipeline_tests.worlds.planted import Documents, planted
from clustering_pipeline_tests.worlds.world import Done, World

BOTH = {"attributes": ["product.category", "brand"]}
# Category, brand and how many; None lacks the field.
STOCK = [
    ("electronics", "acme", 4),
    ("electronics", "bolt", 3),
    ("books", "acme", 2),
    ("books", None, 2),
    (None, "bolt", 1),
]


@pytest.fixture(scope="module")
def collection(world: World) -> CollectionRecord:
    rows = [(category, brand) for category, brand, count in STOCK for _ in range(count)]
    base = planted(sizes={"sea": len(rows)})
    payloads = [
        {"document_id": f"doc_{number:02}", "text": "a thing", "product": {"category": category}}
        | ({} if brand is None else {"brand": brand})
        for number, (category, brand) in enumerate(rows)
    ]
    documents = Documents(vectors=base.vectors, payloads=payloads, ids=base.ids)
    return world.collection(documents)


def define(
    world: World, collection: CollectionRecord, config: dict[str, Any], **fields: Any
) -> ClusterRecord:
    """Without a vector_config, as clients write it."""
    given = {"cluster_type": "attribute", "attribute_config": config} | fields
    if "vector_config" in given:
        return world.define(collection, **given)
    return world.define(collection, None, **given)


def table(world: World, ran: Done) -> pl.DataFrame:
    return world.pipeline.artifacts.read_frame(str(ran.execution.parquet_path))


def manifest(world: World, ran: Done) -> dict[str, Any]:
    return world.pipeline.artifacts.read_json(ran.execution.artifact_key("manifest.json"))


def test_a_combination_of_values_is_a_group_and_a_missing_value_noise(
    world: World, collection: CollectionRecord
) -> None:
    ran = world.execute(define(world, collection, BOTH))

    assert ran.result.success
    clusters = table(world, ran)
    assert clusters.select("cluster_id", "label", "num_members").rows() == [
        ("cl_0", "product.category: electronics · brand: acme", 4),
        ("cl_1", "product.category: electronics · brand: bolt", 3),
        ("cl_2", "product.category: books · brand: acme", 2),
    ]
    assert clusters["centroid_vector"].null_count() == 3
    assert clusters["feature_dimensions"].null_count() == 3
    assert (ran.execution.num_points, ran.execution.vectors_clustered) == (12, 9)
    assert ran.execution.input_reconciliation_ok
    assert manifest(world, ran)["fit"]["missing_attribute"] == 3
    metrics = ran.execution.metrics
    assert metrics is not None
    assert (metrics.noise_ratio, metrics.silhouette_score) == (0.25, None)
    assert metrics.degenerate is False
    assert ran.metadata("assignments")["missing_attribute"] == 3


def test_points_of_groups_by_attributes_carry_no_vector(
    world: World, collection: CollectionRecord
) -> None:
    ran = world.run(define(world, collection, BOTH))

    (name,) = ran.execution.output_collections.values()
    pages = world.pipeline.documents.scroll(name, vector_names=["centroid"])
    points = [point for page in pages for point in page]
    assert sum(point.payload["is_centroid"] for point in points) == 3
    assert len(points) == 15
    assert not any(point.vectors for point in points)


def test_first_values_are_parents_and_sizes_add_up(
    world: World, collection: CollectionRecord
) -> None:
    ran = world.run(define(world, collection, BOTH | {"hierarchical_grouping": True}))

    clusters = table(world, ran)
    assert clusters.select("cluster_id", "parent_cluster_id", "num_members", "label").rows() == [
        ("cl_0", None, 7, "product.category: electronics"),
        ("cl_1", None, 2, "product.category: books"),
        ("cl_0_sub_0", "cl_0", 4, "product.category: electronics · brand: acme"),
        ("cl_0_sub_1", "cl_0", 3, "product.category: electronics · brand: bolt"),
        ("cl_1_sub_0", "cl_1", 2, "product.category: books · brand: acme"),
    ]
    assert ran.execution.num_clusters == 2
    assert ran.cluster.state.hierarchy_detected


@pytest.mark.parametrize(("method", "brand"), [("most_frequent", "acme"), ("last", "bolt")])
def test_other_attributes_of_a_parent_are_summed_up(
    world: World, collection: CollectionRecord, method: str, brand: str
) -> None:
    config = BOTH | {"hierarchical_grouping": True, "aggregation_method": method}
    ran = world.run(define(world, collection, config))

    values = json.loads(table(world, ran)["attribute_values"][0])
    assert values == {"product.category": "electronics", "brand": brand}


def test_the_method_of_a_vector_definition_does_the_same(
    world: World, collection: CollectionRecord
) -> None:
    fields = {"cluster_type": "vector", "vector_config": {"clustering_method": "attribute_based"}}
    ran = world.run(define(world, collection, {"attributes": ["brand"]}, **fields))

    assert table(world, ran)["label"].to_list() == ["brand: acme", "brand: bolt"]
    assert ran.cluster.metadata().clustered_attributes == ["brand"]


def test_a_hierarchy_of_one_attribute_is_flat(world: World, collection: CollectionRecord) -> None:
    config = {"attributes": ["brand"], "hierarchical_grouping": True}
    ran = world.run(define(world, collection, config))

    assert table(world, ran)["hierarchy_level"].to_list() == [0, 0]


def test_an_attribute_nobody_has_leaves_noise_alone(
    world: World, collection: CollectionRecord
) -> None:
    ran = world.run(define(world, collection, {"attributes": ["colour"]}))

    assert ran.execution.num_clusters == 0
    assert ran.execution.metrics is not None
    assert ran.execution.metrics.degenerate == "all_noise"


def test_source_documents_get_their_group(world: World) -> None:
    there = world.collection(planted(sizes={"sea": 3, "space": 2}))
    config = {"attributes": ["subject"]}
    mappings = [
        {"source_field": name, "target_field": name} for name in ("cluster_label", "member_count")
    ]
    enrichment = {
        "enrich_source_collection": True,
        "source_enrichment_config": {"field_mappings": mappings},
    }
    world.run(define(world, there, config, **enrichment))

    written = {
        (one["subject"], one["cluster_label"], one["member_count"])
        for one in world.payloads(there).values()
    }
    assert written == {("sea", "subject: sea", 3), ("space", "subject: space", 2)}


def test_a_place_on_the_map_needs_vectors() -> None:
    mapping = {"source_field": "x", "target_field": "x"}
    request = {
        "collection_ids": ["documents"],
        "cluster_type": "attribute",
        "attribute_config": {"attributes": ["brand"]},
        "source_enrichment_config": {"field_mappings": [mapping]},
    }
    with pytest.raises(InvalidDefinition, match="the source field 'x' needs vectors"):
        validate(CreateClusterRequest, request)
