"""The client that is published for this contract, pointed at this API by its host alone."""

import io
import json
import time
from uuid import uuid4

import dagster as dg
import polars as pl
import pytest

from clustering_pipeline.model.scope import LOCAL
from clustering_pipeline.model.tenants import Access
from clustering_pipeline_tests.api import published as mixpeek
from clustering_pipeline_tests.worlds.planted import planted
from clustering_pipeline_tests.worlds.world import FEATURE, VECTOR, World

ENDED = {"COMPLETED", "COMPLETED_WITH_ERRORS", "FAILED", "CANCELED", "INTERRUPTED"}
SMALL = {"sea": 30, "kitchen": 20, "space": 15, "court": 10}


def connect(served, *, key: str, namespace: str = LOCAL.namespace_id):
    """A client as its users make it."""
    configuration = mixpeek.Configuration(
        host=served.url, access_token=key, api_key={"NamespaceHeader": namespace}, retries=False
    )
    return mixpeek.ApiClient(configuration)


@pytest.fixture(scope="module")
def api(served):
    with connect(served, key=served.key()) as api:
        yield api


@pytest.fixture(scope="module")
def clusters(api):
    return mixpeek.ClustersApi(api)


@pytest.fixture(scope="module")
def executions(api):
    return mixpeek.ClusterExecutionsApi(api)


@pytest.fixture(scope="module")
def collection(client) -> str:
    """Documents put over HTTP, as nothing else knows how: this client has other ways."""
    documents = planted(sizes=SMALL)
    name = f"articles {uuid4().hex[:8]}"
    sizes = {VECTOR: documents.vectors.shape[1]}
    request = {"collection_name": name, "vector_sizes": sizes}
    made = client.post("/v1/collections", json=request).raise_for_status().json()
    rows = zip(documents.payloads, documents.vectors.tolist(), strict=True)
    points = [
        {"document_id": payload.pop("document_id"), "vectors": {VECTOR: row}, "payload": payload}
        for payload, row in rows
    ]
    path = f"/v1/collections/{made['collection_id']}/documents"
    client.post(path, json={"documents": points}).raise_for_status()
    return made["collection_id"]


def by_vectors(collection: str, **fields):
    config = {
        "feature_uri": FEATURE,
        "clustering_method": mixpeek.ClusteringAlgorithm.KMEANS,
        "algorithm_params": mixpeek.AlgorithmParams(mixpeek.KMeansParams(n_clusters=4)),
    }
    return mixpeek.CreateClusterRequest(
        collection_ids=[collection],
        cluster_name=fields.pop("cluster_name", f"topics {uuid4().hex[:8]}"),
        vector_config=mixpeek.VectorBasedConfigInput(**config),
        **fields,
    )


@pytest.fixture(scope="module")
def executed(api, clusters, collection):
    """A definition, and the task of its first run, followed to its end."""
    made = clusters.create_cluster(by_vectors(collection))
    task = clusters.execute_clustering_clusters(made.cluster_id)
    assert task.task_type == mixpeek.TaskType.ENGINE_CLUSTER_BUILD
    return follow(api, task.task_id)


def follow(api, task_id: str):
    tasks = mixpeek.TasksApi(api)
    while (task := tasks.get_task(task_id)).status.value not in ENDED:
        time.sleep(0.2)
    return task


def test_a_definition_by_vectors_is_created_and_read_by_id_and_name(clusters, collection):
    made = clusters.create_cluster(by_vectors(collection, description="what there is"))
    assert (made.algorithm, made.feature_uris, made.description) == (
        "kmeans",
        [FEATURE],
        "what there is",
    )
    assert made.input_collections == [collection]
    assert clusters.get_cluster(made.cluster_id) == made
    assert clusters.get_cluster(made.cluster_name) == made


def test_a_definition_by_attributes_is_created_and_read(clusters, collection):
    request = mixpeek.CreateClusterRequest(
        collection_ids=[collection],
        cluster_name=f"by subject/{uuid4().hex[:8]}",
        cluster_type=mixpeek.ClusterType.ATTRIBUTE,
        attribute_config=mixpeek.AttributeBasedConfig(attributes=["subject", "year"]),
    )
    made = clusters.create_cluster(request)
    assert made.clustered_attributes == ["subject", "year"]
    assert clusters.get_cluster(request.cluster_name).cluster_id == made.cluster_id


PARAMETERS = {
    "hdbscan": ("HDBSCANParams", {"min_cluster_size": 10, "min_samples": 5}),
    "dbscan": ("DBSCANParams", {}),
    "agglomerative": ("AgglomerativeParams", {}),
    "spectral": ("SpectralParams", {}),
    "gaussian_mixture": ("GaussianMixtureParams", {}),
    "mean_shift": ("MeanShiftParams", {}),
    "optics": ("OPTICSParams", {}),
    "leiden": ("LeidenParams", {}),
    "evoc": ("EVoCParams", {}),
}


