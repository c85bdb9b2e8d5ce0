"""Preprocessing steps: what they keep, and what they say they did."""

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.manifold import trustworthiness

from clustering_pipeline.engine import Neighborhood, layout, reduce
from clustering_pipeline.model.errors import InvalidParameters, RunCanceled
from clustering_pipeline_tests.engine.data import blobs, digits, passages
from clustering_pipeline_tests.sizes import size


def test_steps_apply_in_order_and_are_recorded():
    points, _ = blobs(60)
    reduction = reduce(
        points, [{"method": "whitening"}, {"method": "pca", "n_components": 3}], random_state=7
    )
    whitened, projected = reduction.record
    assert reduction.vectors.shape == (60, 3)
    assert whitened == {
        "method": "whitening",
        "regularization": 1e-5,
        "dimensions_in": 8,
        "dimensions_out": 8,
    }
    assert projected.pop("explained_variance") == pytest.approx(3 / 8, abs=0.01)
    assert projected == {
        "method": "pca",
        "n_components": 3,
        "random_state": 7,
        "dimensions_in": 8,
        "dimensions_out": 3,
    }


def test_no_step_leaves_the_vectors_alone():
    points, _ = blobs(20)
    assert reduce(points, None).vectors is points
    assert reduce(points, [{"method": "none"}]).vectors is points


def test_whitening_gives_every_direction_unit_variance():
    whitened = reduce(passages(800)[:, :40].astype(np.float64), [{"method": "whitening"}]).vectors
    covariance = np.cov(whitened.T)
    np.testing.assert_allclose(covariance, np.eye(40), atol=0.02)


def test_strong_regularization_shrinks_instead_of_whitening():
    points, _ = blobs(100)
    step = {"method": "whitening", "regularization": 1e6}
    assert np.abs(reduce(points, [step]).vectors).max() < 0.01


def test_pca_equals_scikit_learns_up_to_sign():
    ours = reduce(digits(), [{"method": "pca", "n_components": 5}]).vectors
    theirs = PCA(n_components=5, random_state=42).fit_transform(digits())
    np.testing.assert_allclose(np.abs(ours), np.abs(theirs), atol=1e-9)


def test_umap_keeps_neighbourhoods():
    points = passages(size(ci=600, full=2_000))
    step = {"method": "umap", "n_components": 5, "n_neighbors": 15}
    reduced = reduce(points, [step]).vectors
    assert trustworthiness(points, reduced, n_neighbors=10, metric="cosine") > 0.9


def test_umap_searches_neighbours_once_for_everything_that_needs_them():
    points = passages(200)
    hood = Neighborhood(points)
    reduce(points, [{"method": "umap", "n_components": 2, "n_neighbors": 20}], neighbors=hood)
    searched = hood.found["cosine"]
    layout(points, neighbors=hood)
    assert hood.found == {"cosine": searched}
    assert hood.record == {"cosine": {"listed": 21, "searched": 200}}


def test_equal_vectors_skip_every_step():
    reduction = reduce(np.ones((9, 4)), [{"method": "pca", "n_components": 2}])
    assert reduction.vectors.shape == (9, 4)
    assert reduction.record[0]["skipped"] == "all vectors are equal"


def test_an_unknown_step_is_refused_with_those_there_are():
    with pytest.raises(InvalidParameters, match="'umap', 'pca', 'whitening', 'tsne', 'none'"):
        reduce(blobs(10)[0], [{"method": "lda"}])


def test_a_parameter_of_another_step_is_refused():
    with pytest.raises(InvalidParameters, match="takes no 'perplexity'"):
        reduce(blobs(10)[0], [{"method": "pca", "perplexity": 3}])


def test_a_cancel_stops_a_step_between_epochs():
    calls = []

    def check():
        calls.append(1)
        if len(calls) > 4:
            message = "canceled"
            raise RunCanceled(message)

    with pytest.raises(RunCanceled):
        reduce(blobs(200)[0], [{"method": "umap", "n_components": 2}], check=check)


@pytest.mark.parametrize("dimensions", [2, 3])
def test_a_layout_has_finite_coordinates_for_every_document(dimensions):
    places = layout(blobs(120)[0], n_components=dimensions).places
    assert places.shape == (120, dimensions)
    assert np.isfinite(places).all()
    assert len(np.unique(places, axis=0)) == 120


@pytest.mark.parametrize("points", [np.ones((30, 4)), np.ones((3, 4)), np.zeros((1, 4))])
def test_a_layout_of_what_has_no_shape_is_a_line(points):
    found = layout(points)
    assert found.places.tolist() == [[row, 0] for row in range(len(points))]
    assert found.start == "a line: there is nothing to lay out"
