"""One module a resource, one router a prefix; the order is that in which addresses are tried and
shown.
"""

from fastapi import APIRouter

from clustering_pipeline.api.routes import (
    analysis,
    batches,
    clusters,
    collections,
    documents,
    enrich,
    executions,
    exports,
    groups,
    history,
    namespaces,
    one_shot,
    triggers,
    webhooks,
)

ROUTERS: tuple[APIRouter, ...] = (
    namespaces.router,
    collections.router,
    documents.router,
    batches.router,
    enrich.router,
    one_shot.router,
    triggers.router,
    clusters.router,
    executions.router,
    groups.router,
    exports.router,
    analysis.router,
    executions.name_router,
    history.router,
    groups.edit_router,
    executions.estimate_router,
    webhooks.router,
    executions.task_router,
)
