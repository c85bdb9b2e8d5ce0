"""Which runs keep their results, and the removal of what the others left.

The record of a run stays: what it found in numbers and what its labels cost is history.  Its files
go, and with them the way back to it.
"""

from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from clustering_pipeline.model.definitions.cluster import ClusterRecord
from clustering_pipeline.model.errors import ArtifactNotFound, StateConflict
from clustering_pipeline.model.executions.execution import TASK_TYPE, ExecutionRecord, run_prefix
from clustering_pipeline.model.times import utc_now
from clustering_pipeline.pipeline.run.artifacts import DEFINITION
from clustering_pipeline.pipeline.run.pipeline import Pipeline
from clustering_pipeline.stores.catalog.executions.executions import RunFiles


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """What was removed: runs whose results went, and how many files."""

    runs: tuple[str, ...] = ()
    files: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Orphans:
    """Directories of runs that no record names.

    ``ours`` are of definitions in this catalog; ``unknown`` may be another catalog's.
    """

    ours: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


def retained(
    record: ClusterRecord, runs: Sequence[RunFiles], *, keep: int, grouped: Collection[str] = ()
) -> set[str]:
    """The runs that keep their files.

    They are the ``keep`` newest with results, the published one, those whose fields documents may
    show, the last attempt, whatever has not ended, those that are ``grouped`` by a composite run
    under way, and those whose files one of these stands on.  A run of nothing but names pushes no
    other out, and goes with the groups that it names.
    """
    state = record.state
    newest = sorted(runs, key=lambda run: run.created_at, reverse=True)
    results = [run.run_id for run in newest if run.has_results and not run.only_names]
    kept = _with_used({*results[:keep]}, runs)
    names = [run for run in newest if run.only_names and run.uses <= kept | {run.run_id}]
    kept |= {run.run_id for run in names[:keep]}
    kept |= {run.run_id for run in runs if not run.ended or run.run_id in grouped}
    kept |= {*state.documents_hold, state.last_run_id or "", state.last_attempt_id or ""}
    return _with_used(kept, runs)


def collect(pipeline: Pipeline, cluster_id: str) -> Collected:
    """Removes the files of a definition's runs that are not retained; may be repeated."""
    record = pipeline.catalog.clusters.by_id(cluster_id)
    runs = pipeline.catalog.executions.with_files(cluster_id)
    grouped = pipeline.catalog.executions.being_grouped({run.run_id for run in runs})
    kept = retained(record, runs, keep=pipeline.kept_runs, grouped=grouped)
    gone = [run.run_id for run in runs if run.run_id not in kept]
    if not gone:
        return Collected()
    # First nobody is to be led there any more.
    pipeline.catalog.clusters.revise(cluster_id, lambda cluster: _without(cluster, gone))
    files = sum(_remove(pipeline, record, run_id) for run_id in gone)
    return Collected(runs=tuple(gone), files=files)


def not_kept(record: ClusterRecord, execution: ExecutionRecord) -> StateConflict:
    """The refusal to read the results of a run that has none, or has them no more."""
    kept = ", ".join(record.state.published_run_ids) or "none"
    why = " (`runs gc` or a later run removed its files)" if execution.expired_at else ""
    message = f"the results of {execution.run_id} are not kept{why}; {record.name!r} has: {kept}"
    return StateConflict(message)


def collect_all(pipeline: Pipeline) -> Collected:
    """The same for every definition."""
    collected = [collect(pipeline, cluster_id) for cluster_id in pipeline.catalog.clusters.ids()]
    runs = tuple(run for part in collected for run in part.runs)
    return Collected(runs=runs, files=sum(part.files for part in collected))


def find_orphans(pipeline: Pipeline) -> Orphans:
    """Looks through all artifacts for directories that no execution's record stands for."""
    ours, unknown = [], []
    clusters = set(pipeline.catalog.clusters.ids())
    for prefix in _directories(pipeline.artifacts.list()):
        if not _is_lost(pipeline, prefix):
            continue
        (ours if _definition(pipeline, prefix) in clusters else unknown).append(prefix)
    return Orphans(ours=tuple(ours), unknown=tuple(unknown))


def remove_orphans(pipeline: Pipeline, prefixes: Iterable[str]) -> int:
    """Removes directories with everything in them; returns how many files there were.

    One that a record names by now stays: a run keeps its files before its record.
    """
    lost = (prefix for prefix in prefixes if _is_lost(pipeline, prefix))
    return sum(pipeline.artifacts.delete(prefix) for prefix in lost)


def _with_used(kept: set[str], runs: Iterable[RunFiles]) -> set[str]:
    return kept.union(*(run.uses for run in runs if run.run_id in kept))


def _is_lost(pipeline: Pipeline, prefix: str) -> bool:
    return pipeline.catalog.executions.find(prefix.rpartition("/")[2]) is None


def _without(record: ClusterRecord, gone: Collection[str]) -> dict[str, list[str]]:
    remaining = [run_id for run_id in record.state.published_run_ids if run_id not in gone]
    return {"published_run_ids": remaining}


def _remove(pipeline: Pipeline, record: ClusterRecord, run_id: str) -> int:
    files = pipeline.artifacts.delete(run_prefix(record.scope, run_id))
    pipeline.catalog.executions.update(run_id, expired_at=utc_now())
    return files


def _directories(keys: Iterable[str]) -> list[str]:
    """The run directories that the keys lie in."""
    paths = (key.split("/")[:4] for key in keys if key.count("/") >= 4)
    return list(dict.fromkeys("/".join(parts) for parts in paths if parts[2] == TASK_TYPE))


def _definition(pipeline: Pipeline, prefix: str) -> str | None:
    with suppress(ArtifactNotFound, ValueError, KeyError, TypeError):
        return str(pipeline.artifacts.read_json(f"{prefix}/{DEFINITION.file}")["cluster_id"])
    return None
