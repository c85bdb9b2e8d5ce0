import pytest

from clustering_pipeline.model.errors import InvalidRequest
from clustering_pipeline.model.executions.execution import ExecutionRecord
from clustering_pipeline.model.executions.label_overrides import changed, relabelled
from clustering_pipeline.model.executions.task import task_of
from clustering_pipeline.model.status import ClusterStatus, ExecutionStatus
from clustering_pipeline_tests.model.factories import cluster, execution

GROUPS = [{"cluster_id": "cl_0", "num_members": 3}, {"cluster_id": "cl_1", "num_members": 2}]


def test_artifacts_lie_in_the_runs_own_directory():
    record = execution()
    assert record.artifacts_prefix == "int_local/ns_default/engine_cluster_build/run_1"
    assert record.artifact_key("members.parquet") == f"{record.artifacts_prefix}/members.parquet"


def test_artifacts_of_a_relabel_run_lie_elsewhere():
    record = execution(artifacts={"members.parquet": "x/run_0/members.parquet"})
    assert record.artifact_key("members.parquet") == "x/run_0/members.parquet"


def test_the_public_view_leaves_out_what_is_ours():
    view = execution(spec=cluster().resolved(), num_clusters=2).result()
    assert view.num_clusters == 2
    assert not {"spec", "dagster_run_id", "owner", "version"} & view.model_dump().keys()


def test_a_record_reads_back_from_json():
    record = execution(spec=cluster().resolved(), centroids=GROUPS, covered_batches={"col_1": 3})
    assert ExecutionRecord.model_validate_json(record.model_dump_json()) == record


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({}, ClusterStatus.PENDING),
        ({"status": "processing"}, ClusterStatus.PROCESSING),
        ({"status": "completed"}, ClusterStatus.COMPLETED),
        (
            {"status": "completed", "task_status": "COMPLETED_WITH_ERRORS"},
            ClusterStatus.COMPLETED_WITH_ERRORS,
        ),
        ({"status": "failed", "task_status": "INTERRUPTED"}, ClusterStatus.INTERRUPTED),
        ({"status": "canceled"}, ClusterStatus.CANCELED),
    ],
)
def test_the_task_tells_how_its_execution_is(changes, status):
    task = task_of(execution(**changes))
    assert task.status is status
    assert task.task_type == "engine_cluster_build"
    assert (task.task_id, task.run_id) == ("task_1", "run_1")
    assert task.additional_data["run_id"] == "run_1"
    assert task.outputs == (["run_1"] if changes.get("status") == "completed" else None)


@pytest.mark.parametrize("status", ExecutionStatus)
def test_statuses_that_do_not_change_any_more(status):
    assert status.ended is (status in {"completed", "failed", "canceled"})


class TestRelabel:
    def test_names_are_merged_and_an_empty_one_removes(self):
        record = execution(centroids=GROUPS, label_overrides={"cl_0": "A", "cl_1": "B"})
        assert relabelled(record, {"cl_0": "", "cl_1": "C"}).label_overrides == {"cl_1": "C"}

    def test_no_name_left_is_none(self):
        record = execution(centroids=GROUPS, label_overrides={"cl_0": "A"})
        assert relabelled(record, {"cl_0": ""}).label_overrides is None

    def test_a_group_that_is_not_there_is_refused(self):
        with pytest.raises(InvalidRequest, match="run_1 has no group 'cl_7': it has cl_0, cl_1"):
            relabelled(execution(centroids=GROUPS), {"cl_7": "A"})


def test_a_field_that_is_not_there_is_a_mistake():
    with pytest.raises(TypeError, match="an execution has no states"):
        changed(execution(), {"states": "done"})
