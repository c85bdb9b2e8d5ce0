"""Columns of every type there is, each with the values that are stored of it, or a refusal."""

# ruff: noqa: FBT003 - the values of a column stand one after the other

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa

REFUSED = object()
"""Refused by the column's name, before anything is written."""
UUID_ = UUID("0b0e1c7a-8a53-4c1e-9d0a-1f7f3a2b4c5d")


@dataclass(frozen=True, kw_only=True)
class Case:
    """A column of two values, and what is stored of them."""

    name: str
    column: Any
    stored: Any


def case(name: str, column: Any, *stored: Any) -> Case:
    """The column ``name``; without ``stored`` it is refused."""
    return Case(name=name, column=column, stored=list(stored) or REFUSED)


def _array(kind: pa.DataType, *values: Any) -> pa.Array:
    return pa.array(values, type=kind)


def _wide(kind: pa.DataType, *counts: int) -> pa.Array:
    """Counts as they lie in memory of a type."""
    return pa.array(counts, type=pa.int64()).view(kind)


_NUMBERS = [
    *(
        case(f"int{bits}", _array(kind, -1, None), -1, None)
        for bits, kind in ((8, pa.int8()), (16, pa.int16()), (32, pa.int32()), (64, pa.int64()))
    ),
    *(
        case(f"uint{bits}", _array(kind, 7, None), 7, None)
        for bits, kind in ((8, pa.uint8()), (16, pa.uint16()), (32, pa.uint32()), (64, pa.uint64()))
    ),
    case("int64 at its end", _array(pa.int64(), -(2**63), 2**63 - 1), -(2**63), 2**63 - 1),
    case("uint64 at int64's end", _array(pa.uint64(), 2**63 - 1, 0), 2**63 - 1, 0),
    case("uint64 above", _array(pa.uint64(), 2**63, 1)),
    case("float16", pa.array([np.float16(0.5), None], type=pa.float16()), 0.5, None),
    case("float32", _array(pa.float32(), 0.1, None), float(np.float32(0.1)), None),
    case("float64", _array(pa.float64(), 0.1, -0.0), 0.1, -0.0),
    case("float64 NaN", _array(pa.float64(), 0.1, float("nan")), 0.1, None),
    case("float64 infinity", _array(pa.float64(), 0.1, float("inf"))),
    case("float32 infinity", _array(pa.float32(), 0.1, float("-inf"))),
    case("decimal128", _array(pa.decimal128(10, 2), Decimal("1.25"), None), 1.25, None),
    case(
        "decimal128 whole",
        _array(pa.decimal128(18, 0), Decimal(12345678901234567), None),
        12345678901234567,
        None,
    ),
    case(
        "decimal128 exact only as text",
        _array(pa.decimal128(38, 10), Decimal("1234567890123456789.0123456789"), None),
    ),
    case("decimal128 above int64", _array(pa.decimal128(38, 0), Decimal(10**30 + 1), None)),
    case("decimal256", _array(pa.decimal256(50, 3), Decimal("-0.125"), None), -0.125, None),
    case("decimal32", _array(pa.decimal32(5, 1), Decimal("0.5"), None), 0.5, None),
    case("decimal64", _array(pa.decimal64(12, 4), Decimal("2.0625"), None), 2.0625, None),
    case("bool", _array(pa.bool_(), True, None), True, None),
    case("null", pa.nulls(2), None, None),
]
_TEXTS = [
    *(
        case(f"text {kind}", _array(kind, "é", None), "é", None)
        for kind in (pa.string(), pa.large_string(), pa.string_view())
    ),
    *(
        case(f"binary {kind}", _array(kind, "é".encode(), None), "é", None)
        for kind in (pa.binary(), pa.large_binary(), pa.binary_view())
    ),
    case("binary of no text", _array(pa.binary(), b"\xff\x00", b"a"), "_wA=", "YQ=="),
    case("binary with a NUL", _array(pa.binary(), b"a\x00", None), "YQA=", None),
    case("fixed binary of text", _array(pa.binary(3), b"abc", None), "abc", None),
    case("fixed binary", _array(pa.binary(2), b"\xff\xfe", None), "__4=", None),
    case("text that is no UTF-8", pa.array([b"\xff", b"a"], type=pa.binary()).view(pa.string())),
    case("empty text", _array(pa.string(), "", " 007 "), "", " 007 "),
    case("dictionary", pa.array(["a", None]).dictionary_encode(), "a", None),
    case("dictionary of numbers", pa.array([5, 5]).dictionary_encode(), 5, 5),
    case(
        "dictionary of dates",
        pa.array([date(2026, 1, 2), None]).dictionary_encode(),
        "2026-01-02",
        None,
    ),
    case("uuid", pa.array([UUID_.bytes, None], type=pa.uuid()), str(UUID_), None),
    case(
        "json",
        pa.ExtensionArray.from_storage(pa.json_(), pa.array(['{"a": [1, null]}', None])),
        {"a": [1, None]},
        None,
    ),
    case(
        "json scalars", pa.ExtensionArray.from_storage(pa.json_(), pa.array(["1", '"x"'])), 1, "x"
    ),
    case("json that is none", pa.ExtensionArray.from_storage(pa.json_(), pa.array(["{", "1"]))),
    case(
        "json above int64", pa.ExtensionArray.from_storage(pa.json_(), pa.array([str(2**64), "1"]))
    ),
    case(
        "bool8",
        pa.ExtensionArray.from_storage(pa.bool8(), pa.array([1, 0], type=pa.int8())),
        True,
        False,
    ),
]
_AT = datetime(2026, 1, 2, 3, 4, 5)  # noqa: DTZ001 - a time of no zone
_US = _AT.replace(microsecond=6)
_TIMES = [
    case("date32", _array(pa.date32(), date(2026, 1, 2), None), "2026-01-02", None),
    case("date64", _array(pa.date64(), date(1969, 12, 31), None), "1969-12-31", None),
    case(
        "date32 first and last", _array(pa.date32(), date.min, date.max), "0001-01-01", "9999-12-31"
    ),
    case("date32 beyond", pa.array([3_000_000, 0], type=pa.int32()).view(pa.date32())),
    case("date64 beyond", _wide(pa.date64(), -800_000 * 86_400_000, 0)),
    case("date32 before", pa.array([-800_000, 0], type=pa.int32()).view(pa.date32())),
    *(
        case(f"time {kind}", _array(kind, time(3, 4, 5), None), "03:04:05", None)
        for kind in (pa.time32("s"), pa.time32("ms"), pa.time64("us"), pa.time64("ns"))
    ),
    case(
        "time64 ns fine",
        _wide(pa.time64("ns"), 1, 86_399_999_999_999),
        "00:00:00.000000001",
        "23:59:59.999999999",
    ),
    *(
        case(
            f"timestamp {unit}", _array(pa.timestamp(unit), _AT, None), "2026-01-02T03:04:05", None
        )
        for unit in ("s", "ms", "us", "ns")
    ),
    case(
        "timestamp fine", _array(pa.timestamp("us"), _US, None), "2026-01-02T03:04:05.000006", None
    ),
    case(
        "timestamp ns fine",
        _wide(pa.timestamp("ns"), 1, -1),
        "1970-01-01T00:00:00.000000001",
        "1969-12-31T23:59:59.999999999",
    ),
    case(
        "timestamp ns at its ends",
        _wide(pa.timestamp("ns"), 2**63 - 1, -(2**63) + 1),
        "2262-04-11T23:47:16.854775807",
        "1677-09-21T00:12:43.145224193",
    ),
    case("timestamp beyond", _wide(pa.timestamp("s"), 400_000_000_000, 0)),
    case("timestamp us beyond", _wide(pa.timestamp("us"), 2**62, 0)),
    *(
        case(
            f"timestamp {zone}",
            pa.array([0, None], type=pa.timestamp("us", tz=zone)),
            f"1970-01-01T{shown}",
            None,
        )
        for zone, shown in (
            ("UTC", "00:00:00Z"),
            ("+00:00", "00:00:00Z"),
            ("+05:30", "05:30:00+05:30"),
            ("+0545", "05:45:00+05:45"),
            ("-03:30", None),
            ("Asia/Kolkata", "05:30:00+05:30"),
            ("Asia/Kathmandu", "05:30:00+05:30"),
            ("Europe/Berlin", "01:00:00+01:00"),
            ("Mars/Olympus", "00:00:00Z"),
        )
        if shown
    ),
    case(
        "timestamp west",
        pa.array([0, None], type=pa.timestamp("us", tz="-03:30")),
        "1969-12-31T20:30:00-03:30",
        None,
    ),
    case(
        "timestamp of old Amsterdam",
        _wide(pa.timestamp("s"), -2_000_000_000, 0).cast(pa.timestamp("s", tz="Europe/Amsterdam")),
        "1906-08-16T20:26:40Z",
        "1970-01-01T01:00:00+01:00",
    ),
    case(
        "timestamp beyond in a zone",
        _wide(pa.timestamp("s"), 253_402_300_799, 0).cast(pa.timestamp("s", tz="+05:30")),
    ),
    *(
        case(
            f"duration {unit}",
            _array(pa.duration(unit), timedelta(days=1, seconds=3661), None),
            "P1DT1H1M1S",
            None,
        )
        for unit in ("s", "ms", "us", "ns")
    ),
    case("duration fine", _wide(pa.duration("ns"), -1_000_000_001, 0), "-PT1.000000001S", "PT0S"),
    case(
        "duration of days",
        _array(pa.duration("us"), timedelta(microseconds=-5), timedelta(days=2)),
        "-PT0.000005S",
        "P2D",
    ),
]
_NESTED = [
    *(
        case(f"list {kind}", pa.array([[1, None], None], type=kind), [1, None], None)
        for kind in (pa.list_(pa.int8()), pa.large_list(pa.int8()), pa.list_(pa.int8(), 2))
    ),
    case("lists of lists", pa.array([[[1], []], []]), [[1], []], []),
    case("list of texts", pa.array([["a"], ["b", None]]), ["a"], ["b", None]),
    case("list of dates", pa.array([[date(2026, 1, 2)], None]), ["2026-01-02"], None),
    case("list of uint64", pa.array([[2**63], []], type=pa.list_(pa.uint64()))),
    case("list of binary", pa.array([[b"a"], [b"\xff"]]), ["YQ=="], ["_w=="]),
    case("list of decimals", pa.array([[Decimal("0.5")], None]), [0.5], None),
    case("struct", pa.array([{"a": 1, "b": {"c": "x"}}, None]), {"a": 1, "b": {"c": "x"}}, None),
    case(
        "struct of a time",
        pa.array([{"at": _US}, {"at": None}]),
        {"at": "2026-01-02T03:04:05.000006"},
        {"at": None},
    ),
    case("struct of infinity", pa.array([{"a": float("inf")}, None])),
    case("list of structs", pa.array([[{"a": 1}], []]), [{"a": 1}], []),
    case(
        "map",
        pa.array([[("a", 1), ("b", None)], None], type=pa.map_(pa.string(), pa.int64())),
        {"a": 1, "b": None},
        None,
    ),
    case(
        "map of a name twice",
        pa.array([[("a", 1), ("a", 2)], None], type=pa.map_(pa.string(), pa.int64())),
    ),
    case(
        "map of numbers",
        pa.array([[(1, "x")], []], type=pa.map_(pa.int64(), pa.string())),
        [{"key": 1, "value": "x"}],
        [],
    ),
    case(
        "map of maps",
        pa.array(
            [[("a", [("b", 1)])], None], type=pa.map_(pa.string(), pa.map_(pa.string(), pa.int64()))
        ),
        {"a": {"b": 1}},
        None,
    ),
    case(
        "list of dictionaries",
        pa.array([["a"], None], type=pa.list_(pa.dictionary(pa.int8(), pa.string()))),
        ["a"],
        None,
    ),
    case(
        "tensor of one axis",
        pa.ExtensionArray.from_storage(
            pa.fixed_shape_tensor(pa.float32(), [2]),
            pa.array([[1, 2], None], type=pa.list_(pa.float32(), 2)),
        ),
        [1.0, 2.0],
        None,
    ),
    case(
        "tensor",
        pa.ExtensionArray.from_storage(
            pa.fixed_shape_tensor(pa.int32(), [2, 2]),
            pa.array([[1, 2, 3, 4], None], type=pa.list_(pa.int32(), 4)),
        ),
        [[1, 2], [3, 4]],
        None,
    ),
]
PARQUET = [*_NUMBERS, *_TEXTS, *_TIMES, *_NESTED]
"""What pyarrow writes as parquet."""

