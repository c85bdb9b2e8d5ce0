"""The map as a small picture, for places that show no HTML."""

import io
from functools import cache

import numpy as np

from clustering_pipeline.report.points import NOISE, MapPoints, group_color, shortened

_MOST_POINTS = 15_000
_NAMED = 30
_LONGEST = 70
_LONGEST_NAME = 34
# Beside matplotlib's own, those that commonly carry the scripts it lacks.
_FONTS = (
    "Noto Sans CJK JP",
    "Noto Sans CJK SC",
    "Noto Sans Thai",
    "Noto Sans Arabic",
    "Noto Sans Devanagari",
    "Noto Sans",
    "Arial Unicode MS",
    "Hiragino Sans",
    "Microsoft YaHei",
)


def map_png(points: MapPoints, *, title: str) -> bytes:
    """A PNG of under 200 kB, the largest groups named where they lie; a third axis is left out."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    shown = points.thinned(_MOST_POINTS)
    figure = Figure(figsize=(10, 7.2), dpi=100)
    canvas = FigureCanvasAgg(figure)
    # Where the map lies is fixed: to find out what fits takes as long as all the rest.
    axes = figure.add_axes((0.01, 0.01, 0.98, 0.93))
    axes.set_axis_off()
    words, fonts = _drawable(title, ""), _families()
    figure.text(0.01, 0.96, words, fontsize=13, fontfamily=fonts, parse_math=False)
    _draw(axes, shown)
    _name_groups(axes, shown, canvas.get_renderer())
    canvas.draw()
    return _small_png(canvas)


def _draw(axes, points: MapPoints) -> None:
    for group in [-1, *points.groups]:
        at = points.positions[points.labels == group]
        color = NOISE if group < 0 else group_color(group)
        strength = 0.35 if group < 0 else 0.7
        axes.scatter(at[:, 0], at[:, 1], s=7, c=color, alpha=strength, linewidths=0)


def _name_groups(axes, points: MapPoints, renderer) -> None:
    """Largest groups first; a name that would cover another is left out."""
    from matplotlib.patheffects import withStroke  # noqa: PLC0415

    placed = []
    for group in points.groups[:_NAMED]:
        x, y = points.center(group)[:2]
        name = _drawable(shortened(points.name(group), _LONGEST_NAME), f"Cluster {group}")
        text = axes.text(
            x,
            y,
            name,
            ha="center",
            va="center",
            fontsize=8.5,
            fontfamily=_families(),
            parse_math=False,
            path_effects=[withStroke(linewidth=2.5, foreground="white", alpha=0.9)],
        )
        box = text.get_window_extent(renderer).padded(1)
        if any(box.overlaps(other) for other in placed):
            text.remove()
        else:
            placed.append(box)


def _small_png(canvas) -> bytes:
    from PIL import Image  # noqa: PLC0415 - comes with matplotlib

    pixels = np.asarray(canvas.buffer_rgba())[:, :, :3]
    out = io.BytesIO()
    Image.fromarray(pixels).quantize(128).save(out, format="PNG", optimize=True)
    return out.getvalue()


@cache
def _families() -> list[str]:
    from matplotlib.font_manager import fontManager  # noqa: PLC0415

    installed = set(fontManager.get_font_names())
    return ["DejaVu Sans", *(name for name in _FONTS if name in installed)]


def _drawable(text: str, otherwise: str) -> str:
    """The text if the installed fonts have its characters, shortened to fit."""
    line = shortened(text, _LONGEST)
    covered = _covered()
    return (
        line
        if all(ord(character) in covered or character == " " for character in line)
        else otherwise
    )


@cache
def _covered() -> frozenset[int]:
    from matplotlib.font_manager import FontProperties, findfont, get_font  # noqa: PLC0415

    fonts = [get_font(findfont(FontProperties(family=name))) for name in _families()]
    return frozenset(code for font in fonts for code in font.get_charmap())
