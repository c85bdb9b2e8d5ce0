"""What callers of the client's release 1.3.10 do; run by an interpreter that has it and not us.

python older_client.py URL KEY NAMESPACE COLLECTION FEATURE_URI
"""

import sys
import time
from contextlib import contextmanager
from uuid import uuid4

import mixpeek
from mixpeek import exceptions

URL, KEY, NAMESPACE, COLLECTION, FEATURE = sys.argv[1:]
ENDED = {"COMPLETED", "COMPLETED_WITH_ERRORS", "FAILED", "CANCELED", "INTERRUPTED"}


def connect(key=KEY, namespace=NAMESPACE):
    """This release knows no credentials: its callers set the headers."""
    client = mixpeek.ApiClient(mixpeek.Configuration(host=URL))
    client.set_default_header("Authorization", f"Bearer {key}")
    client.set_default_header("X-Namespace", namespace)
    return client


@contextmanager
def refused(error):
    """The block must raise that exception of the client."""
    try:
        yield
    except error:
        return
    raise AssertionError(error)


def request(**fields):
    return mixpeek.CreateClusterRequest.from_dict(
        {
            "collection_ids": [COLLECTION],
            "cluster_name": f"older {uuid4().hex[:8]}",
            "vector_config": {
                "feature_uri": FEATURE,
                "clustering_method": "kmeans",
                "algorithm_params": {"n_clusters": 4},
            },
            **fields,
        }
    )


def follow(task_id):
    tasks = mixpeek.TasksApi(connect())
    while (task := tasks.get_task(task_id)).status.value not in ENDED:
        time.sleep(0.2)
    return task


def definitions(clusters):
    made = clusters.create_cluster(request(description="by the older client"))
    assert clusters.get_cluster(made.cluster_id) == made
    assert clusters.get_cluster(made.cluster_name) == made
    attributes = request(
        cluster_type="attribute", vector_config=None, attribute_config={"attributes": ["subject"]}
    )
    assert clusters.create_cluster(attributes).clustered_attributes == ["subject"]
    wanted = mixpeek.ListClustersRequest.from_dict(
        {
            "search": made.cluster_name,
            "sort": {"field": "created_at", "direction": "desc"},
            "filters": {"AND": [{"field": "status", "operator": "eq", "value": "PENDING"}]},
        }
    )
    found = clusters.list_clusters(list_clusters_request=wanted, limit=5, include_total=True)
    assert [one.cluster_id for one in found.results] == [made.cluster_id]
    assert clusters.list_clusters_get(search=made.cluster_name).total_count == 1
    for field, value in {"metadata": {"a": 1}}.items():
        patched = clusters.patch_cluster(
            made.cluster_id, mixpeek.PatchClusterRequest.from_dict({field: value})
        )
        assert getattr(patched, field) == value
    for cascade in (True, False):
        gone = clusters.create_cluster(request())
        clusters.delete_cluster(gone.cluster_id, cascade_output_collections=cascade)
        with refused(exceptions.NotFoundException):
            clusters.delete_cluster(gone.cluster_id)
    return made


def executions(clusters, made):
    runs = mixpeek.ClusterExecutionsApi(connect())
    task = clusters.execute_clustering_clusters(made.cluster_id)
    with refused(exceptions.ConflictException):
        clusters.execute_clustering_clusters(made.cluster_id)
    ended = follow(task.task_id)
    assert ended.status.value == "COMPLETED", ended
    run = runs.get_cluster_execution(made.cluster_id)
    assert (run.status, run.num_clusters, run.num_points) == ("completed", 4, 75)
    assert runs.get_cluster_execution_by_run(made.cluster_id, run.run_id) == run
    assert runs.list_cluster_executions(made.cluster_id).total_count == 1
    assert clusters.get_cluster_groups(made.cluster_id).total_groups == 4
    enrichment = {"clustering_ids": [run.run_id], "source_collection_id": COLLECTION}
    applied = clusters.apply_cluster_enrichment_enrich(
        mixpeek.ApplyClusterEnrichmentRequest.from_dict(enrichment)
    )
    assert (applied.processed, applied.enriched, applied.failed) == (75, 75, 0)


def cancellation(clusters):
    made = clusters.create_cluster(request())
    task = clusters.execute_clustering_clusters(made.cluster_id)
    runs = mixpeek.ClusterExecutionsApi(connect())
    run = runs.get_cluster_execution(made.cluster_id)
    runs.cancel_execution_clusters_id_run(made.cluster_id, run.run_id)
    assert follow(task.task_id).status.value == "CANCELED"
    mixpeek.TasksApi(connect()).kill_task(task.task_id)


def errors(clusters, made):
    with refused(exceptions.NotFoundException):
        clusters.get_cluster("nothing")
    with refused(exceptions.ConflictException):
        clusters.create_cluster(request(cluster_name=made.cluster_name))
    with refused(exceptions.UnprocessableEntityException):
        clusters.create_cluster(request(vector_config=None))
    with refused(exceptions.UnauthorizedException):
        mixpeek.ClustersApi(connect(key="sk_unknown")).get_cluster(made.cluster_id)
    with refused(exceptions.ForbiddenException):
        mixpeek.ClustersApi(connect(namespace="elsewhere")).get_cluster(made.cluster_id)


def main():
    assert mixpeek.__version__ == "1.3.10"
    clusters = mixpeek.ClustersApi(connect())
    made = definitions(clusters)
    executions(clusters, made)
    cancellation(clusters)
    errors(clusters, made)


if __name__ == "__main__":
    main()
