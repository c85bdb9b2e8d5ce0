"""What a definition promises by when, and whether that time has passed.

With ``auto_execute_on_batch`` it promises to begin a run over every completed batch at once, or
when its cooldown ends.  A cron or interval trigger promises a run at each of its times; one that
failed five times in a row promises it still.  Nothing is promised while a run holds the definition,
by one that is archived, while documents are missing to its threshold, or by triggers that wait for
events and conditions.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from clustering_pipeline.model.automation.schedules import YEAR_SECONDS
from clustering_pipeline.model.automation.triggers import TriggerRecord, TriggerStatus
from clustering_pipeline.model.definitions.automation import AutomaticDefinition
from clustering_pipeline.stores.catalog.automation.batches import BatchNumber

CENTURY_SECONDS = 100 * YEAR_SECONDS
"""Longer cooldowns, which may end in no year there is, are for ever."""
Promised = dict[str, datetime]
"""What is due, in sentences, and since when."""


def first_behind(definition: AutomaticDefinition, lag: Mapping[str, int]) -> list[BatchNumber]:
    """The oldest batch of each collection that no run has dealt with."""
    settled = definition.settled
    return [(definition.scope, one, settled.get(one, 0) + 1) for one in lag]


def batches_due(
    definition: AutomaticDefinition,
    lag: Mapping[str, int],
    completed_at: Mapping[BatchNumber, datetime],
) -> Promised:
    """What batches make due."""
    waiting = [completed_at[one] for one in first_behind(definition, lag) if one in completed_at]
    if not waiting:
        return {}
    due = max([min(waiting), *_cooled(definition)])
    batches = sum(lag.values())
    said = "a batch has" if batches == 1 else f"{batches} batches have"
    failures = f", after {definition.failures} failures in a row" if definition.failures else ""
    return {f"{said} completed that no run has dealt with{failures}": due}


def trigger_due(trigger: TriggerRecord) -> Promised:
    """What a trigger makes due whose next time has passed."""
    failed = trigger.status is TriggerStatus.FAILED
    why = "; it has stopped after five failures in a row" if failed else ""
    said = f"{trigger.trigger_id} ({trigger.trigger_type}) has not run at its time{why}"
    return {} if trigger.next_run_at is None else {said: trigger.next_run_at}


def _cooled(definition: AutomaticDefinition) -> list[datetime]:
    """When the cooldown of the last automatic run ends, or ended; none without such a run."""
    last = definition.batch_run_at
    seconds = min(definition.cooldown_seconds, CENTURY_SECONDS)
    return [] if last is None else [last + timedelta(seconds=seconds)]
