import pytest

from clustering_pipeline.model.definitions.validation import validate
from clustering_pipeline.model.errors import (
    ExecutionNotFound,
    InvalidRequest,
    StateConflict,
    TaskNotFound,
)
from clustering_pipeline.model.executions.execution import ExecutionProgress, WriteBack
from clustering_pipeline.model.listing import ListClusterExecutionsRequest
from clustering_pipeline.model.scope import LOCAL, Scope
from clustering_pipeline.model.status import ClusterStatus, ExecutionStatus
from clustering_pipeline_tests.model.factories import NOON, cluster, execution

ELSEWHERE = Scope(organization_id="int_local", namespace_id="ns_other")
GROUPS = [
    {"cluster_id": "cl_0", "num_members": 3, "label": "Economy"},
    {"cluster_id": "cl_1", "num_members": 2, "label": "War"},
]


def at(second, **changes):
    created_at = NOON.replace(second=second)
    return execution(
        run_id=f"run_{second}", task_id=f"task_{second}", created_at=created_at, **changes
    )


class TestBegin:
    def test_whoever_comes_first_makes_the_record(self, catalog):
        first = execution(spec=cluster().resolved(), plan="full")
        assert catalog.executions.begin(first) == first
        assert catalog.executions.begin(execution(plan="relabel")) == first
        assert catalog.executions.by_id("run_1") == first

    def test_what_is_not_there_is_not_found(self, catalog):
        assert catalog.executions.find("run_1") is None
        with pytest.raises(ExecutionNotFound, match="no execution 'run_1' here"):
            catalog.executions.by_id("run_1")
        with pytest.raises(ExecutionNotFound):
            catalog.executions.update("run_1", num_points=1)

    def test_another_namespaces_execution_is_like_an_unknown_one(self, catalog):
        catalog.executions.begin(execution())
        assert catalog.executions.get(LOCAL, "run_1").run_id == "run_1"
        with pytest.raises(ExecutionNotFound):
            catalog.executions.get(ELSEWHERE, "run_1")
        with pytest.raises(ExecutionNotFound):
            catalog.executions.get(LOCAL, "run_1", cluster_id="clust_2")


class TestUpdate:
    def test_fields_change_and_the_version_grows(self, catalog):
        catalog.executions.begin(execution())
        after = catalog.executions.update(
            "run_1", status="processing", covered_batches={"col_1": 4}, num_points=7
        )
        assert after == catalog.executions.by_id("run_1")
        assert (after.status, after.num_points, after.version) == ("processing", 7, 2)

    def test_the_end_is_stamped(self, catalog):
        catalog.executions.begin(execution())
        assert catalog.executions.update("run_1", status="completed").completed_at is not None

    def test_what_has_ended_keeps_what_clients_see(self, catalog):
        catalog.executions.begin(execution())
        ended = catalog.executions.update("run_1", status="failed", error_message="no")
        with pytest.raises(StateConflict) as refused:
            catalog.executions.update("run_1", status="completed", num_clusters=3)
        assert refused.value.message == (
            "run_1 has ended (failed) and keeps its num_clusters, status"
        )
        assert catalog.executions.by_id("run_1") == ended

    def test_saying_the_same_again_is_no_change(self, catalog):
        catalog.executions.begin(execution())
        ended = catalog.executions.update("run_1", status="failed")
        assert catalog.executions.update("run_1", status="failed") == ended

    def test_the_write_back_goes_on_after_the_end(self, catalog):
        catalog.executions.begin(execution(status="completed"))
        done = WriteBack(status="completed", written=10)
        assert catalog.executions.update("run_1", write_back=done).write_back == done

    def test_progress_is_seen_and_makes_no_version(self, catalog):
        catalog.executions.begin(execution())
        catalog.executions.progress("run_1", ExecutionProgress(stage="embeddings", done=5))
        after = catalog.executions.by_id("run_1")
        assert (after.progress.done, after.version) == (5, 1)
        catalog.executions.progress("run_1", None)
        assert catalog.executions.by_id("run_1").progress is None


class TestFind:
    def test_the_newest_is_the_latest_made(self, catalog):
        assert catalog.executions.latest("clust_1") is None
        for second in (2, 3, 1):
            catalog.executions.begin(at(second))
        assert catalog.executions.latest("clust_1").run_id == "run_3"

    def test_the_active_ones_have_not_ended(self, catalog):
        for second, status in enumerate(ExecutionStatus):
            catalog.executions.begin(at(second, status=status))
        active = [one.status for one in catalog.executions.active("clust_1")]
        assert active == ["processing", "pending"]

    def test_a_retried_run_keeps_its_task(self, catalog):
        catalog.executions.begin(at(1, status="failed"))
        retried = at(2).model_copy(update={"task_id": "task_1"})
        catalog.executions.begin(retried)
        task = catalog.tasks.get("task_1")
        assert (task.run_id, task.status) == ("run_2", ClusterStatus.PENDING)

    def test_an_unknown_task_is_not_found(self, catalog):
        with pytest.raises(TaskNotFound, match="no task 'task_9' here"):
            catalog.tasks.get("task_9")


