import pytest

from clustering_pipeline.model.collections import RegisterCollectionRequest
from clustering_pipeline.model.definitions.patch import PatchClusterRequest
from clustering_pipeline.model.definitions.validation import validate
from clustering_pipeline.model.errors import (
    ClusterNotFound,
    CollectionNotFound,
    FieldTaken,
    InvalidParameters,
    InvalidRequest,
    NameTaken,
    NotAvailableYet,
)
from clustering_pipeline.model.scope import LOCAL, Scope
from clustering_pipeline.model.status import ClusterStatus
from clustering_pipeline_tests.model.factories import execution, request, vectors

pytestmark = pytest.mark.usefixtures("speeches")

ELSEWHERE = Scope(organization_id="int_local", namespace_id="ns_other")


def patch_of(**changes):
    return validate(PatchClusterRequest, changes)


class TestCreate:
    def test_what_is_created_is_found_by_id_and_by_name(self, catalog):
        made = catalog.clusters.create(LOCAL, request(cluster_name="topics"))
        assert catalog.clusters.get(LOCAL, made.cluster_id) == made
        assert catalog.clusters.get(LOCAL, "topics") == made
        assert catalog.clusters.by_id(made.cluster_id) == made
        assert catalog.clusters.ids() == [made.cluster_id]

    def test_it_is_pending_and_ran_never(self, catalog):
        state = catalog.clusters.create(LOCAL, request()).state
        assert state.status is ClusterStatus.PENDING
        assert state.created_at == state.updated_at
        assert (state.last_run_id, state.num_clusters, state.task_id) == (None, None, None)

    def test_collections_are_kept_by_id(self, catalog, speeches):
        named = request(collection_ids=["speeches", speeches.collection_id])
        made = catalog.clusters.create(LOCAL, named)
        assert made.spec.collection_ids == [speeches.collection_id]
        assert made.state.source_bucket_ids == ["bkt_1", "bkt_2"]

    def test_a_name_is_made_up_when_missing(self, catalog):
        names = [catalog.clusters.create(LOCAL, request()).name for _ in range(2)]
        assert all(name.startswith("hdbscan of speeches ") for name in names)
        assert names[0] != names[1]

    def test_an_output_collection_is_reserved_and_not_shown(self, catalog, speeches):
        made = catalog.clusters.create(LOCAL, request(cluster_name="topics"))
        assert made.state.output_collection_names == ["topics clusters"]
        with pytest.raises(CollectionNotFound):
            catalog.collections.get(LOCAL, "topics clusters")
        assert catalog.collections.list(LOCAL) == [speeches]

    def test_a_largest_size_below_the_smallest_is_refused(self):
        params = {"min_cluster_size": 5, "max_cluster_size": 4}
        with pytest.raises(InvalidRequest, match="max_cluster_size 4 is below min_cluster_size 5"):
            request(vector_config=vectors(algorithm_params=params))

    def test_one_that_was_stored_before_that_rule_is_read_and_does_not_run(self, catalog, database):
        config = vectors(algorithm_params={"min_cluster_size": 5, "max_cluster_size": 6})
        made = catalog.clusters.create(LOCAL, request(vector_config=config))
        database["clusters"].update_one(
            {"_id": made.cluster_id},
            {"$set": {"spec.vector_config.algorithm_params.max_cluster_size": 4}},
        )
        record = catalog.clusters.get(LOCAL, made.cluster_id)
        assert record.metadata().algorithm_params["max_cluster_size"] == 4
        with pytest.raises(InvalidParameters, match="raise it, or leave it out"):
            record.resolved()

    def test_enrichment_needs_no_output_collection(self, catalog):
        made = catalog.clusters.create(LOCAL, request(enrich_source_collection=True))
        assert made.state.output_collection_ids == []

    def test_an_unknown_collection_is_refused(self, catalog):
        with pytest.raises(CollectionNotFound, match="no collection 'letters' here"):
            catalog.clusters.create(LOCAL, request(collection_ids=["speeches", "letters"]))
        assert catalog.clusters.ids() == []

    def test_a_collection_of_another_namespace_is_unknown(self, catalog):
        with pytest.raises(CollectionNotFound):
            catalog.clusters.create(ELSEWHERE, request())

    def test_what_is_not_built_is_not_stored(self, catalog):
        supervised = {
            "feature_uri": "mixpeek://text@v1/embedding",
            "clustering_method": "kmeans",
            "preprocessing_steps": [{"method": "umap", "target": "mood"}],
        }
        with pytest.raises(NotAvailableYet):
            catalog.clusters.create(
                LOCAL, request(source_cluster_ids=["other"], vector_config=supervised)
            )
        assert catalog.clusters.ids() == []

    def test_any_json_is_kept(self, catalog):
        metadata = {"a.b": {"$set": [None, 1, 2.5, "字"]}, "": {"x": {}}, "$y": 2**62}
        filters = {"metadata.title": "x", "NOT": [{"field": "a", "operator": "exists"}]}
        made = catalog.clusters.create(LOCAL, request(metadata=metadata, filters=filters))
        kept = catalog.clusters.by_id(made.cluster_id)
        assert (kept.spec.metadata, kept.spec.filters) == (metadata, filters)
        assert kept.metadata().metadata == metadata


