import pytest

from clustering_pipeline.model.collections import RegisterCollectionRequest
from clustering_pipeline.model.definitions.validation import validate
from clustering_pipeline.model.errors import (
    CollectionNotFound,
    InvalidDefinition,
    NameTaken,
    StateConflict,
)
from clustering_pipeline.model.scope import LOCAL, Scope
from clustering_pipeline_tests.model.factories import URI, request

ELSEWHERE = Scope(organization_id="int_local", namespace_id="ns_other")


def registration(**changes):
    return validate(RegisterCollectionRequest, {"collection_name": "speeches", **changes})


def test_what_is_registered_is_found_by_id_and_by_name(catalog):
    made = catalog.collections.register(
        LOCAL,
        registration(collection_id="col_mine", qdrant_collection="sotu", vectors={URI: "text"}),
    )
    assert (made.qdrant_collection, made.vectors) == ("sotu", {URI: "text"})
    assert catalog.collections.get(LOCAL, "col_mine") == made
    assert catalog.collections.get(LOCAL, "speeches") == made
    assert catalog.collections.list(LOCAL) == [made]


def test_an_id_and_the_qdrant_collection_follow_from_the_name(catalog):
    made = catalog.collections.register(LOCAL, registration())
    assert made.collection_id.startswith("col_")
    assert made.qdrant_collection == "speeches"


def test_names_and_ids_are_free_once(catalog):
    catalog.collections.register(LOCAL, registration(collection_id="col_mine"))
    with pytest.raises(NameTaken, match="a collection named 'speeches' exists already"):
        catalog.collections.register(LOCAL, registration())
    other = registration(collection_id="col_mine", collection_name="letters")
    with pytest.raises(NameTaken, match="a collection with the id 'col_mine' is registered"):
        catalog.collections.register(LOCAL, other)


@pytest.mark.parametrize("name", ["col_a_b", "col_", "col_ä"])
def test_a_name_like_an_id_is_found_by_it(catalog, name):
    made = catalog.collections.register(LOCAL, registration(collection_name=name))
    assert catalog.collections.get(LOCAL, name) == made
    assert catalog.collections.get(LOCAL, made.collection_id) == made


def test_a_name_is_never_the_id_of_another(catalog):
    catalog.collections.register(LOCAL, registration(collection_id="col_a_b"))
    with pytest.raises(NameTaken, match="'col_a_b' would be the name of one collection and the id"):
        catalog.collections.register(LOCAL, registration(collection_name="col_a_b"))
    catalog.collections.register(LOCAL, registration(collection_name="col_c_d"))
    other = registration(collection_name="letters", collection_id="col_c_d")
    with pytest.raises(NameTaken, match="'col_c_d' would be the name of one collection and the id"):
        catalog.collections.register(LOCAL, other)
    catalog.collections.register(ELSEWHERE, registration(collection_name="col_a_b"))


def test_another_namespace_may_use_the_same_name_and_id(catalog):
    here = catalog.collections.register(LOCAL, registration(collection_id="col_mine"))
    there = catalog.collections.register(ELSEWHERE, registration(collection_id="col_mine"))
    assert catalog.collections.get(LOCAL, "col_mine") == here
    assert catalog.collections.get(ELSEWHERE, "col_mine") == there
    catalog.collections.delete(ELSEWHERE, "col_mine")
    assert catalog.collections.get(LOCAL, "col_mine") == here


@pytest.mark.parametrize(
    "bad",
    [
        {"collection_id": "speeches"},
        {"collection_id": "col_a/b"},
        {"collection_name": ""},
        {"collection_name": "col_1"},
        {"qdrant_collection": "a/b"},
        {"qdrant_collection": ""},
        {"vectors": {URI: 3}},
    ],
)
def test_what_nothing_could_be_called_is_refused(bad):
    with pytest.raises(InvalidDefinition):
        registration(**bad)


def test_an_unknown_one_is_not_found(catalog):
    for call in (catalog.collections.get, catalog.collections.delete):
        with pytest.raises(CollectionNotFound, match="no collection 'letters' here"):
            call(LOCAL, "letters")


def test_they_are_listed_by_name(catalog):
    for name in ("b", "a", "c"):
        catalog.collections.register(LOCAL, registration(collection_name=name))
    assert [one.collection_name for one in catalog.collections.list(LOCAL)] == ["a", "b", "c"]


def test_fields_change_and_the_version_grows(catalog):
    made = catalog.collections.register(LOCAL, registration())
    after = catalog.collections.update(LOCAL, made.collection_id, vectors={URI: "text"})
    assert (after.vectors, after.version) == ({URI: "text"}, 2)
    assert catalog.collections.get(LOCAL, "speeches") == after
    assert catalog.collections.update(LOCAL, made.collection_id, vectors={URI: "text"}) == after


def test_what_a_definition_reads_stays(catalog, speeches):
    made = catalog.clusters.create(LOCAL, request(cluster_name="topics"))
    with pytest.raises(StateConflict, match="collection 'speeches' is read by 'topics'"):
        catalog.collections.delete(LOCAL, "speeches")
    catalog.clusters.delete(LOCAL, made.cluster_id)
    assert catalog.collections.delete(LOCAL, "speeches") == speeches
    assert catalog.collections.list(LOCAL) == []


class TestReserve:
    def test_a_reserved_name_is_taken_for_others(self, catalog):
        reserved = catalog.collections.reserve(LOCAL, "clust_1", "topics")
        with pytest.raises(NameTaken):
            catalog.collections.register(
                LOCAL, registration(collection_name=reserved.collection_name)
            )

    def test_a_name_that_is_taken_gets_a_suffix(self, catalog):
        first = catalog.collections.reserve(LOCAL, "clust_1", "topics")
        second = catalog.collections.reserve(LOCAL, "clust_2", "topics")
        assert first.collection_name == "topics clusters"
        assert second.collection_name != first.collection_name

    def test_a_long_name_is_cut(self, catalog):
        for cluster_id in ("clust_1", "clust_2"):
            made = catalog.collections.reserve(LOCAL, cluster_id, "x" * 200)
            assert len(made.collection_name) <= 200

    def test_it_is_made_at_the_first_publish(self, catalog):
        reserved = catalog.collections.reserve(LOCAL, "clust_1", "topics")
        made = catalog.collections.update(LOCAL, reserved.collection_id, made=True)
        assert catalog.collections.get(LOCAL, "topics clusters") == made
        assert catalog.collections.unreserve("clust_1") == 0
