"""What a definition's metadata hold, written onto its documents beside the results."""

from typing import Any

import pytest

from clustering_pipeline.model.collections import CollectionRecord
from clustering_pipeline.model.definitions.cluster import ClusterRecord
from clustering_pipeline.model.definitions.execute import ApplyClusterEnrichmentRequest
from clustering_pipeline.model.definitions.patch import PatchClusterRequest
from clustering_pipeline.model.definitions.validation import validate
from clustering_pipeline.model.errors import InvalidRequest
from clustering_pipeline.model.scope import LOCAL
from clustering_pipeline.service.executions.rollback import roll_back
from clustering_pipeline.service.results.enrich import enrich_collection
from clustering_pipeline.service.results.verify import verify_documents
from clustering_pipeline_tests.worlds.direct import execute
from clustering_pipeline_tests.worlds.planted import planted
from clustering_pipeline_tests.worlds.world import KMEANS, World

STAMP = 1_700_000_000_000
"""What MongoDB keeps in 64 bits, and answers as an integer of a kind of its own."""
METADATA = {
    "team": "Küche",
    "plan": {"year": 2026, "tags": ["a", "b"]},
    "off": False,
    "none": None,
    "at": STAMP,
    "all": [STAMP, 1],
}
FIELDS = {
    "metadata.team": "about_team",
    "metadata.plan.year": "about_year",
    "metadata.plan.tags": "about_tags",
    "metadata.off": "about_off",
    "metadata.none": "about_none",
    "metadata.at": "about_at",
    "metadata.all": "about_all",
    "metadata.plan.absent": "about_absent",
    "metadata.team.absent": "about_deeper",
    "cluster_id": "about_group",
}
TOLD = {
    "team": "Küche",
    "year": 2026,
    "tags": ["a", "b"],
    "off": False,
    "at": STAMP,
    "all": [STAMP, 1],
}
TWO = KMEANS | {"algorithm_params": {"n_clusters": 2}}


def mappings(fields: dict[str, str]) -> dict[str, Any]:
    listed = [{"source_field": one, "target_field": to} for one, to in fields.items()]
    return {"field_mappings": listed}


def define(world: World, collection, **fields: Any) -> ClusterRecord:
    config = {"metadata": METADATA, "source_enrichment_config": mappings(FIELDS)}
    return world.define(collection, TWO, enrich_source_collection=True, **(config | fields))


def stored(world: World, definition: ClusterRecord) -> ClusterRecord:
    return world.pipeline.catalog.clusters.by_id(definition.cluster_id)


def written(world: World, collection) -> list[dict[str, Any]]:
    return [
        {name.removeprefix("about_"): value for name, value in one.items() if "about_" in name}
        for one in world.payloads(collection).values()
    ]


@pytest.fixture(scope="module")
def ran(world: World) -> tuple[ClusterRecord, CollectionRecord]:
    collection = world.collection(planted(sizes={"sea": 9, "court": 6}))
    definition = define(world, collection)
    first = execute(world.pipeline, definition, defer_visualization=True)
    assert (first.write_back.written, first.write_back.failed) == (15, 0)
    return definition, collection


def test_values_are_written_and_what_is_not_there_is_not(world: World, ran) -> None:
    definition, collection = ran
    for one in written(world, collection):
        assert one == TOLD | {"group": one["group"]}
    assert {one["group"] for one in written(world, collection)} == {"cl_0", "cl_1"}
    assert verify_documents(world.pipeline, stored(world, definition)).fine


def test_the_same_values_are_not_written_again_and_others_are(world: World, ran) -> None:
    definition, collection = ran
    clusters = world.pipeline.catalog.clusters
    again = execute(world.pipeline, definition, defer_visualization=True)
    assert (again.write_back.written, again.write_back.unchanged) == (0, 15)
    # Nothing is told of a key that went, and a list may become another or a text.
    changed = {"team": "Flur", "plan": {"tags": "none"}}
    patch = validate(PatchClusterRequest, {"metadata": changed})
    clusters.patch(LOCAL, definition.cluster_id, patch)
    third = execute(world.pipeline, definition, defer_visualization=True)
    assert third.write_back.written == 15
    for one in written(world, collection):
        assert one == {"team": "Flur", "tags": "none", "group": one["group"]}
    assert verify_documents(world.pipeline, stored(world, definition)).fine
    back = roll_back(world.pipeline, LOCAL, definition.cluster_id, again.run_id)
    assert back.state.last_run_id == again.run_id
    assert all(one == TOLD | {"group": one["group"]} for one in written(world, collection))


def test_a_value_that_is_none_of_one_field_is_refused(world: World, ran) -> None:
    definition, _ = ran
    patch = validate(PatchClusterRequest, {"metadata": {"team": {"name": "x"}}})
    with pytest.raises(InvalidRequest, match=r"'metadata\.team' holds more than a text"):
        world.pipeline.catalog.clusters.patch(LOCAL, definition.cluster_id, patch)


def test_they_are_applied_to_a_collection_too(world: World) -> None:
    collection = world.collection(planted(sizes={"sea": 9, "court": 6}))
    beside = world.define(
        collection, TWO, metadata=METADATA, source_enrichment_config=mappings(FIELDS)
    )
    execute(world.pipeline, beside, defer_visualization=True)
    request = {
        "clustering_ids": [beside.cluster_id],
        "source_collection_id": collection.collection_id,
    }
    done = enrich_collection(
        world.pipeline, LOCAL, validate(ApplyClusterEnrichmentRequest, request)
    )
    assert (done.enriched, done.failed) == (15, 0)
    assert all(one == TOLD | {"group": one["group"]} for one in written(world, collection))


@pytest.mark.parametrize("target", ["about.team", "a.b.c", 'say."so"', "topic.v2"])
def test_a_dot_in_a_target_field_is_refused(world: World, target: str) -> None:
    """Filters would look for it in an object."""
    collection = world.collection(planted(sizes={"sea": 9, "court": 6}))
    with pytest.raises(InvalidRequest, match="has a dot, which leads into an object"):
        define(world, collection, source_enrichment_config=mappings({"cluster_id": target}))
