"""The page at ``/docs``; the files of its viewer come from a package, so it needs no network."""

from importlib.resources import files
from pathlib import Path

from fastapi import APIRouter
from fastapi.openapi.docs import get_swagger_ui_html
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, HTMLResponse

FOLDER = Path(str(files("fastapi_offline"))) / "static"
FILES = frozenset({"swagger-ui-bundle.js", "swagger-ui.css", "favicon.png"})
_KEPT = {"Cache-Control": "public, max-age=86400"}

router = APIRouter(include_in_schema=False)


# Addresses are relative to the page's, so that they hold behind a proxy that adds a prefix.
@router.get("/docs")
async def show_docs() -> HTMLResponse:
    """Show every operation, to be read and tried."""
    return get_swagger_ui_html(
        openapi_url="openapi.json",
        title="Clustering pipeline",
        swagger_js_url="docs/swagger-ui-bundle.js",
        swagger_css_url="docs/swagger-ui.css",
        swagger_favicon_url="docs/favicon.png",
        # Away from loopback the viewer would have a public service read the document.
        swagger_ui_parameters={"validatorUrl": None},
    )


@router.get("/docs/{name}")
async def viewer_file(name: str) -> FileResponse:
    """One of the viewer's own files."""
    if name not in FILES:
        raise HTTPException(404)
    return FileResponse(FOLDER / name, headers=_KEPT)
