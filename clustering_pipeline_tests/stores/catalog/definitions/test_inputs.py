"""Definitions over the groups of other definitions, as the catalog takes and changes them."""

from typing import Any

import pytest

from clustering_pipeline.model.automation.triggers import CreateTriggerRequest
from clustering_pipeline.model.collections import CollectionRecord, RegisterCollectionRequest
from clustering_pipeline.model.definitions.cluster import ClusterRecord
from clustering_pipeline.model.definitions.create import CreateClusterRequest
from clustering_pipeline.model.definitions.patch import PatchClusterRequest
from clustering_pipeline.model.definitions.validation import validate
from clustering_pipeline.model.errors import (
    ClusterNotFound,
    FieldTaken,
    InvalidDefinition,
    InvalidRequest,
)
from clustering_pipeline.model.scope import LOCAL, Scope
from clustering_pipeline.stores.catalog import Catalog
from clustering_pipeline_tests.model.factories import URI, request, vectors

ELSEWHERE = Scope(organization_id="int_local", namespace_id="ns_other")
OTHER = URI.replace("embedding", "title")


@pytest.fixture
def letters(catalog: Catalog, speeches: CollectionRecord) -> CollectionRecord:
    wanted = {"collection_name": "letters", "source_bucket_ids": ["bkt_3"]}
    return catalog.collections.register(LOCAL, validate(RegisterCollectionRequest, wanted))


def define(catalog: Catalog, name: str, **changes: Any) -> ClusterRecord:
    return catalog.clusters.create(LOCAL, request(cluster_name=name, **changes))


def compose(catalog: Catalog, *sources: str, **fields: Any) -> ClusterRecord:
    wanted = {"source_cluster_ids": list(sources), **fields}
    return catalog.clusters.create(LOCAL, validate(CreateClusterRequest, wanted))


def patch(catalog: Catalog, cluster: str, **changes: Any) -> ClusterRecord:
    return catalog.clusters.patch(LOCAL, cluster, validate(PatchClusterRequest, changes))


def test_it_takes_collections_and_features_from_its_sources(
    catalog: Catalog, speeches: CollectionRecord, letters: CollectionRecord
) -> None:
    one = define(catalog, "one")
    two = define(catalog, "two", collection_ids=["letters", "speeches"])
    both = compose(catalog, "one", two.cluster_id, "one")
    assert both.spec.source_cluster_ids == [one.cluster_id, two.cluster_id]
    assert both.spec.collection_ids == [speeches.collection_id, letters.collection_id]
    assert both.state.source_bucket_ids == ["bkt_1", "bkt_2", "bkt_3"]
    assert both.spec.vector_config.uris == (URI,)
    assert both.resolved().mode == "composite"
    assert catalog.clusters.using(LOCAL, letters.collection_id) == sorted([both.name, "two"])
    assert [one.state.output_collection_names for one in (both,)] == [[f"{both.name} clusters"]]


def test_its_own_method_is_kept(catalog: Catalog, speeches: CollectionRecord) -> None:
    define(catalog, "one")
    config = vectors(clustering_method="kmeans", algorithm_params={"n_clusters": 3})
    made = compose(catalog, "one", vector_config=config)
    assert made.resolved().params.model_dump()["n_clusters"] == 3


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param({"vector_config": vectors(feature_uri=OTHER)}, "same feature URIs", id="uri"),
        pytest.param(
            {"collection_ids": ["letters"]}, "are those of its sources", id="other-collections"
        ),
        pytest.param(
            {"vector_config": vectors(face_cluster_merge={})}, "merges faces", id="face-merge"
        ),
        pytest.param(
            {"vector_config": vectors(multi_feature_strategy="weighted")},
            "learns its weights from documents",
            id="weights",
        ),
    ],
)
def test_what_does_not_fit_its_sources_is_refused(
    catalog: Catalog, letters: CollectionRecord, changes: dict[str, Any], message: str
) -> None:
    define(catalog, "one")
    with pytest.raises(InvalidDefinition, match=message):
        compose(catalog, "one", **changes)


def test_collections_may_be_repeated(catalog: Catalog, speeches: CollectionRecord) -> None:
    define(catalog, "one")
    assert compose(catalog, "one", collection_ids=["speeches"]).spec.collection_ids == [
        speeches.collection_id
    ]


def test_features_must_be_put_together_alike(catalog: Catalog, speeches: CollectionRecord) -> None:
    several = {"feature_uri": None, "feature_uris": [URI, OTHER]}
    define(catalog, "together", vector_config=vectors(**several))
    apart = vectors(**several, multi_feature_strategy="independent")
    define(catalog, "apart", vector_config=apart)
    with pytest.raises(InvalidDefinition, match="put their features together in different ways"):
        compose(catalog, "together", "apart")
    weighted = vectors(**several, multi_feature_strategy="weighted")
    define(catalog, "weighted", vector_config=weighted)
    made = compose(catalog, "weighted", "together")
    assert made.spec.vector_config.multi_feature_strategy == "concatenate"


def test_attributes_have_no_centroids(catalog: Catalog, speeches: CollectionRecord) -> None:
    values = {"cluster_type": "attribute", "attribute_config": {"attributes": ["year"]}}
    define(catalog, "by-year", vector_config=None, **values)
    with pytest.raises(InvalidDefinition, match="'by-year' groups by attributes"):
        compose(catalog, "by-year")
    with pytest.raises(InvalidDefinition, match="attributes have no centroids"):
        validate(CreateClusterRequest, {"source_cluster_ids": ["by-year"], **values})


