"""Values of Arrow as JSON keeps them: each what its type says, or refused.

| Arrow | stored |
|---|---|
| whole numbers, floats, decimals | numbers, where a JSON number holds the very value; NaN is null |
| text, and binary that is UTF-8 in all rows | text |
| other binary | text in base64 (URL alphabet) |
| dates, times, timestamps, durations, intervals | ISO 8601, to the nanosecond |
| UUIDs; JSON; booleans of 8 bits | text; the value it spells; true and false |
| lists, structs, maps with text keys | lists and objects; other maps as lists of pairs |
| dictionaries, run-end encoded columns | the values they stand for |
"""

import re
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from itertools import islice
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as kinds
from pydantic_core import from_json

from clustering_pipeline.model.json_values import MAX_DEPTH
from clustering_pipeline.service.collections.files.json_rows import check_key, storable

Values = list[Any]
Binaries = dict[str, bool]
"""Path of a binary column to whether all that was read of it is text."""
Conversion = Callable[[pa.Array, str, Binaries], Values]

_INT64 = 2**63
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_DAY = date(1970, 1, 1).toordinal()
_DAY_MS = 86_400_000
_PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_OFFSET = re.compile(r"([+-])(\d\d):?(\d\d)")
_VARIANT = ["metadata", "value"]
_UNFIT_EXTENSIONS = ("pandas.", "arrow.", "polars", "duckdb")
"""What they hold means something else than how it is stored."""


class Unfit(ValueError):
    """What a column holds has no form in JSON."""


def check_type(field: pa.Field, depth: int = 1) -> None:
    """Raises Unfit for a type that no value of could be stored."""
    name = (field.metadata or {}).get(b"ARROW:extension:name", b"").decode(errors="replace")
    kind = field.type
    if name.startswith(_UNFIT_EXTENSIONS):
        message = f"is of the type {name}: cast it to text or numbers"
        raise Unfit(message)
    if depth > MAX_DEPTH:
        message = f"is nested deeper than {MAX_DEPTH} levels: flatten it"
        raise Unfit(message)
    kind = _plain(kind)
    if not any(is_kind(kind) for is_kind, _ in _CONVERSIONS):
        message = f"is of the type {kind}, which JSON has no form for: cast it to text or numbers"
        raise Unfit(message)
    if kinds.is_struct(kind):
        parts = {
            kind.field(number).name: kind.field(number).type for number in range(kind.num_fields)
        }
        if list(parts)[:2] == _VARIANT and all(_is_binary(parts[part]) for part in _VARIANT):
            message = "is of the type VARIANT, whose values are packed: cast it to JSON text"
            raise Unfit(message)
        _check_names([kind.field(number).name for number in range(kind.num_fields)])
    for number in range(kind.num_fields):
        check_type(kind.field(number), depth + 1)


def values(array: pa.Array, path: str, binaries: Binaries) -> Values:
    """The values of a column; Unfit, or another ValueError, for one that cannot be kept."""
    array = decoded(array)
    convert = next(convert for is_kind, convert in _CONVERSIONS if is_kind(array.type))
    return convert(array, path, binaries)


def _plain(kind: pa.DataType) -> pa.DataType:
    while kinds.is_dictionary(kind) or kinds.is_run_end_encoded(kind):
        kind = kind.value_type
    return kind


def decoded(array: pa.Array) -> pa.Array:
    """The values that a dictionary or runs stand for."""
    while True:
        if kinds.is_dictionary(array.type):
            array = array.dictionary.take(array.indices)
        elif kinds.is_run_end_encoded(array.type):
            array = pc.call_function("run_end_decode", [array])
        else:
            return array


def _each(convert: Callable[[Any], Any], items: Values) -> Values:
    """The values converted, those that are missing apart."""
    return [None if value is None else convert(value) for value in items]


def _by(convert: Callable[[Any], Any]) -> Conversion:
    """For values that each convert alone; an extension's lie in its storage."""

    def converted(array: pa.Array, _path: str, _binaries: Binaries) -> Values:
        stored = array.storage if isinstance(array.type, pa.BaseExtensionType) else array
        return _each(convert, stored.to_pylist())

    return converted


def _same(array: pa.Array, _path: str, _binaries: Binaries) -> Values:
    return array.to_pylist()


def _whole(array: pa.Array, _path: str, _binaries: Binaries) -> Values:
    numbers = array.to_pylist()
    if kinds.is_uint64(array.type) and any(
        value is not None and value >= _INT64 for value in numbers
    ):
        message = "holds whole numbers above 2^63: cast it to text"
        raise Unfit(message)
    return numbers


