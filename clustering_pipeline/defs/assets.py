"""Builds the asset graph: over partitions for stored definitions, or for one fixed definition."""

from collections.abc import Iterator, Sequence

import dagster as dg

from clustering_pipeline.defs.graph import Graph
from clustering_pipeline.defs.instance import pools
from clustering_pipeline.defs.run_stage import perform
from clustering_pipeline.pipeline.run.pipeline import Pipeline
from clustering_pipeline.pipeline.run.report import StageReport
from clustering_pipeline.pipeline.stages.table import STAGES, Stage


def build_assets(graph: Graph) -> list[dg.AssetsDefinition]:
    """One asset a stage; every asset reads what its own run wrote."""
    return [_asset(graph, stage) for stage in STAGES if graph.includes(stage.name)]


def _asset(graph: Graph, stage: Stage) -> dg.AssetsDefinition:
    @dg.asset(
        name=stage.name,
        key_prefix=list(graph.key_prefix),
        group_name=graph.group_name,
        partitions_def=graph.partitions,
        deps=[*_keys(graph, stage.after), *_sources(graph, stage)],
        description=stage.description,
        kinds=set(stage.kinds),
        pool=pools.STAGES.get(stage.name),
        # A definition that does not ask for the write-back materializes nothing there.
        output_required=not stage.optional,
    )
    def build(context: dg.AssetExecutionContext, clustering: dg.ResourceParam[Pipeline]):
        report = perform(context, clustering, graph, stage)
        if not report.skipped:
            yield dg.MaterializeResult(metadata=metadata_of(report))

    return build


def _keys(graph: Graph, names: Sequence[str]) -> list[dg.AssetKey]:
    return [graph.key(name) for name in names]


def _sources(graph: Graph, stage: Stage) -> tuple[dg.AssetKey, ...]:
    """A graph begins after what its documents come from."""
    return () if stage.after else graph.deps


def metadata_of(report: StageReport) -> dict[str, dg.MetadataValue]:
    """Missing numbers are left out: Dagster would plot them as zero."""
    return dict(_entries(report))


def _entries(report: StageReport) -> Iterator[tuple[str, dg.MetadataValue]]:
    for name, number in report.numbers.items():
        if number is not None:
            yield name, _number(number)
    for name, text in report.texts.items():
        yield name, dg.MetadataValue.text(text)
    for name, markdown in report.markdown.items():
        yield name, dg.MetadataValue.md(markdown)
    for name, record in report.records.items():
        yield name, dg.MetadataValue.json(record)
    if report.uri is not None:
        yield "dagster/uri", dg.MetadataValue.text(report.uri)


def _number(number: float) -> dg.MetadataValue:
    if isinstance(number, int):
        return dg.MetadataValue.int(number)
    return dg.MetadataValue.float(number)
