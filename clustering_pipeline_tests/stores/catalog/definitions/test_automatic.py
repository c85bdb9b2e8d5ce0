"""Definitions that completed batches make due: what collections say of them, and the catalog."""

import pytest

from clustering_pipeline.model.definitions.automation import AutomaticDefinition, Automation
from clustering_pipeline.model.definitions.patch import PatchClusterRequest
from clustering_pipeline.model.errors import StateConflict
from clustering_pipeline.model.scope import LOCAL, Owner
from clustering_pipeline.stores.catalog.definitions.automatic import Place
from clustering_pipeline_tests.model.factories import request

ON = {"auto_execute_on_batch": True}


@pytest.fixture
def listening(catalog, speeches):
    return catalog.clusters.create(
        LOCAL, request(cluster_name="topics", auto_execute_min_documents=5, **ON)
    )


def applications(catalog):
    entries = catalog.collections.get(LOCAL, "speeches").cluster_applications
    return [one.model_dump() for one in entries]


def complete(catalog):
    made = catalog.batches.open(LOCAL, ["speeches"])
    catalog.batches.complete(LOCAL, made.batch_id)


def entry(cluster_id, **changes):
    return {
        "cluster_id": cluster_id,
        "auto_execute_on_batch": True,
        "min_document_threshold": 5,
        "cooldown_seconds": 3600,
        "execution_phase": 2,
        "priority": 0,
    } | changes


def test_a_definition_that_listens_is_entered_and_taken_off(catalog, listening):
    assert applications(catalog) == [entry(listening.cluster_id)]
    catalog.clusters.patch(LOCAL, "topics", PatchClusterRequest(auto_execute_cooldown_seconds=60))
    assert applications(catalog) == [entry(listening.cluster_id, cooldown_seconds=60)]
    catalog.clusters.patch(LOCAL, "topics", PatchClusterRequest(auto_execute_on_batch=False))
    assert applications(catalog) == []
    catalog.clusters.patch(LOCAL, "topics", PatchClusterRequest(auto_execute_on_batch=True))
    assert len(applications(catalog)) == 1
    catalog.clusters.delete(LOCAL, "topics")
    assert applications(catalog) == []


def test_a_definition_that_does_not_listen_is_nowhere(catalog, speeches):
    catalog.clusters.create(LOCAL, request(cluster_name="quiet"))
    assert applications(catalog) == []
    assert catalog.automation.definitions() == []


def test_the_place_set_on_a_collection_stays(catalog, listening):
    assert catalog.automation.places() == {}
    cluster_id = listening.cluster_id
    catalog.automation.arrange(LOCAL, "speeches", cluster_id, phase=1, priority=7)
    catalog.clusters.patch(LOCAL, "topics", PatchClusterRequest(auto_execute_cooldown_seconds=60))
    assert catalog.automation.places() == {cluster_id: Place(phase=1, priority=7)}
    with pytest.raises(StateConflict, match="does not listen"):
        catalog.automation.arrange(LOCAL, "speeches", "clust_9", phase=1)


def test_all_that_decides_is_read_at_once(catalog, speeches, listening):
    assert catalog.automation.definitions() == [
        AutomaticDefinition(
            cluster_id=listening.cluster_id,
            name="topics",
            scope=LOCAL,
            collection_ids=(speeches.collection_id,),
            min_documents=5,
            settled={speeches.collection_id: 0},
        )
    ]


def test_batches_from_before_it_listened_make_nothing_due(catalog, speeches):
    complete(catalog)
    made = catalog.clusters.create(LOCAL, request(cluster_name="late", **ON))
    assert made.state.automation == Automation(settled={speeches.collection_id: 1})
    off = PatchClusterRequest(auto_execute_on_batch=False)
    catalog.clusters.patch(LOCAL, "late", off)
    complete(catalog)
    on = catalog.clusters.patch(LOCAL, "late", PatchClusterRequest(auto_execute_on_batch=True))
    assert on.state.automation.settled == {speeches.collection_id: 2}


def test_completed_batches_of_all_namespaces(catalog, speeches):
    assert catalog.batches.completed_everywhere() == {}
    complete(catalog)
    complete(catalog)
    assert catalog.batches.completed_everywhere() == {LOCAL: {speeches.collection_id: 2}}


def test_an_archived_definition_is_never_due(catalog, listening):
    archived = catalog.automation.archive(LOCAL, "topics")
    assert archived.metadata().status == archived.model().status == "ARCHIVED"
    assert catalog.automation.archive(LOCAL, "topics") == archived
    assert catalog.automation.definitions() == []
    again = catalog.automation.unarchive(LOCAL, "topics")
    assert again.metadata().status == "PENDING"
    assert len(catalog.automation.definitions()) == 1


def test_a_run_lets_go_of_the_definition_and_tells_its_end_in_one_write(catalog, listening):
    owner = Owner(run_id="run_1")
    catalog.clusters.claim(listening.cluster_id, owner, is_alive=lambda _owner: True)
    ended = {"status": "FAILED", "automation": Automation(failures=1)}
    assert not catalog.clusters.finish(listening.cluster_id, "run_2", lambda _record: ended)
    assert catalog.clusters.finish(listening.cluster_id, "run_1", lambda _record: ended)
    assert not catalog.clusters.finish(listening.cluster_id, "run_1", lambda _record: ended)
    after = catalog.clusters.by_id(listening.cluster_id)
    assert (after.claim, after.state.status, after.state.automation.failures) == (None, "FAILED", 1)
