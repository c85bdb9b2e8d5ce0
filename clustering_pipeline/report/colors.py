"""Colours that stay apart on white, for any number of groups."""

import math

NOISE = "#c4c8cf"
_GOLDEN_ANGLE = 137.508
# Lightness and chroma in OKLCH; neighbours in the sequence differ in both hue and lightness.
_TONES = ((0.62, 0.17), (0.48, 0.13), (0.72, 0.13))


def group_color(group: int) -> str:
    """``#rrggbb`` of a group; the same number always has the same colour."""
    lightness, chroma = _TONES[group % len(_TONES)]
    hue = math.radians(25.0 + group * _GOLDEN_ANGLE)
    linear = _linear_rgb(lightness, chroma * math.cos(hue), chroma * math.sin(hue))
    return "#" + "".join(f"{round(255 * _gamma(value)):02x}" for value in linear)


def _linear_rgb(lightness: float, a: float, b: float) -> tuple[float, float, float]:
    """OKLab to linear sRGB (Ottosson 2020)."""
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    return (
        4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short,
    )


def _gamma(value: float) -> float:
    clipped = min(max(value, 0.0), 1.0)
    return 12.92 * clipped if clipped <= 0.0031308 else 1.055 * math.pow(clipped, 1 / 2.4) - 0.055
