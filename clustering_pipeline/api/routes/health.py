"""Whether the server lives, and whether it can work."""

from collections.abc import Callable

from fastapi import APIRouter
from starlette.responses import JSONResponse, Response

from clustering_pipeline.api.dependencies import ThePipeline
from clustering_pipeline.model.base import View
from clustering_pipeline.model.errors import StoreUnavailable
from clustering_pipeline.model.public_text import for_clients

router = APIRouter(tags=["health"])


class Health(View):
    """The server answers."""

    status: str = "ok"
    """Always ``ok``."""


class Readiness(View):
    """Which stores answer."""

    status: str
    """``ready``, or ``not ready``."""
    stores: dict[str, str]
    """Store to ``ok``, or to what is wrong with it."""


@router.get("/healthz")
def health() -> Health:
    """Say that the server lives."""
    return Health()


@router.get("/readyz", response_model=Readiness, responses={503: {"model": Readiness}})
def readiness(pipeline: ThePipeline) -> Response:
    """Say which stores answer; 503 when one does not."""
    stores = {
        "catalog": _state(pipeline.catalog.organizations.list),
        "documents": _state(pipeline.documents.collections),
        "artifacts": _state(lambda: pipeline.artifacts.exists("readyz")),
    }
    ready = set(stores.values()) == {"ok"}
    readiness = Readiness(status="ready" if ready else "not ready", stores=stores)
    return JSONResponse(readiness.model_dump(), status_code=200 if ready else 503)


def _state(ask: Callable[[], object]) -> str:
    try:
        ask()
    except StoreUnavailable as error:
        return for_clients(error.message)
    return "ok"
