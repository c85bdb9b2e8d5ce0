"""The outside systems a run speaks to, opened once and handed around as one value."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from clustering_pipeline.embedding.embedder import Embedder, no_embedder
from clustering_pipeline.engine.identity import Terms as IdentityTerms
from clustering_pipeline.labeling import LabelingConfig, Terms
from clustering_pipeline.labeling.provider import Provider
from clustering_pipeline.model.collections import EmbedConfig
from clustering_pipeline.notifications.sender import Sender
from clustering_pipeline.settings import RunResources
from clustering_pipeline.stores.artifacts import Artifacts
from clustering_pipeline.stores.catalog import Catalog

if TYPE_CHECKING:
    from clustering_pipeline.stores.documents import Documents

ProviderOf = Callable[[LabelingConfig], Provider | None]
"""Raises LabelingFailed when the definition asks for a model that it may not have."""


EmbedderOf = Callable[[EmbedConfig], Embedder]
"""Raises EmbeddingFailed where a collection asks for a model that is not to be had."""


def no_provider(_config: LabelingConfig) -> Provider | None:
    """Without a key or a base URL there is no model to ask."""
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """A test hands in other stores; nothing else changes."""

    catalog: Catalog
    documents: "Documents"
    artifacts: Artifacts
    provider_of: ProviderOf = no_provider
    """The model to ask when a definition enables labels by one."""
    embedder_of: EmbedderOf = no_embedder
    """The model that makes vectors of a collection's texts."""
    identity: IdentityTerms = field(default_factory=IdentityTerms)
    """How much two groups must have in common to be one."""
    terms: Terms = field(default_factory=Terms)
    """What labels by a model may cost, and what of the documents may leave."""
    kept_runs: int = 10
    """Runs of a definition whose results are kept."""
    sender: Sender = field(default_factory=Sender)
    """Posts messages to webhooks."""
    run_resources: RunResources | None = None
    """Whose tags tell a launcher what a run needs; None tells it nothing."""
    branch: str | None = None
    """Whose outputs are its own, and which writes onto no source document."""
    on_this_host: tuple[str, ...] = ()
    """The stores that a run on another host would not reach."""
