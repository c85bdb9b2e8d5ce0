"""The members of a run as a file, and its map as a page."""

from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request
from starlette.responses import HTMLResponse, JSONResponse, Response, StreamingResponse

from clustering_pipeline.api.addresses import ClusterIdentifier, RunId
from clustering_pipeline.api.dependencies import Reader, ThePipeline
from clustering_pipeline.api.errors import documented
from clustering_pipeline.model.base import View
from clustering_pipeline.model.errors import ExecutionNotFound
from clustering_pipeline.service.results.documents import map_page
from clustering_pipeline.service.results.export import Format, export
from clustering_pipeline.service.results.map import shown_run

router = APIRouter(prefix="/clusters/{cluster_identifier}/executions/{run_id}", tags=["results"])

MEDIA_TYPES: dict[Format, str] = {"parquet": "application/vnd.apache.parquet", "csv": "text/csv"}


class ExportLink(View):
    """Where the file is, for callers that take JSON only."""

    download_url: str
    """Its address; the same key opens it."""
    format: Format
    """Parquet."""
    run_id: str
    """The execution."""
    rows: int
    """Rows in it."""


ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {
        "model": ExportLink,
        "description": "The file; a link to it where JSON alone is accepted and parquet asked for.",
        "content": {
            media_type: {"schema": {"type": "string", "format": "binary"}}
            for media_type in MEDIA_TYPES.values()
        },
    },
    **documented(404),
}


@router.get("/export", response_class=Response, responses=ANSWERS)
def export_cluster_execution(
    cluster_identifier: ClusterIdentifier,
    run_id: RunId,
    caller: Reader,
    pipeline: ThePipeline,
    request: Request,
    *,
    form: Annotated[Format, Query(alias="format", description="The kind of file.")] = "parquet",
    cluster_label: Annotated[
        str | None, Query(description="The members of one group only, by its id or label.")
    ] = None,
    accept: Annotated[str, Header(include_in_schema=False)] = "*/*",
) -> Response:
    """Download the members of an execution, with the labels their groups have now."""
    record = pipeline.catalog.clusters.get(caller.scope, cluster_identifier)
    execution = shown_run(pipeline, record, run_id)
    if execution is None:
        raise ExecutionNotFound(run_id)
    exported = export(pipeline, execution, group=cluster_label)
    if form == "parquet" and accept.strip() == "application/json":
        link = ExportLink(
            download_url=_address(request), format=form, run_id=exported.run_id, rows=exported.rows
        )
        return JSONResponse(link.model_dump())
    name = f"{exported.run_id}.{form}"
    return StreamingResponse(
        exported.chunks(form),
        media_type=MEDIA_TYPES[form],
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


PAGE: dict[int | str, dict[str, Any]] = {
    200: {"description": "The page.", "content": {"text/html": {"schema": {"type": "string"}}}},
    **documented(404, 409),
}


@router.get("/map", response_class=Response, responses=PAGE)
def get_execution_map(
    cluster_identifier: ClusterIdentifier, run_id: RunId, caller: Reader, pipeline: ThePipeline
) -> Response:
    """Read the map of an execution as a page of its own, which needs no network."""
    _, page = map_page(pipeline, caller.scope, cluster_identifier, run_id)
    # The page has scripts of its own; in a sandbox they see nothing of the site it came from.
    return HTMLResponse(page, headers={"Content-Security-Policy": "sandbox allow-scripts"})


def _address(request: Request) -> str:
    """As it was asked for: a name in it may hold what means something else once it is decoded."""
    path = request.scope["raw_path"].partition(b"?")[0].decode("ascii")
    query = request.scope["query_string"].decode("ascii")
    base = str(request.base_url).rstrip("/")
    return f"{base}{path}?{query}" if query else f"{base}{path}"
