"""Clusters over a vector database, kept fresh by an orchestrator."""

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from clustering_pipeline.notebook.catalog import open_catalog
    from clustering_pipeline.notebook.saved import load_topics
    from clustering_pipeline.notebook.texts import cluster_texts

# What gRPC itself says of a failed handshake is said by our one sentence.  It looks at this when it
# is imported, which any module of ours, or Qdrant's client, may be the first to do.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")

__all__ = ["cluster_texts", "load_topics", "open_catalog"]

_WHERE = {"cluster_texts": "texts", "load_topics": "saved", "open_catalog": "catalog"}


def __getattr__(name: str) -> Any:
    # Commands and workers that need none of it do not wait for its libraries.
    if name not in _WHERE:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    from importlib import import_module  # noqa: PLC0415

    return getattr(import_module(f"{__name__}.notebook.{_WHERE[name]}"), name)
