"""What a composite definition has to group, the newest runs of its sources, and what holds it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from clustering_pipeline.model.definitions.automation import AutomaticDefinition
from clustering_pipeline.model.executions.execution import ExecutionRecord
from clustering_pipeline.stores.catalog import Catalog
from clustering_pipeline.stores.catalog.definitions.automatic import Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """The newest results of the sources, by their definitions."""

    newest: Mapping[str, ExecutionRecord] = field(default_factory=dict)
    fresh: frozenset[str] = frozenset()
    """The sources whose newest run has not been grouped."""
    sources: Mapping[str, Source | None] = field(default_factory=dict)
    """All of them; None for one that is gone."""

    @property
    def lag(self) -> dict[str, int]:
        """The same as the batches behind of other definitions."""
        return dict.fromkeys(sorted(self.fresh), 1)

    @property
    def documents(self) -> int:
        """Documents that the sources have read."""
        return sum(run.source_documents or 0 for run in self.newest.values())

    @property
    def batches(self) -> int:
        """Batches that every source which reads them has dealt with."""
        covered: dict[str, int] = {}
        for run in self.newest.values():
            for collection_id, number in run.covered_batches.items():
                covered[collection_id] = min(number, covered.get(collection_id, number))
        return sum(covered.values())

    def waits(self, flying: Mapping[str, str]) -> str | None:
        """What keeps the composite run back: a source without results, or one at work.

        It would group the groups of that one a second time soon.
        """
        reasons = (
            _why_waits(source_id, source, flying, has_results=source_id in self.newest)
            for source_id, source in self.sources.items()
        )
        return next((reason for reason in reasons if reason is not None), None)


def gathered(catalog: Catalog, definitions: Collection[AutomaticDefinition]) -> dict[str, Gathered]:
    """What each composite one of the definitions has to group.

    While the published runs of its sources are those it has grouped, nothing more is asked for.
    """
    composite = [definition for definition in definitions if definition.source_ids]
    ids = {source_id for definition in composite for source_id in definition.source_ids}
    sources = catalog.automation.sources(ids)
    return {
        definition.cluster_id: _gathered(catalog, definition, sources)
        for definition in composite
        if not _published(definition, sources) <= definition.grouped
    }


def gathered_of(catalog: Catalog, definition: AutomaticDefinition) -> Gathered:
    """What one composite definition groups, whether it has grouped it or not."""
    return _gathered(catalog, definition, catalog.automation.sources(definition.source_ids))


def _published(definition: AutomaticDefinition, sources: Mapping[str, Source]) -> set[str]:
    known = (sources.get(source_id) for source_id in definition.source_ids)
    return {source.published for source in known if source and source.published}


def _gathered(
    catalog: Catalog, definition: AutomaticDefinition, sources: Mapping[str, Source]
) -> Gathered:
    results = catalog.executions.newest_results
    newest = {source_id: run for source_id in definition.source_ids if (run := results(source_id))}
    fresh = {source for source, run in newest.items() if run.run_id not in definition.grouped}
    return Gathered(
        newest=newest,
        fresh=frozenset(fresh),
        sources={source_id: sources.get(source_id) for source_id in definition.source_ids},
    )


def _why_waits(
    source_id: str, source: Source | None, flying: Mapping[str, str], *, has_results: bool
) -> str | None:
    if source is None:
        return f"its source {source_id} is gone: give it other source_cluster_ids"
    run_id = flying.get(source_id) or source.holder
    if run_id is not None:
        return f"its source {source.name!r} is at work ({run_id})"
    if not has_results:
        return f"its source {source.name!r} has no completed run to group the groups of"
    return None
