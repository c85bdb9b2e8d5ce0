"""The groups as a table."""

from collections.abc import Sequence
from dataclasses import dataclass

_MOST = 50


@dataclass(frozen=True, kw_only=True)
class GroupRow:
    """One group as a reader sees it."""

    cluster_id: str
    label: str
    size: int
    keywords: Sequence[str] = ()
    summary: str | None = None


def group_table(rows: Sequence[GroupRow], *, documents: int, most: int = _MOST) -> str:
    """A markdown table, largest group first; ``documents`` is what the shares refer to."""
    ordered = sorted(rows, key=lambda row: (-row.size, row.cluster_id))
    lines = ["| group | label | documents | share | keywords |", "|---|---|---:|---:|---|"]
    lines += [_line(row, documents) for row in ordered[:most]]
    if len(ordered) > most:
        lines.append(f"| … | {len(ordered) - most:,} more | | | |")
    return "\n".join(lines)


def _line(row: GroupRow, documents: int) -> str:
    share = f"{100 * row.size / documents:.1f} %" if documents else ""
    cells = (row.cluster_id, row.label, f"{row.size:,}", share, ", ".join(row.keywords[:6]))
    return table_line(cells)


def table_line(values: Sequence[object]) -> str:
    """A line of a markdown table; None is an empty cell."""
    return f"| {' | '.join(map(_cell, values))} |"


def _cell(value: object) -> str:
    """One line, with nothing markdown would read as its own."""
    line = "" if value is None else " ".join(str(value).split())
    for mark in "\\|<>*_`[]":
        line = line.replace(mark, f"\\{mark}")
    return line
