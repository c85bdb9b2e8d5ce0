"""What keeps a result from being published, and which runs keep theirs."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import adjusted_rand_score

from clustering_pipeline.model.definitions.cluster import ClusterRecord
from clustering_pipeline.model.definitions.create import CreateClusterRequest
from clustering_pipeline.model.definitions.state import ClusterState
from clustering_pipeline.model.definitions.validation import validate
from clustering_pipeline.model.definitions.vector_config import QualityGates
from clustering_pipeline.model.errors import InvalidDefinition
from clustering_pipeline.model.ids import NOISE_ID
from clustering_pipeline.model.times import utc_now
from clustering_pipeline.pipeline.publishing.quality_gates import (
    adjusted_rand_index,
    failures,
    largest_share,
)
from clustering_pipeline.pipeline.publishing.retention import retained
from clustering_pipeline.stores.catalog.executions.executions import RunFiles

MEASURED = {"silhouette": 0.4, "noise_ratio": 0.3, "largest_share": 0.5, "agreement": 0.9}
NOW = utc_now()


@pytest.mark.parametrize(
    ("gates", "expected"),
    [
        pytest.param({}, [], id="none"),
        pytest.param(
            {"minimum_silhouette": 0.4, "maximum_noise_ratio": 0.3}, [], id="at-the-limit"
        ),
        pytest.param(
            {"minimum_silhouette": 0.5},
            ["silhouette 0.400 is below minimum_silhouette 0.5"],
            id="silhouette",
        ),
        pytest.param(
            {"maximum_largest_share": 0.2, "minimum_agreement": 0.95},
            [
                "share of the largest group 0.500 is above maximum_largest_share 0.2",
                "agreement with the published run 0.900 is below minimum_agreement 0.95",
            ],
            id="two",
        ),
        pytest.param({"minimum_density_validity": 0.1}, [], id="not-measured-here"),
    ],
)
def test_each_broken_limit_is_a_sentence(gates, expected):
    assert list(failures(QualityGates(**gates), MEASURED)) == expected


def test_what_has_no_value_does_not_reach_a_least_one():
    gates = QualityGates(minimum_silhouette=-1.0, maximum_noise_ratio=0.0)
    assert list(failures(gates, {"silhouette": None, "noise_ratio": None})) == [
        "silhouette (there is none) is below minimum_silhouette -1"
    ]


def test_agreement_is_the_adjusted_rand_index():
    rng = np.random.default_rng(3)
    first, second = rng.integers(0, 4, 60), rng.integers(0, 3, 60)
    second[:30] = first[:30]
    frames = [members(labels) for labels in (first, second)]
    assert adjusted_rand_index(*frames) == pytest.approx(adjusted_rand_score(first, second))
    assert adjusted_rand_index(frames[0], frames[0]) == 1.0
    assert adjusted_rand_index(frames[0], frames[1].clear()) is None


@pytest.mark.parametrize(
    ("groups", "share"),
    [
        pytest.param([], 0.0, id="no-document"),
        pytest.param([NOISE_ID, NOISE_ID], 0.0, id="all-noise"),
        pytest.param(["cl_0", "cl_1", "cl_1", NOISE_ID], 0.5, id="noise-counts-as-documents"),
        pytest.param(["cl_0_sub_0", "cl_0_sub_1", "cl_0", "cl_1"], 0.75, id="parts-of-one-group"),
        pytest.param(["cl_1", "cl_10", "cl_11", "cl_12"], 0.25, id="numbers-that-begin-alike"),
    ],
)
def test_the_largest_share_is_of_a_group_on_top(groups, share):
    frame = members(np.zeros(len(groups), dtype=int))
    assert largest_share(frame.with_columns(pl.Series("cluster_id", groups, pl.String))) == share


def members(labels: np.ndarray) -> pl.DataFrame:
    ids = [str(one) for one in range(len(labels))]
    content = {"point_id": ids, "document_id": ids, "cluster_id": [f"cl_{one}" for one in labels]}
    return pl.DataFrame({"collection_id": ["c"] * len(ids), **content})


def test_gates_are_part_of_a_definition_and_checked():
    definition = {
        "collection_ids": ["c"],
        "cluster_type": "attribute",
        "attribute_config": {"attributes": ["subject"]},
    }
    gates = {"maximum_noise_ratio": 0.2}
    made = validate(CreateClusterRequest, {**definition, "quality_gates": gates})
    assert made.quality_gates == QualityGates(maximum_noise_ratio=0.2)
    with pytest.raises(InvalidDefinition, match="quality_gates"):
        validate(CreateClusterRequest, {**definition, "quality_gates": {"maximum_noise_ratio": 2}})


def run(number: int, *, ended: bool = True, results: bool = True, uses: str = "") -> RunFiles:
    return RunFiles(
        run_id=f"run_{number}",
        created_at=(NOW + timedelta(minutes=number)).isoformat(),
        ended=ended,
        has_results=results,
        only_names=False,
        uses=frozenset(uses.split()),
    )


def names(number: int, *, of: str) -> RunFiles:
    return replace(run(number, uses=f"{of} run_{number}"), only_names=True)


@pytest.mark.parametrize(
    ("state", "runs", "expected"),
    [
        pytest.param({}, [run(1), run(2), run(3)], {2, 3}, id="the-newest"),
        pytest.param({"last_run_id": "run_1"}, [run(1), run(2), run(3)], {1, 2, 3}, id="published"),
        pytest.param(
            {"documents_hold": ["run_1"]}, [run(1), run(2), run(3)], {1, 2, 3}, id="shown"
        ),
        pytest.param({}, [run(1, ended=False), run(2), run(3)], {1, 2, 3}, id="under-way"),
        pytest.param({}, [run(1), run(2), run(3, uses="run_1")], {1, 2, 3}, id="stood-on"),
        pytest.param({}, [run(1), run(2), run(3, results=False)], {1, 2}, id="failed"),
        pytest.param(
            {"last_run_id": "run_6"},
            [run(1), run(2), *(names(number, of="run_2") for number in range(3, 7))],
            {1, 2, 5, 6},
            id="names-push-nothing-out",
        ),
        pytest.param(
            {},
            [run(1), names(2, of="run_1"), run(3), run(4)],
            {3, 4},
            id="names-go-with-their-groups",
        ),
        pytest.param(
            {"last_run_id": "run_4"},
            [run(1), run(2), run(3), names(4, of="run_1")],
            {1, 2, 3, 4},
            id="names-on-an-old-run",
        ),
        pytest.param(
            {"last_attempt_id": "run_3"}, [run(1), run(3, results=False)], {1, 3}, id="last-attempt"
        ),
    ],
)
def test_which_runs_keep_their_files(state, runs, expected):
    record = ClusterRecord(
        cluster_id="clust_a",
        organization_id="int_local",
        namespace_id="ns_default",
        spec=validate(
            CreateClusterRequest,
            {
                "collection_ids": ["c"],
                "cluster_type": "attribute",
                "attribute_config": {"attributes": ["subject"]},
            },
        ),
        state=ClusterState(created_at=NOW, updated_at=NOW, **state),
    )
    kept = retained(record, runs, keep=2)
    assert {one.run_id for one in runs} & kept == {f"run_{number}" for number in expected}
