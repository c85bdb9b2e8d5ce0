"""What a definition reads: the collections it names, or those of the definitions whose groups it
groups.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from clustering_pipeline.model.collections import CollectionRecord
from clustering_pipeline.model.definitions.automation import Automation
from clustering_pipeline.model.definitions.cluster import ClusterRecord
from clustering_pipeline.model.definitions.composite import (
    check_alike,
    check_composes,
    inherited,
    require_centroids,
)
from clustering_pipeline.model.definitions.create import CreateClusterRequest
from clustering_pipeline.model.definitions.patch import PatchClusterRequest, patched
from clustering_pipeline.model.errors import ClusterNotFound, InvalidDefinition
from clustering_pipeline.model.scope import Scope
from clustering_pipeline.stores.catalog.automation.batches import Batches
from clustering_pipeline.stores.catalog.collections import Collections


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """Looks up what definitions of a namespace name; ``find`` raises ClusterNotFound."""

    scope: Scope
    find: Callable[[str], ClusterRecord]
    collections: Collections

    def of(
        self, request: CreateClusterRequest, *, itself: str | None = None
    ) -> tuple[CreateClusterRequest, list[CollectionRecord]]:
        """The request as it is to be kept, and its collections.

        ``itself`` is the definition by id or name, where it is there already.  Raises
        CollectionNotFound, ClusterNotFound, and InvalidDefinition for sources that do not fit.
        """
        given = self.collections.resolve(self.scope, request.collection_ids or ())
        if request.source_cluster_ids is None:
            return request, given
        composed = self._composed(request, itself)
        found = self.collections.resolve(self.scope, composed.collection_ids or ())
        _check_given(given, found)
        return composed, found

    def patched(self, record: ClusterRecord, patch: PatchClusterRequest) -> CreateClusterRequest:
        """The definition with the patch applied; raises like ``of``."""
        changed = patched(record.spec, patch)
        if patch.source_cluster_ids is None:
            if changed.source_cluster_ids is not None:
                check_composes(record.name, changed)
            return changed
        if record.spec.source_cluster_ids is None:
            message = (
                f"{record.name!r} reads collections and has no source_cluster_ids: create a "
                "composite definition"
            )
            raise InvalidDefinition(message)
        return self._composed(changed, record.cluster_id)

    def _composed(self, request: CreateClusterRequest, itself: str | None) -> CreateClusterRequest:
        """With its sources by id, their collections and, without a config, their features."""
        sources = self._sources(request, itself)
        title, first = request.cluster_name or "the definition", sources[0]
        for source in sources:
            require_centroids(source.name, source.resolved())
        config = request.vector_config or inherited(first.resolved().vectors)
        for source in sources:
            check_alike(title, config, source.name, source.resolved().vectors)
        ids = (found for one in sources for found in one.spec.collection_ids or ())
        composed = request.model_copy(
            update={
                "source_cluster_ids": [source.cluster_id for source in sources],
                "collection_ids": list(dict.fromkeys(ids)),
                "vector_config": config,
            }
        )
        check_composes(title, composed)
        return composed

    def _sources(
        self, request: CreateClusterRequest, itself: str | None
    ) -> Sequence[ClusterRecord]:
        found = map(self.find, request.source_cluster_ids or ())
        sources = {source.cluster_id: source for source in found}
        if itself is not None:
            _refuse_cycle(self.find(itself), self._all_below(sources.values()))
        return list(sources.values())

    def _all_below(self, records: Iterable[ClusterRecord]) -> Iterator[ClusterRecord]:
        """These, their sources, the sources of those: each once, as far as they are there."""
        pending, seen = list(records), set[str]()
        while pending:
            one = pending.pop()
            if one.cluster_id not in seen:
                seen.add(one.cluster_id)
                yield one
                for source in one.spec.source_cluster_ids or ():
                    with suppress(ClusterNotFound):
                        pending.append(self.find(source))


def _refuse_cycle(itself: ClusterRecord, below: Iterable[ClusterRecord]) -> None:
    if any(source.cluster_id == itself.cluster_id for source in below):
        message = f"{itself.name!r} would group its own groups: choose sources that do not use it"
        raise InvalidDefinition(message)


def _check_given(given: Sequence[CollectionRecord], found: Sequence[CollectionRecord]) -> None:
    wanted, there = ({one.collection_id for one in part} for part in (given, found))
    if wanted and wanted != there:
        message = (
            "collection_ids of a composite definition are those of its sources "
            f"({', '.join(sorted(there))}): leave it out"
        )
        raise InvalidDefinition(message)


def listening(
    batches: Batches,
    spec: CreateClusterRequest,
    scope: Scope,
    *,
    before: ClusterRecord | None = None,
) -> Automation:
    """Batches that were completed before it listened to a collection make nothing due."""
    automation = before.state.automation if before else Automation()
    heard = before is not None and before.spec.auto_execute_on_batch
    known = set(before.spec.collection_ids or ()) if before and heard else set()
    fresh = [one for one in spec.collection_ids or () if one not in known]
    if not spec.auto_execute_on_batch or not fresh:
        return automation
    settled = automation.settled | batches.completed(scope, fresh)
    return automation.model_copy(update={"settled": settled})
