"""Documents into Qdrant and out of it, and fields back onto them, over gRPC and without the wire.

python benchmarks/documents.py [--count 50000] [--dimensions 384] [--repeat 3]

Starts the embedded Qdrant in a process of its own and measures each step in a fresh client process,
so server and clients share the machine as in ``clustering-pipeline up``.
"""

import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import version
from itertools import chain
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from qdrant_edge import (
    Distance,
    EdgeConfig,
    EdgeShard,
    EdgeVectorParams,
    Point,
    ScrollRequest,
    UpdateOperation,
)

from clustering_pipeline.local.connect import open_pipeline
from clustering_pipeline.local.stack.client import attach
from clustering_pipeline.local.stack.services import QDRANT
from clustering_pipeline.model.scope import LOCAL
from clustering_pipeline.service.collections.load import Load, load
from clustering_pipeline.settings import Settings
from clustering_pipeline.stores.artifacts import Artifacts
from clustering_pipeline.stores.documents import Documents, Selection, Source
from clustering_pipeline.stores.documents.connection import Connection, open_client

COLLECTION = "benchmark"
VECTOR = "text"
PAGE = 1000
TEXT = (
    "The passages of the sample have eighty to a hundred and fifty words, as this one has not. " * 6
)
PACKAGES = ("qdrant-client", "qdrant-edge-py", "grpcio", "protobuf", "pyarrow", "numpy")

Numbers = dict[str, float]
Matrix = NDArray[np.float32]


def vectors(options: Namespace) -> NDArray[np.float32]:
    rng = np.random.default_rng(0)
    return rng.standard_normal((options.count, options.dimensions), dtype=np.float32)


def payload(number: int) -> dict[str, object]:
    party = ("Democratic", "Republican")[number % 2]
    return {
        "document_id": f"d{number:07}",
        "text": TEXT,
        "year": 1945 + number % 77,
        "party": party,
    }


def fields(number: int) -> dict[str, object]:
    """What a run writes back: a value of its own for each document."""
    return {
        "cluster_id": f"cl_{number % 300}",
        "cluster_label": f"label of document {number}",
        "distance_to_centroid": number / 7,
        "run": "run_benchmark",
    }


def measure_load(options: Namespace) -> Numbers:
    matrix = vectors(options)
    payloads = [payload(number) for number in range(options.count)]
    with closing(Documents.connect(options.url)) as documents:
        documents.delete_collection(COLLECTION)
        documents.create_collection(COLLECTION, {VECTOR: options.dimensions})
        started = time.perf_counter()
        documents.upsert(COLLECTION, range(options.count), {VECTOR: matrix}, payloads)
    return {"docs/s": options.count / (time.perf_counter() - started)}


def measure_parquet(options: Namespace) -> Numbers:
    return measure_file(options, "parquet")


def measure_json_lines(options: Namespace) -> Numbers:
    return measure_file(options, "jsonl")


def measure_file(options: Namespace, ending: str) -> Numbers:
    """A file brought in as ``collections load`` does it, into a stack of its own."""
    file = Path(options.folder) / f"benchmark.{ending}"
    (write_parquet if ending == "parquet" else write_json_lines)(file, options)
    settings = Settings(data_dir=Path(options.folder) / "data")
    with open_pipeline(settings) as pipeline:
        pipeline.documents.collections()
        before = psutil.Process().memory_info().rss
        started = time.perf_counter()
        record = load(pipeline, LOCAL, Load(file=file, collection_name=COLLECTION))
        seconds = time.perf_counter() - started
        assert pipeline.documents.points(record.qdrant_collection) == options.count
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - before
    return {
        "docs/s": options.count / seconds,
        "growth / vectors": grown / (4 * options.count * options.dimensions),
        "file MB": file.stat().st_size / 1e6,
    }


def rows_of_file(options: Namespace) -> Iterator[tuple[list[dict[str, object]], Matrix]]:
    rng = np.random.default_rng(0)
    for start in range(0, options.count, PAGE):
        numbers = range(start, min(start + PAGE, options.count))
        matrix = rng.standard_normal((len(numbers), options.dimensions), dtype=np.float32)
        yield [payload(number) for number in numbers], matrix


def write_parquet(file: Path, options: Namespace) -> None:
    tables = (table_of(payloads, matrix) for payloads, matrix in rows_of_file(options))
    first = next(tables)
    with pq.ParquetWriter(file, first.schema) as writer:
        for table in chain([first], tables):
            writer.write_table(table)


def table_of(payloads: list[dict[str, object]], matrix: Matrix) -> pa.Table:
    lists = pa.FixedSizeListArray.from_arrays(pa.array(matrix.ravel()), matrix.shape[1])
    return pa.Table.from_pylist(payloads).append_column("embedding", lists)


def write_json_lines(file: Path, options: Namespace) -> None:
    with file.open("w") as content:
        for payloads, matrix in rows_of_file(options):
            for fields, vector in zip(payloads, matrix, strict=True):
                numbers = ", ".join(map(str, vector))
                content.write(f'{json.dumps(fields)[:-1]}, "embedding": [{numbers}]}}\n')


def measure_export(options: Namespace) -> Numbers:
    source = Source(collection_id="col", qdrant_collection=COLLECTION, vector_names=(VECTOR,))
    artifacts = Artifacts.open(options.folder)
    with closing(Documents.connect(options.url)) as documents:
        documents.points(COLLECTION)
        before = psutil.Process().memory_info().rss
        sink = partial(artifacts.open_writer, "embeddings.parquet")
        started = time.perf_counter()
        report = documents.export(Selection(sources=[source]), sink)
        seconds = time.perf_counter() - started
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - before
    assert report.retrieved == options.count
    return {
        "docs/s": options.count / seconds,
        "growth / vectors": grown / report.vector_bytes,
        "growth MB": grown / 1e6,
        "file MB": artifacts.size("embeddings.parquet") / 1e6,
    }


