"""One module a resource; the order is that in which addresses are tried and shown."""

from fastapi import APIRouter

from clustering_pipeline.api.routes import (
    batches,
    clusters,
    collections,
    documents,
    edits,
    enrich,
    estimates,
    executions,
    exports,
    groups,
    history,
    names,
    namespaces,
    one_shot,
    tasks,
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
    names.router,
    history.router,
    edits.router,
    estimates.router,
    webhooks.router,
    tasks.router,
)
