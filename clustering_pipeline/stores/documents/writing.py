"""Payload fields written to points, and points written whole."""

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import groupby
from typing import TypeVar

from qdrant_client import grpc

from clustering_pipeline.model.errors import DocumentsRefused, DocumentsUnavailable
from clustering_pipeline.model.progress import Check
from clustering_pipeline.stores.documents.batch_size import SMALLEST, Pace, at_most
from clustering_pipeline.stores.documents.codec import Floats, write_id, write_payload, write_vector
from clustering_pipeline.stores.documents.concurrency import in_order
from clustering_pipeline.stores.documents.conditions import quoted
from clustering_pipeline.stores.documents.connection import Connection, timed_out
from clustering_pipeline.stores.documents.types import Update, WriteReport

Written = Callable[[int], None]
"""Is told how many more are written."""
Item = TypeVar("Item")

IN_FLIGHT = 3
UPDATES_PER_CALL = 500
IDS_PER_OPERATION = 5000
_NAMED = 10
_CALL_BYTES = 8 << 20
_CALL_ROWS = 1000


@dataclass(frozen=True, kw_only=True)
class _Outcome:
    written: int
    failures: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True)
class _Call:
    """Where updates go, and how many are right at a time."""

    connection: Connection
    name: str
    pace: Pace

    def update(self, items: int, operations: list[grpc.PointsUpdateOperation]) -> None:
        if operations:
            request = grpc.UpdateBatchPoints(
                collection_name=self.name, operations=operations, wait=True
            )
            with self.pace.timing(items):
                self.connection.points("UpdateBatch", request)


def write_payloads(
    connection: Connection,
    name: str,
    updates: Iterable[Update],
    *,
    remove_keys: Sequence[str],
    progress: Written,
    check: Check,
) -> WriteReport:
    """Merge each point's fields into its payload, one operation a point."""

    def write(batch: Sequence[Update]) -> _Outcome:
        return _write_updates(_Call(connection, name, pace), batch, remove_keys)

    pace = at_most(UPDATES_PER_CALL)
    outcomes = in_order(write, pace.batches(updates), in_flight=IN_FLIGHT)
    return _report(outcomes, progress, check)


def write_groups(
    connection: Connection,
    name: str,
    groups: Iterable[tuple[Iterable[str | int], Mapping[str, object]]],
    *,
    progress: Written,
    check: Check,
) -> WriteReport:
    """Merge fields into the payloads of groups of points, one operation a group."""

    def write(batch: Sequence[Update]) -> _Outcome:
        return _write_updates(_Call(connection, name, pace), batch, ())

    pace = at_most(IDS_PER_OPERATION)
    updates = ((point_id, payload) for ids, payload in groups for point_id in ids)
    return _report(in_order(write, pace.batches(updates), in_flight=IN_FLIGHT), progress, check)


def write_shared(
    connection: Connection,
    name: str,
    point_ids: Iterable[str | int],
    payload: Mapping[str, object],
    *,
    remove_keys: Sequence[str],
    progress: Written,
    check: Check,
) -> WriteReport:
    """Merge the same fields into many payloads, one operation for thousands of points."""

    def write(batch: Sequence[str | int]) -> _Outcome:
        return _write_same(_Call(connection, name, pace), batch, payload, remove_keys)

    pace = at_most(IDS_PER_OPERATION)
    outcomes = in_order(write, pace.batches(point_ids), in_flight=IN_FLIGHT)
    return _report(outcomes, progress, check)


