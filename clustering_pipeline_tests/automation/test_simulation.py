"""Automation over weeks: batches, failures, restarts and deletions in any order."""

import random
from datetime import timedelta

import hypothesis.strategies as st
import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from clustering_pipeline.stores.catalog.definitions.automatic import Place
from clustering_pipeline_tests.automation.ledger import Run
from clustering_pipeline_tests.automation.simulated import OUTCOMES, Simulated
from clustering_pipeline_tests.sizes import size

COLLECTIONS = [f"col_{letter}" for letter in "abcd"]
BROKEN = "clust_0001"  # a definition that fails whenever it runs
some_collections = st.lists(st.sampled_from(COLLECTIONS), min_size=1, max_size=3, unique=True)
cooldowns = st.sampled_from([0, 60, 3600, 86_400])
thresholds = st.sampled_from([None, 1, 50])
modes = st.sampled_from(["full", "assign", "auto"])
places = st.builds(Place, phase=st.integers(1, 3), priority=st.integers(0, 10))


class Automation(RuleBasedStateMachine):
    """What may happen, in any order; ``Simulated.check`` is what must hold."""

    def __init__(self):
        super().__init__()
        self.world = Simulated()

    @initialize(cooldown=cooldowns, threshold=thresholds)
    def there_is_something_to_do(self, cooldown, threshold):
        for collections in (COLLECTIONS[:2], COLLECTIONS[1:3]):
            self.world.create(collections=collections, cooldown=cooldown, threshold=threshold)
        self.world.complete_batch(COLLECTIONS[:3], 100)

    @rule(collections=some_collections, cooldown=cooldowns, threshold=thresholds, mode=modes)
    def create(self, collections, cooldown, threshold, mode):
        self.world.create(
            collections=collections, cooldown=cooldown, threshold=threshold, mode=mode
        )

    @precondition(lambda self: len(self.simple) > 1)
    @rule(data=st.data(), cooldown=cooldowns)
    def compose(self, data, cooldown):
        sources = st.lists(st.sampled_from(self.simple), min_size=2, max_size=3, unique=True)
        self.world.compose(data.draw(sources), cooldown=cooldown)

    @property
    def simple(self) -> list[str]:
        clusters = self.world.clusters
        return [one for one in sorted(clusters) if not clusters[one].spec.source_cluster_ids]

    @rule(collections=some_collections, documents=st.integers(0, 100), share=st.integers(0, 2))
    def a_batch_completes(self, collections, documents, share):
        self.world.complete_batch(collections, documents, documents * share // 2)

    @rule(seconds=st.sampled_from([1, 60, 300, 3600, 100_000]))
    def the_daemon_is_away(self, seconds):
        self.world.now += timedelta(seconds=seconds)

    @rule()
    def look(self):
        self.world.tick()

    @rule(made=st.integers(0, 3))
    def the_daemon_dies_in_a_look(self, made):
        self.world.tick(dies_after=made)

    @rule(outcome=st.sampled_from(sorted(OUTCOMES)), collections=some_collections)
    def all_runs_while_a_batch_lands(self, outcome, collections):
        self.world.tick()
        for run_id in self.world.waiting():
            self.world.begin(run_id)
        self.world.complete_batch(collections, 10)
        for run_id in self.world.running():
            self.world.end(run_id, outcome)

    @precondition(lambda self: self.world.waiting())
    @rule(data=st.data())
    def a_run_begins(self, data):
        self.world.begin(data.draw(st.sampled_from(self.world.waiting())))

    @precondition(lambda self: self.world.waiting())
    @rule(data=st.data())
    def a_run_is_lost_before_it_begins(self, data):
        self.world.lose(data.draw(st.sampled_from(self.world.waiting())))

    @precondition(lambda self: self.world.running())
    @rule(data=st.data(), outcome=st.sampled_from(sorted(OUTCOMES)))
    def a_run_ends(self, data, outcome):
        self.world.end(data.draw(st.sampled_from(self.world.running())), outcome)

    @precondition(lambda self: self.world.clusters)
    @rule(data=st.data())
    def somebody_executes(self, data):
        self.world.execute(self.one(data))

    @precondition(lambda self: self.world.clusters)
    @rule(data=st.data(), cooldown=cooldowns, threshold=thresholds, mode=modes)
    def somebody_patches(self, data, cooldown, threshold, mode):
        self.world.respecify(
            self.one(data),
            auto_execute_cooldown_seconds=cooldown,
            auto_execute_min_documents=threshold,
            auto_execute_mode=mode,
        )

    @precondition(lambda self: self.world.clusters)
    @rule(data=st.data(), away=st.booleans())
    def somebody_archives(self, data, away):
        self.world.archive(self.one(data), away=away)

    @precondition(lambda self: self.world.clusters)
    @rule(data=st.data())
    def somebody_deletes(self, data):
        self.world.delete(self.one(data))

    @precondition(lambda self: self.simple)
    @rule(data=st.data(), place=places)
    def somebody_arranges(self, data, place):
        self.world.arranged[data.draw(st.sampled_from(self.simple))] = place

    def one(self, data) -> str:
        return data.draw(st.sampled_from(sorted(self.world.clusters)))

    @invariant()
    def all_is_well(self):
        self.world.check()

    def teardown(self):
        self.world.settle_everything()


TestAutomation = Automation.TestCase
TestAutomation.settings = settings(
    derandomize=True,
    deadline=None,
    max_examples=size(ci=40, full=300),
    stateful_step_count=size(ci=40, full=80),
)


@pytest.mark.parametrize("seed", range(size(ci=1, full=3)))
def test_weeks_of_many_definitions(seed):
    """200 definitions over 30 days at full size."""
    chance = random.Random(seed)  # noqa: S311 - a simulation, the same each time
    world = Simulated()
    for _ in range(size(ci=20, full=200)):
        make(world, chance)
    end = world.now + timedelta(days=size(ci=2, full=30))
    while world.now < end:
        # Looks in a row now and then, and a daemon that is away for a while.
        world.now += timedelta(seconds=chance.choice([0, 0, chance.randrange(1200)]))
        if chance.random() < 0.1:
            documents = chance.randrange(100)
            novel = documents // chance.choice([1, 10, 1000])
            world.complete_batch(chance.sample(COLLECTIONS, 1), documents, novel)
        world.tick(dies_after=chance.randrange(5) if chance.random() < 0.05 else None)
        go_on(world, chance)
        meddle(world, chance)
        world.check()
    world.settle_everything()


def make(world: Simulated, chance: random.Random) -> None:
    world.create(
        collections=chance.sample(COLLECTIONS, 2),
        cooldown=chance.choice([0, 3600, 86_400]),
        threshold=chance.choice([None, 500]),
        mode=chance.choice(["full", "assign", "auto"]),
    )


def go_on(world: Simulated, chance: random.Random) -> None:
    """Some of the queued runs begin or are lost, some of those under way end."""
    for run_id in world.waiting():
        draw = chance.random()
        if draw < 0.02:
            world.lose(run_id)
        elif draw < 0.7:
            world.begin(run_id)
    for run_id in world.running():
        if world.runs[run_id].cluster_id == BROKEN:
            world.end(run_id, "failed")
        elif chance.random() < 0.3:
            world.end(run_id, chance.choice(["completed"] * 7 + ["empty", "failed", "killed"]))


def meddle(world: Simulated, chance: random.Random) -> None:
    """People come and go with their definitions."""
    if chance.random() < 0.98:
        return
    one = chance.choice(sorted(world.clusters.keys() - {BROKEN}))
    change = chance.choice(["delete", "archive", "unarchive", "patch", "arrange", "execute"])
    if change == "delete":
        world.delete(one)
        make(world, chance)
    elif change == "patch":
        world.respecify(one, auto_execute_cooldown_seconds=chance.choice([0, 60, 7200]))
    elif change == "arrange":
        world.arranged[one] = Place(phase=chance.randrange(1, 4), priority=chance.randrange(9))
    elif change == "execute":
        world.execute(one)
    else:
        world.archive(one, away=change == "archive")


@pytest.mark.parametrize(
    ("cooldown", "failures", "expected"),
    [
        pytest.param(7200, 0, [119], id="after-the-cooldown"),
        pytest.param(60, 2, [101, 103, 107], id="tried-again-after-2-and-4-minutes"),
    ],
)
def test_each_batch_is_assigned_until_a_threshold_asks_for_one_full_run(
    cooldown, failures, expected
):
    """A batch a minute; from the 101st on, the pool is too large."""
    world, began = Simulated(), []
    cluster_id = world.create(collections=["col_a"], cooldown=cooldown, threshold=None, mode="auto")
    world.complete_batch(["col_a"], 1000)
    world.tick()
    assert [run.mode for run in finished(world)] == ["full"]
    start = world.now
    for batch in range(200):
        world.now = start + timedelta(minutes=batch + 1)
        world.complete_batch(["col_a"], 10, novel=2)
        # A daemon that dies before Dagster has made the run it asked for loses nothing.
        assert world.tick(dies_after=0) == 1
        world.tick()
        fails = len(began) < failures
        if "full" in [run.mode for run in finished(world, "failed" if fails else "completed")]:
            began.append(batch)
            # What it failed over is assigned all the same.
            assert world.tick() == fails
            finished(world)
        assert world.clusters[cluster_id].state.automation.settled == {"col_a": batch + 2}
        world.check()
    assert began == expected


def finished(world: Simulated, outcome: str = "completed") -> list[Run]:
    """The runs that waited, which begin and end; those that assign complete whatever comes."""
    runs = [world.runs[run_id] for run_id in world.waiting()]
    for run in runs:
        world.begin(run.run_id)
        world.end(run.run_id, outcome if run.mode == "full" else "completed")
    return runs


def test_a_composite_definition_runs_once_for_each_set_of_runs_of_its_sources():
    world = Simulated()
    sources = [
        world.create(collections=["col_a"], cooldown=0, threshold=None, mode=mode)
        for mode in ("full", "assign")
    ]
    composite = world.compose(sources, cooldown=0)
    for _ in range(3):
        world.complete_batch(["col_a"], 10)
        world.tick(dies_after=0)
        world.tick()
        first, second = world.waiting()
        world.begin(first)
        world.end(first, "completed")
        # The other one is still at work: the composite run would have to be made again.
        assert world.tick() == 0
        world.begin(second)
        world.end(second, "completed")
        assert world.tick(dies_after=0) == 1
        world.tick()
        (run,) = finished(world)
        assert (run.cluster_id, run.mode) == (composite, "composite")
        assert sorted(run.grouped) == sorted(sources)
        assert [world.tick(), world.tick()] == [0, 0]
