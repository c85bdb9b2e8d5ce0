"""What people look at after a run: the map as a page and as a picture, the groups as a table."""

import base64
from dataclasses import dataclass

import polars as pl

from clustering_pipeline.engine.vectors import NOISE
from clustering_pipeline.model.definitions.spec import joins
from clustering_pipeline.model.ids import TOP_NUMBER
from clustering_pipeline.pipeline.publishing.tables import document_count
from clustering_pipeline.pipeline.run.artifacts import MAP, TEXTS
from clustering_pipeline.pipeline.run.columns import axes_of
from clustering_pipeline.pipeline.run.run import Run
from clustering_pipeline.report import GroupRow, MapPoints, group_table, map_png, write_map


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """Markdown for Dagster; the page lies beside the run's artifacts.

    Groups by attributes have no map.
    """

    table: str
    image: str | None = None
    page_uri: str | None = None


def draw(run: Run, clusters: pl.DataFrame, members: pl.DataFrame) -> Picture:
    """Writes the map's page and returns what Dagster shows of it: the top of a hierarchy.

    Where documents join groups that are there, the map stays as the run before drew it.
    """
    top = clusters.filter(hierarchy_level=0)
    table = group_table(_rows(top), documents=document_count(members))
    if not axes_of(members) or (joins(run.spec) and not run.only_renames):
        return Picture(table=table)
    points = _points(run, top, members)
    run.pipeline.artifacts.write_bytes(run.key(MAP), write_map(points, title=run.title))
    image = base64.b64encode(map_png(points, title=run.title)).decode()
    return Picture(
        table=table,
        image=f"![map](data:image/png;base64,{image})",
        page_uri=run.uri(MAP),
    )


def _points(run: Run, clusters: pl.DataFrame, members: pl.DataFrame) -> MapPoints:
    numbers = members["cluster_id"].str.extract(TOP_NUMBER).cast(pl.Int64).fill_null(NOISE)
    labels = numbers.alias("label").to_frame()
    axes = axes_of(members)
    shown = pl.concat([members.select(axes), labels, run.read_frame(TEXTS)], how="horizontal")
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
