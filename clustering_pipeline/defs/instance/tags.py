"""What runs carry, and the queue's order: what people ask for goes before what runs by itself."""

from collections.abc import Mapping, Sequence

from clustering_pipeline.model.definitions.automation import BATCH, MANUAL, SCHEDULE
from clustering_pipeline.model.definitions.execute import ExecutionMode
from clustering_pipeline.model.executions.execution import ExecutionRecord
from clustering_pipeline.model.scope import Scope

TRIGGER = "clustering/trigger"
TRIGGER_ID = "clustering/trigger_id"
SEEN = "clustering/seen"
MODE = "clustering/mode"
BECAUSE = "clustering/because"
NAME = "clustering/definition"
NAMESPACE = "clustering/namespace"
PRIORITY = "dagster/priority"
PARTITION = "dagster/partition"
RUN_KEY = "dagster/run_key"
PARENT = "dagster/parent_run_id"
ROOT = "dagster/root_run_id"
RETRY = "dagster/retry_number"
MAX_RETRIES = "dagster/max_retries"
RETRY_REASON = "clustering/retry_reason"

# A run that somebody starts in Dagster has no priority, which is 0.
# What jobs do that are not for clustering everything.
MODES: dict[str, ExecutionMode] = {"assign": "assign", "composite": "composite"}
PRIORITIES = {MANUAL: 0, BATCH: -10, SCHEDULE: -20}


def tags_of_execution(execution: ExecutionRecord) -> dict[str, str]:
    """The tags of a run that somebody asked us for, and whose execution is there already."""
    trigger, scope = execution.trigger, execution.scope
    name = (execution.spec.cluster_name if execution.spec else None) or execution.cluster_id
    tags = tags_of(trigger, scope, trigger_id=execution.trigger_id)
    return tags | {MODE: execution.mode or "full", NAME: name}


def tags_of(trigger: str, scope: Scope, *, trigger_id: str | None = None) -> dict[str, str]:
    """The tags of a run: who wants it, whose it is, and how soon it is wanted."""
    named = {} if trigger_id is None else {TRIGGER_ID: trigger_id}
    return {
        TRIGGER: trigger,
        NAMESPACE: namespace_tag(scope),
        PRIORITY: str(PRIORITIES[trigger]),
        **named,
    }


def tags_of_mode(mode: ExecutionMode, because: Sequence[str] = ()) -> dict[str, str]:
    """What a run that nobody asked for does, and why it does more than assign."""
    reasons = {BECAUSE: "; ".join(because)} if because else {}
    return {MODE: mode, **reasons}


def namespace_tag(scope: Scope) -> str:
    """What the queue counts runs of a namespace by."""
    return f"{scope.organization_id}/{scope.namespace_id}"


def mode_of(tags: Mapping[str, str]) -> ExecutionMode:
    """What a job that somebody starts in Dagster does."""
    return MODES.get(tags.get(MODE, ""), "full")


def trigger_of(tags: Mapping[str, str]) -> tuple[str, str | None]:
    """Who wanted a run, and the trigger if one did."""
    return tags.get(TRIGGER, MANUAL), tags.get(TRIGGER_ID)


def retried_of(tags: Mapping[str, str]) -> str | None:
    """The Dagster run that Dagster repeats by itself; None for one that somebody asks for again."""
    return tags.get(PARENT) if RETRY in tags else None


EXECUTE = "execute_cluster"

RELABEL = "relabel_cluster"

ASSIGN = "assign_documents"

COMPOSE = "compose_clusters"


# By the plan of an execution, a ``RunPlan``.
JOBS: dict[str, str] = {
    "full": EXECUTE,
    "relabel": RELABEL,
    # The same stages, of which the first makes no label.
    "rename": RELABEL,
    "assign": ASSIGN,
    "from_pool": EXECUTE,
    "composite": COMPOSE,
}
