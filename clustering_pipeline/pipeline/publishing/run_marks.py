"""What is known of the fields that a definition has on its source documents."""

from collections.abc import Iterable, Mapping

from clustering_pipeline.model.definitions.cluster import ClusterRecord
from clustering_pipeline.model.definitions.spec import ClusterSpec
from clustering_pipeline.model.errors import StateConflict
from clustering_pipeline.model.executions.execution import ExecutionRecord, WriteBack
from clustering_pipeline.model.filters.tree import Filter, parse_filter
from clustering_pipeline.pipeline.run.pipeline import Pipeline


def held_runs(pipeline: Pipeline, record: ClusterRecord) -> list[ExecutionRecord]:
    """The runs whose fields the documents may show."""
    held = map(pipeline.catalog.executions.find, record.state.documents_hold)
    return [execution for execution in held if execution is not None]


def written_fields(*executions: ExecutionRecord) -> set[str]:
    """Every payload field that the runs wrote, or were to remove."""
    return {field for execution in executions for field in _fields(execution)}


def planned_write_back(
    spec: ClusterSpec | None, held: Iterable[ExecutionRecord], *, branch: str | None
) -> WriteBack | None:
    """What a run is to write, and what documents show of those ``held`` that it maps no more.

    In a ``branch`` it is to write nothing.
    """
    if spec is None or not spec.enrich:
        return None
    if branch is not None:
        return WriteBack(status="off", error=off_in(branch))
    fields = spec.target_fields
    stale = written_fields(*held).difference(fields)
    return WriteBack(fields=tuple(fields), stale_fields=tuple(sorted(stale)))


def is_unfinished(record: ClusterRecord, shown: ExecutionRecord | None) -> bool:
    """Whether documents are still to be written for the published run."""
    if shown is None or not record.spec.enriches or shown.write_back is None:
        return False
    return not shown.write_back.is_over


def off_in(branch: str) -> str:
    """Why nothing is written."""
    return f"write-back is off in branch {branch!r}: source documents are everybody's"


def require_no_branch(pipeline: Pipeline) -> None:
    """Raises StateConflict where source documents are not to be written."""
    if pipeline.branch is not None:
        raise StateConflict(off_in(pipeline.branch))


def marked(mark: str, *, there: bool, within: Mapping[str, object] | None = None) -> Filter | None:
    """Documents of a selection that carry a definition's mark, or that do not."""
    condition = {"field": mark, "operator": "exists", "value": there}
    return parse_filter({"AND": [within, condition]} if within else condition)


def _fields(execution: ExecutionRecord) -> list[str]:
    stale = execution.write_back.stale_fields if execution.write_back else ()
    return [*(execution.spec.target_fields if execution.spec else ()), *stale]
