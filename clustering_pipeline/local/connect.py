"""From settings to open stores: the real ones where an address is set, else the embedded ones."""

from collections.abc import Generator
from contextlib import ExitStack, closing, contextmanager
from typing import TYPE_CHECKING, cast

from pydantic import SecretStr

from clustering_pipeline.local.labelling import provider_of, terms_of
from clustering_pipeline.local.later import DocumentsLater
from clustering_pipeline.local.services import MONGODB, QDRANT
from clustering_pipeline.local.stack import Stack, attach
from clustering_pipeline.notifications.sender import Sender
from clustering_pipeline.orchestration.pipeline import IdentityTerms, Pipeline
from clustering_pipeline.settings import Settings
from clustering_pipeline.stores.artifacts import Artifacts
from clustering_pipeline.stores.catalog import Catalog

if TYPE_CHECKING:
    from clustering_pipeline.stores.documents import Documents


@contextmanager
def connect() -> Generator[Pipeline]:
    """The pipeline that the environment describes.

    A run has begun, and a sensor has looked, before the client of Qdrant is imported.
    """
    with open_pipeline(Settings(), documents_later=True) as pipeline:
        yield pipeline


@contextmanager
def open_pipeline(settings: Settings, *, documents_later: bool = False) -> Generator[Pipeline]:
    """Opens every store, starting what is embedded, and closes them all.

    With ``documents_later`` Qdrant waits until somebody asks it for something.
    """
    with ExitStack() as opened:
        catalog = Catalog.connect(_mongodb_uri(settings), settings.mongodb_database)
        opened.enter_context(closing(catalog))
        documents = DocumentsLater(lambda: _documents(settings))
        opened.enter_context(closing(documents))
        if not documents_later:
            documents.connected()
        yield Pipeline(
            catalog=catalog,
            documents=cast("Documents", documents),
            artifacts=Artifacts.open(settings.artifacts_root, settings.s3_endpoint),
            provider_of=provider_of(settings),
            terms=terms_of(settings),
            kept_runs=settings.kept_runs,
            sender=Sender(allowed=settings.webhook_networks),
            identity=IdentityTerms(
                jaccard=settings.identity_jaccard, cosine=settings.identity_cosine
            ),
        )


def _mongodb_uri(settings: Settings) -> str:
    given = _revealed(settings.mongodb_uri)
    return given or str(_attached(settings, MONGODB).mongodb_uri)


def _documents(settings: Settings) -> "Documents":
    from clustering_pipeline.stores.documents import Documents  # noqa: PLC0415 - heavy

    url = settings.qdrant_url or str(_attached(settings, QDRANT).qdrant_url)
    return Documents.connect(url, api_key=_revealed(settings.qdrant_api_key))


def _attached(settings: Settings, service: str) -> Stack:
    return attach(settings.data_dir, services=[service], mongod=settings.mongod)


def _revealed(secret: SecretStr | None) -> str | None:
    return secret.get_secret_value() if secret else None