def _floats(array: pa.Array, _path: str, _binaries: Binaries) -> Values:
    if pc.call_function("any", [pc.call_function("is_inf", [array])]).as_py():
        message = "holds infinity, which JSON has no form for: make it null"
        raise Unfit(message)
    wide = array.cast(pa.float64()) if kinds.is_float16(array.type) else array
    return [None if value is None or value != value else value for value in wide.to_pylist()]  # noqa: PLR0124 - NaN


def _number(decimal: Decimal) -> int | float:
    exponent = decimal.as_tuple().exponent
    if isinstance(exponent, int) and exponent >= 0 and -_INT64 <= decimal < _INT64:
        return int(decimal)
    number = float(decimal)
    if Decimal(repr(number)) != decimal:
        message = f"holds {decimal}, which no JSON number is exactly: cast it to text or floats"
        raise Unfit(message)
    return number


def _binary(array: pa.Array, path: str, binaries: Binaries) -> Values:
    contents = array.to_pylist()
    if binaries.get(path, True):
        texts = _each(_text, contents)
        binaries[path] = all(
            text is not None
            for text, value in zip(texts, contents, strict=True)
            if value is not None
        )
        if binaries[path]:
            return texts
    return _each(lambda content: urlsafe_b64encode(content).decode(), contents)


def _text(content: bytes) -> str | None:
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return None
    return None if "\0" in text else text


