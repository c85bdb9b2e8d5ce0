"""Which payload fields say what a document is about, when no mapping tells."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

_SAMPLE = 500
_DEPTH = 4
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


@dataclass(frozen=True, kw_only=True)
class FieldChoice:
    """The fields taken as text, longest median first, and what was measured of all."""

    fields: tuple[str, ...]
    measures: tuple[FieldMeasure, ...]


def choose_text_fields(
    payloads: Sequence[Mapping[str, object]], *, ignore: Collection[str] = ()
) -> FieldChoice:
    """Take string fields, longest median text first, without identifiers, dates and numbers.

    ``ignore`` names fields that earlier runs wrote onto the documents.  Fields with few distinct
    values (a category, an author) serve only where there is no running text.
    """
    step = max(1, len(payloads) // _SAMPLE)
    measures = _measure(payloads[::step], ignore)
    usable = [measure for measure in measures if _is_text(measure)]
    running = [measure for measure in usable if measure.distinct >= 0.3]
    chosen = running or usable
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


def _measure(sample: Sequence[Mapping[str, object]], ignore: Collection[str]):
    values: dict[str, list[str]] = {}
    for payload in sample:
        for path, value in strings(payload):
            values.setdefault(path, []).append(value)
    measures = [
        _of(path, found, len(sample))
        for path, found in values.items()
        if not _ignored(path, ignore)
    ]
    return tuple(sorted(measures, key=lambda measure: (-measure.length, measure.field)))


def _ignored(path: str, ignore: Collection[str]) -> bool:
    return any(path == name or path.startswith(f"{name}.") for name in ignore)


def _of(path: str, values: list[str], documents: int) -> FieldMeasure:
    written = [value for value in values if value.strip()]
    return FieldMeasure(
        field=path,
        filled=len(written) / documents,
        length=float(median(map(len, written))) if written else 0.0,
        distinct=len(set(written)) / max(len(written), 1),
        codes=sum(_is_code(value) for value in written) / max(len(written), 1),
    )


def _is_code(value: str) -> bool:
    return _CODE_VALUE.match(value) is not None or not any(map(str.isalpha, value))


def _is_text(measure: FieldMeasure) -> bool:
    named_code = _CODE_NAME.search(measure.field.lower()) is not None and measure.length < 80
    return measure.length >= 2 and measure.codes < 0.5 and not named_code
