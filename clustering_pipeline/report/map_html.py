"""The map as one HTML file that needs no network."""

import html
import json
import textwrap
from collections.abc import Iterator

import numpy as np

from clustering_pipeline.report.points import NOISE, MapPoints, group_color, shortened

_LINE = 60
_LONGEST_TEXT = 280
_LONGEST_NAME = 48
_MOST_POINTS = 30_000
_NAMED_ON_MAP = 40

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
html, body, #map {{ height: 100%; margin: 0; font-family: system-ui, sans-serif; }}
</style>
<script>{plotly}</script>
</head>
<body>
<div id="map"></div>
<script>
const figure = {figure};
const map = document.getElementById("map");
const options = {{responsive: true, displaylogo: false}};
Plotly.newPlot(map, figure.data, figure.layout, options).then(() => {{
  map.on("plotly_restyle", () => {{
    const shown = new Set(map.data.filter(t => t.visible !== "legendonly").map(t => t.meta));
    const notes = (map.layout.annotations || []).map(n => ({{...n, visible: shown.has(n.name)}}));
    Plotly.relayout(map, {{annotations: notes}});
  }});
}});
</script>
</body>
</html>
"""


def write_map(points: MapPoints, *, title: str, most_points: int = _MOST_POINTS) -> bytes:
    """One trace per group, so that a click in the legend hides it; noise is grey and listed last.

    Hovering shows the group's label and the document's text.  Works with no point at all, in two
    and in three dimensions; above ``most_points`` an even part of every group is drawn.
    """
    from plotly.offline import get_plotlyjs  # noqa: PLC0415 - reads 5 MB

    shown = points.thinned(most_points)
    figure = {"data": list(_traces(shown)), "layout": _layout(shown, title, len(points.labels))}
    page = _PAGE.format(
        title=html.escape(title), plotly=get_plotlyjs(), figure=_script_json(figure)
    )
    return page.encode()


def _script_json(value: object) -> str:
    """JSON that cannot end the script element it stands in."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _traces(points: MapPoints) -> Iterator[dict[str, object]]:
    noise = [-1] if (points.labels < 0).any() else []
    # Noise is drawn first, so beneath the groups; its rank puts it at the legend's end.
    for rank, group in enumerate([*noise, *points.groups]):
        yield _trace(points, group, rank=10_000 if group < 0 else rank)


def _trace(points: MapPoints, group: int, *, rank: int) -> dict[str, object]:
    inside = np.flatnonzero(points.labels == group)
    axes = zip("xyz", points.positions[inside].T, strict=False)
    name = html.escape(shortened(points.name(group), _LONGEST_NAME))
    return {
        "type": "scatter3d" if points.positions.shape[1] == 3 else "scattergl",
        "mode": "markers",
        "name": f"{name} ({len(inside):,})",
        "meta": str(group),
        "legendrank": rank,
        "marker": _marker(points, group),
        "text": [_hover(points.texts[row]) for row in inside] if len(points.texts) else None,
        "hovertemplate": f"<b>{_wrapped(points.name(group))}</b><br>%{{text}}<extra></extra>",
        **{axis: np.round(values.astype(float), 4).tolist() for axis, values in axes},
    }


def _marker(points: MapPoints, group: int) -> dict[str, object]:
    small = len(points.labels) > 5_000 or points.positions.shape[1] == 3
    color = NOISE if group < 0 else group_color(group)
    return {"color": color, "size": 4 if small else 7, "opacity": 0.45 if group < 0 else 0.8}


def _layout(points: MapPoints, title: str, documents: int) -> dict[str, object]:
    plain = {"visible": False, "showgrid": False, "zeroline": False}
    count = f"documents: {documents:,} · groups: {len(points.groups):,}"
    if len(points.labels) < documents:
        count += f" · drawn: {len(points.labels):,}"
    return {
        "title": {"text": f"{_wrapped(title)}<br><sup>{count}</sup>", "x": 0.02, "xanchor": "left"},
        "template": "none",
        "paper_bgcolor": "#ffffff",
        "hovermode": "closest",
        "showlegend": True,
        "hoverlabel": {"align": "left", "font": {"size": 12}},
        "legend": {"itemsizing": "constant", "font": {"size": 11}, "tracegroupgap": 0},
        "margin": {"l": 10, "r": 10, "t": 70, "b": 10},
        "xaxis": plain,
        "yaxis": plain | {"scaleanchor": "x"},
        "scene": {"xaxis": plain, "yaxis": plain, "zaxis": plain},
        "annotations": _names_on_map(points),
    }


def _names_on_map(points: MapPoints) -> list[dict[str, object]]:
    """Names of the largest groups where they lie, none over another."""
    if points.positions.shape[1] != 2 or not points.groups:
        return []
    span = np.maximum(np.ptp(points.positions, axis=0), 1e-9)
    placed: list[np.ndarray] = []
    notes: list[dict[str, object]] = []
    for group in points.groups[:_NAMED_ON_MAP]:
        at = points.center(group)
        if all(_apart(at, other, span) for other in placed):
            placed.append(at)
            notes.append(_note(group, at, points.name(group)))
    return notes


def _apart(place: np.ndarray, other: np.ndarray, span: np.ndarray) -> bool:
    across, down = np.abs(place - other) / span
    return bool(across > 0.2 or down > 0.03)


def _note(group: int, at: np.ndarray, name: str) -> dict[str, object]:
    return {
        "name": str(group),
        "x": float(at[0]),
        "y": float(at[1]),
        "text": html.escape(shortened(name, 34)),
        "showarrow": False,
        "yshift": 9,
        "font": {"size": 11, "color": "#222222"},
        "bgcolor": "rgba(255,255,255,0.75)",
    }


def _hover(text: str) -> str:
    return _wrapped(shortened(text, _LONGEST_TEXT))


def _wrapped(text: str) -> str:
    """Escaped lines; Plotly would read markup and ``%{…}`` in them otherwise."""
    lines = textwrap.wrap(" ".join(text.split()), _LINE, break_long_words=True)
    return "<br>".join(html.escape(line).replace("%{", "%&#123;") for line in lines)
