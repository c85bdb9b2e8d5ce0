"""Nights on which the clocks change, through the sensor: each rerun comes exactly once."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

import dagster as dg
import pytest
from pymongo import MongoClient

from clustering_pipeline.defs.instance.tags import EXECUTE
from clustering_pipeline.defs.sensors.triggers import look_at_triggers
from clustering_pipeline.model.automation.triggers import CreateTriggerRequest
from clustering_pipeline.model.collections import CollectionRecord
from clustering_pipeline.model.definitions.validation import validate
from clustering_pipeline.model.scope import LOCAL
from clustering_pipeline.stores.catalog import Catalog
from clustering_pipeline_tests.worlds.planted import planted
from clustering_pipeline_tests.worlds.world import World

DAY = timedelta(days=1)

# Local midnight of the night, and when on it each expression runs, in UTC: those within the hour
# that is skipped run right after it, those within the one that comes twice run in its first pass.
NIGHTS = [
    pytest.param(
        "Europe/Berlin",
        "2026-03-29",
        {"30 1": "00:30", "0 2": "01:00", "30 2": "01:00", "0 3": "01:00"},
        id="berlin-forward",
    ),
    pytest.param(
        "Europe/Berlin",
        "2026-10-25",
        {"30 1": "23:30", "0 2": "00:00", "30 2": "00:30", "0 3": "02:00"},
        id="berlin-back",
    ),
    pytest.param(
        "America/New_York",
        "2026-03-08",
        {"30 1": "06:30", "0 2": "07:00", "30 2": "07:00", "0 3": "07:00"},
        id="new-york-forward",
    ),
    pytest.param(
        "America/New_York",
        "2026-11-01",
        {"0 1": "05:00", "30 1": "05:30", "0 2": "07:00", "30 2": "07:30"},
        id="new-york-back",
    ),
    pytest.param(
        "Australia/Lord_Howe",
        "2026-10-04",
        {"30 1": "15:00", "0 2": "15:30", "15 2": "15:30", "30 2": "15:30"},
        id="lord-howe-forward",
    ),
    pytest.param(
        "Australia/Lord_Howe",
        "2026-04-05",
        {"30 1": "14:30", "45 1": "14:45", "0 2": "15:30", "0 3": "16:30"},
        id="lord-howe-back",
    ),
]


@dataclass(kw_only=True)
class Night:
    """A daemon that looks at chosen moments, and the runs that it makes."""

    world: World
    collection: CollectionRecord
    clock: list[datetime]
    names: dict[str, str] = field(default_factory=dict)
    flying: list[dg.DagsterRun] = field(default_factory=list)

    def trigger(self, zone: str, expression: str) -> None:
        definition = self.world.define(self.collection)
        self.names[definition.cluster_id] = expression
        request = {
            "cluster_id": definition.cluster_id,
            "trigger_type": "cron",
            "schedule_config": {"cron_expression": f"{expression} * * *", "timezone": zone},
        }
        wanted = validate(CreateTriggerRequest, request)
        self.world.pipeline.catalog.triggers.create(LOCAL, wanted)

    def look(self, at: datetime) -> list[str]:
        """The expressions that get a run at that moment; it ends after the next look."""
        self.clock[:] = [at]
        _, requests, _ = look_at_triggers(self.world.pipeline, self.world.instance, at)
        for run in self.flying:
            self.world.instance.report_run_canceled(run)
        self.flying = [self._made(one) for one in requests]
        return [self.names[one.tags["dagster/partition"]] for one in self.flying]

    def _made(self, request: dg.RunRequest) -> dg.DagsterRun:
        own = {"dagster/partition": request.partition_key, "dagster/run_key": request.run_key}
        made = dg.DagsterRun(
            job_name=EXECUTE,
            run_id=str(uuid4()),
            status=dg.DagsterRunStatus.STARTED,
            tags={**request.tags, **own},
        )
        return self.world.instance.add_run(made)


@pytest.fixture(scope="module")
def nights(world: World, mongodb_uri: str) -> Iterator[Night]:
    clock = [datetime(2026, 1, 1, tzinfo=UTC)]
    name = f"test_{uuid4().hex}"
    with MongoClient(mongodb_uri) as client, dg.DagsterInstance.ephemeral() as instance:
        catalog = Catalog(client[name], clock=lambda: clock[0])
        catalog.ensure_indexes()
        there = World(pipeline=replace(world.pipeline, catalog=catalog), instance=instance)
        collection = there.collection(planted(sizes={"sea": 3}))
        yield Night(world=there, collection=collection, clock=clock)
        client.drop_database(name)


@pytest.fixture
def night(nights: Night) -> Iterator[Night]:
    yield nights
    for cluster_id in nights.names:
        nights.world.pipeline.catalog.triggers.delete_of(cluster_id)
    nights.names.clear()


def watched(night: Night, zone: str, day: str, minutes: int, expressions) -> dict[str, list]:
    """Expression to the moments of its runs, over the night of ``day`` and the one after it."""
    midnight = datetime.fromisoformat(day).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    night.clock[:] = [midnight - timedelta(hours=1)]
    for one in expressions:
        night.trigger(zone, one)
    found: dict[str, list] = {one: [] for one in expressions}
    for start in (midnight, midnight + DAY):
        for passed in range(-60, 360, minutes):
            at = start + timedelta(minutes=passed)
            for one in night.look(at):
                found[one].append(at)
    return found


@pytest.mark.parametrize(("zone", "day", "expected"), NIGHTS)
def test_a_rerun_comes_exactly_once_and_in_time(night, zone, day, expected):
    found = watched(night, zone, day, 15, expected)
    assert {one: f"{moments[0]:%H:%M}" for one, moments in found.items()} == expected
    following = [moments[1].astimezone(ZoneInfo(zone)) for moments in found.values()]
    assert [f"{one:%-M %-H}" for one in following] == list(expected)
    assert {len(moments) for moments in found.values()} == {2}


@pytest.mark.parametrize(("zone", "day", "expected"), NIGHTS)
def test_a_daemon_that_is_away_for_a_while_makes_up_for_each_once(night, zone, day, expected):
    """It comes back in the second pass of the hour that comes twice, too."""
    found = watched(night, zone, day, 25, expected)
    assert {one: len(moments) for one, moments in found.items()} == dict.fromkeys(expected, 2)
