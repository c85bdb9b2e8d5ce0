"""The graph in one place: what each asset is called, what it does, and what it follows."""

from collections.abc import Callable
from dataclasses import dataclass

from clustering_pipeline.model.definitions.composite import COMPOSITE
from clustering_pipeline.model.definitions.spec import ASSIGN
from clustering_pipeline.model.errors import StateConflict
from clustering_pipeline.pipeline.publishing.publish import enrich, publish
from clustering_pipeline.pipeline.run.artifacts import DEFINITION
from clustering_pipeline.pipeline.run.report import StageReport
from clustering_pipeline.pipeline.run.run import Run
from clustering_pipeline.pipeline.stages.assign import assign
from clustering_pipeline.pipeline.stages.assign_mode.assign import join_groups
from clustering_pipeline.pipeline.stages.assign_mode.describe import (
    keep_labels,
    label_proposed,
    measure_groups,
)
from clustering_pipeline.pipeline.stages.assign_mode.export import export_changes
from clustering_pipeline.pipeline.stages.assign_mode.groups import keep_groups, propose_groups
from clustering_pipeline.pipeline.stages.assign_mode.reference import summarize_and_calibrate
from clustering_pipeline.pipeline.stages.composite_mode.assign import compose
from clustering_pipeline.pipeline.stages.composite_mode.sources import gather
from clustering_pipeline.pipeline.stages.export import export
from clustering_pipeline.pipeline.stages.label import label, rename_groups
from clustering_pipeline.pipeline.stages.reduce import lay_out, reduce


def freeze(run: Run) -> StageReport:
    """Keeps the definition with the overrides of this execution beside its results."""
    spec = run.spec
    run.write_json(DEFINITION, spec.model_dump(mode="json"))
    return StageReport(
        texts={"cluster_id": run.cluster_id, "run_id": run.run_id, "method": spec.method},
        records={"spec": spec.model_dump(mode="json", exclude_none=True)},
        uri=run.uri(DEFINITION),
    )


Work = Callable[[Run], StageReport]


def either(
    full: Work,
    *,
    assigning: Work,
    proposing: Work | None = None,
    composing: Work | None = None,
    renaming: Work | None = None,
) -> Work:
    """A stage's work, which differs where new documents only join published groups, where new
    groups are made of those that join none, where groups of other executions are grouped, and
    where groups only get new names.
    """
    others = {ASSIGN: assigning, COMPOSITE: composing or full}

    def work(run: Run) -> StageReport:
        if renaming is not None and run.only_renames:
            return renaming(run)
        if run.spec.from_pool:
            return (proposing or assigning)(run)
        return others.get(run.spec.mode, full)(run)

    return work


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One asset of the graph."""

    name: str
    description: str
    work: Work
    after: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    optional: bool = False


STAGES = (
    Stage(
        name="definition",
        description="The definition as it stood when the run began; later edits wait for the next.",
        work=freeze,
        kinds=("mongodb",),
    ),
    Stage(
        name="embeddings",
        description="The documents that match the definition's filters, with their vectors.",
        work=either(export, assigning=export_changes, composing=gather),
        after=("definition",),
        kinds=("qdrant", "parquet"),
    ),
    Stage(
        name="reduced_embeddings",
        description="The vectors in the space they are clustered in, and their place on the map.",
        work=either(reduce, assigning=join_groups, composing=lay_out),
        after=("definition", "embeddings"),
        kinds=("parquet",),
    ),
    Stage(
        name="assignments",
        description="The group of every document; -1 is noise.",
        work=either(assign, assigning=keep_groups, proposing=propose_groups, composing=compose),
        after=("definition", "embeddings", "reduced_embeddings"),
        kinds=("scikitlearn", "parquet"),
    ),
    Stage(
        name="cluster_summaries",
        description="Centroids, sizes, distances and quality of the groups.",
        work=either(summarize_and_calibrate, assigning=measure_groups),
        after=("definition", "embeddings", "assignments"),
        kinds=("parquet",),
    ),
    Stage(
        name="cluster_labels",
        description="A label, keywords and a summary for every group.",
        work=either(label, assigning=keep_labels, proposing=label_proposed, renaming=rename_groups),
        after=("definition", "embeddings", "assignments", "cluster_summaries"),
        kinds=("parquet",),
    ),
    Stage(
        name="published",
        description="The results readers see: artifacts, output collection and catalog record.",
        work=publish,
        after=(
            "definition",
            "embeddings",
            "reduced_embeddings",
            "assignments",
            "cluster_summaries",
            "cluster_labels",
        ),
        kinds=("mongodb", "qdrant", "parquet"),
    ),
    Stage(
        name="enriched_documents",
        description="The source documents with the fields that the definition maps onto them.",
        work=enrich,
        after=("published",),
        kinds=("qdrant",),
        optional=True,
    ),
)


# Whatever a run does, it does by its own definition.
_ALWAYS = "definition"
_AFTER = {stage.name: set(stage.after) - {_ALWAYS} for stage in STAGES}


def require_inputs(run: Run, stage: Stage) -> None:
    """Raises StateConflict when an input of the stage is missing or was made from other inputs.

    Labels of the published groups may be made again alone; new assignments need new summaries.
    """
    made = {timing.name for timing in run.execution.stages}
    for name in sorted(_AFTER[stage.name] - made):
        if run.published is None:
            message = (
                f"{stage.name} needs {name}, and {run.title!r} has published nothing yet: "
                "materialize the whole graph"
            )
            raise StateConflict(message)
        if other := _before(name) & made:
            message = (
                f"{stage.name} would mix this run's {', '.join(sorted(other))} with the {name} of "
                f"{run.published.run_id}: materialize {name} as well"
            )
            raise StateConflict(message)


def _before(name: str) -> set[str]:
    """The stages that one was made from, directly or not."""
    direct = _AFTER[name]
    return direct.union(*map(_before, direct))