@pytest.mark.parametrize("method", PARAMETERS)
def test_parameters_are_taken_with_the_defaults_that_the_client_sends(clusters, collection, method):
    name, given = PARAMETERS[method]
    parameters = getattr(mixpeek, name)(**given)
    request = by_vectors(collection)
    request.vector_config.clustering_method = mixpeek.ClusteringAlgorithm(method)
    request.vector_config.algorithm_params = mixpeek.AlgorithmParams(parameters)
    made = clusters.create_cluster(request)
    assert made.algorithm == method
    assert parameters.to_dict().items() <= made.algorithm_params.items()


def test_preprocessing_steps_are_taken_as_the_client_sends_them(clusters, collection):
    request = by_vectors(collection)
    steps = [
        mixpeek.WhiteningParams(method="whitening"),
        mixpeek.UMAPParams(method="umap", n_components=5),
    ]
    request.vector_config.preprocessing_steps = [
        mixpeek.VectorBasedConfigInputPreprocessingStepsInner(one) for one in steps
    ]
    made = clusters.create_cluster(request)
    assert [one["method"] for one in made.preprocessing_steps] == ["whitening", "umap"]


def test_definitions_are_listed_with_filters_sort_and_search(clusters, collection):
    word = f"w{uuid4().hex[:8]}"
    names = [f"{letter} {word}" for letter in "cab"]
    made = [clusters.create_cluster(by_vectors(collection, cluster_name=name)) for name in names]
    request = mixpeek.ListClustersRequest(
        search=word,
        sort=mixpeek.SortOption(field="cluster_name", direction="asc"),
        filters=mixpeek.LogicalOperatorInput.from_dict(
            {"AND": [{"field": "status", "operator": "eq", "value": "PENDING"}]}
        ),
    )
    found = clusters.list_clusters(list_clusters_request=request, limit=2)
    assert [one.cluster_name for one in found.results] == sorted(names)[:2]
    assert (found.total_count, found.pagination.total_pages) == (3, 2)
    assert found.stats.clusters_by_status == {"PENDING": 3}
    rest = clusters.list_clusters_get(cursor=found.pagination.next_cursor)
    assert [one.cluster_name for one in rest.results] == sorted(names)[2:]
    newest = clusters.list_clusters_get(search=word)
    assert [one.cluster_id for one in newest.results] == [one.cluster_id for one in made[::-1]]


PATCHES = {
    "cluster_name": f"renamed {uuid4().hex[:8]}",
    "description": "another",
    "metadata": {"team": "search"},
    "llm_labeling": {"enabled": False, "include_summary": False},
    "filters": {"AND": [{"field": "year", "operator": "gte", "value": 2000}]},
    "face_cluster_merge": {"enabled": False},
    "sample_size": 1000,
    "algorithm_params": {"n_clusters": 7},
    "layout_stability": "align",
}


@pytest.mark.parametrize("field", PATCHES)
def test_each_field_is_patched_alone(clusters, collection, field):
    made = clusters.create_cluster(by_vectors(collection))
    patch = mixpeek.PatchClusterRequest(**{field: PATCHES[field]})
    patched = clusters.patch_cluster(made.cluster_id, patch)
    assert patched.cluster_id == made.cluster_id
    before, after = made.to_dict(), clusters.get_cluster(made.cluster_id).to_dict()
    changed = {key for key in {*before, *after} if before.get(key) != after.get(key)}
    assert field in changed - {"updated_at"}
    assert changed <= {field, "updated_at"}


def test_a_run_is_followed_to_its_end_and_read(api, clusters, executions, executed):
    assert executed.status == mixpeek.TaskStatusEnum.COMPLETED
    cluster_id, run_id = (executed.additional_data[key] for key in ("cluster_id", "run_id"))
    made = clusters.get_cluster(cluster_id)
    assert (made.status, made.last_run_id, made.num_clusters) == ("COMPLETED", run_id, 4)
    assert made.num_documents_clustered == 75
    run = executions.get_cluster_execution_by_run(cluster_id, run_id)
    assert executions.get_cluster_execution(cluster_id) == run
    assert (run.status, run.num_clusters, run.num_points) == ("completed", 4, 75)
    assert run.input_reconciliation_ok
    assert [one.num_members for one in run.centroids] == [30, 20, 15, 10]
    whole = executions.get_cluster_execution(cluster_id, include_vectors=True)
    assert {len(one.centroid_vector) for one in whole.centroids} == {16}
    listed = executions.list_cluster_executions(cluster_id)
    assert [one.run_id for one in listed.results] == [run_id]
    assert listed.stats.total_executions == 1