def upsert(
    connection: Connection,
    name: str,
    ids: Sequence[str | int],
    vectors: Mapping[str, Floats],
    payloads: Sequence[Mapping[str, object]],
) -> None:
    """Write whole points, a few calls in flight."""
    row_bytes = sum(4 * matrix.shape[1] for matrix in vectors.values())
    step = max(1, min(_CALL_ROWS, _CALL_BYTES // max(row_bytes, 1)))

    def write(start: int) -> None:
        rows = range(start, min(start + step, len(ids)))
        points = [_point(ids[row], row, vectors, payloads[row]) for row in rows]
        connection.points(
            "Upsert", grpc.UpsertPoints(collection_name=name, points=points, wait=True)
        )

    for _ in in_order(write, range(0, len(ids), step), in_flight=IN_FLIGHT):
        pass


def delete(connection: Connection, name: str, point_ids: Sequence[str | int]) -> None:
    """Delete points by their ids."""
    for start in range(0, len(point_ids), IDS_PER_OPERATION):
        part = selector(point_ids[start : start + IDS_PER_OPERATION])
        request = grpc.DeletePoints(collection_name=name, points=part, wait=True)
        connection.points("Delete", request)


def _point(
    point_id: str | int, row: int, vectors: Mapping[str, Floats], payload: Mapping[str, object]
) -> grpc.PointStruct:
    point = grpc.PointStruct(id=write_id(point_id), payload=write_payload(payload))
    point.vectors.vectors.SetInParent()
    for name, matrix in vectors.items():
        vector = grpc.Vector(dense=write_vector(matrix[row]))
        if name:
            point.vectors.vectors.vectors[name].CopyFrom(vector)
        else:
            point.vectors.vector.CopyFrom(vector)
    return point


def _write_updates(call: _Call, batch: Sequence[Update], remove_keys: Sequence[str]) -> _Outcome:
    def operations(part: Sequence[Update]) -> list[grpc.PointsUpdateOperation]:
        # Neighbours with the very same fields are one operation.
        same = groupby(part, key=lambda update: id(update[1]))
        members = (list(updates) for _, updates in same)
        set_fields = [
            _set([point_id for point_id, _ in updates], updates[0][1]) for updates in members
        ]
        return set_fields + _removals(part, remove_keys)

    return _isolated(call, batch, operations, lambda update: str(update[0]))


def _write_same(
    call: _Call,
    batch: Sequence[str | int],
    payload: Mapping[str, object],
    remove_keys: Sequence[str],
) -> _Outcome:
    def operations(part: Sequence[str | int]) -> list[grpc.PointsUpdateOperation]:
        set_fields = [_set(part, payload)] if payload else []
        return set_fields + _removals([(point_id, payload) for point_id in part], remove_keys)

    return _isolated(call, batch, operations, str)


def _isolated(
    call: _Call,
    batch: Sequence[Item],
    operations: Callable[[Sequence[Item]], list[grpc.PointsUpdateOperation]],
    id_of: Callable[[Item], str],
) -> _Outcome:
    """Write a batch; where Qdrant refuses it, halves of it, until what it refuses stands alone.

    A batch that it could not take in time is halved as well.
    """
    try:
        call.update(len(batch), operations(batch))
    except DocumentsUnavailable as error:
        if len(batch) <= SMALLEST or not timed_out(error):
            raise
    except (DocumentsRefused, ValueError, TypeError) as error:
        if len(batch) == 1:
            return _Outcome(written=0, failures=[(id_of(batch[0]), str(error))])
    else:
        return _Outcome(written=len(batch))
    middle = len(batch) // 2
    halves = [_isolated(call, part, operations, id_of) for part in (batch[:middle], batch[middle:])]
    return _Outcome(
        written=sum(half.written for half in halves),
        failures=[failure for half in halves for failure in half.failures],
    )


def _set(
    point_ids: Sequence[str | int], payload: Mapping[str, object]
) -> grpc.PointsUpdateOperation:
    return grpc.PointsUpdateOperation(
        set_payload=grpc.PointsUpdateOperation.SetPayload(
            payload=write_payload(payload), points_selector=selector(point_ids)
        )
    )


def _removals(
    batch: Sequence[Update], remove_keys: Sequence[str]
) -> list[grpc.PointsUpdateOperation]:
    """One operation for each set of keys to remove: a key that is being set is not removed."""
    stale: dict[tuple[str, ...], list[str | int]] = {}
    for point_id, payload in batch if remove_keys else ():
        keys = tuple(key for key in remove_keys if key not in payload)
        stale.setdefault(keys, []).append(point_id)
    return [
        grpc.PointsUpdateOperation(
            delete_payload=grpc.PointsUpdateOperation.DeletePayload(
                keys=[path for path in map(quoted, keys) if path is not None],
                points_selector=selector(point_ids),
            )
        )
        for keys, point_ids in stale.items()
        if keys
    ]


def selector(point_ids: Iterable[str | int]) -> grpc.PointsSelector:
    """Points by their ids."""
    return grpc.PointsSelector(
        points=grpc.PointsIdsList(ids=[write_id(point_id) for point_id in point_ids])
    )


def _report(outcomes: Generator[_Outcome], progress: Written, check: Check) -> WriteReport:
    written, failed = 0, 0
    named: list[tuple[str, str]] = []
    with closing(outcomes):
        for outcome in outcomes:
            written += outcome.written
            failed += len(outcome.failures)
            named += outcome.failures[: _NAMED - len(named)]
            progress(written + failed)
            check()
    return WriteReport(written=written, failed=failed, failures=tuple(named))
