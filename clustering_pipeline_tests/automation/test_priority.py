"""Who goes first when many are due."""

from clustering_pipeline.automation.due import Standing
from clustering_pipeline.automation.priority import MOST, Judged, choose, in_phases
from clustering_pipeline.model.scope import LOCAL, Scope
from clustering_pipeline.stores.catalog.definitions.automatic import Place
from clustering_pipeline_tests.automation.facts import NOON, automatic

OTHER = Scope(organization_id="int_local", namespace_id="ns_other")


def lagging(
    name: str, scope: Scope = LOCAL, *, settled: int = 0, failures: int = 0, **standing
) -> Judged:
    definition = automatic(
        cluster_id=name, name=name, scope=scope, settled={"col_a": settled}, failures=failures
    )
    return Judged(
        definition=definition, standing=Standing(behind={"col_a": 1}, now=NOON, **standing)
    )


def names(judged) -> list[str]:
    return [one.definition.cluster_id for one in judged]


def test_higher_priority_goes_first_and_names_break_ties():
    due = [lagging("c"), lagging("b"), lagging("a")]
    assert names(choose(due, {"c": Place(priority=5)})) == ["c", "a", "b"]


def test_only_so_many_at_once():
    assert len(choose([lagging(f"{n:04}") for n in range(MOST + 50)], {})) == MOST


def test_namespaces_take_turns():
    due = [lagging("a"), lagging("b"), lagging("c"), lagging("z", OTHER)]
    assert names(choose(due, {})) == ["a", "z", "b", "c"]


def test_who_is_held_back_is_not_chosen():
    assert names(choose([lagging("a", cooldown_left=5.0), lagging("b")], {})) == ["b"]


FIRST = {"early": Place(phase=1)}


def waits(*judged: Judged) -> list[str | None]:
    return [one.standing.phase_before for one in in_phases(judged, FIRST)]


def test_a_later_phase_waits_for_an_earlier_one_that_is_due_or_running():
    assert waits(lagging("early"), lagging("late")) == [None, "early"]
    assert waits(lagging("early", in_flight="run_1"), lagging("late")) == [None, "early"]


def test_a_later_phase_waits_for_nobody_who_waits():
    assert waits(lagging("early", cooldown_left=9.0), lagging("late")) == [None, None]


def test_a_phase_that_always_runs_starves_nobody():
    assert waits(lagging("early", settled=3), lagging("late", settled=2)) == [None, None]


def test_a_phase_that_always_fails_starves_nobody():
    assert waits(lagging("early", failures=1), lagging("late")) == [None, "early"]
    assert waits(lagging("early", failures=2), lagging("late")) == [None, None]
    assert waits(lagging("early", failures=2, in_flight="run_1"), lagging("late")) == [None, None]


def test_phases_matter_within_a_namespace_only():
    assert waits(lagging("early", OTHER), lagging("late")) == [None, None]
