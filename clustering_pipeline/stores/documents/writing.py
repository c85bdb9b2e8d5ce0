"""Payload fields written to points, and points written whole.

An operation that waits costs a server as much as ten that do not.  So fields are written without
waiting, to points that are there, and one last operation, which matches nothing, waits until all
before it are applied.
"""

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from threading import Lock
from typing import Any
from uuid import UUID

from qdrant_client import grpc

from clustering_pipeline.model.errors import DocumentsRefused, DocumentsUnavailable
from clustering_pipeline.model.ids import shard_part
from clustering_pipeline.model.progress import Check
from clustering_pipeline.stores.documents.batch_size import SMALLEST, Pace, at_most
from clustering_pipeline.stores.documents.codec import (
    Floats,
    by_shard_key,
    read_id,
    read_point_id,
    shard_key_of,
    under,
    write_id,
    write_payload,
    write_vector,
)
from clustering_pipeline.stores.documents.collections import info
from clustering_pipeline.stores.documents.concurrency import in_order
from clustering_pipeline.stores.documents.conditions import NOTHING, quoted
from clustering_pipeline.stores.documents.connection import Connection, timed_out
from clustering_pipeline.stores.documents.types import Limits, ShardKey, Update, WriteReport

Written = Callable[[int], None]
"""Is told how many more are written."""
Operations = Sequence[grpc.PointsUpdateOperation]
_Present = Mapping[str, ShardKey | None]
"""The points that there are, and under which shard keys."""

IN_FLIGHT = 3
UPDATES_PER_CALL = 1000
IDS_PER_OPERATION = 5000
STRETCH = 20_000
"""Points written before the server is waited for."""
_NAMED = 10
_CALL_BYTES = 8 << 20
_CALL_ROWS = 1000


@dataclass(frozen=True, kw_only=True)
class _Outcome:
    written: int
    failures: Sequence[tuple[str, str]] = ()


@dataclass(kw_only=True)
class _Target:
    """A collection that is written, and what has become known of it on the way."""

    connection: Connection
    name: str
    limits: Limits
    pace: Pace
    shard_keys: Sequence[ShardKey] = ()
    remove_keys: Sequence[str] = ()
    refusal: str | None = None
    """Why the server takes nothing at all."""
    refused: str | None = None
    """Why it did not take something."""
    unwaited: int = 0
    touched: dict[bytes, grpc.ShardKey] = field(default_factory=dict)
    """Shard keys that were written under since the server was waited for."""
    lock: Lock = field(default_factory=Lock)

    def present(self, point_ids: Sequence[str | int]) -> dict[str, ShardKey | None]:
        """The points that there are, and under which shard keys."""
        known: dict[str, ShardKey | None] = {}
        step = self.limits.ids_of(max(1, len(point_ids)))
        parts = by_shard_key(point_ids, self.shard_keys)
        pieces = [
            (key, ids[start : start + step])
            for key, ids in parts.items()
            for start in range(0, len(ids), step)
        ]
        for key, ids in pieces:
            request = grpc.GetPoints(
                collection_name=self.name,
                ids=[write_id(point_id) for point_id in ids],
                shard_key_selector=under(key),
                with_payload=grpc.WithPayloadSelector(enable=False),
                with_vectors=grpc.WithVectorsSelector(enable=False),
            )
            for point in self.connection.points("Get", request).result:
                known[read_point_id(point)] = key
                known.setdefault(read_id(point.id), key)
        return known

    def send(self, operations: Operations, points: int) -> None:
        """Write without waiting; where operations are rationed, each goes alone."""
        step = max(1, len(operations) if self.limits.writes is None else 1)
        for start in range(0, len(operations), step):
            with self.pace.timing(points):
                self._update(operations[start : start + step], wait=False)
        with self.lock:
            self.unwaited += points
            for operation in operations:
                for key in _selector_of(operation).shard_keys:
                    self.touched[key.SerializeToString(deterministic=True)] = key

    def settle(self) -> None:
        """Return when everything sent is applied, in every shard."""
        with self.lock:
            sent, keys = self.unwaited, list(self.touched.values())
        if sent:
            nobody = grpc.PointsUpdateOperation(
                delete_payload=grpc.PointsUpdateOperation.DeletePayload(
                    keys=["_"],
                    points_selector=grpc.PointsSelector(filter=NOTHING.filter),
                    shard_key_selector=grpc.ShardKeySelector(shard_keys=keys) if keys else None,
                )
            )
            self._update([nobody], wait=True)
            with self.lock:
                self.unwaited -= sent

    def _update(self, operations: Operations, *, wait: bool) -> None:
        request = grpc.UpdateBatchPoints(
            collection_name=self.name, operations=operations, wait=wait
        )
        self.connection.points("UpdateBatch", request)


