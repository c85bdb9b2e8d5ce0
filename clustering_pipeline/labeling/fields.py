"""Which payload fields say what a document is about, when no mapping tells."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np

from clustering_pipeline.labeling.text.selection import telling_words

_FEWEST_TEXTS = 5
_SEED = 0


def agreement(texts: Sequence[str], labels: np.ndarray) -> float | None:
    """0 when words fall into groups as by chance, 1 when each belongs to one group alone.

    The mean, over words in at least five texts, of the share that the word's commonest group has
    of them, above what the same words reach when the labels are shuffled; ``None`` without any.
    """
    grouped = labels >= 0
    written = [text for text, inside in zip(texts, grouped, strict=True) if inside]
    holders = _holders(written)
    if not holders:
        return None
    known = labels[grouped]
    by_chance = _purity(holders, np.random.default_rng(_SEED).permutation(known))
    return max(0.0, _purity(holders, known) - by_chance) / max(1.0 - by_chance, 1e-9)


def _holders(texts: Sequence[str]) -> list[np.ndarray]:
    """The texts that hold each word, for words that enough of them hold."""
    rows_of: defaultdict[str, list[int]] = defaultdict(list)
    for row, text in enumerate(texts):
        for word in set(telling_words(text)):
            rows_of[word].append(row)
    return [np.array(rows) for rows in rows_of.values() if len(rows) >= _FEWEST_TEXTS]


def _purity(holders: Sequence[np.ndarray], labels: np.ndarray) -> float:
    shares = [np.unique(labels[rows], return_counts=True)[1].max() / len(rows) for rows in holders]
    return float(np.mean(shares))


_DEPTH = 4
_RUNNING = 0.3
"""Share of distinct values from which a field is text rather than a category."""
_BESIDE = 0.25
"""A text that agrees this much less with the groups than the best one is about something else."""
_SHORT = 30.0
"""Characters below which values that come back are a category, even where there are many."""
_UNIQUE = 0.8
"""Share of distinct values from which short ones are titles rather than a category."""
_CODE_NAME = re.compile(
    r"(^|[_.\-])(id|ids|uuid|guid|hash|sha\d*|md5|checksum|key|token|url|uri|href|link|path|file|"
    r"filename|email|phone|date|time|timestamp|created_at|updated_at|lang|language|mime|type)$"
)
_CODE_VALUE = re.compile(
    r"^\s*$|^[\d\s.,:/+%$€£()-]+$|^\d{4}-\d\d-\d\d([T ].*)?$|^https?://|^data:|^s3://"
    r"|^[\w.+-]+@[\w-]+\.\w+$|^(?=\S*\d)[\w:./@#+=-]{6,}$"
)


@dataclass(frozen=True, kw_only=True)
class FieldMeasure:
    """What a sample of the payloads says of one string field; dotted path."""

    field: str
    filled: float
    """Share of the documents that have it."""
    length: float
    """Median characters."""
    distinct: float
    """Share of its values that are unlike one another."""
    codes: float
    """Share of its values that are identifiers, dates, numbers or addresses."""
    agreement: float | None
    """How far its words tell the groups apart, 0 to 1; ``None`` where nothing tells."""


@dataclass(frozen=True, kw_only=True)
class FieldChoice:
    """The fields taken as text, longest median first, and what was measured of all."""

    fields: tuple[str, ...]
    measures: tuple[FieldMeasure, ...]


def choose_text_fields(
    payloads: Sequence[Mapping[str, object]],
    *,
    labels: np.ndarray | None = None,
    ignore: Collection[str] = (),
) -> FieldChoice:
    """Take string fields, longest median text first, without identifiers, dates and numbers.

    ``payloads`` is a sample, ``labels`` the group of each (−1 for none), ``ignore`` names fields
    that earlier runs wrote.  Fields whose values come back (a category, an author) serve only where
    there is no running text: a label would repeat them rather than say what the texts are about.
    """
    measures = _measure(payloads, labels, ignore)
    usable = [measure for measure in measures if _is_text(measure)]
    running = [measure for measure in usable if not _is_category(measure)]
    running = running or [measure for measure in usable if measure.distinct >= _RUNNING]
    chosen = [measure for measure in running if _belongs(measure, running)] if running else usable
    return FieldChoice(fields=tuple(measure.field for measure in chosen), measures=measures)


def strings(payload: Mapping[str, object], *, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Every string of a payload by dotted path; a list of strings counts as one."""
    for key, value in payload.items():
        path = f"{prefix}{key}"
        if isinstance(value, str):
            yield path, value
        elif isinstance(value, list) and value and all(isinstance(item, str) for item in value):
            yield path, ", ".join(map(str, value))
        elif isinstance(value, Mapping) and path.count(".") < _DEPTH:
            yield from strings(value, prefix=f"{path}.")


def _measure(
    sample: Sequence[Mapping[str, object]], labels: np.ndarray | None, ignore: Collection[str]
) -> tuple[FieldMeasure, ...]:
    values: dict[str, dict[int, str]] = {}
    for row, payload in enumerate(sample):
        for path, value in strings(payload):
            if not _ignored(path, ignore):
                values.setdefault(path, {})[row] = value
    measures = [_of(path, texts, labels, len(sample)) for path, texts in values.items()]
    return tuple(sorted(measures, key=lambda measure: (-measure.length, measure.field)))


def _ignored(path: str, ignore: Collection[str]) -> bool:
    return any(path == name or path.startswith(f"{name}.") for name in ignore)


def _of(
    path: str, values: Mapping[int, str], labels: np.ndarray | None, documents: int
) -> FieldMeasure:
    rows = [row for row, value in values.items() if value.strip()]
    written = [values[row] for row in rows]
    return FieldMeasure(
        field=path,
        filled=len(written) / documents,
        length=float(median(map(len, written))) if written else 0.0,
        distinct=len(set(written)) / max(len(written), 1),
        codes=sum(map(_is_code, written)) / max(len(written), 1),
        agreement=None if labels is None else agreement(written, labels[rows]),
    )


def _is_code(value: str) -> bool:
    return _CODE_VALUE.match(value) is not None or not any(map(str.isalpha, value))


def _is_text(measure: FieldMeasure) -> bool:
    named_code = _CODE_NAME.search(measure.field.lower()) is not None and measure.length < 80
    return measure.length >= 2 and measure.codes < 0.5 and not named_code


def _is_category(measure: FieldMeasure) -> bool:
    return measure.distinct < (_UNIQUE if measure.length < _SHORT else _RUNNING)


def _belongs(measure: FieldMeasure, running: Sequence[FieldMeasure]) -> bool:
    """Whether it is about what the groups are about, as far as its words tell."""
    best = max(other.agreement or 0.0 for other in running)
    return measure.agreement is None or measure.agreement >= _BESIDE * best
