import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clustering_pipeline.stores.documents.selection import sample
from clustering_pipeline.stores.documents.types import KEY
from clustering_pipeline_tests.sizes import FULL

ids = st.lists(
    st.tuples(st.sampled_from("ab"), st.text(max_size=2), st.integers(0, 30).map(str)),
    unique_by=lambda row: (row[0], row[2]),
    max_size=20,
)


def frame(rows):
    return pl.DataFrame(rows, schema=dict.fromkeys(KEY, pl.String), orient="row")


def numbered(count):
    return frame([("c", f"doc-{number}", str(number)) for number in range(count)])


@settings(deadline=None, derandomize=not FULL)
@given(rows=ids, size=st.integers(0, 25), seed=st.integers(-(2**63), 2**63 - 1), data=st.data())
def test_the_sample_follows_from_the_ids_alone(rows, size, seed, data):
    chosen = sample(frame(rows), size=size, seed=seed)
    shuffled = data.draw(st.permutations(rows))
    assert chosen.equals(sample(frame(shuffled), size=size, seed=seed))
    assert chosen.height == min(size, len(rows))
    assert chosen.equals(chosen.sort(KEY))
    assert set(chosen.rows()) <= set(rows)


@settings(deadline=None, derandomize=not FULL)
@given(rows=ids.filter(bool), size=st.integers(0, 25))
def test_a_document_less_changes_the_sample_by_at_most_one(rows, size):
    before = set(sample(frame(rows), size=size, seed=1).rows())
    after = set(sample(frame(rows[1:]), size=size, seed=1).rows())
    assert len(before - after) <= 1


def test_without_a_size_everything_is_in_canonical_order():
    rows = [("b", "x", "1"), ("a", "y", "2"), ("a", "x", "3"), ("a", "x", "10")]
    assert sample(frame(rows), size=None, seed=0).rows() == [
        ("a", "x", "10"),
        ("a", "x", "3"),
        ("a", "y", "2"),
        ("b", "x", "1"),
    ]


def test_another_seed_is_another_sample():
    one, other = (sample(numbered(1000), size=100, seed=seed) for seed in (1, 2))
    assert not one.equals(other)


def test_every_document_is_as_likely():
    drawn = np.zeros(50)
    for seed in range(400):
        picked = sample(numbered(50), size=10, seed=seed)["point_id"].cast(pl.Int64)
        drawn[picked.to_numpy()] += 1
    assert drawn.sum() == 4000
    assert drawn == pytest.approx(80, abs=5 * (400 * 0.2 * 0.8) ** 0.5)
