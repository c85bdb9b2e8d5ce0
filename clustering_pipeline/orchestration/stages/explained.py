"""How much of a grouping the documents' own fields explain, so that nobody takes a language split
for topics.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from pydantic_core import from_json

from clustering_pipeline import engine
from clustering_pipeline.engine.metrics.agreement import MOST_VALUES
from clustering_pipeline.engine.vectors import Labels
from clustering_pipeline.model.ids import run_mark
from clustering_pipeline.orchestration.run import Run
from clustering_pipeline.orchestration.stages.fields import target_fields

MOST = 0.5
PLAIN = (str, int, float)
Share = dict[str, Any]


def explained_by_fields(run: Run, groupings: Sequence[Labels]) -> list[list[Share]]:
    """For each grouping, payload fields of few values and the share each explains, largest first.

    Fields that this definition wrote are no explanation.
    """
    ours = {run_mark(run.cluster_id), *(one.partition(".")[0] for one in target_fields(run))}
    stored = run.read_frame("embeddings", columns=["payload"])["payload"]
    fields = _fields(stored, len(stored), ours)
    return [_shares(labels, fields) for labels in groupings]


def _shares(labels: Labels, fields: Mapping[str, Sequence[Any]]) -> list[Share]:
    shares = engine.explained_shares(labels, fields)
    # Not by name: a payload's field may be called what no key of the catalog can be.
    return [{"field": name, "share": share} for name, share in shares.items()]


def warning(explained: Sequence[Share]) -> dict[str, str]:
    """What to say when one field explains most of the groups."""
    if not explained or explained[0]["share"] < MOST:
        return {}
    name, share = explained[0]["field"], explained[0]["share"]
    return {"warning": f"{name!r} explains {share:.0%} of the grouping: are these its values?"}


def _fields(
    stored: Iterable[str], documents: int, ignored: Collection[str]
) -> dict[str, list[Any]]:
    """The values of the fields that have few, read one document at a time."""
    found: dict[str, list[Any]] = {}
    seen: dict[str, set[Any]] = {}
    dropped = set(ignored)
    for row, text in enumerate(stored):
        for name, value in from_json(text).items():
            if name in dropped or value is None:
                continue
            values = seen.setdefault(name, set())
            values_left = MOST_VALUES - len(values)
            if isinstance(value, PLAIN) and (value in values or values_left):
                values.add(value)
                found.setdefault(name, [None] * documents)[row] = value
            else:
                dropped.add(name)
                found.pop(name, None)
    return found
