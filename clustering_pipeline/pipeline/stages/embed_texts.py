"""Texts of a collection become vectors, by the collection's own model: those that lack one."""

import logging
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from clustering_pipeline import engine
from clustering_pipeline.embedding.cache import VectorCache
from clustering_pipeline.embedding.embedder import Embedder
from clustering_pipeline.embedding.texts import EmbeddedTexts, embed_texts
from clustering_pipeline.logs import tell
from clustering_pipeline.model.collections import CollectionRecord, EmbedConfig
from clustering_pipeline.model.filters.tree import Filter, parse_filter, split_path
from clustering_pipeline.model.progress import Check
from clustering_pipeline.model.scope import Scope
from clustering_pipeline.pipeline.run.pipeline import Pipeline
from clustering_pipeline.pipeline.run.run import Run
from clustering_pipeline.stores.documents.types import Point

LOG = logging.getLogger(__name__)
_PAGE = 500
_PROBE = "how long are its vectors?"


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectionEmbedder:
    """The model of a collection, with what it made before."""

    config: EmbedConfig
    embedder: Embedder
    cache: VectorCache

    def embed(self, texts: Sequence[str | None]) -> EmbeddedTexts:
        """Vectors of texts; raises EmbeddingFailed."""
        return embed_texts(texts, self.embedder, self.cache)

    def size(self) -> int:
        """How long its vectors are."""
        return int(self.embed([_PROBE]).vectors.shape[1])

    def text_of(self, payload: dict[str, Any]) -> str | None:
        """What of a document is embedded; None where its field holds no text."""
        value = engine.value_at(payload, split_path(self.config.field))
        return value if isinstance(value, str) else None

    def close(self) -> None:
        """Keeps what was made."""
        self.cache.close()


def embedder_for(pipeline: Pipeline, scope: Scope, config: EmbedConfig) -> CollectionEmbedder:
    """Close it; raises EmbeddingFailed where the model is not to be had."""
    cache = VectorCache(pipeline.artifacts, scope, config)
    return CollectionEmbedder(config=config, embedder=pipeline.embedder_of(config), cache=cache)


@dataclass(frozen=True, slots=True, kw_only=True)
class TextReport:
    """What became of texts without a vector."""

    embedded: int = 0
    """Documents that got one."""
    cached: int = 0
    """Of these, whose text was known."""
    windowed: int = 0
    """Of these, whose text is longer than the model reads at once: the mean of its parts."""
    without_text: int = 0
    """Documents that have neither."""

    def __add__(self, other: "TextReport") -> "TextReport":
        sums = {name: count + getattr(other, name) for name, count in asdict(self).items()}
        return TextReport(**sums)


def embed_missing(run: Run) -> TextReport | None:
    """Gives a vector to each selected document that has a text and none, where its collection says
    how; None where no collection does.  Raises EmbeddingFailed.
    """
    scope, spec = run.spec.scope, run.spec
    collections = run.pipeline.catalog.collections.resolve(scope, spec.collection_ids)
    asked = [record for record in collections if record.embed is not None]
    if not asked:
        return None
    total, tree = TextReport(), parse_filter(spec.filters)
    for record in asked:
        total += embed_collection(run.pipeline, record, tree, check=run.check)
    tell(LOG, "texts embedded", **asdict(total))
    return total


def embed_collection(
    pipeline: Pipeline,
    record: CollectionRecord,
    tree: Filter | None = None,
    *,
    check: Check,
    everything: bool = False,
) -> TextReport:
    """The same for one collection; ``everything`` makes vectors anew that are there."""
    report = TextReport()
    config, name = record.embed, record.qdrant_collection
    if config is None:
        return report
    with closing(embedder_for(pipeline, record.scope, config)) as embedder:
        _require_vector(pipeline, name, embedder)
        pages = pipeline.documents.scroll(
            name,
            tree,
            page=_PAGE,
            payload_fields=[split_path(config.field)[0]],
            lacking=None if everything else config.vector,
        )
        for points in pages:
            check()
            report += _embed_page(pipeline, name, embedder, points)
    return report


def _require_vector(pipeline: Pipeline, name: str, embedder: CollectionEmbedder) -> None:
    """A collection of texts alone gets the vector that they become."""
    vectors = pipeline.documents.describe(name).vectors
    if embedder.config.vector not in vectors:
        distance = next((vector.distance for vector in vectors.values()), "Cosine")
        size = embedder.size()
        pipeline.documents.add_vector(name, embedder.config.vector, size, distance=distance)


def _embed_page(
    pipeline: Pipeline, name: str, embedder: CollectionEmbedder, points: Sequence[Point]
) -> TextReport:
    made = embedder.embed([embedder.text_of(point.payload) for point in points])
    rows = np.flatnonzero(~made.empty)
    if len(rows):
        ids = [points[row].id for row in rows]
        pipeline.documents.write_vectors(name, ids, embedder.config.vector, made.vectors[rows])
    return TextReport(
        embedded=len(rows),
        cached=made.cached,
        windowed=made.windowed,
        without_text=int(made.empty.sum()),
    )
