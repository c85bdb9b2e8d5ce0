"""The State of the Union addresses to 2010, and then all of them: topics keep their names."""

import polars as pl
import pytest

from clustering_pipeline.model.ids import NOISE_ID
from clustering_pipeline_tests.sizes import size
from clustering_pipeline_tests.worlds.sample import passages
from clustering_pipeline_tests.worlds.world import Ran, World

EVERY = size(ci=3, full=1)
CONFIG = {
    "clustering_method": "hdbscan",
    "algorithm_params": {"min_cluster_size": size(ci=15, full=25), "min_samples": 5},
    "preprocessing_steps": [{"method": "umap", "n_components": 10, "n_neighbors": 15}],
}
ALIKE = 0.7
AT_LEAST = 0.9
LATER = 100_000  # ids of the passages after 2010 begin here


@pytest.fixture(scope="module")
def runs(world: World) -> tuple[Ran, Ran]:
    """The definition over the passages to 2010, and over all of them."""
    collection = world.collection(passages(pl.col("year") <= 2010, every=EVERY, first_id=1))
    cluster = world.define(collection, CONFIG)
    first = world.execute(cluster)
    later = passages(pl.col("year") > 2010, every=EVERY, first_id=LATER)
    world.add(collection.qdrant_collection, later)
    return first, world.execute(cluster)


def members(world: World, ran: Ran) -> pl.DataFrame:
    table = world.pipeline.artifacts.read_frame(ran.execution.members_key)
    return table.filter(pl.col("cluster_id") != NOISE_ID).select("point_id", "group_uid")


def best_overlaps(before: pl.DataFrame, after: pl.DataFrame) -> dict[str, float]:
    """Earlier group to the overlap coefficient with the later one that it shares most with."""
    both = before.join(after, on="point_id", suffix="_after")
    old = before.group_by("group_uid").agg(old=pl.len())
    there_first = after.filter(pl.col("point_id").cast(pl.Int64) < LATER)
    new = there_first.group_by(group_uid_after="group_uid").agg(new=pl.len())
    pairs = (
        both.group_by("group_uid", "group_uid_after")
        .agg(shared=pl.len())
        .join(old, on="group_uid")
        .join(new, on="group_uid_after")
        .with_columns(overlap=pl.col("shared") / pl.min_horizontal("old", "new"))
    )
    best = pairs.group_by("group_uid").agg(pl.col("overlap").max())
    return dict(best.iter_rows())


def test_topics_that_are_still_there_keep_uid_and_label(world, runs):
    first, second = runs
    overlaps = best_overlaps(members(world, first), members(world, second))
    alike = {uid for uid, overlap in overlaps.items() if overlap >= ALIKE}
    before = {one.group_uid: one.label for one in first.execution.centroids}
    after = {one.group_uid: one.label for one in second.execution.centroids}
    kept = {uid for uid in alike if after.get(uid) == before[uid]}
    assert len(alike) > len(before) / 2
    assert len(kept) >= AT_LEAST * len(alike)


def test_numbers_are_kept_with_the_uids(runs):
    first, second = runs
    before = {one.group_uid: one.cluster_id for one in first.execution.centroids}
    after = {one.group_uid: one.cluster_id for one in second.execution.centroids}
    both = before.keys() & after.keys()
    assert {uid: after[uid] for uid in both} == {uid: before[uid] for uid in both}
    assert not {after[uid] for uid in after.keys() - both} & set(before.values())
