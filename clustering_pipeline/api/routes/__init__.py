"""One module a resource; the order is that in which addresses are tried and shown."""

from fastapi import APIRouter

from clustering_pipeline.api.routes import namespaces

ROUTERS: tuple[APIRouter, ...] = (namespaces.router,)