class TestNames:
    def test_a_name_is_free_once(self, catalog):
        catalog.clusters.create(LOCAL, request(cluster_name="topics"))
        with pytest.raises(NameTaken, match="a definition named 'topics' exists already"):
            catalog.clusters.create(LOCAL, request(cluster_name="topics"))
        assert len(catalog.clusters.ids()) == 1

    def test_a_refused_definition_leaves_nothing_reserved(self, catalog, database):
        catalog.clusters.create(LOCAL, request(cluster_name="topics"))
        with pytest.raises(NameTaken):
            catalog.clusters.create(LOCAL, request(cluster_name="topics"))
        with pytest.raises(InvalidRequest, match="shorten its longest texts"):
            catalog.clusters.create(LOCAL, request(description="x" * 17_000_000))
        assert database["collections"].count_documents({"made": False}) == 1

    def test_a_rename_is_held_to_it_too(self, catalog):
        catalog.clusters.create(LOCAL, request(cluster_name="topics"))
        other = catalog.clusters.create(LOCAL, request(cluster_name="themes"))
        with pytest.raises(NameTaken):
            catalog.clusters.patch(LOCAL, "themes", patch_of(cluster_name="topics"))
        assert catalog.clusters.by_id(other.cluster_id) == other

    @pytest.mark.parametrize("name", ["a/b", "../x", "字", "$where", "a.b", "*", "🦉" * 50])
    def test_names_are_texts_and_nothing_else(self, catalog, name):
        made = catalog.clusters.create(LOCAL, request(cluster_name=name))
        assert catalog.clusters.get(LOCAL, name) == made

    @pytest.mark.parametrize("identifier", ["topics", "clust_1", "", "nul\0", "x" * 10_000])
    def test_what_is_not_there_is_not_found(self, catalog, identifier):
        with pytest.raises(ClusterNotFound):
            catalog.clusters.get(LOCAL, identifier)


class TestNamespaces:
    def test_names_are_unique_within_one(self, catalog, speeches):
        other = speeches.model_copy(update={"namespace_id": ELSEWHERE.namespace_id})
        catalog.collections.register(
            ELSEWHERE, _registration(other.collection_id, other.collection_name)
        )
        here = catalog.clusters.create(LOCAL, request(cluster_name="topics"))
        there = catalog.clusters.create(ELSEWHERE, request(cluster_name="topics"))
        assert catalog.clusters.get(LOCAL, "topics") == here
        assert catalog.clusters.get(ELSEWHERE, "topics") == there

    def test_another_namespaces_definition_is_like_an_unknown_one(self, catalog):
        made = catalog.clusters.create(LOCAL, request(cluster_name="topics"))
        for call in (
            lambda: catalog.clusters.get(ELSEWHERE, made.cluster_id),
            lambda: catalog.clusters.patch(ELSEWHERE, made.cluster_id, patch_of(description="x")),
            lambda: catalog.clusters.delete(ELSEWHERE, made.cluster_id),
        ):
            with pytest.raises(ClusterNotFound):
                call()
        assert catalog.clusters.by_id(made.cluster_id) == made


class TestFields:
    def test_a_field_is_written_by_one_definition(self, catalog, speeches):
        writes = request(cluster_name="topics", enrich_source_collection=True)
        catalog.clusters.create(LOCAL, writes)
        with pytest.raises(FieldTaken) as refused:
            catalog.clusters.create(
                LOCAL, request(cluster_name="themes", enrich_source_collection=True)
            )
        assert refused.value.message == (
            f"'themes' cannot write 'cluster_id' on collection '{speeches.collection_id}', "
            "'topics' does already: choose another target_field"
        )
        assert refused.value.details["definitions"] == ["themes", "topics"]

    def test_other_fields_are_free(self, catalog):
        catalog.clusters.create(LOCAL, request(enrich_source_collection=True))
        mapping = {"source_field": "cluster_id", "target_field": "theme"}
        catalog.clusters.create(
            LOCAL,
            request(
                enrich_source_collection=True,
                source_enrichment_config={"field_mappings": [mapping]},
            ),
        )

    def test_a_field_is_free_again_after_its_definition(self, catalog):
        first = catalog.clusters.create(LOCAL, request(enrich_source_collection=True))
        catalog.clusters.delete(LOCAL, first.cluster_id)
        catalog.clusters.create(LOCAL, request(enrich_source_collection=True))

    def test_who_else_writes_a_field_is_told(self, catalog, speeches):
        ours = catalog.clusters.create(LOCAL, request(enrich_source_collection=True))
        mapping = {"source_field": "cluster_id", "target_field": "mine"}
        config = {"field_mappings": [mapping]}
        enriching = {"enrich_source_collection": True, "source_enrichment_config": config}
        catalog.clusters.create(LOCAL, request(**enriching))
        place, fields = speeches.collection_id, ["mine", "cluster_id", "free"]
        assert catalog.clusters.written_by_others(ours, place, fields) == {"mine"}
        assert catalog.clusters.written_by_others(ours, "elsewhere", fields) == set()
        with pytest.raises(FieldTaken, match="cannot write 'mine' on collection"):
            catalog.clusters.require_fields(ours, place, fields)
        catalog.clusters.require_fields(ours, place, ["cluster_id", "free"])
        catalog.clusters.require_fields(ours, "elsewhere", fields)

    def test_definitions_that_write_nothing_do_not_collide(self, catalog):
        for _ in range(2):
            catalog.clusters.create(LOCAL, request())


