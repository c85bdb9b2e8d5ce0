"""From settings to open stores: the real ones where an address is set, else the embedded ones."""

from collections.abc import Generator
from contextlib import ExitStack, closing, contextmanager
from functools import cache, partial
from typing import cast

from pydantic import SecretStr

from clustering_pipeline.embedding.embedder import Embedder
from clustering_pipeline.embedding.local import Local
from clustering_pipeline.embedding.served import Served
from clustering_pipeline.labeling import PRICES, LabelingConfig, Price, Terms, open_provider
from clustering_pipeline.labeling.provider import Provider
from clustering_pipeline.local.stack.client import Stack, attach
from clustering_pipeline.local.stack.services import MONGODB, QDRANT
from clustering_pipeline.model.collections import EmbedConfig, EmbedProvider
from clustering_pipeline.model.errors import EmbeddingFailed, LabelingFailed
from clustering_pipeline.notifications.sender import Sender
from clustering_pipeline.pipeline.run.pipeline import (
    EmbedderOf,
    IdentityTerms,
    Pipeline,
    ProviderOf,
)
from clustering_pipeline.settings import Settings
from clustering_pipeline.stores.artifacts import Artifacts
from clustering_pipeline.stores.catalog import Catalog
from clustering_pipeline.stores.documents import Documents


@contextmanager
def connect() -> Generator[Pipeline]:
    """The pipeline that the environment describes."""
    with open_pipeline(Settings()) as pipeline:
        yield pipeline


@contextmanager
def open_pipeline(settings: Settings) -> Generator[Pipeline]:
    """Opens every store, starting what is embedded, and closes them all.

    Qdrant waits until somebody asks it for something: most callers read the catalog alone.
    """
    with ExitStack() as opened:
        catalog = Catalog.connect(_mongodb_uri(settings), settings.database, branch=settings.branch)
        opened.enter_context(closing(catalog))
        documents = Documents.connect(
            lambda: settings.qdrant_url or str(_attached(settings, QDRANT).qdrant_url),
            api_key=_revealed(settings.qdrant_api_key),
        )
        opened.enter_context(closing(documents))
        yield Pipeline(
            catalog=catalog,
            documents=documents,
            artifacts=Artifacts.open(settings.artifacts_root, settings.s3_endpoint),
            provider_of=provider_of(settings),
            embedder_of=embedder_of(settings),
            terms=terms_of(settings),
            kept_runs=settings.kept_runs,
            run_resources=settings.run_resources,
            on_this_host=settings.on_this_host,
            branch=settings.branch,
            sender=Sender(allowed=settings.webhook_networks),
            identity=IdentityTerms(
                jaccard=settings.identity_jaccard, cosine=settings.identity_cosine
            ),
        )


def _mongodb_uri(settings: Settings) -> str:
    given = _revealed(settings.mongodb_uri)
    return given or str(_attached(settings, MONGODB).mongodb_uri)


def _attached(settings: Settings, service: str) -> Stack:
    return attach(settings.data_dir, services=[service], mongod=settings.mongod)


def _revealed(secret: SecretStr | None) -> str | None:
    return secret.get_secret_value() if secret else None


def terms_of(settings: Settings) -> Terms:
    """What the operator allows every run."""
    own = {
        name: Price(prompt=price.prompt, completion=price.completion)
        for name, price in settings.llm_prices.items()
    }
    return Terms(
        max_cost=settings.llm_max_cost,
        prices={**PRICES, **own},
        concurrency=settings.llm_concurrency,
        deadline=settings.llm_deadline,
        scrub=settings.llm_scrub,
        min_group_size=settings.llm_min_group_size,
    )


def provider_of(settings: Settings) -> ProviderOf:
    """The model that a definition asks for, at the server that the operator chose.

    It raises LabelingFailed when the definition names another vendor than the key's: who may edit
    a definition must not decide who gets the operator's key.
    """
    secret = settings.llm_api_key
    api_key = secret.get_secret_value() if secret else None

    def provider(config: LabelingConfig) -> Provider | None:
        if api_key and not settings.llm_base_url:
            _require_pinned(settings, config)
        return open_provider(
            api_key=api_key,
            base_url=settings.llm_base_url,
            provider=config.provider or settings.llm_provider,
            model=config.model_name or settings.llm_model,
            embedding_model=settings.llm_embedding_model,
        )

    return provider


def embedder_of(settings: Settings) -> EmbedderOf:
    """The model that a collection asks for, at the server that the operator chose; one model is
    opened once.
    """
    terms = terms_of(settings)

    @cache
    def embedder(provider: EmbedProvider, model: str) -> Embedder:
        config = EmbedConfig(field="text", provider=provider, model=model)
        if provider != "openai":
            return Local(config)
        key = settings.embedding_api_key or settings.llm_api_key
        opened = partial(
            open_provider,
            api_key=key.get_secret_value() if key else None,
            base_url=settings.embedding_base_url or settings.llm_base_url,
            embedding_model=model,
        )
        if opened() is None:
            message = (
                f"{config.spelled} is asked for and no server is set: set "
                "CLUSTERING_EMBEDDING_BASE_URL or CLUSTERING_EMBEDDING_API_KEY"
            )
            raise EmbeddingFailed(message)
        return Served(lambda: cast("Provider", opened()), config, terms)

    return lambda config: embedder(config.provider, config.model)


def _require_pinned(settings: Settings, config: LabelingConfig) -> None:
    if config.provider not in {None, settings.llm_provider}:
        message = (
            f"the definition names provider {config.provider!r}, and CLUSTERING_LLM_PROVIDER says "
            f"that the key is for {settings.llm_provider!r}: set CLUSTERING_LLM_PROVIDER or "
            "CLUSTERING_LLM_BASE_URL; the labels are keyphrases"
        )
        raise LabelingFailed(message)
