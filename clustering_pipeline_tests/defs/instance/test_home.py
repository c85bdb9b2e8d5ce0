"""Both configurations of Dagster: they load, and hold the promises of the queue."""

import os
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files

import dagster as dg
import pytest
import yaml
from dagster._check import CheckError
from dagster._config import process_config
from dagster._core.events import AssetMaterializationPlannedData
from dagster._core.instance.config import dagster_instance_config, dagster_instance_config_schema

from clustering_pipeline.defs.instance import pools
from clustering_pipeline.defs.instance.event_log import EventLog
from clustering_pipeline.defs.instance.home import dagster_home, one_at_a_time, open_instance
from clustering_pipeline.pipeline.stages.table import STAGES
from clustering_pipeline.settings import Settings

FOLDER = files("clustering_pipeline.defs.instance")
BOTH = ["dagster.yaml", "dagster.production.yaml"]


@dg.job
def nothing() -> None:
    """Does nothing."""


@pytest.mark.parametrize("name", BOTH)
def test_a_configuration_is_one_that_dagster_takes(tmp_path, monkeypatch, name):
    monkeypatch.setenv("DAGSTER_POSTGRES_URL", "postgresql://ann:secret@db.example/dagster")
    monkeypatch.setenv("DAGSTER_LOGS_BUCKET", "logs")
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
    home = dagster_home(Settings(data_dir=tmp_path))
    with open_instance(home) as instance:
        assert instance.run_monitoring_enabled
        assert instance.get_concurrency_config().run_queue_config.max_concurrent_runs == 3


def test_of_many_that_open_a_new_home_each_finds_it_whole(tmp_path):
    def runs(_number: int) -> int:
        with open_instance(dagster_home(Settings(data_dir=tmp_path))) as instance:
            return instance.get_runs_count()

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(runs, range(4))) == [0] * 4


def test_a_home_is_opened_by_one_at_a_time(tmp_path):
    told = []

    def second() -> None:
        with one_at_a_time(tmp_path / "new"):
            told.append("second")

    with ThreadPoolExecutor(1) as pool:
        with one_at_a_time(tmp_path / "new"):
            waiting = pool.submit(second)
            told.append("first")
        waiting.result()
    assert told == ["first", "second"]


def test_the_events_of_all_runs_lie_in_one_file_of_the_home(tmp_path):
    home = dagster_home(Settings(data_dir=tmp_path))
    told = []
    for number in range(2):
        with open_instance(home) as instance:
            run = instance.create_run_for_job(nothing)
            instance.report_engine_event(f"run {number}", run)
            told.append([one.message for one in instance.all_logs(run.run_id)])
    assert told == [["run 0"], ["run 1"]]
    assert [one.name for one in home.rglob("*.db") if one.parent.name == "events"] == [
        "event_log.db"
    ]
    assert "DAGSTER_HOME" not in os.environ


def told(log: EventLog, run_id: str) -> list[str]:
    return [one.event_log_entry.user_message for one in log.get_records_for_run(run_id).records]


def entry(run_id: str, message: str, *, asset: str | None = None) -> dg.EventLogEntry:
    planned = asset and dg.DagsterEvent.build_asset_materialization_planned_event(
        "job", "step", AssetMaterializationPlannedData(dg.AssetKey(asset))
    )
    return dg.EventLogEntry(
        error_info=None,
        level=20,
        user_message=message,
        run_id=run_id,
        timestamp=1e9,
        dagster_event=planned or None,
    )


def test_events_that_belong_together_are_written_whole_or_not_at_all(tmp_path):
    log = EventLog(str(tmp_path))
    together = [entry("a run", str(number), asset="published") for number in range(3)]
    log.store_event_batch(together)
    assert told(log, "a run") == ["0", "1", "2"]
    assert log.has_asset_key(dg.AssetKey("published"))

    class Unreadable:
        """What is no event."""

    with pytest.raises(CheckError):
        log.store_event_batch([entry("another", "0"), Unreadable()])
    assert told(log, "another") == []
    log.store_event(entry("another", "1"))
    assert told(log, "another") == ["1"]


def test_threads_write_beside_each_other(tmp_path):
    log = EventLog(str(tmp_path))
    with ThreadPoolExecutor(4) as several:
        list(several.map(lambda number: log.store_event(entry("a run", str(number))), range(20)))
    assert sorted(told(log, "a run"), key=int) == [str(number) for number in range(20)]


def test_processes_that_start_together_with_a_fresh_home_all_find_it_whole(tmp_path):
    home = dagster_home(Settings(data_dir=tmp_path))
    with ThreadPoolExecutor(4) as several:
        logs = list(several.map(EventLog, [str(home)] * 4))
    assert [one.has_table("event_logs") for one in logs] == [True] * 4


def test_pools_are_those_of_stages_there_are():
    assert pools.STAGES.keys() <= {stage.name for stage in STAGES}