def write_payloads(
    connection: Connection,
    name: str,
    updates: Iterable[Update],
    *,
    most: int = UPDATES_PER_CALL,
    remove_keys: Sequence[str] = (),
    progress: Written,
    check: Check,
) -> WriteReport:
    """Merge each point's fields into its payload.

    Points of a call that get the same fields get them by one operation.
    """
    about = info(connection, name)
    limits = about.limits
    target = _Target(
        connection=connection,
        name=name,
        shard_keys=about.shard_keys or (),
        limits=limits,
        pace=at_most(limits.rows_of(most) if limits.writes else most),
        remove_keys=remove_keys,
    )
    in_flight = IN_FLIGHT if limits.writes is None else 1
    batches = target.pace.batches(updates)
    outcomes = in_order(lambda batch: _write(target, batch), batches, in_flight=in_flight)
    return _report(target, outcomes, progress, check)


def write_groups(
    connection: Connection,
    name: str,
    groups: Iterable[tuple[Iterable[str | int], Mapping[str, object]]],
    **options: Any,
) -> WriteReport:
    """Merge fields into the payloads of groups of points, one operation a group."""
    updates = ((point_id, payload) for ids, payload in groups for point_id in ids)
    return write_payloads(connection, name, updates, most=IDS_PER_OPERATION, **options)


def write_shared(
    connection: Connection,
    name: str,
    point_ids: Iterable[str | int],
    payload: Mapping[str, object],
    **options: Any,
) -> WriteReport:
    """Merge the same fields into many payloads, one operation for thousands of points."""
    return write_groups(connection, name, [(point_ids, payload)], **options)


