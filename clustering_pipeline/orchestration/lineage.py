"""What a run over a part of the graph may take from the published run."""

from clustering_pipeline.model.errors import StateConflict
from clustering_pipeline.orchestration.run import Run
from clustering_pipeline.orchestration.stages.table import STAGES, Stage

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
