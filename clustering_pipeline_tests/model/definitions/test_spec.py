import pytest

from clustering_pipeline.model.definitions.enrichment import metadata_value
from clustering_pipeline.model.definitions.execute import ExecuteClusterByIdRequest
from clustering_pipeline.model.definitions.patch import PatchClusterRequest, patched
from clustering_pipeline.model.definitions.spec import overridden
from clustering_pipeline.model.definitions.validation import validate
from clustering_pipeline.model.errors import InvalidDefinition, InvalidParameters
from clustering_pipeline_tests.model.factories import URI, cluster, request, vectors

OTHER = "mixpeek://image@v1/embedding"


@pytest.mark.parametrize(
    ("config", "uris"),
    [
        pytest.param({"feature_uri": URI}, (URI,), id="one"),
        pytest.param({"feature_uris": [URI, OTHER, URI]}, (URI, OTHER), id="several"),
        pytest.param({"feature_uri": URI, "feature_uris": [URI]}, (URI,), id="both"),
        pytest.param(
            {"feature_extractor_name": "text", "version": "v1", "output_name": "embedding"},
            (URI,),
            id="older-form",
        ),
        pytest.param({"feature_extractor_name": "text"}, ("mixpeek://text@v1",), id="older-short"),
    ],
)
def test_features_are_named_in_several_ways(config, uris):
    made = request(vector_config={"clustering_method": "hdbscan", **config})
    assert made.vector_config.uris == uris


@pytest.mark.parametrize(
    ("config", "problem"),
    [
        ({}, "names no vector to cluster"),
        ({"feature_uri": "text"}, "'text' is not of the form scheme://extractor@version/output"),
        ({"feature_uri": URI, "feature_uris": [OTHER]}, "feature_uri is not among feature_uris"),
    ],
)
def test_features_that_cannot_be_found_are_refused(config, problem):
    with pytest.raises(InvalidDefinition, match=problem):
        request(vector_config={"clustering_method": "hdbscan", **config})


def test_the_config_of_the_other_type_is_validated_and_kept():
    made = request(attribute_config={"attributes": ["category"]})
    assert made.attribute_config.attributes == ["category"]
    with pytest.raises(InvalidDefinition, match=r"attribute_config\.attributes"):
        request(attribute_config={"attributes": []})


def test_enrichment_is_asked_for_in_two_ways():
    assert not request().enriches
    assert request(enrich_source_collection=True).enriches
    assert request(vector_config=vectors(enrich_source=True)).enriches


@pytest.mark.parametrize(
    ("mappings", "problem"),
    [
        ([("clusters", "x")], "'clusters' is no result; there are cluster_id, "),
        ([("metadata.", "x")], r"'metadata\.' is no result"),
        ([("cluster_id", "document_id")], "'document_id' identifies the document"),
        ([("cluster_id", "")], "is no payload field"),
        ([("cluster_id", "a..b")], "is no payload field"),
        ([("cluster_id", "a"), ("summary", "a")], "'a' and 'a' cannot both be written"),
        (
            [("cluster_id", "a.b.c"), ("summary", "a-b"), ("keywords", "a.b")],
            r"'a\.b' and 'a\.b\.c' cannot both be written",
        ),
        ([("z", "z")], r"the source field 'z' needs vector_config\.vis_n_components 3"),
    ],
)
def test_mappings_that_cannot_be_written_are_refused(mappings, problem):
    listed = [{"source_field": source, "target_field": target} for source, target in mappings]
    with pytest.raises(InvalidDefinition, match=problem):
        request(source_enrichment_config={"field_mappings": listed})


@pytest.mark.parametrize(
    ("metadata", "field", "value"),
    [
        pytest.param({"team": "a"}, "metadata.team", "a", id="text"),
        pytest.param({"a": {"b": {"c": 2.5}}}, "metadata.a.b.c", 2.5, id="deep"),
        pytest.param({"a": [1, 2]}, "metadata.a", [1, 2], id="list"),
        pytest.param({"a": False}, "metadata.a", False, id="false"),
        pytest.param({"a": []}, "metadata.a", [], id="empty-list"),
        pytest.param({"a": None}, "metadata.a", None, id="null"),
        pytest.param({}, "metadata.a", None, id="nothing-there"),
        pytest.param({"a": "text"}, "metadata.a.b", None, id="nothing-below-a-text"),
        pytest.param({"a": [{"b": 1}]}, "metadata.a.b", None, id="nothing-within-a-list"),
    ],
)
def test_metadata_are_values_of_documents(metadata, field, value):
    mapped = {"field_mappings": [{"source_field": field, "target_field": "x"}]}
    request(metadata=metadata, source_enrichment_config=mapped)
    assert metadata_value(metadata, field) == value


@pytest.mark.parametrize(
    "value", [{"b": 1}, {}, [1, "a"], [1, 2.5], [True, 1], [[1]], [{"b": 1}], [None]], ids=repr
)
def test_metadata_that_are_no_value_of_one_field_are_refused(value):
    mapped = {"field_mappings": [{"source_field": "metadata.a", "target_field": "x"}]}
    with pytest.raises(InvalidDefinition, match=r"'metadata\.a' holds more than a text"):
        request(metadata={"a": value}, source_enrichment_config=mapped)
    request(metadata={"a": value})


def test_three_results_are_written_unless_others_are_named():
    targets = [one.target_field for one in cluster().resolved().field_mappings]
    assert targets == ["cluster_id", "cluster_label", "distance_to_centroid"]


