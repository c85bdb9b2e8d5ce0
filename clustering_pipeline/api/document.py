"""The OpenAPI document as it is served, with examples of bodies, and the page at ``/docs`` for it.

The files of its viewer come from a package, so that the page needs no network.
"""

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from fastapi import APIRouter
from fastapi.openapi.docs import get_swagger_ui_html
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, HTMLResponse

from clustering_pipeline.api.errors import TYPES

Document = dict[str, Any]


def finished(document: Document) -> Document:
    """The document, changed in place: errors are said once, and every body has its example."""
    shared: Document = {}
    for methods in document["paths"].values():
        for operation in methods.values():
            _share_errors(operation["responses"], shared)
            _show_example(operation)
    document["components"]["responses"] = dict(sorted(shared.items()))
    return document


def _share_errors(responses: Document, shared: Document) -> None:
    for status, kind in TYPES.items():
        response = responses.get(str(status))
        if response is not None and response == shared.setdefault(kind, response):
            responses[str(status)] = {"$ref": f"#/components/responses/{kind}"}


def _show_example(operation: Document) -> None:
    example = EXAMPLES.get(operation["operationId"])
    if example is not None and "requestBody" in operation:
        operation["requestBody"]["content"]["application/json"]["example"] = example


FEATURE = "mixpeek://text_extractor@v1/embedding"
_WHERE = {"field": "year", "operator": "gte", "value": 1960}

EXAMPLES: Mapping[str, Mapping[str, Any]] = {
    "create_namespace": {"namespace_name": "archive"},
    "create_collection": {
        "collection_name": "speeches",
        "description": "What presidents said to Congress.",
        "vector_sizes": {"embedding": 4},
        "vectors": {FEATURE: "embedding"},
    },
    "put_documents": {
        "documents": [
            {
                "document_id": "1961-kennedy",
                "vectors": {"embedding": [0.1, 0.9, 0.2, 0.4]},
                "payload": {"speaker": "Kennedy", "year": 1961, "text": "Our own economy …"},
            },
            {
                "document_id": "1965-johnson",
                "vectors": {"embedding": [0.8, 0.1, 0.7, 0.3]},
                "payload": {"speaker": "Johnson", "year": 1965, "text": "A great society …"},
            },
        ]
    },
    "list_documents": {"filters": _WHERE, "limit": 100},
    "delete_documents": {"document_ids": ["1961-kennedy"]},
    "place_cluster_texts": {"texts": ["The harbour was full of trawlers."]},
    "list_group_documents": {"filters": _WHERE, "limit": 100},
    "fail_batch": {"error": "the upload stopped half-way"},
    "create_cluster": {
        "cluster_name": "topics",
        "collection_ids": ["speeches"],
        "vector_config": {
            "feature_uri": FEATURE,
            "clustering_method": "hdbscan",
            "algorithm_params": {"min_cluster_size": 10},
            "preprocessing_steps": [{"method": "umap", "n_components": 10}],
        },
        "filters": _WHERE,
        "metadata": {"team": "history"},
    },
    "patch_cluster": {"description": "What the speeches are about.", "sample_size": 20_000},
    "list_clusters": {
        "filters": {"field": "status", "operator": "in", "value": ["PENDING", "COMPLETED"]},
        "sort": {"field": "created_at", "direction": "desc"},
        "limit": 20,
    },
    "execute_cluster": {"filters": _WHERE, "sample_size": 5000},
    "list_executions": {"sort": {"field": "created_at", "direction": "desc"}, "limit": 5},
    "execute_clustering": {
        "collection_ids": ["speeches"],
        "config": {
            "algorithm": "kmeans",
            "algorithm_params": {"n_clusters": 2},
            "feature_vector": {"feature_address": FEATURE},
        },
        "include_members": True,
        "store_results": False,
    },
    "patch_execution_labels": {"labels": {"cl_0": "Foreign policy", "cl_1": ""}},
    "patch_execution_run_name": {"run_name": "before the election"},
    "put_cluster_edits": {"rename": {"grp_0a1b2c": "Taxes"}, "exclude": ["1961-kennedy"]},
    "roll_back_cluster": {"run_id": "run_0a1b2c"},
    "apply_cluster_enrichment": {"clustering_ids": ["topics"], "source_collection_id": "speeches"},
    "create_trigger": {
        "cluster_id": "topics",
        "trigger_type": "interval",
        "schedule_config": {"interval_seconds": 3600},
        "description": "every hour",
    },
    "list_triggers": {"cluster_id": "topics", "limit": 10},
    "update_trigger": {"schedule_config": {"interval_seconds": 7200}},
    "get_trigger_history": {"limit": 10},
    "estimate_cluster_labels": {},
    "create_webhook": {
        "url": "https://receiver.example.com/clusters",
        "event_types": ["cluster.execution.completed", "cluster.execution.failed"],
        "description": "tells the newsroom",
    },
}


FOLDER = Path(str(files("fastapi_offline"))) / "static"
FILES = frozenset({"swagger-ui-bundle.js", "swagger-ui.css", "favicon.png"})
_KEPT = {"Cache-Control": "public, max-age=86400"}

viewer = APIRouter(include_in_schema=False)


# Addresses are relative to the page's, so that they hold behind a proxy that adds a prefix.
@viewer.get("/docs")
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


@viewer.get("/docs/{name}")
async def viewer_file(name: str) -> FileResponse:
    """One of the viewer's own files."""
    if name not in FILES:
        raise HTTPException(404)
    return FileResponse(FOLDER / name, headers=_KEPT)
