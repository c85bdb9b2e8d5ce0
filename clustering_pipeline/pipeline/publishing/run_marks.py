"""What is known of the fields that a definition has on its source documents."""

from collections.abc import Mapping

from clustering_pipeline.model.definitions.cluster import ClusterRecord
from clustering_pipeline.model.definitions.spec import mapped_fields
from clustering_pipeline.model.executions.execution import ExecutionRecord
from clustering_pipeline.model.filters.tree import Filter, parse_filter
from clustering_pipeline.pipeline.run.pipeline import Pipeline


def held_runs(pipeline: Pipeline, record: ClusterRecord) -> list[ExecutionRecord]:
    """The runs whose fields the documents may show."""
    found = map(pipeline.catalog.executions.find, record.state.documents_hold)
    return [one for one in found if one is not None]


def written_fields(*executions: ExecutionRecord) -> set[str]:
    """Every payload field that the runs wrote, or were to remove."""
    return {field for one in executions for field in _fields(one)}


def is_unfinished(record: ClusterRecord, shown: ExecutionRecord | None) -> bool:
    """Whether documents are still to be written for the published run."""
    if shown is None or not record.spec.enriches or shown.write_back is None:
        return False
    return shown.write_back.status != "completed"


def marked(mark: str, *, there: bool, within: Mapping[str, object] | None = None) -> Filter | None:
    """Documents of a selection that carry a definition's mark, or that do not."""
    condition = {"field": mark, "operator": "exists", "value": there}
    return parse_filter({"AND": [within, condition]} if within else condition)


def _fields(execution: ExecutionRecord) -> list[str]:
    stale = execution.write_back.stale_fields if execution.write_back else ()
    return [*mapped_fields(execution.spec), *stale]