class TestPeople:
    def test_a_name_is_given_and_cleared(self, catalog):
        catalog.executions.begin(execution(status="completed"))
        assert catalog.executions.name(LOCAL, "run_1", "before the vote").run_name == (
            "before the vote"
        )
        assert catalog.executions.name(LOCAL, "run_1", "").run_name is None

    def test_labels_are_overridden_one_by_one(self, catalog):
        catalog.executions.begin(execution(status="completed", centroids=GROUPS))
        catalog.executions.relabel(LOCAL, "run_1", {"cl_0": "Money", "cl_1": "Peace"})
        after = catalog.executions.relabel(LOCAL, "run_1", {"cl_1": ""})
        assert after.label_overrides == {"cl_0": "Money"}
        with pytest.raises(InvalidRequest):
            catalog.executions.relabel(LOCAL, "run_1", {"cl_9": "x"})


class TestList:
    def ask(self, catalog, **asked):
        question = validate(ListClusterExecutionsRequest, asked)
        return catalog.executions.list(LOCAL, "clust_1", question)

    def test_no_execution(self, catalog):
        page = self.ask(catalog)
        assert (page.results, page.total_count) == ([], 0)
        assert page.stats.avg_num_clusters == 0
        assert page.pagination.model_dump() == {
            "total": 0,
            "page": 1,
            "page_size": 10,
            "total_pages": 0,
            "next_page": None,
            "previous_page": None,
            "next_cursor": None,
        }

    def test_the_newest_come_first_with_sums_over_all(self, catalog):
        catalog.executions.begin(
            at(
                1,
                status="completed",
                num_clusters=2,
                num_points=10,
                completed_at=NOON.replace(second=3),
            )
        )
        catalog.executions.begin(
            at(2, status="failed", num_points=5, completed_at=NOON.replace(second=3))
        )
        catalog.executions.begin(at(3, num_clusters=4))
        catalog.executions.begin(execution(run_id="run_9", cluster_id="clust_9"))
        page = self.ask(catalog, limit=2)
        assert [one.run_id for one in page.results] == ["run_3", "run_2"]
        assert page.total_count == 3
        assert page.pagination.next_page.startswith("/v1/clusters/clust_1/executions/list?cursor=")
        assert page.stats.model_dump() == {
            "total_executions": 3,
            "executions_by_status": {"completed": 1, "failed": 1, "pending": 1},
            "avg_execution_time_ms": 1500.0,
            "total_documents_clustered": 15,
            "avg_num_clusters": 2.0,
        }

    def test_what_python_decides_is_sorted_and_summed_as_mongodb_does(self, catalog):
        for second, score in ((1, 0.2), (2, 0.6), (3, None)):
            ended = {"status": "completed", "completed_at": NOON.replace(second=second * 2)}
            more = ended if second > 1 else {}
            metrics = {"silhouette_score": score}
            catalog.executions.begin(at(second, metrics=metrics, num_points=second, **more))
        sort = {"field": "metrics.silhouette_score", "direction": "desc"}
        there = self.ask(catalog, sort=sort)
        condition = {"field": "metrics.none", "operator": "is_null", "value": True}
        here = self.ask(catalog, sort=sort, filters={"AND": [condition]})
        assert [one.run_id for one in here.results] == ["run_2", "run_1", "run_3"]
        assert (here.results, here.stats) == (there.results, there.stats)
        assert here.stats.avg_execution_time_ms == 2500.0

    def test_filters_reach_into_the_metrics(self, catalog):
        for second, score in ((1, 0.2), (2, 0.6), (3, None)):
            catalog.executions.begin(at(second, metrics={"silhouette_score": score}))
        condition = {"field": "metrics.silhouette_score", "operator": "gte", "value": 0.5}
        page = self.ask(catalog, filters={"AND": [condition]})
        assert [one.run_id for one in page.results] == ["run_2"]
        ordered = self.ask(catalog, sort={"field": "metrics.silhouette_score"})
        assert [one.run_id for one in ordered.results] == ["run_3", "run_1", "run_2"]

    def test_a_search_looks_at_labels_and_errors(self, catalog):
        catalog.executions.begin(at(1, centroids=GROUPS))
        catalog.executions.begin(at(2, error_message="no document matches"))
        assert [one.run_id for one in self.ask(catalog, search="ECONOMY").results] == ["run_1"]
        assert [one.run_id for one in self.ask(catalog, search="match doc").results] == ["run_2"]

    def test_what_is_ours_cannot_be_asked_about(self, catalog):
        catalog.executions.begin(at(1))
        assert self.ask(catalog, filters={"dagster_run_id": "1"}).total_count == 0
        with pytest.raises(InvalidRequest, match="cannot sort by 'dagster_run_id'"):
            self.ask(catalog, sort={"field": "dagster_run_id"})
