"""What shows itself in a notebook: the map, and groups over time."""

import html
import webbrowser
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from clustering_pipeline.engine.vectors import Labels
from clustering_pipeline.model.errors import InvalidRequest
from clustering_pipeline.model.periods import Every, dated, shares_of, zone_named
from clustering_pipeline.notebook.frames import Library, frame_of
from clustering_pipeline.report import MapPoints, write_map
from clustering_pipeline.report.points import NOISE as GREY
from clustering_pipeline.report.points import group_color

_HEIGHT = 640  # pixels of a map in a notebook
_LINES = 8  # groups that a plot tells apart


@dataclass(frozen=True, kw_only=True, eq=False)
class MapView:
    """Texts on a plane, near ones near; a page of its own that needs no network."""

    positions: NDArray[np.float32] = field(repr=False)
    numbers: Labels = field(repr=False)
    labels: Mapping[int, str]
    texts: Sequence[str] = field(repr=False)
    title: str

    @property
    def page(self) -> bytes:
        """The page as HTML."""
        points = MapPoints(
            positions=self.positions, labels=self.numbers, names=self.labels, texts=self.texts
        )
        return write_map(points, title=self.title)

    def save(self, path: str | Path) -> Path:
        """Writes the page."""
        target = Path(path)
        target.write_bytes(self.page)
        return target

    def open(self, path: str | Path = "topics-map.html") -> Path:
        """Writes the page and shows it in the browser."""
        target = self.save(path).absolute()
        webbrowser.open(target.as_uri())
        return target

    def _repr_html_(self) -> str:
        page = html.escape(self.page.decode(), quote=True)
        frame = f'width="100%" height="{_HEIGHT}" style="border:0" sandbox="allow-scripts"'
        return f'<iframe title="{html.escape(self.title)}" {frame} srcdoc="{page}"></iframe>'


@dataclass(frozen=True, kw_only=True, eq=False)
class TimelineView:
    """Groups by time: ``counts`` and ``shares`` have a row a period, a column a group."""

    counts: Any
    shares: Any
    without_date: int
    unreadable: int
    colors: Mapping[str, str] = field(repr=False)

    def __repr__(self) -> str:
        return repr(self.counts)

    def _repr_html_(self) -> str:
        import plotly.graph_objects as go  # noqa: PLC0415 - heavy

        frame = (
            self.counts if isinstance(self.counts, pl.DataFrame) else pl.from_pandas(self.counts)
        )
        figure = go.Figure(
            [
                go.Scatter(
                    x=frame["period"].to_list(),
                    y=frame[name].to_list(),
                    name=name,
                    line={"color": self.colors[name]},
                )
                for name in frame.columns[1 : _LINES + 1]
            ]
        )
        figure.update_layout(
            template="plotly_white", yaxis_title="documents", hovermode="x unified"
        )
        page = html.escape(figure.to_html(include_plotlyjs=True), quote=True)
        style = 'width="100%" height="420" style="border:0" sandbox="allow-scripts"'
        return f'<iframe title="Timeline" {style} srcdoc="{page}"></iframe>'


def timeline_view(
    dates: Sequence[Any],
    groups: Sequence[int],
    labels: Mapping[int, str],
    *,
    every: Every,
    zone: str,
    library: Library,
) -> TimelineView:
    """Counts ``groups`` by the periods of ``dates``; ``labels`` are in the order of columns.

    Raises InvalidRequest where no date can be read.
    """
    read = dated(dates, every, zone_named(zone))
    if not read.starts:
        message = (
            "no text has a date that can be read: dates are ISO 8601 text or numbers since 1970"
        )
        raise InvalidRequest(message)
    counted, totals, none = read.counts(groups), read.totals, [0] * len(read.starts)
    names = _columns(labels)
    table = pl.DataFrame({"period": read.names})
    counts = {name: counted.get(group, none) for group, name in names.items()}
    shares = {name: shares_of(own, totals) for name, own in counts.items()}
    return TimelineView(
        counts=frame_of(table.with_columns(pl.Series(*pair) for pair in counts.items()), library),
        shares=frame_of(table.with_columns(pl.Series(*pair) for pair in shares.items()), library),
        without_date=read.without,
        unreadable=len(read.unreadable),
        colors={name: GREY if group < 0 else group_color(group) for group, name in names.items()},
    )


def _columns(labels: Mapping[int, str]) -> dict[int, str]:
    """Labels as columns, which differ: two groups of one name have their numbers beside it."""
    seen = Counter(labels.values())
    return {
        group: label if seen[label] == 1 and label != "period" else f"{label} ({group})"
        for group, label in labels.items()
    }