class TestPatch:
    def test_given_keys_change_and_the_version_grows(self, catalog):
        made = catalog.clusters.create(LOCAL, request(cluster_name="topics"))
        changed = catalog.clusters.patch(LOCAL, "topics", patch_of(description="why"))
        assert changed.spec.description == "why"
        assert changed.version == made.version + 1
        assert changed.state.updated_at > made.state.updated_at
        assert catalog.clusters.get(LOCAL, "topics") == changed

    def test_a_patch_that_changes_nothing_writes_nothing(self, catalog):
        made = catalog.clusters.create(LOCAL, request(cluster_name="topics", description="why"))
        assert catalog.clusters.patch(LOCAL, "topics", patch_of(description="why")) == made

    def test_a_refused_patch_changes_nothing(self, catalog):
        made = catalog.clusters.create(LOCAL, request(cluster_name="topics"))
        with pytest.raises(InvalidParameters):
            catalog.clusters.patch(LOCAL, "topics", patch_of(algorithm_params={"n_clusters": 2}))
        assert catalog.clusters.get(LOCAL, "topics") == made


class TestApply:
    """Definitions kept as code: the record follows the file."""

    def test_the_first_time_creates(self, catalog):
        made = catalog.clusters.apply(LOCAL, request(cluster_name="topics"))
        assert catalog.clusters.get(LOCAL, "topics") == made

    def test_the_same_again_changes_nothing(self, catalog):
        made = catalog.clusters.apply(LOCAL, request(cluster_name="topics"))
        assert catalog.clusters.apply(LOCAL, request(cluster_name="topics")) == made

    def test_another_text_changes_the_record_and_keeps_its_id(self, catalog):
        made = catalog.clusters.apply(LOCAL, request(cluster_name="topics", description="old"))
        config = vectors(clustering_method="kmeans")
        changed = catalog.clusters.apply(
            LOCAL, request(cluster_name="topics", vector_config=config)
        )
        assert changed.cluster_id == made.cluster_id
        assert (changed.spec.description, changed.resolved().method) == (None, "kmeans")

    def test_turning_from_enrichment_to_output_reserves_a_collection(self, catalog):
        enriches = request(cluster_name="topics", enrich_source_collection=True)
        catalog.clusters.apply(LOCAL, enriches)
        changed = catalog.clusters.apply(LOCAL, request(cluster_name="topics"))
        assert len(changed.state.output_collection_ids) == 1
        catalog.clusters.create(LOCAL, request(enrich_source_collection=True))


class TestDelete:
    def test_a_deleted_definition_is_gone_with_its_executions(self, catalog):
        made = catalog.clusters.create(LOCAL, request(cluster_name="topics"))
        catalog.executions.begin(execution(cluster_id=made.cluster_id))
        assert catalog.clusters.delete(LOCAL, "topics") == made
        assert catalog.executions.find("run_1") is None
        with pytest.raises(ClusterNotFound):
            catalog.clusters.get(LOCAL, "topics")
        with pytest.raises(ClusterNotFound):
            catalog.clusters.delete(LOCAL, made.cluster_id)

    def test_its_reserved_output_goes_with_it(self, catalog, database):
        made = catalog.clusters.create(LOCAL, request())
        catalog.clusters.delete(LOCAL, made.cluster_id)
        assert database["collections"].count_documents({"made": False}) == 0

    def test_an_output_that_was_made_is_the_callers(self, catalog):
        made = catalog.clusters.create(LOCAL, request())
        output = made.state.output_collection_ids[0]
        catalog.collections.update(LOCAL, output, made=True)
        catalog.clusters.delete(LOCAL, made.cluster_id)
        assert catalog.collections.get(LOCAL, output).output_of == made.cluster_id


def _registration(collection_id, name):
    return validate(
        RegisterCollectionRequest, {"collection_id": collection_id, "collection_name": name}
    )