class TestPatch:
    def test_only_given_keys_change(self):
        before = request(cluster_name="topics", description="old", metadata={"a": 1, "b": 2})
        patch = validate(PatchClusterRequest, {"description": "new", "cluster_name": None})
        assert patched(before, patch) == before.model_copy(update={"description": "new"})

    def test_objects_replace(self):
        before = request(metadata={"a": 1, "b": 2})
        patch = validate(PatchClusterRequest, {"metadata": {"c": 3}})
        assert patched(before, patch).metadata == {"c": 3}

    def test_an_empty_patch_changes_nothing(self):
        before = request(filters={"lang": "en"})
        assert patched(before, PatchClusterRequest()) == before

    def test_an_empty_filter_selects_everything(self):
        before = request(filters={"lang": "en"})
        assert patched(before, validate(PatchClusterRequest, {"filters": {}})).filters == {}

    def test_vector_settings_go_where_they_belong(self):
        patch = {
            "sample_size": 10,
            "algorithm_params": {"min_cluster_size": 4},
            "face_cluster_merge": {"enabled": False},
            "layout_stability": "none",
        }
        before = request(vector_config=vectors(hdbscan_parameters={"min_cluster_size": 9}))
        after = patched(before, validate(PatchClusterRequest, patch)).vector_config
        assert after.sample_size == 10
        assert after.given_params == {"min_cluster_size": 4}
        assert after.hdbscan_parameters is None
        assert after.face_cluster_merge.enabled is False
        assert after.layout_stability == "none"
        assert after.feature_uri == URI

    def test_parameters_are_checked_against_the_method(self):
        patch = validate(PatchClusterRequest, {"algorithm_params": {"n_clusters": 3}})
        with pytest.raises(InvalidParameters, match="hdbscan takes no 'n_clusters'"):
            patched(request(), patch)

    def test_the_sample_is_checked_against_the_method(self):
        patch = validate(PatchClusterRequest, {"sample_size": 100_001})
        with pytest.raises(InvalidDefinition, match="may be fitted on"):
            patched(request(), patch)

    def test_a_definition_without_vectors_has_no_vector_settings(self):
        attributes = request(
            cluster_type="attribute",
            vector_config=None,
            attribute_config={"attributes": ["category"]},
        )
        patch = validate(PatchClusterRequest, {"sample_size": 10})
        with pytest.raises(InvalidDefinition, match="the definition has no vector_config"):
            patched(attributes, patch)


class TestSpec:
    def test_defaults_are_filled_in(self):
        config = vectors(preprocessing_steps=[{"method": "umap", "n_components": 10}])
        spec = cluster(request(vector_config=config)).resolved()
        assert spec.method == "hdbscan"
        assert spec.params.min_cluster_size == 5
        assert spec.sample_size == 50_000
        assert spec.vis_n_components == 2
        assert spec.feature_uris == (URI,)
        assert spec.feature_name == "embedding"
        assert spec.preprocessing == (
            {
                "method": "umap",
                "n_components": 10,
                "random_state": 42,
                "n_neighbors": 30,
                "min_dist": 0.0,
                "metric": "cosine",
                "spread": 1.0,
                "set_op_mix_ratio": 1.0,
                "local_connectivity": 1.0,
                "repulsion_strength": 1.0,
                "negative_sample_rate": 5,
                "densmap": False,
                "target": None,
                "target_metric": "categorical",
                "target_weight": 0.5,
            },
        )
        assert spec.llm_labeling.enabled is False
        assert spec.enrich is False

    def test_no_step_is_no_preprocessing(self):
        config = vectors(preprocessing_steps=[{"method": "none"}])
        assert cluster(request(vector_config=config)).resolved().preprocessing == ()

    def test_overrides_hold_for_the_spec_alone(self):
        record = cluster(request(cluster_name="topics", filters={"lang": "en"}))
        overrides = validate(
            ExecuteClusterByIdRequest,
            {
                "filters": {},
                "sample_size": 10,
                "vis_n_components": 3,
                "llm_labeling": {"enabled": True},
            },
        )
        spec = record.resolved(overrides)
        assert (spec.filters, spec.sample_size, spec.vis_n_components) == ({}, 10, 3)
        assert spec.llm_labeling.enabled is True
        assert record.spec.filters == {"lang": "en"}

    def test_overrides_are_checked_against_the_method(self):
        overrides = validate(ExecuteClusterByIdRequest, {"sample_size": 200_000})
        with pytest.raises(InvalidDefinition, match="may be fitted on"):
            overridden(request(), overrides)

    def test_a_spec_reads_back_from_json(self):
        spec = cluster(request(enrich_source_collection=True)).resolved()
        assert type(spec).model_validate_json(spec.model_dump_json()) == spec

    def test_attributes_make_their_own_method(self):
        attributes = request(
            cluster_type="attribute", attribute_config={"attributes": ["category"]}
        )
        spec = cluster(attributes).resolved()
        assert (spec.method, spec.sample_size, spec.feature_uris) == ("attribute_based", None, ())
        assert spec.params.model_dump() == {}


def test_a_definition_reads_back_from_json():
    made = request(
        cluster_name="topics",
        filters={"OR": [{"field": "a.b", "operator": "gt", "value": 1.5}]},
        metadata={"a.b": {"$c": [1, None]}},
        llm_labeling={"labeling_inputs": {"input_mappings": [{"input_key": "t", "path": "text"}]}},
    )
    assert type(made).model_validate(made.model_dump(mode="json")) == made