ARROW = [
    case("run-end encoded", pa.RunEndEncodedArray.from_arrays([2], pa.array(["a"])), "a", "a"),
    case("list view", pa.array([[1], None], type=pa.list_view(pa.int8())), [1], None),
    case(
        "large list view", pa.array([[1], [2, 3]], type=pa.large_list_view(pa.int8())), [1], [2, 3]
    ),
    case(
        "interval",
        pa.array([(1, 2, 3_000_000_000), None], type=pa.month_day_nano_interval()),
        "P1M2DT3S",
        None,
    ),
    case(
        "dense union",
        pa.UnionArray.from_dense(
            pa.array([0, 1], pa.int8()),
            pa.array([0, 0], pa.int32()),
            [pa.array([1]), pa.array(["a"])],
        ),
    ),
    case(
        "sparse union",
        pa.UnionArray.from_sparse(
            pa.array([0, 1], pa.int8()), [pa.array([1, 2]), pa.array(["a", "b"])]
        ),
    ),
    case(
        "opaque",
        pa.ExtensionArray.from_storage(
            pa.opaque(pa.binary(), "point", "postgis"), pa.array([b"a", b"b"])
        ),
    ),
]
"""What only Arrow's own files hold."""

PANDAS = [
    case("pandas int64", pd.Series([1, 2]), 1, 2),
    case("pandas Int64", pd.Series([1, None], dtype="Int64"), 1, None),
    case("pandas float", pd.Series([1.5, None]), 1.5, None),
    case("pandas boolean", pd.Series([True, None], dtype="boolean"), True, None),
    case("pandas object", pd.Series(["a", None], dtype=object), "a", None),
    case("pandas string", pd.Series(["a", None], dtype="string"), "a", None),
    case("pandas category", pd.Series(["a", None], dtype="category"), "a", None),
    case("pandas category of numbers", pd.Series([3, 3], dtype="category"), 3, 3),
    case("pandas bytes", pd.Series([b"a", None], dtype=object), "a", None),
    case(
        "pandas datetime",
        pd.Series(pd.to_datetime(["2026-01-02", None])),
        "2026-01-02T00:00:00",
        None,
    ),
    case(
        "pandas datetime of a zone",
        pd.Series(pd.to_datetime(["2026-01-02", None])).dt.tz_localize("Asia/Kolkata"),
        "2026-01-02T00:00:00+05:30",
        None,
    ),
    case(
        "pandas nanoseconds",
        pd.Series(pd.to_datetime([1, 2], unit="ns").as_unit("ns")),
        "1970-01-01T00:00:00.000000001",
        "1970-01-01T00:00:00.000000002",
    ),
    case("pandas timedelta", pd.Series(pd.to_timedelta(["1 days", None])), "P1D", None),
    case("pandas dates", pd.Series([date(2026, 1, 2), None], dtype=object), "2026-01-02", None),
    case("pandas decimals", pd.Series([Decimal("1.5"), None], dtype=object), 1.5, None),
    case("pandas lists", pd.Series([[1, 2], None]), [1, 2], None),
    case("pandas arrays", pd.Series([np.array([1.5]), None]), [1.5], None),
    case("pandas dicts", pd.Series([{"a": 1}, {"a": 2}]), {"a": 1}, {"a": 2}),
    case("pandas uuids", pd.Series([str(UUID_), None]), str(UUID_), None),
    case("pandas period", pd.Series(pd.period_range("2026-01", periods=2, freq="M"))),
    case("pandas interval", pd.Series(pd.interval_range(0, 2))),
    case("pandas uint64", pd.Series([2**63, 1], dtype="uint64")),
]
POLARS = [
    *(
        case(f"polars {kind}", pl.Series([1, None], dtype=kind), 1, None)
        for kind in (
            pl.Int8,
            pl.Int16,
            pl.Int32,
            pl.Int64,
            pl.UInt8,
            pl.UInt16,
            pl.UInt32,
            pl.UInt64,
        )
    ),
    case("polars Int128", pl.Series([1, None], dtype=pl.Int128)),
    case("polars Float32", pl.Series([0.5, None], dtype=pl.Float32), 0.5, None),
    case("polars Float64 NaN", pl.Series([0.5, float("nan")]), 0.5, None),
    case("polars Boolean", pl.Series([True, None]), True, None),
    case("polars String", pl.Series(["é", None]), "é", None),
    case("polars Binary", pl.Series([b"a", None]), "a", None),
    case("polars Categorical", pl.Series(["a", None], dtype=pl.Categorical), "a", None),
    case("polars Enum", pl.Series(["a", None], dtype=pl.Enum(["a", "b"])), "a", None),
    case("polars Date", pl.Series([date(2026, 1, 2), None]), "2026-01-02", None),
    case("polars Time", pl.Series([time(1, 2, 3), None]), "01:02:03", None),
    case("polars Datetime", pl.Series([_US, None]), "2026-01-02T03:04:05.000006", None),
    case(
        "polars Datetime of a zone",
        pl.Series([_AT, None]).dt.replace_time_zone("Asia/Kolkata"),
        "2026-01-02T03:04:05+05:30",
        None,
    ),
    case("polars Duration", pl.Series([timedelta(seconds=1), None]), "PT1S", None),
    case("polars Decimal", pl.Series([Decimal("1.50"), None]), 1.5, None),
    case("polars List", pl.Series([[1], None]), [1], None),
    case("polars Array", pl.Series([[1, 2], None], dtype=pl.Array(pl.Int64, 2)), [1, 2], None),
    case("polars Struct", pl.Series([{"a": 1}, {"a": None}]), {"a": 1}, {"a": None}),
    case("polars Float16", pl.Series([0.5, None], dtype=pl.Float16), 0.5, None),
    case("polars UInt128", pl.Series([1, 2], dtype=pl.UInt128)),
    case("polars list of structs", pl.Series([[{"a": 1}], []]), [{"a": 1}], []),
    case("polars Null", pl.Series([None, None]), None, None),
]
DUCKDB = [
    case("TINYINT", ("1::TINYINT", "NULL"), 1, None),
    case("BIGINT", ("-1::BIGINT", "NULL"), -1, None),
    case("UBIGINT", ("18446744073709551615::UBIGINT", "NULL")),
    case("UINTEGER", ("7::UINTEGER", "NULL"), 7, None),
    case("FLOAT", ("0.5::FLOAT", "NULL"), 0.5, None),
    case("DOUBLE", ("0.1::DOUBLE", "NULL"), 0.1, None),
    case("DECIMAL", ("1.25::DECIMAL(9, 2)", "NULL"), 1.25, None),
    case("HUGEINT", ("5::HUGEINT", "NULL"), 5.0, None),  # DuckDB writes a DOUBLE
    case("BIT", ("'10101'::BIT", "NULL"), "10101", None),
    case("TIMETZ", ("'01:02:03+02'::TIMETZ", "NULL"), "23:02:03", None),  # in UTC
    case("MAP of numbers", ("MAP {1: 'x'}", "NULL"), [{"key": 1, "value": "x"}], None),
    case("VARIANT", ("5::VARIANT", "'x'::VARIANT")),
    case("DATE infinity", ("'infinity'::DATE", "NULL")),
    case("BOOLEAN", ("true", "NULL"), True, None),
    case("VARCHAR", ("'é'", "NULL"), "é", None),
    case("BLOB", ("'\\xAA\\x00'::BLOB", "NULL"), "qgA=", None),
    case("UUID", (f"'{UUID_}'::UUID", "NULL"), str(UUID_), None),
    case("JSON", ("""'{"a": 1}'::JSON""", "NULL"), {"a": 1}, None),
    case("ENUM", ("'x'::ENUM('x', 'y')", "NULL"), "x", None),
    case("DATE", ("DATE '2026-01-02'", "NULL"), "2026-01-02", None),
    case("DATE beyond", ("DATE '12026-01-02'", "NULL")),
    case("TIME", ("TIME '01:02:03'", "NULL"), "01:02:03", None),
    case("TIMESTAMP", ("TIMESTAMP '2026-01-02 03:04:05'", "NULL"), "2026-01-02T03:04:05", None),
    case(
        "TIMESTAMP_NS",
        ("TIMESTAMP_NS '2026-01-02 03:04:05.000000001'", "NULL"),
        "2026-01-02T03:04:05.000000001",
        None,
    ),
    case("TIMESTAMP beyond", ("TIMESTAMP '12026-01-02 03:04:05'", "NULL")),
    case(
        "TIMESTAMPTZ",
        ("TIMESTAMPTZ '2026-01-02 03:04:05+05:30'", "NULL"),
        "2026-01-01T21:34:05Z",
        None,
    ),
    case("INTERVAL", ("INTERVAL 1 MONTH", "NULL")),
    case("LIST", ("[1, NULL]", "NULL"), [1, None], None),
    case("ARRAY", ("[1, 2]::INTEGER[2]", "[3, 4]::INTEGER[2]"), [1, 2], [3, 4]),
    # DuckDB writes lists there that Arrow takes for broken.
    case("ARRAY with NULL", ("[1, 2]::INTEGER[2]", "NULL")),
    case("STRUCT", ("{'a': 1, 'b': 'x'}", "NULL"), {"a": 1, "b": "x"}, None),
    case("MAP", ("MAP {'a': 1}", "NULL"), {"a": 1}, None),
]
