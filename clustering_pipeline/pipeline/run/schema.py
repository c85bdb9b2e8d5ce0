"""What a file of a run directory is: its name, what is in it, and how it is written and read."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import polars as pl

from clustering_pipeline.model.executions.execution import ExecutionRecord
from clustering_pipeline.stores.artifacts import Artifacts

Kind = pl.DataType | type[pl.DataType]

_WORDS: dict[Kind, str] = {
    pl.String: "text",
    pl.Int64: "integer",
    pl.Float32: "float32",
    pl.Float64: "float64",
    pl.Boolean: "boolean",
    pl.List(pl.Float32): "vector",
    pl.List(pl.Int32): "list of int32",
    pl.List(pl.Float64): "list of float64",
    pl.List(pl.String): "list of text",
    pl.List: "list",
    pl.Struct: "object",
}
# What JSON holds of each; every value may be null.
_JSON: dict[Kind, tuple[type, ...]] = {
    pl.String: (str,),
    pl.Int64: (int,),
    pl.Float64: (int, float),
    pl.List: (list, tuple),
    pl.Struct: (dict,),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of a table, or a key of a record.

    ``numbered`` stands for several: the name, or the name, an underscore and a number.
    """

    name: str
    type: Kind
    meaning: str
    unit: str = ""
    optional: bool = False
    numbered: bool = False

    @property
    def kind(self) -> str:
        """The type in a word or two."""
        return _WORDS[self.type]

    def names(self, given: Iterable[str]) -> list[str]:
        """Those of ``given`` that it stands for."""
        start = f"{self.name}_"
        return [
            name
            for name in given
            if name == self.name or (self.numbered and name.removeprefix(start).isdigit())
        ]

    def holds(self, dtype: pl.DataType) -> bool:
        """Vectors of one length are arrays of it."""
        if isinstance(dtype, pl.Array) and self.type == pl.List(pl.Float32):
            return bool(dtype.inner == pl.Float32)
        return bool(dtype == self.type)


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """One file of a run directory."""

    format: ClassVar[str]
    name: str
    description: str
    columns: tuple[Column, ...] = ()
    reused: bool = False
    """Whether a later run may read it instead of making it again."""

    @property
    def file(self) -> str:
        """The file's name."""
        return f"{self.name}.{self.format}"

    def exists(self, artifacts: Artifacts, execution: ExecutionRecord) -> bool:
        """Whether the execution has it, whole."""
        return artifacts.exists(execution.artifact_key(self.file))

    def _require(self, given: Sequence[str], wrong: Callable[[Column, str], str | None]) -> None:
        """Raises TypeError when what is written is not what is described."""
        named = {name: column for column in self.columns for name in column.names(given)}
        missing = [
            column.name
            for column in self.columns
            if not column.optional and not column.names(given)
        ]
        problems = [
            *(f"{name!r} is not described" for name in given if name not in named),
            *(f"{name!r} is missing" for name in missing),
            *filter(None, (wrong(column, name) for name, column in named.items())),
        ]
        if problems:
            message = f"{self.file} is not as described: {', '.join(problems)}; change either"
            raise TypeError(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Table(Artifact):
    """A parquet file; every column may hold nulls."""

    format: ClassVar[str] = "parquet"

    @property
    def schema(self) -> dict[str, Kind]:
        """Column to type, for a table made of rows; without columns that come by number."""
        return {column.name: column.type for column in self.columns if not column.numbered}

    def check(self, frame: pl.DataFrame) -> None:
        """Raises TypeError when the frame has other columns, or columns of other types."""

        def wrong(column: Column, name: str) -> str | None:
            dtype = frame.schema[name]
            return None if column.holds(dtype) else f"{name!r} is {dtype} and no {column.kind}"

        self._require(frame.columns, wrong)

    def read(
        self, artifacts: Artifacts, execution: ExecutionRecord, columns: Sequence[str] | None = None
    ) -> pl.DataFrame:
        """The table of an execution, all of it or some columns."""
        return self.read_at(artifacts, execution.artifact_key(self.file), columns)

    def read_at(
        self, artifacts: Artifacts, key: str, columns: Sequence[str] | None = None
    ) -> pl.DataFrame:
        """The same by key; optional columns that the file lacks are null where they are asked for.

        Runs of before a result was known have no column of it.
        """
        absent = self._absent(artifacts, key, columns or ())
        if columns is None or not absent:
            return artifacts.read_frame(key, columns=columns)
        frame = artifacts.read_frame(key, [name for name in columns if name not in absent])
        nulls = [pl.lit(None, dtype=kind).alias(name) for name, kind in absent.items()]
        return frame.with_columns(nulls).select(columns)

    def _absent(self, artifacts: Artifacts, key: str, columns: Sequence[str]) -> dict[str, Kind]:
        optional = {
            column.name: column.type
            for column in self.columns
            if column.optional and not column.numbered
        }
        if optional.keys().isdisjoint(columns):
            return {}
        present = artifacts.scan(key).collect_schema()
        return {
            name: optional[name] for name in columns if name in optional and name not in present
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Record(Artifact):
    """A JSON file: an object whose keys are ``columns``, or a list of such.

    One that is ``open`` holds further keys.
    """

    format: ClassVar[str] = "json"
    open: bool = False

    def check(self, value: object) -> None:
        """Raises TypeError when an object has other keys, or values of other types."""
        for record in value if isinstance(value, list) else [value]:
            if isinstance(record, Mapping):
                self._check(record)

    def _check(self, record: Mapping[str, object]) -> None:
        def wrong(column: Column, name: str) -> str | None:
            value = record[name]
            if value is None or isinstance(value, _JSON[column.type]):
                return None
            return f"{name!r} is {type(value).__name__} and no {column.kind}"

        known = [column.name for column in self.columns]
        self._require([name for name in record if not self.open or name in known], wrong)

    def read(self, artifacts: Artifacts, execution: ExecutionRecord) -> Any:
        """What an execution wrote."""
        return artifacts.read_json(execution.artifact_key(self.file))


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Artifact):
    """A page for people."""

    format: ClassVar[str] = "html"