def test_groups_and_the_map_are_read(clusters, executed):
    cluster_id = executed.additional_data["cluster_id"]
    groups = clusters.get_cluster_groups(cluster_id)
    assert (groups.total_groups, groups.total_documents) == (4, 75)
    assert [one.member_count for one in groups.groups] == [30, 20, 15, 10]
    shown = clusters.get_cluster_visualization(cluster_id, max_points=10, compact=True)
    assert (len(shown["centroids"]), len(shown["members"]["x"])) == (4, 10)
    assert clusters.get_cluster_visualization(cluster_id, centroids_only=True)["members"] == []


def test_a_run_is_exported(client, executions, executed):
    cluster_id, run_id = (executed.additional_data[key] for key in ("cluster_id", "run_id"))
    rows = executions.export_cluster_execution_id_run(cluster_id, run_id, format="csv")
    assert pl.read_csv(io.StringIO(rows)).height == 75
    link = executions.export_cluster_execution_id_run(cluster_id, run_id)
    file = client.get(link["download_url"]).raise_for_status().content
    assert pl.read_parquet(io.BytesIO(file)).height == 75


def test_groups_and_runs_get_names(executions, executed):
    cluster_id, run_id = (executed.additional_data[key] for key in ("cluster_id", "run_id"))
    labels = mixpeek.PatchExecutionLabelsRequest(labels={"cl_0": "The sea"})
    named = executions.patch_execution_labels_clusters_id_run(cluster_id, run_id, labels)
    assert named.label_overrides == {"cl_0": "The sea"}
    name = mixpeek.PatchExecutionRunNameRequest(run_name="the first")
    assert executions.patch_execution_run_name_clusters(cluster_id, run_id, name).run_name == (
        "the first"
    )


def test_a_run_is_cancelled(api, clusters, executions, collection):
    made = clusters.create_cluster(by_vectors(collection))
    task = clusters.execute_clustering_clusters(made.cluster_id)
    with pytest.raises(mixpeek.exceptions.ConflictException) as refused:
        clusters.execute_clustering_clusters(made.cluster_id)
    assert json.loads(refused.value.body)["error"]["details"]["task_id"] == task.task_id
    run_id = task.additional_data["run_id"]
    executions.cancel_execution_clusters_id_run(made.cluster_id, run_id)
    assert follow(api, task.task_id).status == mixpeek.TaskStatusEnum.CANCELED
    with pytest.raises(mixpeek.exceptions.ConflictException):
        executions.cancel_execution_clusters_id_run(made.cluster_id, run_id)
    mixpeek.TasksApi(api).kill_task(task.task_id)


def test_a_definition_is_deleted_once(clusters, collection):
    made = clusters.create_cluster(by_vectors(collection))
    clusters.delete_cluster(made.cluster_id)
    with pytest.raises(mixpeek.exceptions.NotFoundException):
        clusters.delete_cluster(made.cluster_id)


@pytest.mark.parametrize("cascade", [True, False])
def test_outputs_go_with_their_definition_unless_told(served, clusters, collection, cascade):
    made = clusters.create_cluster(by_vectors(collection))
    with dg.DagsterInstance.ephemeral() as instance:
        world = World(pipeline=served.pipeline, instance=instance)
        world.execute(served.pipeline.catalog.clusters.by_id(made.cluster_id))
    documents = served.pipeline.documents
    (output,) = made.output_collection_ids
    assert output in documents.aliases()
    clusters.delete_cluster(made.cluster_id, cascade_output_collections=cascade)
    assert (output in documents.aliases()) is not cascade


def test_each_error_is_the_clients_own_exception(served, clusters, collection):
    with pytest.raises(mixpeek.exceptions.NotFoundException) as missing:
        clusters.get_cluster("nothing")
    assert missing.value.data.error.type == "NotFoundError"
    with pytest.raises(mixpeek.exceptions.UnprocessableEntityException) as invalid:
        clusters.create_cluster(mixpeek.CreateClusterRequest(collection_ids=[collection]))
    assert invalid.value.data.error.details["validation_errors"]
    taken = by_vectors(collection)
    clusters.create_cluster(taken)
    with pytest.raises(mixpeek.exceptions.ConflictException):
        clusters.create_cluster(taken)
    denied = [
        (mixpeek.exceptions.UnauthorizedException, {"key": "sk_unknown"}),
        (mixpeek.exceptions.ForbiddenException, {"key": served.key(), "namespace": "elsewhere"}),
        (mixpeek.exceptions.ForbiddenException, {"key": served.key(access=Access.READ)}),
    ]
    for error, options in denied:
        with connect(served, **options) as api, pytest.raises(error):
            mixpeek.ClustersApi(api).create_cluster(by_vectors(collection))
