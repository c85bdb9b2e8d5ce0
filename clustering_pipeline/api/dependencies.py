"""What endpoints ask for by their signature.

These wait for nothing, and as coroutines they need no thread of their own.
"""

from typing import Annotated, cast

from fastapi import Depends, Request

from clustering_pipeline.api.services import Services
from clustering_pipeline.pipeline.run.pipeline import Pipeline
from clustering_pipeline.settings import Settings
from clustering_pipeline.stores.catalog import Catalog


async def _services(request: Request) -> Services:
    return cast("Services", request.app.state.services)


TheServices = Annotated[Services, Depends(_services)]


async def _pipeline(services: TheServices) -> Pipeline:
    return services.pipeline


async def _catalog(services: TheServices) -> Catalog:
    return services.pipeline.catalog


async def _settings(services: TheServices) -> Settings:
    return services.settings


ThePipeline = Annotated[Pipeline, Depends(_pipeline)]
TheCatalog = Annotated[Catalog, Depends(_catalog)]
TheSettings = Annotated[Settings, Depends(_settings)]