def test_sources_of_other_namespaces_are_like_unknown_ones(
    catalog: Catalog, speeches: CollectionRecord
) -> None:
    wanted = validate(RegisterCollectionRequest, {"collection_name": "speeches"})
    catalog.collections.register(ELSEWHERE, wanted)
    there = catalog.clusters.create(ELSEWHERE, request(cluster_name="theirs"))
    told = []
    for unknown in (there.cluster_id, "clust_0000"):
        with pytest.raises(ClusterNotFound) as refused:
            compose(catalog, unknown)
        told.append(refused.value.message.replace(unknown, "…"))
    assert told[0] == told[1]


def test_sources_can_be_changed_to_others_alike(
    catalog: Catalog, speeches: CollectionRecord, letters: CollectionRecord
) -> None:
    define(catalog, "one")
    two = define(catalog, "two", collection_ids=["letters"])
    made = compose(catalog, "one")
    changed = patch(catalog, made.name, source_cluster_ids=["two"])
    assert changed.spec.source_cluster_ids == [two.cluster_id]
    assert changed.spec.collection_ids == [letters.collection_id]
    define(catalog, "titles", vector_config=vectors(feature_uri=OTHER))
    with pytest.raises(InvalidDefinition, match="same feature URIs"):
        patch(catalog, made.name, source_cluster_ids=["titles"])
    with pytest.raises(InvalidDefinition, match="merges faces"):
        patch(catalog, made.name, face_cluster_merge={"enabled": True})
    with pytest.raises(InvalidRequest, match="create a composite definition"):
        patch(catalog, "one", source_cluster_ids=["two"])


def test_no_definition_groups_its_own_groups(catalog: Catalog, speeches: CollectionRecord) -> None:
    define(catalog, "one")
    inner = compose(catalog, "one", cluster_name="inner")
    outer = compose(catalog, "inner", cluster_name="outer")
    for sources in (["outer"], ["inner"], ["one", outer.cluster_id]):
        with pytest.raises(InvalidDefinition, match="'inner' would group its own groups"):
            patch(catalog, "inner", source_cluster_ids=sources)
    as_code = {"cluster_name": "inner", "source_cluster_ids": ["outer"]}
    with pytest.raises(InvalidDefinition, match="'inner' would group its own groups"):
        catalog.clusters.apply(LOCAL, validate(CreateClusterRequest, as_code))
    # What is gone leads nowhere.
    catalog.clusters.delete(LOCAL, "one")
    again = patch(catalog, "outer", source_cluster_ids=[inner.cluster_id])
    assert again.spec.source_cluster_ids == [inner.cluster_id]


def test_kept_as_code_it_stays_what_it_is(catalog: Catalog, speeches: CollectionRecord) -> None:
    define(catalog, "one")
    wanted = validate(
        CreateClusterRequest, {"cluster_name": "as-code", "source_cluster_ids": ["one"]}
    )
    made = catalog.clusters.apply(LOCAL, wanted)
    assert catalog.clusters.apply(LOCAL, wanted) == made


def test_its_fields_are_its_own_on_the_collections_of_its_sources(
    catalog: Catalog, speeches: CollectionRecord
) -> None:
    define(catalog, "one", enrich_source_collection=True)
    with pytest.raises(FieldTaken):
        compose(catalog, "one", enrich_source_collection=True)
    mapped = {"field_mappings": [{"source_field": "cluster_id", "target_field": "theme"}]}
    compose(catalog, "one", enrich_source_collection=True, source_enrichment_config=mapped)
    with pytest.raises(FieldTaken):
        define(catalog, "two", enrich_source_collection=True, source_enrichment_config=mapped)


def test_runs_of_its_sources_make_it_due_and_batches_do_not(
    catalog: Catalog, speeches: CollectionRecord
) -> None:
    define(catalog, "one")
    made = compose(catalog, "one", auto_execute_on_batch=True)
    (automatic,) = catalog.automation.definitions()
    assert automatic.source_ids == tuple(made.spec.source_cluster_ids or ())
    assert catalog.collections.get(LOCAL, speeches.collection_id).cluster_applications == []
    with pytest.raises(InvalidDefinition, match="give it to them, and use 'full' here"):
        patch(catalog, made.name, auto_execute_mode="auto")


def test_every_kind_of_trigger_runs_it_and_none_assigns(
    catalog: Catalog, speeches: CollectionRecord
) -> None:
    define(catalog, "one")
    made = compose(catalog, "one")

    def trigger(kind: str, **config: Any) -> None:
        given = {"cluster_id": made.cluster_id, "trigger_type": kind, "schedule_config": config}
        catalog.triggers.create(LOCAL, validate(CreateTriggerRequest, given))

    trigger("interval", interval_seconds=600)
    trigger("cron", cron_expression="0 6 * * *")
    trigger("event", event_type="batch_completed")
    trigger("conditional", condition_type="volume", threshold=10)
    action = {"collection_ids": ["speeches"], "config": {"mode": "assign"}}
    given = {"trigger_type": "interval", "schedule_config": {"interval_seconds": 600}}
    request = {"cluster_id": made.cluster_id, "execution_config": action, **given}
    with pytest.raises(InvalidDefinition, match=r"execution_config\.config\.mode 'assign'"):
        catalog.triggers.create(LOCAL, validate(CreateTriggerRequest, request))
    action["config"]["mode"] = "sometimes"
    with pytest.raises(InvalidRequest, match=r"config\.mode is one of full, assign, auto"):
        validate(CreateTriggerRequest, request)
