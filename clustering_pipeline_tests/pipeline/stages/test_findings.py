"""What a reader is told of a result; for each kind data that bring it, and data that do not."""

from typing import Any

import numpy as np
import polars as pl
import pytest

from clustering_pipeline.engine import explained_shares, outlier_scores
from clustering_pipeline.engine.groups.numbering import canonical
from clustering_pipeline.model.ids import NOISE_ID, group_id
from clustering_pipeline.model.scope import LOCAL
from clustering_pipeline.pipeline.run.spaces import Space
from clustering_pipeline.pipeline.stages.findings import findings, grouped
from clustering_pipeline.service.results.groups import published_groups
from clustering_pipeline_tests.engine.data import blobs
from clustering_pipeline_tests.worlds.planted import planted
from clustering_pipeline_tests.worlds.world import KMEANS, World

GENERATOR = np.random.default_rng(3)
FOUR = np.arange(200) % 4


def found(labels, vectors=None, *, method="kmeans", fields=None, lengths=()) -> dict[str, Any]:
    """Kind to its finding."""
    labels = canonical(np.asarray(labels))
    frame = pl.DataFrame(
        {
            "label": labels,
            "cluster_id": [group_id((int(each),)) if each >= 0 else NOISE_ID for each in labels],
        }
    )
    known: dict[str, Any] = {"lengths": lengths}
    space = None
    if vectors is not None:
        space = Space(name="text", number=0, vectors=vectors)
        known["outlier_scores"] = outlier_scores(vectors)
    if fields is not None:
        shares = explained_shares(labels, fields).items()
        known["explained"] = [{"field": name, "share": share} for name, share in shares]
    return {each.kind: each for each in findings([grouped(method, frame, space, **known)])}


def kinds_of(groups: int, *, seed: int = 0, dimensions: int = 24):
    """Loose groups, as many as that, and the group of each document."""
    return blobs(400, groups=groups, dimensions=dimensions, spread=0.6, seed=seed)


def test_one_group_holds_most():
    finding = found([0] * 52 + [1] * 16 + [2] * 16 + [3] * 16)["dominant_group"]
    assert (finding.cluster_id, finding.share) == ("cl_0", 0.52)
    assert finding.text == "cl_0 holds 52% of all documents: a larger n_clusters divides it"


@pytest.mark.parametrize(
    "labels",
    [
        pytest.param([0] * 50 + [1] * 50, id="two-halves"),
        pytest.param(FOUR, id="four-quarters"),
        pytest.param([0] * 30 + [-1] * 70, id="mostly-noise"),
    ],
)
def test_no_group_holds_most(labels):
    assert "dominant_group" not in found(labels)


@pytest.mark.parametrize(
    ("method", "way"), [("hdbscan", "min_samples"), ("dbscan", "eps"), ("evoc", "noise_level")]
)
def test_noise_and_the_setting_that_changes_it(method, way):
    finding = found([0] * 15 + [1] * 10 + [-1] * 75, method=method)["much_noise"]
    assert finding.text.startswith("75% of the documents are in no group: ")
    assert way in finding.text
    assert "much_noise" not in found([0] * 45 + [1] * 30 + [-1] * 25, method=method)


def test_a_field_explains_the_groups():
    language = np.array(["de", "en", "fr", "it"])[FOUR].tolist()
    mood = GENERATOR.choice(["good", "bad"], 200).tolist()
    finding = found(FOUR, fields={"mood": mood, "language": language})["field_explains"]
    assert (finding.field, finding.share) == ("language", pytest.approx(1))
    assert "field_explains" not in found(FOUR, fields={"mood": mood})


def test_the_length_of_texts_explains_the_groups():
    lengths = np.array([20, 100, 400, 2_000])[FOUR] + GENERATOR.integers(0, 10, 200)
    assert found(FOUR, lengths=lengths.tolist())["field_explains"].field == "length"
    other = GENERATOR.permutation(lengths).tolist()
    assert "field_explains" not in found(FOUR, lengths=other)


def test_near_duplicates_make_a_group():
    vectors, truth = kinds_of(4)
    copies = vectors[0] + 0.01 * GENERATOR.normal(size=(40, vectors.shape[1]))
    labels = np.concatenate([truth, np.full(40, 4)])
    finding = found(labels, np.vstack([vectors, copies.astype(np.float32)]))["near_duplicates"]
    assert (finding.cluster_id, finding.share) == ("cl_4", pytest.approx(40 / 440))
    assert finding.text.startswith("cl_4 is 40 near-duplicates: ")
    assert "near_duplicates" not in found(truth, vectors)


def test_groups_that_lie_close_by_nature_are_no_duplicates():
    vectors, truth = blobs(300, groups=3, dimensions=24, spread=0.05)
    assert "near_duplicates" not in found(truth, vectors)


@pytest.mark.parametrize("seed", range(3))
def test_fewer_groups_than_the_data_show(seed):
    vectors, truth = kinds_of(6, seed=seed)
    assert found(truth // 2, vectors)["fewer_groups"].share == pytest.approx(1)
    assert "fewer_groups" not in found(truth, vectors)


def test_far_documents_in_groups_all_the_same():
    vectors, truth = kinds_of(3)
    strays = 4 * GENERATOR.normal(size=(120, vectors.shape[1]))
    every = np.vstack([vectors, strays.astype(np.float32)])
    inside = found(np.concatenate([truth, np.arange(120) % 3]), every)
    assert inside["far_grouped"].share == pytest.approx(120 / 520, abs=0.05)
    outside = found(np.concatenate([truth, np.full(120, -1)]), every)
    assert "far_grouped" not in outside
    assert "far_grouped" not in found(truth, vectors)


@pytest.mark.parametrize("labels", [[0], [-1, -1], [0, 0, 0]], ids=["single", "noise", "equal"])
def test_little_is_said_of_little(labels):
    vectors = np.ones((len(labels), 4), dtype=np.float32)
    assert found(labels, vectors).keys() <= {"dominant_group", "much_noise"}


def test_findings_are_in_the_record_the_groups_and_dagster(world: World):
    cluster = world.define(world.collection(planted()), KMEANS)
    ran = world.execute(cluster)
    (finding,) = [each for each in ran.execution.findings if each.kind == "field_explains"]
    assert finding.field == "subject"
    assert finding.text in ran.metadata("cluster_summaries")["findings"]
    shown = published_groups(world.pipeline.catalog, LOCAL, cluster.cluster_id)
    assert shown.findings == ran.execution.result().findings == ran.execution.findings
    assert "findings" not in ran.execution.metrics.additional_properties
