"""What Dagster knows of our runs: which are under way, and which there are for a key."""

from collections.abc import Sequence

import dagster as dg

from clustering_pipeline.defs.instance.tags import PARTITION, RUN_KEY
from clustering_pipeline.model.ids import run_id_of

_AT_ONCE = 200
_UNFINISHED = [
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


def unfinished_records(instance: dg.DagsterInstance) -> list[dg.RunRecord]:
    """The runs over a partition that are queued or under way, of whatever job, the newest first.

    The asset page runs a job of its own, so that the job tells nothing.
    """
    records = instance.get_run_records(dg.RunsFilter(statuses=_UNFINISHED))
    return [record for record in records if PARTITION in record.dagster_run.tags]


def unfinished(instance: dg.DagsterInstance) -> list[dg.DagsterRun]:
    """The same without when they were made."""
    return [record.dagster_run for record in unfinished_records(instance)]


def in_flight(instance: dg.DagsterInstance) -> dict[str, str]:
    """Definition to its run under way."""
    return {run.tags[PARTITION]: run_id_of(run.run_id) for run in unfinished(instance)}


def by_key(instance: dg.DagsterInstance, keys: Sequence[str]) -> dict[str, dg.DagsterRun]:
    """Key to the run that was made for it."""
    runs: dict[str, dg.DagsterRun] = {}
    for start in range(0, len(keys), _AT_ONCE):
        query = dg.RunsFilter(tags={RUN_KEY: list(keys[start : start + _AT_ONCE])})
        runs |= {run.tags[RUN_KEY]: run for run in instance.get_runs(query)}
    return runs


def last_word(instance: dg.DagsterInstance, sensor: str) -> str | None:
    """Why the sensor of that name started nothing when it last looked; None if it did, or never
    looked.
    """
    for state in instance.all_instigator_state():
        if state.instigator_name == sensor:
            ticks = instance.get_ticks(state.instigator_origin_id, state.selector_id, limit=1)
            return ticks[0].skip_reason if ticks else None
    return None
