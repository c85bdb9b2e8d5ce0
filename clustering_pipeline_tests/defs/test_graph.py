"""The surface of the asset graph, as people see it in Dagster."""

import dagster as dg
import pytest

from clustering_pipeline.definitions import defs
from clustering_pipeline.defs.instance.partitions import CLUSTERS

ASSETS = """\
definition [clustering, mongodb]
stored_definitions [automation, mongodb]
embeddings [clustering, parquet qdrant] < definition
reduced_embeddings [clustering, parquet] < definition embeddings
assignments [clustering, parquet scikitlearn] < definition embeddings reduced_embeddings
cluster_summaries [clustering, parquet] < assignments definition embeddings
cluster_labels [clustering, parquet] < assignments cluster_summaries definition embeddings
published [clustering, mongodb parquet qdrant] < assignments cluster_labels cluster_summaries \
definition embeddings reduced_embeddings
enriched_documents [clustering, qdrant] < published
"""
JOBS = """\
assign_documents: assignments cluster_labels cluster_summaries definition embeddings \
enriched_documents published reduced_embeddings
compose_clusters: assignments cluster_labels cluster_summaries definition embeddings \
enriched_documents published reduced_embeddings
execute_cluster: assignments cluster_labels cluster_summaries definition embeddings \
enriched_documents published reduced_embeddings
relabel_cluster: cluster_labels definition enriched_documents published
"""
CHECKS = """\
embeddings:finite_vectors blocking
embeddings:has_documents blocking
stored_definitions:on_time
published:quality_gates
"""
SENSORS = """\
follow_runs RUNNING
notify_webhooks RUNNING
record_canceled RUNNING
record_failure RUNNING
record_success RUNNING
run_after_batches RUNNING
run_triggers RUNNING
sync_partitions RUNNING
watch_overdue RUNNING
"""


@pytest.fixture(scope="module")
def location() -> dg.Definitions:
    return defs()


def test_assets(location):
    specs = {spec.key.to_user_string(): spec for spec in location.resolve_all_asset_specs()}
    in_order = [key.to_user_string() for key in topological(location)]
    assert "".join(f"{shown(specs[name])}\n" for name in in_order) == ASSETS
    assert {spec.partitions_def for spec in specs.values()} == {CLUSTERS}
    assert all(spec.description for spec in specs.values())


def topological(location: dg.Definitions) -> list[dg.AssetKey]:
    graph = location.resolve_asset_graph()
    return [key for level in graph.toposorted_asset_keys_by_level for key in sorted(level)]


def shown(spec: dg.AssetSpec) -> str:
    after = " ".join(sorted(dep.asset_key.to_user_string() for dep in spec.deps))
    line = f"{spec.key.to_user_string()} [{spec.group_name}, {' '.join(sorted(spec.kinds))}]"
    return f"{line} < {after}" if after else line


def test_jobs(location):
    lines = [
        f"{job.name}: {' '.join(sorted(key.to_user_string() for key in selected(location, job)))}"
        for job in sorted(location.jobs, key=lambda job: job.name)
    ]
    assert "".join(f"{line}\n" for line in lines) == JOBS


def selected(location: dg.Definitions, job) -> set[dg.AssetKey]:
    return set(location.resolve_job_def(job.name).asset_layer.executable_asset_keys)


def test_checks(location):
    specs = [spec for check in location.asset_checks for spec in check.check_specs]
    lines = [
        f"{spec.asset_key.to_user_string()}:{spec.name}{' blocking' if spec.blocking else ''}"
        for spec in sorted(specs, key=lambda spec: spec.name)
    ]
    assert "".join(f"{line}\n" for line in lines) == CHECKS


def test_sensors(location):
    lines = [f"{one.name} {one.default_status.value}" for one in location.sensors]
    assert "".join(f"{line}\n" for line in sorted(lines)) == SENSORS


def test_every_run_has_one_process(location):
    assert {location.resolve_job_def(job.name).executor_def for job in location.jobs} == {
        dg.in_process_executor
    }
    assert location.executor is dg.in_process_executor


def test_only_a_crashed_worker_is_worth_another_run(location):
    retries = [
        {key: value for key, value in job.tags.items() if key.startswith("dagster/")}
        for job in location.jobs
    ]
    crashed = {
        "dagster/max_retries": "1",
        "dagster/retry_on_asset_or_op_failure": "false",
        "dagster/retry_strategy": "ALL_STEPS",
    }
    assert retries == [crashed] * 4


def test_the_location_names_no_store_until_something_runs(location):
    dg.Definitions.validate_loadable(location)
    assert set(location.resources) == {
        "clustering",
        "clustering_artifacts",
        "clustering_catalog",
        "clustering_embedding_provider",
        "clustering_groups",
        "clustering_label_provider",
        "clustering_members",
        "clustering_qdrant",
    }
