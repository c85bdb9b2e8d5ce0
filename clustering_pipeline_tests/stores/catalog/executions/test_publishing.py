import pytest

from clustering_pipeline.model.errors import ClusterNotFound, ExecutionInFlight, StateConflict
from clustering_pipeline.model.scope import LOCAL, Owner
from clustering_pipeline.model.status import ClusterStatus, ExecutionStatus
from clustering_pipeline_tests.model.factories import execution, request

ONE = Owner(run_id="run_1", task_id="task_1", host="here", pid=1, process_started=1.5)
TWO = Owner(run_id="run_2", task_id="task_2")


def alive(_owner):
    return True


def dead(_owner):
    return False


@pytest.fixture
def cluster_id(catalog, speeches):
    return catalog.clusters.create(LOCAL, request(cluster_name="topics")).cluster_id


class TestClaim:
    def test_a_free_definition_is_held_at_once(self, catalog, cluster_id):
        assert catalog.clusters.claim(cluster_id, ONE, is_alive=alive) is None
        held = catalog.clusters.by_id(cluster_id).claim
        assert held == ONE.model_copy(update={"claimed_at": held.claimed_at})

    def test_one_run_at_a_time(self, catalog, cluster_id):
        catalog.clusters.claim(cluster_id, ONE, is_alive=alive)
        with pytest.raises(ExecutionInFlight) as refused:
            catalog.clusters.claim(cluster_id, TWO, is_alive=alive)
        assert refused.value.details == {"task_id": "task_1", "run_id": "run_1"}

    def test_the_run_that_holds_it_may_say_so_again(self, catalog, cluster_id):
        queued = ONE.model_copy(update={"pid": None, "process_started": None})
        catalog.clusters.claim(cluster_id, queued, is_alive=alive)
        catalog.clusters.claim(cluster_id, ONE, is_alive=alive)
        assert catalog.clusters.by_id(cluster_id).claim.pid == 1

    def test_a_dead_owner_is_taken_over_and_its_execution_failed(self, catalog, cluster_id):
        catalog.executions.begin(execution(cluster_id=cluster_id, status="processing"))
        catalog.clusters.claim(cluster_id, ONE, is_alive=alive)
        assert catalog.clusters.claim(cluster_id, TWO, is_alive=dead).run_id == "run_1"
        assert catalog.clusters.by_id(cluster_id).claim.run_id == "run_2"
        left = catalog.executions.by_id("run_1")
        assert left.status is ExecutionStatus.FAILED
        assert left.task_status is ClusterStatus.INTERRUPTED
        assert left.failure_category == "interrupted"
        assert left.completed_at is not None

    def test_an_execution_that_ended_by_itself_stays_as_it_is(self, catalog, cluster_id):
        ended = execution(cluster_id=cluster_id, status="completed")
        catalog.executions.begin(ended)
        catalog.clusters.claim(cluster_id, ONE, is_alive=alive)
        catalog.clusters.claim(cluster_id, TWO, is_alive=dead)
        assert catalog.executions.by_id("run_1") == ended

    def test_the_owner_is_asked_about_as_it_was_kept(self, catalog, cluster_id):
        asked = []
        catalog.clusters.claim(cluster_id, ONE, is_alive=alive)
        catalog.clusters.claim(cluster_id, TWO, is_alive=asked.append)
        assert (asked[0].host, asked[0].pid, asked[0].process_started) == ("here", 1, 1.5)

    def test_a_released_definition_is_free(self, catalog, cluster_id):
        catalog.clusters.claim(cluster_id, ONE, is_alive=alive)
        assert catalog.clusters.release(cluster_id, "run_1") is True
        assert catalog.clusters.release(cluster_id, "run_1") is False
        assert catalog.clusters.claim(cluster_id, TWO, is_alive=alive) is None

    def test_nobody_releases_anothers(self, catalog, cluster_id):
        catalog.clusters.claim(cluster_id, ONE, is_alive=alive)
        assert catalog.clusters.release(cluster_id, "run_2") is False
        assert catalog.clusters.by_id(cluster_id).claim.run_id == "run_1"

    def test_what_was_deleted_cannot_be_held(self, catalog):
        with pytest.raises(ClusterNotFound):
            catalog.clusters.claim("clust_1", ONE, is_alive=alive)

    def test_a_change_leaves_the_claim_alone(self, catalog, cluster_id):
        catalog.clusters.claim(cluster_id, ONE, is_alive=alive)
        catalog.clusters.update_state(cluster_id, status="PROCESSING")
        assert catalog.clusters.by_id(cluster_id).claim.run_id == "run_1"


class TestPublish:
    def test_one_write_makes_a_run_current(self, catalog, cluster_id):
        catalog.clusters.claim(cluster_id, ONE, is_alive=alive)
        before = catalog.clusters.update_state(
            cluster_id, status="FAILED", error="no", failure_category="internal"
        )
        after = catalog.clusters.publish(
            cluster_id,
            "run_1",
            num_clusters=3,
            num_documents_clustered=10,
            quality_metrics={"silhouette_score": 0.5},
        )
        assert after == catalog.clusters.by_id(cluster_id)
        assert after.version == before.version + 1
        assert (after.state.last_run_id, after.state.num_clusters) == ("run_1", 3)
        assert after.state.status is ClusterStatus.COMPLETED
        assert (after.state.error, after.state.failure_category) == (None, None)
        assert after.state.completed_at is not None

    def test_a_run_may_say_how_it_ended(self, catalog, cluster_id):
        catalog.clusters.claim(cluster_id, ONE, is_alive=alive)
        after = catalog.clusters.publish(cluster_id, "run_1", status="COMPLETED_WITH_ERRORS")
        assert after.state.status is ClusterStatus.COMPLETED_WITH_ERRORS

    def test_a_run_that_was_taken_over_publishes_nothing(self, catalog, cluster_id):
        catalog.clusters.claim(cluster_id, ONE, is_alive=alive)
        catalog.clusters.claim(cluster_id, TWO, is_alive=dead)
        before = catalog.clusters.by_id(cluster_id)
        with pytest.raises(StateConflict, match="run_1 does not hold definition"):
            catalog.clusters.publish(cluster_id, "run_1", num_clusters=3)
        assert catalog.clusters.by_id(cluster_id) == before

    def test_a_run_of_a_deleted_definition_publishes_nothing(self, catalog, cluster_id):
        catalog.clusters.claim(cluster_id, ONE, is_alive=alive)
        catalog.clusters.delete(LOCAL, cluster_id)
        with pytest.raises(StateConflict):
            catalog.clusters.publish(cluster_id, "run_1", num_clusters=3)
        assert catalog.clusters.ids() == []

    def test_a_field_that_is_not_there_is_a_mistake(self, catalog, cluster_id):
        with pytest.raises(TypeError, match="state has no clusters"):
            catalog.clusters.update_state(cluster_id, clusters=3)