def measure_write_back(options: Namespace) -> Numbers:
    updates = [(str(number), fields(number)) for number in range(options.count)]
    with closing(Documents.connect(options.url)) as documents:
        started = time.perf_counter()
        report = documents.write_payloads(COLLECTION, updates)
    assert report.written == options.count
    return {"docs/s": options.count / (time.perf_counter() - started)}


@dataclass
class Server:
    """Stands for a server that takes 1 ms for an operation that waits, 0.1 ms for another."""

    connection: Connection
    waited: bool
    lock: Lock = field(default_factory=Lock)

    def close(self) -> None:
        self.connection.close()

    def collections(self, method: str, request: Any) -> Any:
        return self.connection.collections(method, request)

    def points(self, method: str, request: Any) -> Any:
        if method == "UpdateBatch":
            milliseconds = 1.0 if self.waited or request.wait else 0.1
            with self.lock:
                time.sleep(len(request.operations) * milliseconds / 1000)
        return self.connection.points(method, request)


def measure_waiting(options: Namespace) -> Numbers:
    """Write-back over such a server, as it is and as if each operation waited."""
    count = min(options.count, 5000)
    updates = [(str(number), fields(number)) for number in range(count)]
    numbers: Numbers = {}
    for name, waited in (("each waits", True), ("the last waits", False)):
        connection = Connection(open_client(options.url), address=options.url, patience=60)
        with closing(Documents(partial(Server, connection, waited))) as documents:
            started = time.perf_counter()
            documents.write_payloads(COLLECTION, updates)
            numbers[f"{name} docs/s"] = count / (time.perf_counter() - started)
    return numbers


def measure_engine(options: Namespace) -> Numbers:
    """The same on Qdrant Edge in this process: vectors and payload read, fields set one by one."""
    folder = Path(options.folder) / "engine"
    folder.mkdir()
    params = EdgeVectorParams(size=options.dimensions, distance=Distance.Cosine)
    shard = EdgeShard.create(str(folder), EdgeConfig(vectors={VECTOR: params}))
    matrix = vectors(options)
    load = clock(options.count, partial(engine_load, shard, matrix))
    scroll = clock(options.count, partial(engine_scroll, shard))
    write = clock(options.count, partial(engine_write, shard, options.count))
    shard.close()
    return {"upsert docs/s": load, "scroll docs/s": scroll, "write-back docs/s": write}


def engine_load(shard: EdgeShard, matrix: NDArray[np.float32]) -> None:
    for start in range(0, len(matrix), PAGE):
        rows = range(start, min(start + PAGE, len(matrix)))
        points = [Point(id=n, vector={VECTOR: matrix[n]}, payload=payload(n)) for n in rows]
        shard.update(UpdateOperation.upsert_points(points))


def engine_scroll(shard: EdgeShard) -> None:
    offset = None
    while True:
        request = ScrollRequest(offset=offset, limit=PAGE, with_payload=True, with_vector=True)
        records, offset = shard.scroll(request)
        assert all(record.payload and record.vector for record in records)
        if offset is None:
            return


def engine_write(shard: EdgeShard, count: int) -> None:
    for number in range(count):
        shard.update(UpdateOperation.set_payload([number], fields(number)))


def clock(count: int, step: Callable[[], None]) -> float:
    started = time.perf_counter()
    step()
    return count / (time.perf_counter() - started)


MEASUREMENTS: dict[str, Callable[[Namespace], Numbers]] = {
    "load": measure_load,
    "parquet": measure_parquet,
    "json lines": measure_json_lines,
    "export": measure_export,
    "write-back": measure_write_back,
    "waiting": measure_waiting,
    "engine": measure_engine,
}


def in_fresh_process(name: str, url: str, options: Namespace) -> Numbers:
    with tempfile.TemporaryDirectory() as folder:
        answer = subprocess.run(
            [
                *(sys.executable, __file__, "--measure", name, "--url", url, "--folder", folder),
                *("--count", str(options.count), "--dimensions", str(options.dimensions)),
            ],
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
    return {str(name): float(value) for name, value in json.loads(answer.stdout).items()}


def rows(url: str, options: Namespace) -> Iterator[tuple[str, Numbers]]:
    yield "load", in_fresh_process("load", url, options)
    for name in ("parquet", "json lines"):
        yield name, in_fresh_process(name, url, options)
    for name in ("export", "write-back", "waiting", "engine"):
        for _ in range(options.repeat):
            yield name, in_fresh_process(name, url, options)


def arguments() -> Namespace:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=50_000)
    parser.add_argument("--dimensions", type=int, default=384)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--measure", choices=MEASUREMENTS)
    parser.add_argument("--url", default="")
    parser.add_argument("--folder", default="")
    return parser.parse_args()


def main() -> None:
    options = arguments()
    if options.measure:
        print(json.dumps(MEASUREMENTS[options.measure](options)))
        return
    installed = ", ".join(f"{package} {version(package)}" for package in PACKAGES)
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores; {installed}")
    print(
        f"{options.count:,} documents x {options.dimensions}, load average {os.getloadavg()[0]:.1f}"
    )
    with tempfile.TemporaryDirectory() as folder:
        url = attach(Path(folder), services={QDRANT}, grace=0.5).qdrant_url
        assert url is not None
        for name, numbers in rows(url, options):
            shown = "   ".join(f"{key} {value:,.2f}" for key, value in numbers.items())
            print(f"{name:12}{shown}", flush=True)


if __name__ == "__main__":
    main()
