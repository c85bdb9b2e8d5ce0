"""From settings to open stores: the real ones where an address is set, else the embedded ones."""

from collections.abc import Generator
from contextlib import ExitStack, closing, contextmanager

from pydantic import SecretStr

from clustering_pipeline.local.labelling import provider_of, terms_of
from clustering_pipeline.local.services import MONGODB, QDRANT
from clustering_pipeline.local.stack import attach
from clustering_pipeline.notifications.sender import Sender
from clustering_pipeline.orchestration.pipeline import IdentityTerms, Pipeline
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
    """Opens every store, starting what is embedded, and closes them all."""
    mongodb_uri, qdrant_url = _addresses(settings)
    with ExitStack() as opened:
        catalog = Catalog.connect(mongodb_uri, settings.mongodb_database)
        opened.enter_context(closing(catalog))
        documents = Documents.connect(qdrant_url, api_key=_revealed(settings.qdrant_api_key))
        opened.enter_context(closing(documents))
        yield Pipeline(
            catalog=catalog,
            documents=documents,
            artifacts=Artifacts.open(settings.artifacts_root, settings.s3_endpoint),
            provider_of=provider_of(settings),
            terms=terms_of(settings),
            kept_runs=settings.kept_runs,
            sender=Sender(allowed=settings.webhook_networks),
            identity=IdentityTerms(
                jaccard=settings.identity_jaccard, cosine=settings.identity_cosine
            ),
        )


def _addresses(settings: Settings) -> tuple[str, str]:
    mongodb_uri, qdrant_url = _revealed(settings.mongodb_uri), settings.qdrant_url
    wanted = {MONGODB: mongodb_uri, QDRANT: qdrant_url}
    missing = [service for service, address in wanted.items() if address is None]
    if missing:
        stack = attach(settings.data_dir, services=missing, mongod=settings.mongod)
        mongodb_uri, qdrant_url = mongodb_uri or stack.mongodb_uri, qdrant_url or stack.qdrant_url
    return str(mongodb_uri), str(qdrant_url)


def _revealed(secret: SecretStr | None) -> str | None:
    return secret.get_secret_value() if secret else None
