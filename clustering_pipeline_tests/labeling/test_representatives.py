import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from clustering_pipeline.labeling import representatives
from clustering_pipeline.labeling.representatives import default_count


def unit(rows: int, *, seed: int = 0, width: int = 8, spread: float = 0.3) -> np.ndarray:
    vectors = np.eye(1, width) + spread * np.random.default_rng(seed).normal(size=(rows, width))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def texts(count: int) -> list[str]:
    return [f"text {row}" for row in range(count)]


def chosen(vectors, written=None, **options) -> list[int]:
    return representatives(
        vectors, np.arange(len(vectors)), written or texts(len(vectors)), **options
    )


def test_no_member_has_no_representative():
    assert chosen(unit(0)) == []


def test_one_member_stands_for_itself():
    assert chosen(unit(1), count=5) == [0]


def test_zero_vectors_are_as_good_as_any():
    assert chosen(np.zeros((4, 3), np.float32), count=2) == [0, 1]


@pytest.mark.parametrize("strategy", ["nearest", "representative"])
def test_duplicates_stand_once(strategy):
    written = ["same  text", "Same text", "same text", "other"]
    assert sorted(chosen(unit(4), written, count=4, strategy=strategy)) == [0, 3]


def test_documents_without_text_stand_only_where_none_has_any():
    assert chosen(unit(3), ["", "word", " "], count=3) == [1]
    assert chosen(unit(2), ["", " "], count=3) == [0]


def test_nearest_are_the_closest_to_the_centre():
    vectors = unit(50)
    center = vectors.mean(axis=0)
    assert chosen(vectors, count=5) == np.argsort(-(vectors @ center))[:5].tolist()


def test_representative_mixes_central_spread_and_dense():
    crowd, outlier = unit(200, spread=0.05), -np.eye(1, 8, dtype=np.float32)
    vectors = np.concatenate([crowd, outlier])
    found = chosen(vectors, count=10, strategy="representative")
    assert len(set(found)) == 10
    assert 200 in found, "the farthest point"
    assert found[:4] == chosen(vectors, count=4)


def test_a_large_group_is_sampled_for_spread_and_density():
    assert len(chosen(unit(5_000), count=20, strategy="representative")) == 20


@pytest.mark.parametrize(
    ("size", "spread", "count"),
    [
        pytest.param(1, 0.0, 3, id="least"),
        pytest.param(100, 0.1, 5, id="small-and-tight"),
        pytest.param(100, 0.6, 10, id="small-and-wide"),
        pytest.param(1_000_000, 1.0, 20, id="most"),
    ],
)
def test_the_default_count_grows_with_size_and_spread(size, spread, count):
    assert default_count(size, spread=spread) == count


def test_of_equal_documents_those_that_come_first_stand_whatever_the_number_of_threads():
    vectors = np.repeat(unit(1, width=384), 30_001, axis=0)
    for threads in (1, 2):
        with threadpool_limits(threads):
            assert chosen(vectors, count=5) == [0, 1, 2, 3, 4]
