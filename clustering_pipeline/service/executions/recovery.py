"""Finishes what a run left that died after its results were published.

The catalog's pointer is the one commit; the alias of the output collection and the fields on the
source documents follow it, by the next execution or the next start at the latest.
"""

from dataclasses import replace

from clustering_pipeline.model.definitions.cluster import ClusterRecord
from clustering_pipeline.model.errors import ClusteringError
from clustering_pipeline.model.executions.execution import ExecutionRecord
from clustering_pipeline.pipeline.publishing.output_aliases import follow, is_behind
from clustering_pipeline.pipeline.publishing.run_marks import is_unfinished
from clustering_pipeline.pipeline.publishing.write_back import write_back
from clustering_pipeline.pipeline.run.pipeline import Pipeline
from clustering_pipeline.pipeline.run.process import holder_of, is_alive, this_process
from clustering_pipeline.pipeline.run.progress import Progress
from clustering_pipeline.pipeline.run.run import Run
from clustering_pipeline.service.executions.finish import settle


def finish(run: Run, *, documents: bool = True) -> None:
    """Lets alias and, unless the caller does it, documents follow what is published.

    ``run`` holds the definition.  A run that is only now to publish changes nothing by this.
    """
    record = run.pipeline.catalog.clusters.by_id(run.cluster_id)
    follow(run.pipeline, record)
    shown = run.pipeline.catalog.executions.published(record)
    if documents and is_unfinished(record, shown):
        write_back(replace(run, published=shown))


def recover(pipeline: Pipeline, cluster_id: str) -> bool:
    """The same without an execution; False when there was nothing to do or somebody is at it."""
    record = pipeline.catalog.clusters.by_id(cluster_id)
    shown = pipeline.catalog.executions.published(record)
    if shown is None or holder_of(record) is not None:
        return False
    if not is_unfinished(record, shown) and not is_behind(pipeline, record):
        return False
    run = holding(pipeline, record, shown)
    try:
        finish(run)
    finally:
        settle(pipeline.catalog, shown.run_id)
    return True


def recover_all(pipeline: Pipeline) -> dict[str, str | None]:
    """Every definition that a run left unfinished, and what kept it from being finished now."""
    problems: dict[str, str | None] = {}
    for cluster_id in pipeline.catalog.clusters.unsettled():
        try:
            if recover(pipeline, cluster_id):
                problems[cluster_id] = None
        except ClusteringError as error:
            problems[cluster_id] = error.message
    return problems


def holding(pipeline: Pipeline, record: ClusterRecord, execution: ExecutionRecord) -> Run:
    """An execution that has been published, as the holder of its definition.

    Whoever calls this releases the definition.  Raises ExecutionInFlight.
    """
    owner = this_process(execution.run_id, execution.task_id)
    pipeline.catalog.clusters.claim(record.cluster_id, owner, is_alive=is_alive)
    return past_run(pipeline, record, execution)


def past_run(pipeline: Pipeline, record: ClusterRecord, execution: ExecutionRecord) -> Run:
    """An execution that has ended, for who looks at what it wrote."""
    return Run(
        pipeline=pipeline,
        execution=execution,
        spec=execution.spec or record.resolved(),
        published=execution,
        progress=Progress(write=lambda _done, _total: None),
    )
