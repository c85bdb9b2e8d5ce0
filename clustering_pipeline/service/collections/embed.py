"""Whose vectors a collection's texts have, and the vectors of what somebody looks for."""

from collections.abc import Sequence
from contextlib import closing

from clustering_pipeline.embedding.embedder import Floats
from clustering_pipeline.model.collections import CollectionRecord, EmbedConfig
from clustering_pipeline.model.errors import InvalidRequest
from clustering_pipeline.pipeline.run.pipeline import Pipeline
from clustering_pipeline.pipeline.stages.embed_texts import embedder_for


def embed_queries(pipeline: Pipeline, collection: CollectionRecord, texts: Sequence[str]) -> Floats:
    """(n, d) vectors of what somebody looks for, in the space of the collection's documents.

    Raises InvalidRequest for a collection without an embedder and for an empty text, and
    EmbeddingFailed.
    """
    if collection.embed is None:
        message = (
            f"collection {collection.collection_name!r} has no embedder: load it with --text and "
            "--embed, or register it with embed"
        )
        raise InvalidRequest(message)
    if not all(text.strip() for text in texts):
        message = "an empty text has no vector: write what you look for"
        raise InvalidRequest(message)
    with closing(embedder_for(pipeline, collection.scope, collection.embed)) as embedder:
        return embedder.embed(texts).vectors


def require_same_model(
    record: CollectionRecord | None, config: EmbedConfig, *, again: bool
) -> None:
    """Raises InvalidRequest where the collection's vectors are another model's."""
    before = record.embed if record else None
    if record is None or before is None or again or before.vector != config.vector:
        return
    if before.spelled != config.spelled:
        message = (
            f"vectors {config.vector!r} of collection {record.collection_name!r} are made by "
            f"{before.spelled}, and {config.spelled} is asked for: name the same, load under "
            "another --name, or make all of them anew by --re-embed"
        )
        raise InvalidRequest(message)