def upsert(
    connection: Connection,
    name: str,
    ids: Sequence[str | int],
    vectors: Mapping[str, Floats],
    payloads: Sequence[Mapping[str, object]],
    *,
    shard_key: ShardKey | None = None,
) -> None:
    """Write whole points, a few calls in flight; an id that names a shard key lies under that."""
    about = info(connection, name)
    limits = about.limits
    row_bytes = sum(4 * matrix.shape[1] for matrix in vectors.values())
    step = limits.rows_of(max(1, min(_CALL_ROWS, _CALL_BYTES // max(row_bytes, 1))))
    own = None if all(shard_key_of(point_id) for point_id in ids) else about.shard_key(shard_key)
    parts: dict[ShardKey | None, list[int]] = {}
    for row, point_id in enumerate(ids):
        key = shard_key_of(point_id)
        parts.setdefault(own if key is None else about.shard_key(key), []).append(row)

    def write(piece: tuple[ShardKey | None, Sequence[int]]) -> None:
        key, rows = piece
        points = [_point(ids[row], row, vectors, payloads[row]) for row in rows]
        request = grpc.UpsertPoints(
            collection_name=name, points=points, wait=True, shard_key_selector=under(key)
        )
        connection.points("Upsert", request)

    pieces = [
        (key, rows[start : start + step])
        for key, rows in parts.items()
        for start in range(0, len(rows), step)
    ]
    for _ in in_order(write, pieces, in_flight=1 if limits.writes else IN_FLIGHT):
        pass


def write_vectors(
    connection: Connection, name: str, ids: Sequence[str], vector_name: str, vectors: Floats
) -> None:
    """One vector of points that are there; those that are gone stay gone."""
    about = info(connection, name)
    step = about.limits.rows_of(max(1, min(_CALL_ROWS, _CALL_BYTES // (4 * vectors.shape[1]))))
    places = {point_id: row for row, point_id in enumerate(ids)}
    for key, own in by_shard_key(ids, about.shard_keys or ()).items():
        for start in range(0, len(own), step):
            points = [
                grpc.PointVectors(
                    id=write_id(point_id),
                    vectors=_vectors(vector_name, vectors[places[str(point_id)]]),
                )
                for point_id in own[start : start + step]
            ]
            request = grpc.UpdatePointVectors(
                collection_name=name, points=points, wait=True, shard_key_selector=under(key)
            )
            connection.points("UpdateVectors", request)


def delete(connection: Connection, name: str, point_ids: Sequence[str | int]) -> None:
    """Delete points by their ids, each under the shard key that it is found by."""
    about = info(connection, name)
    pace = at_most(IDS_PER_OPERATION)
    keys = about.shard_keys or ()
    target = _Target(
        connection=connection, name=name, limits=about.limits, pace=pace, shard_keys=keys
    )
    step = about.limits.rows_of(IDS_PER_OPERATION) if about.limits.writes else IDS_PER_OPERATION
    for start in range(0, len(point_ids), step):
        part = point_ids[start : start + step]
        for key, ids in _by_shard(part, target.present(part) if keys else {}):
            request = grpc.DeletePoints(
                collection_name=name, points=selector(ids), wait=True, shard_key_selector=key
            )
            connection.points("Delete", request)


def selector(point_ids: Iterable[str | int]) -> grpc.PointsSelector:
    """Points by their ids."""
    return grpc.PointsSelector(
        points=grpc.PointsIdsList(ids=[write_id(point_id) for point_id in point_ids])
    )


def _vectors(name: str, numbers: Floats) -> grpc.Vectors:
    vector = grpc.Vector(dense=write_vector(numbers))
    if not name:
        return grpc.Vectors(vector=vector)
    return grpc.Vectors(vectors=grpc.NamedVectors(vectors={name: vector}))


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


@dataclass(frozen=True, kw_only=True)
class _Write:
    """The fields of one point, ready to be sent."""

    given: str
    """The id as the caller spells it."""
    point_id: str | int
    keys: frozenset[str]
    fields: bytes
    """The message that sets them, but for the points: equal where the fields are."""


def _write(target: _Target, batch: Sequence[Update]) -> _Outcome:
    failures: dict[str, str] = {}
    ready: list[_Write] = []
    known: dict[int, bytes] = {}
    for point_id, payload in batch:
        try:
            canonical = _canonical(point_id)
            fields = known.get(id(payload))
            if fields is None:
                fields = known[id(payload)] = _fields(payload)
            keys = frozenset(payload)
            write = _Write(given=str(point_id), point_id=canonical, keys=keys, fields=fields)
            ready.append(write)
        except (ValueError, TypeError) as error:
            failures[str(point_id)] = str(error)
    present = target.present([write.point_id for write in ready]) if ready else {}
    gone = [write for write in ready if str(write.point_id) not in present]
    failures |= {write.given: f"there is no point {write.given}" for write in gone}
    there = [write for write in ready if str(write.point_id) in present]
    failures |= _isolated(target, there, present)
    named = [(str(point), failures[str(point)]) for point, _ in batch if str(point) in failures]
    return _Outcome(written=len(batch) - len(named), failures=named)


def _isolated(target: _Target, writes: Sequence[_Write], present: _Present) -> dict[str, str]:
    """Write a batch; returns what was refused and why.

    Of a batch that the server refuses, or cannot take in time, halves are written; when it refuses
    the first and the last alone for the same reason, it refuses everything, and is asked no more.
    """
    if target.refusal is not None:
        return dict.fromkeys((write.given for write in writes), target.refusal)
    try:
        target.send(_operations(target, writes, present), len(writes))
    except DocumentsUnavailable as error:
        if len(writes) <= SMALLEST or not timed_out(error):
            raise
    except DocumentsRefused as error:
        target.refused = error.message
        if len(writes) == 1 or _refuses_all(target, writes, present, error.message):
            return dict.fromkeys((write.given for write in writes), error.message)
    else:
        return {}
    middle = len(writes) // 2
    return _isolated(target, writes[:middle], present) | _isolated(target, writes[middle:], present)


def _refuses_all(target: _Target, writes: Sequence[_Write], present: _Present, reason: str) -> bool:
    reasons = [_isolated(target, [write], present) for write in (writes[0], writes[-1])]
    if all(set(refused.values()) == {reason} for refused in reasons):
        target.refusal = reason
    return target.refusal is not None


def _operations(
    target: _Target, writes: Sequence[_Write], present: _Present
) -> list[grpc.PointsUpdateOperation]:
    """One operation for each set of fields and each shard key, then what is to be removed."""
    same: dict[bytes, list[str | int]] = {}
    stale: dict[tuple[str, ...], list[str | int]] = {}
    for write in writes:
        if write.fields:
            same.setdefault(write.fields, []).append(write.point_id)
        if target.remove_keys:
            keys = tuple(key for key in target.remove_keys if key not in write.keys)
            stale.setdefault(keys, []).append(write.point_id)
    return [*_settings(same, present), *_removals(stale, present)]


def _settings(
    same: Mapping[bytes, Sequence[str | int]], present: _Present
) -> Iterator[grpc.PointsUpdateOperation]:
    for fields, point_ids in same.items():
        for key, ids in _by_shard(point_ids, present):
            operation = grpc.PointsUpdateOperation.SetPayload.FromString(fields)
            operation.points_selector.CopyFrom(selector(ids))
            if key is not None:
                operation.shard_key_selector.CopyFrom(key)
            yield grpc.PointsUpdateOperation(set_payload=operation)


def _removals(
    stale: Mapping[tuple[str, ...], Sequence[str | int]], present: _Present
) -> Iterator[grpc.PointsUpdateOperation]:
    """One operation for each set of keys to remove: a key that is being set is not removed."""
    for keys, point_ids in stale.items():
        paths = [path for path in map(quoted, keys) if path is not None]
        for key, ids in _by_shard(point_ids, present) if paths else ():
            yield grpc.PointsUpdateOperation(
                delete_payload=grpc.PointsUpdateOperation.DeletePayload(
                    keys=paths, points_selector=selector(ids), shard_key_selector=key
                )
            )


def _by_shard(
    point_ids: Sequence[str | int], present: _Present
) -> Iterator[tuple[grpc.ShardKeySelector | None, list[str | int]]]:
    parts: dict[ShardKey | None, list[str | int]] = {}
    for point_id in point_ids:
        parts.setdefault(present.get(str(point_id)), []).append(point_id)
    for key, ids in parts.items():
        yield under(key), ids


def _selector_of(operation: grpc.PointsUpdateOperation) -> Any:
    return getattr(operation, str(operation.WhichOneof("operation"))).shard_key_selector


def _canonical(point_id: str | int) -> str | int:
    """The id as Qdrant writes it; ValueError when it is none."""
    known = write_id(point_id)
    own = str(UUID(known.uuid)) if known.uuid else int(known.num)
    part = shard_part(point_id)
    return f"{own}{part}" if part else own


def _fields(payload: Mapping[str, object]) -> bytes:
    if not payload:
        return b""
    operation = grpc.PointsUpdateOperation.SetPayload(payload=write_payload(payload))
    return bytes(operation.SerializeToString(deterministic=True))


def _report(
    target: _Target, outcomes: Generator[_Outcome], progress: Written, check: Check
) -> WriteReport:
    written, failed = 0, 0
    named: list[tuple[str, str]] = []
    with closing(outcomes):
        for outcome in outcomes:
            written += outcome.written
            failed += len(outcome.failures)
            named += outcome.failures[: _NAMED - len(named)]
            if target.unwaited >= STRETCH:
                target.settle()
            progress(written + failed)
            check()
    target.settle()
    refusal = None if written else target.refused
    return WriteReport(written=written, failed=failed, failures=tuple(named), refusal=refusal)