def _dates(array: pa.Array, _path: str, _binaries: Binaries) -> Values:
    if kinds.is_date64(array.type):
        days = [value and value // _DAY_MS for value in array.view(pa.int64()).to_pylist()]
    else:
        days = array.view(pa.int32()).to_pylist()
    return _each(_date, days)


def _date(days: int) -> str:
    try:
        return date.fromordinal(_FIRST_DAY + days).isoformat()
    except (ValueError, OverflowError):
        message = "holds a date outside of the years 1 to 9999: cast it to text"
        raise Unfit(message) from None


def _times(array: pa.Array, _path: str, _binaries: Binaries) -> Values:
    factor = _PER_SECOND[array.type.unit]
    counts = array.view(pa.int32() if kinds.is_time32(array.type) else pa.int64()).to_pylist()
    return _each(lambda count: _time(*divmod(count, factor), factor), counts)


def _time(seconds: int, rest: int, factor: int) -> str:
    hours, minutes = divmod(seconds // 60, 60)
    return f"{hours:02}:{minutes:02}:{seconds % 60:02}{_fraction(rest, factor)}"


def _timestamps(array: pa.Array, _path: str, _binaries: Binaries) -> Values:
    factor = _PER_SECOND[array.type.unit]
    zone = None if array.type.tz is None else _zone(array.type.tz)
    counts = array.view(pa.int64()).to_pylist()
    return _each(lambda count: _moment(*divmod(count, factor), factor, zone), counts)


def _moment(seconds: int, rest: int, factor: int, zone: tzinfo | None) -> str:
    try:
        moment = _EPOCH + timedelta(seconds=seconds)
        local = moment if zone is None else moment.astimezone(zone)
    except OverflowError:
        message = "holds a time outside of the years 1 to 9999: cast it to text"
        raise Unfit(message) from None
    offset = local.utcoffset() or timedelta()
    if offset.seconds % 60:  # ISO 8601 has no seconds in an offset
        local, offset = moment, timedelta()
    text = local.replace(tzinfo=None).isoformat() + _fraction(rest, factor)
    if zone is None:
        return text
    return text + ("Z" if not offset else local.isoformat()[-6:])


def _zone(name: str) -> tzinfo:
    """The zone; of one that nobody knows the instants are told in UTC."""
    offset = _OFFSET.fullmatch(name)
    if offset:
        minutes = 60 * int(offset[2]) + int(offset[3])
        return timezone(timedelta(minutes=-minutes if offset[1] == "-" else minutes))
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        return UTC


def _fraction(rest: int, factor: int) -> str:
    if not rest:
        return ""
    nanoseconds = rest * (_PER_SECOND["ns"] // factor)
    micro, nano = divmod(nanoseconds, 1000)
    return f".{nanoseconds:09}" if nano else f".{micro:06}"


def _durations(array: pa.Array, _path: str, _binaries: Binaries) -> Values:
    factor = _PER_SECOND[array.type.unit]
    counts = array.view(pa.int64()).to_pylist()
    return _each(lambda count: _duration(count, factor), counts)


def _duration(count: int, factor: int) -> str:
    seconds, rest = divmod(abs(count), factor)
    days, seconds = divmod(seconds, 86_400)
    hours, minutes = divmod(seconds // 60, 60)
    seconds %= 60
    clock = f"{hours}H" * bool(hours) + f"{minutes}M" * bool(minutes)
    if seconds or rest:
        clock += f"{seconds}{_fraction(rest, factor)}S"
    if not (days or clock):
        return "PT0S"
    return "-" * (count < 0) + "P" + f"{days}D" * bool(days) + f"T{clock}" * bool(clock)


def _interval(months: int, days: int, nanoseconds: int) -> str:
    seconds, rest = divmod(abs(nanoseconds), _PER_SECOND["ns"])
    sign = "-" * (nanoseconds < 0)
    return f"P{months}M{days}DT{sign}{seconds}{_fraction(rest, _PER_SECOND['ns'])}S"


def _tensors(array: pa.Array, path: str, binaries: Binaries) -> Values:
    shape = array.type.shape
    if array.type.permutation not in (None, list(range(len(shape)))):
        message = "holds tensors whose axes are swapped: write them as lists"
        raise Unfit(message)
    return _each(lambda flat: _shaped(flat, shape), values(array.storage, path, binaries))


def _shaped(flat: Values, shape: list[int]) -> Values:
    for size in reversed(shape[1:]):
        flat = [flat[at : at + size] for at in range(0, len(flat), size)]
    return flat


def _lists(array: pa.Array, path: str, binaries: Binaries) -> Values:
    items = iter(values(array.flatten(), f"{path}[]", binaries))
    lengths = pc.call_function("list_value_length", [array]).to_pylist()
    return _each(lambda length: list(islice(items, length)), lengths)


def _structs(array: pa.Array, path: str, binaries: Binaries) -> Values:
    names = [array.type.field(number).name for number in range(array.type.num_fields)]
    columns = [
        values(part, f"{path}.{name}", binaries)
        for name, part in zip(names, array.flatten(), strict=True)
    ]
    rows: Iterator[tuple[Any, ...]] = (
        zip(*columns, strict=True) if columns else iter([()] * len(array))
    )
    present = array.is_valid().to_pylist()
    return [
        dict(zip(names, row, strict=True)) if is_there else None
        for row, is_there in zip(rows, present, strict=True)
    ]


def _maps(array: pa.Array, path: str, binaries: Binaries) -> Values:
    pairs = array.cast(
        pa.list_(pa.struct([("key", array.type.key_type), ("value", array.type.item_type)]))
    )
    entries = _lists(pairs, path, binaries)
    if not _is_text(_plain(array.type.key_type)):
        return entries
    return _each(_object, entries)


def _object(entries: Values) -> dict[str, Any]:
    names = [entry["key"] for entry in entries]
    _check_names(names)
    return {entry["key"]: entry["value"] for entry in entries}


def _check_names(names: list[str]) -> None:
    for name in names:
        check_key(name)
    if len(set(names)) < len(names):
        message = "holds a name twice in one object: rename one"
        raise Unfit(message)


def _any_of(*checks: Callable[[pa.DataType], bool]) -> Callable[[pa.DataType], bool]:
    return lambda kind: any(check(kind) for check in checks)


_is_text = _any_of(kinds.is_string, kinds.is_large_string, kinds.is_string_view)
_is_binary = _any_of(
    kinds.is_binary, kinds.is_large_binary, kinds.is_fixed_size_binary, kinds.is_binary_view
)
is_list = _any_of(
    kinds.is_list,
    kinds.is_large_list,
    kinds.is_fixed_size_list,
    kinds.is_list_view,
    kinds.is_large_list_view,
)
is_number = _any_of(kinds.is_integer, kinds.is_floating, kinds.is_decimal)


def is_extension(name: str) -> Callable[[pa.DataType], bool]:
    """Whether a type is that extension."""
    return lambda kind: isinstance(kind, pa.BaseExtensionType) and kind.extension_name == name


_CONVERSIONS: tuple[tuple[Callable[[pa.DataType], bool], Conversion], ...] = (
    (_is_text, _same),
    (kinds.is_null, _same),
    (kinds.is_boolean, _same),
    (kinds.is_integer, _whole),
    (kinds.is_floating, _floats),
    (kinds.is_decimal, _by(_number)),
    (_is_binary, _binary),
    (kinds.is_date, _dates),
    (kinds.is_time, _times),
    (kinds.is_timestamp, _timestamps),
    (kinds.is_duration, _durations),
    (kinds.is_interval, _by(lambda interval: _interval(*interval))),
    (is_list, _lists),
    (kinds.is_struct, _structs),
    (kinds.is_map, _maps),
    (is_extension("arrow.uuid"), _by(lambda content: str(UUID(bytes=content)))),
    (is_extension("arrow.json"), _by(lambda text: storable(from_json(text)))),
    (is_extension("arrow.bool8"), _by(bool)),
    (is_extension("arrow.fixed_shape_tensor"), _tensors),
)
