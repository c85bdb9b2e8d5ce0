"""Turns a stage's report into the metadata that Dagster shows and plots."""

from collections.abc import Iterator

import dagster as dg

from clustering_pipeline.orchestration.report import StageReport


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
