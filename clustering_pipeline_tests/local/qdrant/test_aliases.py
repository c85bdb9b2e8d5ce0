import grpc
from qdrant_client import models

from clustering_pipeline_tests.local.qdrant.factories import ONE_VECTOR, ids, refused


def create(alias: str, collection: str) -> models.CreateAliasOperation:
    return models.CreateAliasOperation(
        create_alias=models.CreateAlias(alias_name=alias, collection_name=collection)
    )


def rename(old: str, new: str) -> models.RenameAliasOperation:
    return models.RenameAliasOperation(
        rename_alias=models.RenameAlias(old_alias_name=old, new_alias_name=new)
    )


def delete(alias: str) -> models.DeleteAliasOperation:
    return models.DeleteAliasOperation(delete_alias=models.DeleteAlias(alias_name=alias))


def aliases(qdrant) -> dict[str, str]:
    """Those of this module's collections: others share the server."""
    found = {entry.alias_name: entry.collection_name for entry in qdrant.get_aliases().aliases}
    return {alias: name for alias, name in found.items() if name in {"plain", "docs"}}


def test_an_alias_stands_for_its_collection_everywhere(qdrant, plain):
    qdrant.update_collection_aliases([create("current", plain)])
    qdrant.upsert("current", [models.PointStruct(id=1, vector=[1, 2])])
    qdrant.set_payload("current", {"seen": True}, [1])
    assert ids(qdrant, plain) == ids(qdrant, "current") == [1]
    assert qdrant.query_points("current", query=[1.0, 0.0]).points[0].id == 1
    assert qdrant.collection_exists("current")
    assert qdrant.get_collection("current").points_count == 1


def test_aliases_are_listed_for_all_and_for_one_collection(qdrant, plain, docs):
    qdrant.update_collection_aliases([create("a", plain), create("b", plain), create("c", docs)])
    assert aliases(qdrant) == {"a": plain, "b": plain, "c": docs}
    of_plain = qdrant.get_collection_aliases(plain).aliases
    assert [entry.alias_name for entry in of_plain] == ["a", "b"]


def test_an_alias_moves_in_one_step(qdrant, plain, docs):
    qdrant.update_collection_aliases([create("current", plain)])
    qdrant.update_collection_aliases([delete("current"), create("current", docs)])
    assert aliases(qdrant) == {"current": docs}


def test_an_alias_can_be_renamed_and_deleted(qdrant, plain):
    qdrant.update_collection_aliases([create("old", plain)])
    qdrant.update_collection_aliases([rename("old", "new")])
    assert aliases(qdrant) == {"new": plain}
    qdrant.update_collection_aliases([delete("new")])
    assert aliases(qdrant) == {}


def test_of_changes_those_before_one_that_fails_are_made(qdrant, plain):
    with refused(grpc.StatusCode.NOT_FOUND, "Collection `nope` doesn't exist!"):
        qdrant.update_collection_aliases([create("a", plain), create("b", "nope")])
    with refused(grpc.StatusCode.NOT_FOUND, "Alias nope"):
        qdrant.update_collection_aliases([create("a", plain), rename("nope", "b")])
    assert aliases(qdrant) == {"a": plain}


def test_collections_and_aliases_share_one_space_of_names(qdrant, plain, docs):
    with refused(grpc.StatusCode.ALREADY_EXISTS, "Collection `docs` already exists!"):
        qdrant.update_collection_aliases([create(docs, plain)])
    qdrant.update_collection_aliases([create("current", plain)])
    with refused(grpc.StatusCode.ALREADY_EXISTS, "Alias `current` already exists!"):
        qdrant.create_collection("current", vectors_config=ONE_VECTOR)


def test_a_deleted_collection_takes_its_aliases_along(qdrant, plain):
    qdrant.update_collection_aliases([create("current", plain)])
    qdrant.delete_collection(plain)
    assert aliases(qdrant) == {}
