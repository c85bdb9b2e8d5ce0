"""What a run needs as the tags that its launcher reads, and what follows from too little of it."""

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import dagster as dg

from clustering_pipeline.defs.instance.tags import (
    MAX_RETRIES,
    PARTITION,
    RETRY,
    RETRY_REASON,
    mode_of,
)
from clustering_pipeline.engine.child_process import ENDED_BY_SYSTEM
from clustering_pipeline.model.definitions.execute import ExecuteClusterByIdRequest
from clustering_pipeline.model.definitions.spec import ClusterSpec
from clustering_pipeline.model.errors import ClusterNotFound
from clustering_pipeline.pipeline.run.pipeline import Pipeline
from clustering_pipeline.service.executions.prediction import predicted
from clustering_pipeline.settings import RunResources

MEMORY = "clustering/memory_mb"
"""What was asked for, where it was us who did; ``UNKNOWN`` where nobody could say."""
SECONDS = "clustering/expected_seconds"
NOTE = "clustering/memory_note"
UNKNOWN = "unknown"
MORE = 1.5
AT_ONCE = 100
_SHORT_SECONDS = 60.0
_MB = 2**20

# The tasks of Fargate: processors, and the MB that each may have.
ECS_PAIRS: tuple[tuple[float, Sequence[int]], ...] = (
    (0.25, (512, 1024, 2048)),
    (0.5, range(1024, 4097, 1024)),
    (1, range(2048, 8193, 1024)),
    (2, range(4096, 16385, 1024)),
    (4, range(8192, 30721, 1024)),
    (8, range(16384, 61441, 4096)),
    (16, range(32768, 122881, 8192)),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """Memory in MB, and processors."""

    memory: int
    cpus: float


def ecs_pair(size: Size) -> Size:
    """The smallest task that holds it; the largest there is where none does."""
    pairs = [Size(memory=memory, cpus=cpus) for cpus, steps in ECS_PAIRS for memory in steps]
    holding = (pair for pair in pairs if pair.memory >= size.memory and pair.cpus >= size.cpus)
    return next(holding, pairs[-1])


def _any(size: Size) -> Size:
    return size


def _k8s(size: Size) -> dict[str, str]:
    memory = f"{size.memory}Mi"
    resources = {
        "requests": {"cpu": str(size.cpus), "memory": memory},
        "limits": {"memory": memory},
    }
    return {"dagster-k8s/config": json.dumps({"container_config": {"resources": resources}})}


def _ecs(size: Size) -> dict[str, str]:
    return {"ecs/memory": str(size.memory), "ecs/cpu": str(round(size.cpus * 1024))}


def _ray(size: Size) -> dict[str, str]:
    asked = {"num_cpus": size.cpus, "memory": size.memory * _MB}
    return {"dagster-ray/config": json.dumps(asked)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """A launcher: the sizes that it has, and the tags that it reads one from."""

    tags: Callable[[Size], dict[str, str]]
    had: Callable[[Size], Size] = _any

    @property
    def keys(self) -> set[str]:
        """The names of the tags."""
        return set(self.tags(Size(memory=1, cpus=1)))


READERS: Mapping[RunResources, Reader] = {
    "k8s": Reader(tags=_k8s),
    "ecs": Reader(tags=_ecs, had=ecs_pair),
    "ray": Reader(tags=_ray),
}


def tags_of_need(kind: RunResources, *, memory: int, seconds: float) -> dict[str, str]:
    """What the launcher reads, and what people do; ``memory`` in MB."""
    reader = READERS[kind]
    size = reader.had(Size(memory=memory, cpus=1 if seconds < _SHORT_SECONDS else 2))
    tags = reader.tags(size) | {MEMORY: str(size.memory), SECONDS: str(round(seconds))}
    if size.memory < memory:
        tags[NOTE] = f"{memory} MB are expected, and the largest that {kind} has are {size.memory}"
    # The one run more after a crash is made here, because it may need more than the first.
    return tags | {MAX_RETRIES: "0"}


def right_sized(
    pipeline: Pipeline,
    spec: ClusterSpec,
    *,
    plan: str = "full",
    given: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """The tags that the settings ask for, unless somebody has ``given`` the run some already."""
    kind = pipeline.run_resources
    if kind is None or READERS[kind].keys & (given or {}).keys():
        return {}
    need = predicted(pipeline, spec, plan=plan)
    if need is None:
        return {MEMORY: UNKNOWN}
    return tags_of_need(kind, memory=math.ceil(need.memory / _MB), seconds=need.seconds)


def with_size(pipeline: Pipeline, cluster_id: str, tags: Mapping[str, str]) -> dict[str, str]:
    """The tags of a run that nobody has made an execution of, with those of what it needs."""
    if pipeline.run_resources is None:
        return dict(tags)
    try:
        record = pipeline.catalog.clusters.by_id(cluster_id)
    except ClusterNotFound:
        return dict(tags)
    mode = mode_of(tags)
    spec = record.resolved(ExecuteClusterByIdRequest(mode=mode))
    return {**tags, **right_sized(pipeline, spec, plan=mode, given=tags)}


def size_queued(
    pipeline: Pipeline, instance: dg.DagsterInstance, runs: Sequence[dg.DagsterRun]
) -> None:
    """Sizes runs that somebody started in Dagster while they wait, the oldest first."""
    queued = [run for run in reversed(runs) if run.status is dg.DagsterRunStatus.QUEUED]
    for run in [run for run in queued if MEMORY not in run.tags][:AT_ONCE]:
        sized = with_size(pipeline, run.tags[PARTITION], run.tags)
        if sized != run.tags:
            instance.add_run_tags(run.run_id, sized)


# As launchers and executors tell of it: Kubernetes and ECS by the exit code, Docker by the state of
# the container, Ray by its error, and our own child processes.
_TOO_LITTLE = re.compile(
    r'exit code:? 137|"ExitCode": 137|"OOMKilled": true|\bOOMKilled\b(?!")|OutOfMemoryError|'
    + re.escape(ENDED_BY_SYSTEM)
)
_FAILURES = {dg.DagsterEventType.RUN_FAILURE, dg.DagsterEventType.STEP_FAILURE}
_BY_ITSELF = "STEP_FAILURE"


def too_little(instance: dg.DagsterInstance, run: dg.DagsterRun) -> str | None:
    """How a run that failed ran out of the memory that was asked for here, as a sentence's part."""
    if not _is_sized(run):
        return None
    for text in _told(instance, run.run_id):
        match = _TOO_LITTLE.search(text)
        if match is not None:
            return f"{run.tags[MEMORY]} MB were too little, {match.group()}"
    return None


def retry_tags(instance: dg.DagsterInstance, run: dg.DagsterRun) -> dict[str, str] | None:
    """The tags of the one run more after a failure; None where there is to be none.

    After a crash it is the same again, after a lack of memory with half as much again.  What failed
    by itself would only fail again, and so would a run in the largest task there is.
    """
    if RETRY in run.tags or not _is_sized(run):
        return None
    lack = too_little(instance, run)
    if lack is None:
        reason = "the one before crashed"
        return None if _failed_by_itself(instance, run) else {RETRY_REASON: reason}
    before = int(run.tags[MEMORY])
    (kind,) = (kind for kind, reader in READERS.items() if reader.keys <= run.tags.keys())
    tags = tags_of_need(
        kind, memory=math.ceil(before * MORE), seconds=float(run.tags.get(SECONDS, 0))
    )
    if int(tags[MEMORY]) <= before:
        return None
    return tags | {RETRY_REASON: f"{lack}: it has {tags[MEMORY]} MB now"}


def _is_sized(run: dg.DagsterRun) -> bool:
    return run.tags.get(MEMORY, "").isdigit()


def _told(instance: dg.DagsterInstance, run_id: str) -> Iterator[str]:
    for entry in instance.all_logs(run_id, of_type=_FAILURES):
        event = entry.dagster_event
        yield event.message or "" if event else ""
        error = getattr(event and event.event_specific_data, "error", None)
        if error is not None:
            yield str(error.to_string())


def _failed_by_itself(instance: dg.DagsterInstance, run: dg.DagsterRun) -> bool:
    for entry in instance.all_logs(run.run_id, of_type=dg.DagsterEventType.RUN_FAILURE):
        data = entry.dagster_event and entry.dagster_event.event_specific_data
        reason = getattr(data, "failure_reason", None)
        if reason is not None and reason.value == _BY_ITSELF:
            return True
    return False
