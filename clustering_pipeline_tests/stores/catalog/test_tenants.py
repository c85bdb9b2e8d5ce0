import pytest

from clustering_pipeline.model.errors import NamespaceNotFound, NameTaken
from clustering_pipeline.model.scope import LOCAL


def test_the_default_one_is_always_there(catalog):
    default = catalog.namespaces.get("int_local", "default")
    assert default.scope == LOCAL
    catalog.ensure_indexes()
    assert catalog.namespaces.list("int_local") == [default]


def test_a_new_one_is_found_by_id_and_by_name(catalog):
    made = catalog.namespaces.create("int_local", "press")
    assert catalog.namespaces.get("int_local", made.namespace_id) == made
    assert catalog.namespaces.get("int_local", "press") == made


def test_names_are_unique_within_an_organisation(catalog):
    catalog.namespaces.create("int_local", "press")
    with pytest.raises(NameTaken, match="a namespace named 'press' exists already"):
        catalog.namespaces.create("int_local", "press")
    catalog.namespaces.create("int_other", "press")


def test_another_organisations_is_like_an_unknown_one(catalog):
    made = catalog.namespaces.create("int_other", "press")
    for identifier in (made.namespace_id, "press"):
        with pytest.raises(NamespaceNotFound):
            catalog.namespaces.get("int_local", identifier)
