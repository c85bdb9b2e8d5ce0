"""How many documents there are, each collection asked once a look."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from clustering_pipeline.model.errors import CollectionNotFound
from clustering_pipeline.model.scope import Scope
from clustering_pipeline.pipeline.run.pipeline import Pipeline


@dataclass(slots=True, kw_only=True)
class Counter:
    """Counts all documents of collections, whatever a definition filters out."""

    pipeline: Pipeline
    _known: dict[tuple[Scope, str], int] = field(default_factory=dict, init=False)

    def __call__(self, scope: Scope, collection_ids: Sequence[str]) -> int:
        """Their sum over the collections; what is gone holds none."""
        return sum(self._of(scope, collection_id) for collection_id in collection_ids)

    def _of(self, scope: Scope, collection_id: str) -> int:
        key = (scope, collection_id)
        if key not in self._known:
            self._known[key] = self._asked(scope, collection_id)
        return self._known[key]

    def _asked(self, scope: Scope, collection_id: str) -> int:
        try:
            record = self.pipeline.catalog.collections.get(scope, collection_id)
            return self.pipeline.documents.points(record.qdrant_collection)
        except CollectionNotFound:
            return 0
