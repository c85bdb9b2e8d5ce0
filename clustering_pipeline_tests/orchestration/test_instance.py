"""Both configurations of Dagster: they load, and hold the promises of the queue."""

from importlib.resources import files

import dagster as dg
import pytest
import yaml
from dagster._config import process_config
from dagster._core.instance.config import dagster_instance_config, dagster_instance_config_schema

from clustering_pipeline.orchestration.assets import POOLS
from clustering_pipeline.orchestration.stages.table import STAGES

FOLDER = files("clustering_pipeline.orchestration")
BOTH = ["dagster.yaml", "dagster.production.yaml"]


@pytest.mark.parametrize("name", BOTH)
def test_a_configuration_is_one_that_dagster_takes(tmp_path, monkeypatch, name):
    monkeypatch.setenv("DAGSTER_POSTGRES_URL", "postgresql://ann:secret@db.example/dagster")
    (tmp_path / "dagster.yaml").write_text(FOLDER.joinpath(name).read_text())
    config, _ = dagster_instance_config(str(tmp_path))
    found = process_config(
        dagster_instance_config_schema(), yaml.safe_load(FOLDER.joinpath(name).read_text())
    )
    assert found.success, found.errors
    assert config["concurrency"]["runs"]["tag_concurrency_limits"][0] == {
        "key": "dagster/partition",
        "value": {"applyLimitPerUniqueValue": True},
        "limit": 1,
    }


@pytest.mark.parametrize("name", BOTH)
def test_a_tenant_leaves_room_for_another(name):
    runs = yaml.safe_load(FOLDER.joinpath(name).read_text())["concurrency"]["runs"]
    limits = {one["key"]: one["limit"] for one in runs["tag_concurrency_limits"]}
    assert limits["clustering/namespace"] < runs["max_concurrent_runs"]


def test_the_embedded_one_makes_an_instance(tmp_path):
    (tmp_path / "dagster.yaml").write_text(FOLDER.joinpath("dagster.yaml").read_text())
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        assert instance.run_monitoring_enabled
        assert instance.get_concurrency_config().run_queue_config.max_concurrent_runs == 3


def test_pools_are_those_of_stages_there_are():
    assert POOLS.keys() <= {stage.name for stage in STAGES}
