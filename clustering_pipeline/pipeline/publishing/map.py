"""What people look at after a run: the map as a page and as a picture, the groups as a table."""

import base64
from dataclasses import dataclass

import polars as pl

from clustering_pipeline.engine.vectors import NOISE
from clustering_pipeline.model.ids import TOP_NUMBER
from clustering_pipeline.pipeline.publishing.tables import Results
from clustering_pipeline.pipeline.run.columns import axes_of
from clustering_pipeline.report import GroupRow, MapPoints, group_table, map_png, write_map


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """Markdown for Dagster, and the page that lies beside the run's artifacts.

    Groups by attributes have no map.
    """

    table: str
    image: str | None = None
    page: bytes | None = None


def draw(results: Results) -> Picture:
    """The map's page and what Dagster shows of it: the top of a hierarchy."""
    table = group_table(_rows(results.top), documents=results.documents)
    if results.texts is None:
        return Picture(table=table)
    points, title = _points(results.top, results.members, results.texts), results.title
    image = base64.b64encode(map_png(points, title=title)).decode()
    return Picture(
        table=table,
        image=f"![map](data:image/png;base64,{image})",
        page=write_map(points, title=title),
    )


def _points(clusters: pl.DataFrame, members: pl.DataFrame, texts: pl.Series) -> MapPoints:
    numbers = members["cluster_id"].str.extract(TOP_NUMBER).cast(pl.Int64).fill_null(NOISE)
    labels = numbers.alias("label").to_frame()
    axes = axes_of(members)
    shown = pl.concat([members.select(axes), labels, texts.to_frame()], how="horizontal")
    shown = shown.drop_nulls(axes)
    return MapPoints(
        positions=shown.select(axes).to_numpy(),
        labels=shown["label"].to_numpy(),
        names=dict(
            zip(
                clusters["cluster_id"].str.extract(TOP_NUMBER).cast(pl.Int64),
                clusters["label"],
                strict=True,
            )
        ),
        texts=shown["text"].to_list(),
    )


def _rows(clusters: pl.DataFrame) -> list[GroupRow]:
    return [
        GroupRow(
            cluster_id=row["cluster_id"],
            label=row["label"],
            size=row["num_members"],
            keywords=row["keywords"] or (),
            summary=row["summary"],
        )
        for row in clusters.iter_rows(named=True)
    ]
