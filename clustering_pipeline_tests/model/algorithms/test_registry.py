import pytest
from pydantic_core import PydanticCustomError

from clustering_pipeline.model.algorithms.registry import (
    PARAMS,
    default_sample,
    largest_sample,
    parameters,
)
from clustering_pipeline.model.definitions.create import CreateClusterRequest
from clustering_pipeline.model.definitions.validation import validate
from clustering_pipeline.model.errors import InvalidDefinition, InvalidParameters
from clustering_pipeline_tests.model.factories import definition, request, vectors


@pytest.mark.parametrize("method", PARAMS)
def test_every_method_has_defaults(method):
    config = vectors(clustering_method=method)
    attributes = {"attributes": ["category"]}
    made = request(vector_config=config, attribute_config=attributes)
    assert made.vector_config.clustering_method == method
    assert parameters(method, {}) == PARAMS[method]()


@pytest.mark.parametrize("method", PARAMS)
def test_every_default_may_be_given(method):
    defaults = PARAMS[method]().model_dump(mode="json")
    assert parameters(method, defaults) == PARAMS[method]()


@pytest.mark.parametrize(
    ("method", "given", "message"),
    [
        (
            "hdbscan",
            {"n_clusters": 3},
            (
                "hdbscan takes no 'n_clusters' (a parameter of kmeans, agglomerative, spectral); "
                "it takes: min_cluster_size, min_samples, cluster_selection_epsilon, "
                "max_cluster_size, metric, alpha, cluster_selection_method, "
                "allow_single_cluster, prediction_data, "
                "match_reference_implementation, layers"
            ),
        ),
        (
            "attribute_based",
            {"whatever": 1},
            "attribute_based takes no 'whatever'; it takes: no parameters",
        ),
    ],
)
def test_parameters_of_another_algorithm_are_refused_by_name(method, given, message):
    with pytest.raises(PydanticCustomError) as refused:
        parameters(method, given)
    assert refused.value.message() == message


def test_algorithm_params_beat_the_older_ones():
    config = vectors(
        algorithm_params={"min_cluster_size": 7},
        hdbscan_parameters={"min_cluster_size": 9, "min_samples": 3},
    )
    assert request(vector_config=config).vector_config.given_params == {"min_cluster_size": 7}


def test_the_older_ones_serve_alone():
    config = vectors(hdbscan_parameters={"min_cluster_size": 9})
    assert request(vector_config=config).vector_config.given_params == {"min_cluster_size": 9}


def test_the_older_ones_are_checked():
    config = vectors(hdbscan_parameters={"min_cluster_size": 1})
    with pytest.raises(InvalidParameters, match=r"hdbscan_parameters\.min_cluster_size"):
        request(vector_config=config)


def test_the_older_ones_of_another_algorithm_are_refused():
    config = vectors(kmeans_parameters={"n_clusters": 3})
    with pytest.raises(InvalidDefinition, match="kmeans_parameters is for kmeans, but"):
        validate(CreateClusterRequest, definition(vector_config=config))


@pytest.mark.parametrize(
    ("method", "usual", "largest"),
    [
        ("hdbscan", 50_000, 100_000),
        ("dbscan", 50_000, 100_000),
        ("optics", 50_000, 100_000),
        ("spectral", 50_000, 100_000),
        ("agglomerative", 50_000, 100_000),
        ("kmeans", 100_000, 1_000_000),
        ("gaussian_mixture", 100_000, 1_000_000),
        ("mean_shift", 100_000, 100_000),
    ],
)
def test_samples(method, usual, largest):
    assert default_sample(method) == usual
    assert largest_sample(method) == largest
    request(vector_config=vectors(clustering_method=method, sample_size=largest))
    with pytest.raises(InvalidDefinition, match="sample_size"):
        request(vector_config=vectors(clustering_method=method, sample_size=largest + 1))
