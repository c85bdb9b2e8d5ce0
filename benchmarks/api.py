"""The HTTP API at a steady rate, over real HTTP, with every server on this machine.

python benchmarks/api.py [--definitions 10000] [--seconds 60] [--members 100000] [--only get list]

Starts the embedded stack and ``clustering-pipeline serve``, fills the catalog, and asks at a rate
that does not wait for answers: a request's time counts from when it was due.
"""

import http.client
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import threading
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import numpy as np
import polars as pl
import psutil

from clustering_pipeline.local.connect import open_pipeline
from clustering_pipeline.model.collections import RegisterCollectionRequest
from clustering_pipeline.model.definitions.cluster import ClusterRecord
from clustering_pipeline.model.definitions.create import CreateClusterRequest
from clustering_pipeline.model.definitions.validation import validate
from clustering_pipeline.model.scope import LOCAL
from clustering_pipeline.model.status import ExecutionStatus
from clustering_pipeline.model.tenants import Access
from clustering_pipeline.pipeline.run.pipeline import Pipeline
from clustering_pipeline.service.executions.begin import new_execution
from clustering_pipeline.service.executions.launch import new_identity
from clustering_pipeline.settings import Settings

CONNECTIONS = 16
STATUSES = ("COMPLETED", "COMPLETED", "COMPLETED", "FAILED", "PENDING")
METHODS = ("hdbscan", "kmeans", "dbscan", "leiden")
WORDS = ("court", "harbour", "kitchen", "orbit", "market", "garden", "tax", "school")
CONFIG = {"feature_uri": "mixpeek://text@v1/embedding"}
PROGRAM = "from clustering_pipeline.cli import main; main()"
MEGABYTE = 2**20

Call = tuple[str, str, object]
"""Method, path and body."""


def definition(number: int) -> dict[str, object]:
    words = f"{WORDS[number % 8]} {WORDS[number // 8 % 8]}"
    return {
        "cluster_name": f"{words} {number}",
        "description": f"what is said about {words}",
        "collection_ids": ["speeches"],
        "vector_config": CONFIG | {"clustering_method": METHODS[number % 4]},
        "metadata": {"team": f"team {number % 50}", "rank": number},
    }


@dataclass(frozen=True, kw_only=True)
class Server:
    url: str
    headers: dict[str, str]
    process: psutil.Process

    def connect(self) -> http.client.HTTPConnection:
        address = urlsplit(self.url)
        return http.client.HTTPConnection(str(address.hostname), address.port, timeout=60)


@contextmanager
def serving(key: str) -> Generator[Server]:
    command = [sys.executable, "-c", PROGRAM, "serve", "--port", "0"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        url = process.stdout.readline().split()[1]
        headers = {"Authorization": f"Bearer {key}", "X-Namespace": LOCAL.namespace_id}
        try:
            yield Server(url=url, headers=headers, process=psutil.Process(process.pid))
        finally:
            process.terminate()


def filled(pipeline: Pipeline, definitions: int) -> list[ClusterRecord]:
    catalog = pipeline.catalog
    catalog.collections.register(LOCAL, RegisterCollectionRequest(collection_name="speeches"))

    def made(number: int) -> ClusterRecord:
        request = validate(CreateClusterRequest, definition(number))
        record = catalog.clusters.create(LOCAL, request)
        status = STATUSES[number % len(STATUSES)]
        groups = {} if status == "PENDING" else {"num_clusters": number % 60}
        documents = {"num_documents_clustered": number * 7 % 5000} if groups else {}
        return catalog.clusters.update_state(
            record.cluster_id, status=status, **groups, **documents
        )

    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(made, range(definitions)))


def ask(connection: http.client.HTTPConnection, server: Server, call: Call) -> int:
    method, path, body = call
    payload = None if body is None else json.dumps(body)
    headers = server.headers | ({"Content-Type": "application/json"} if payload else {})
    connection.request(method, path, payload, headers)
    answer = connection.getresponse()
    answer.read()
    return answer.status


def load(
    server: Server, calls: Callable[[int], Call], *, rate: float, seconds: float
) -> dict[str, float]:
    """Milliseconds from when each request was due to when its answer was read."""
    turns, total = count(), int(rate * seconds)
    taken: list[float] = []
    statuses: list[int] = []
    began = time.perf_counter() + 0.5

    def work() -> None:
        connection = server.connect()
        while (turn := next(turns)) < total:
            due = began + turn / rate
            time.sleep(max(0.0, due - time.perf_counter()))
            status = ask(connection, server, calls(turn))
            taken.append((time.perf_counter() - due) * 1000)
            statuses.append(status)

    threads = [threading.Thread(target=work) for _ in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    p50, p90, p99 = np.percentile(taken, [50, 90, 99])
    errors = sum(status != 200 for status in statuses)
    return {
        "requests": len(taken),
        "errors": errors,
        "p50": p50,
        "p90": p90,
        "p99": p99,
        "max": max(taken),
    }


def gets(clusters: list[ClusterRecord]) -> Callable[[int], Call]:
    def call(turn: int) -> Call:
        record = random.Random(turn).choice(clusters)  # noqa: S311 - not a secret
        part = record.cluster_id if turn % 2 else record.name.replace(" ", "%20")
        return "GET", f"/v1/clusters/{part}", None

    return call


LISTS: dict[str, Callable[[int], dict[str, object]]] = {
    "status": lambda turn: {
        "filters": {"field": "status", "operator": "eq", "value": STATUSES[turn % 5]},
        "sort": {"field": "created_at", "direction": "desc"},
    },
    "number": lambda turn: {
        "filters": {
            "AND": [
                {"field": "num_clusters", "operator": "gte", "value": turn % 40},
                {"field": "algorithm", "operator": "eq", "value": METHODS[turn % 4]},
            ]
        },
        "sort": {"field": "num_documents_clustered", "direction": "desc"},
    },
    "name": lambda turn: {
        "filters": {"field": "status", "operator": "in", "value": ["COMPLETED", "FAILED"]},
        "sort": {"field": "cluster_name"},
        "offset": turn % 50 * 20,
    },
    "metadata": lambda turn: {
        "filters": {"field": "metadata.team", "operator": "eq", "value": f"team {turn % 50}"},
        "sort": {"field": "updated_at", "direction": "desc"},
    },
    "search": lambda turn: {"search": WORDS[turn % 8], "sort": {"field": "cluster_name"}},
    "regex": lambda turn: {
        "filters": {"field": "cluster_name", "operator": "regex", "value": f"^{WORDS[turn % 8]}"},
        "sort": {"field": "created_at"},
    },
    # What is a digit or a letter is for Python to say, about what MongoDB finds for it.
    "pattern": lambda turn: {
        "filters": {
            "field": "cluster_name",
            "operator": "regex",
            "value": rf"{WORDS[turn % 8]} \d*7$",
        },
        "sort": {"field": "cluster_name"},
    },
    "words": lambda turn: {
        "filters": {
            "field": "cluster_name",
            "operator": "regex",
            "value": rf"^\w+ {WORDS[turn % 8]} \d+$",
        },
        "sort": {"field": "created_at", "direction": "desc"},
    },
    # No index finds these: all metadata is looked through.
    "rank": lambda turn: {
        "filters": {"field": "metadata.rank", "operator": "lt", "value": turn % 50 * 10},
        "sort": {"field": "num_clusters"},
    },
}


def lists(kind: str | None = None) -> Callable[[int], Call]:
    kinds = list(LISTS) if kind is None else [kind]

    def call(turn: int) -> Call:
        return "POST", "/v1/clusters/list", LISTS[kinds[turn % len(kinds)]](turn // len(kinds))

    return call


def create(turn: int) -> Call:
    return "POST", "/v1/clusters", definition(turn) | {"cluster_name": f"new {uuid4().hex}"}


def published(pipeline: Pipeline, cluster: ClusterRecord, members: int) -> str:
    """An execution with that many members, as a run leaves it."""
    execution = new_execution(cluster, new_identity(str(uuid4())), cluster.resolved())
    key = execution.artifact_key("members.parquet")
    groups = [f"cl_{number % 50}" for number in range(members)]
    frame = pl.DataFrame(
        {
            "point_id": [str(number) for number in range(members)],
            "document_id": [f"doc_{number:07}" for number in range(members)],
            "collection_id": "col_speeches",
            "cluster_id": groups,
            "cluster_label": groups,
            "distance_to_centroid": np.linspace(0, 1, members),
            "probability": np.linspace(0, 1, members),
            "summary": "What the documents of this group have in common, in a sentence.",
            "keywords": [["court", "harbour", "kitchen"]] * members,
        }
    )
    pipeline.artifacts.write_frame(key, frame)
    ended = {"status": ExecutionStatus.COMPLETED, "members_key": key}
    pipeline.catalog.executions.begin(execution.model_copy(update=ended))
    return execution.run_id


def export(server: Server, pipeline: Pipeline, cluster: ClusterRecord, members: int) -> None:
    run_id = published(pipeline, cluster, members)
    for form in ("csv", "parquet"):
        path = f"/v1/clusters/{cluster.cluster_id}/executions/{run_id}/export?format={form}"
        for attempt in ("cold", "warm"):
            before = server.process.memory_info().rss
            connection, began = server.connect(), time.perf_counter()
            connection.request("GET", path, headers=server.headers)
            answer = connection.getresponse()
            read = len(answer.read(1))
            first, most = time.perf_counter() - began, before
            while chunk := answer.read(65536):
                read += len(chunk)
                most = max(most, server.process.memory_info().rss)
            seconds = time.perf_counter() - began
            print(
                f"export {form:8}{attempt}  {answer.status}  first byte {first * 1000:6.0f} ms  "
                f"all {seconds:5.2f} s  {read / MEGABYTE:6.1f} MB  "
                f"memory {before / MEGABYTE:.0f} -> {most / MEGABYTE:.0f} MB"
            )


def show(name: str, rate: float, found: dict[str, float]) -> None:
    times = "  ".join(f"{one} {found[one]:7.1f}" for one in ("p50", "p90", "p99", "max"))
    counts = f"{found['requests']:.0f} requests, {found['errors']:.0f} errors"
    print(f"{name:14}{rate:5.0f}/s  {times} ms  {counts}", flush=True)


def measure(server: Server, clusters: list[ClusterRecord], options: Namespace) -> None:
    plans: dict[str, tuple[float, Callable[[int], Call]]] = {
        "get": (100, gets(clusters)),
        "list": (20, lists()),
        **{f"list {kind}": (20, lists(kind)) for kind in LISTS},
        "create": (20, create),
    }
    load(server, gets(clusters), rate=20, seconds=2)  # imports and connections
    for name, (rate, calls) in plans.items():
        if not options.only or name in options.only:
            show(name, rate, load(server, calls, rate=rate, seconds=options.seconds))


def main() -> None:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--definitions", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--members", type=int, default=100_000)
    parser.add_argument("--only", nargs="*", default=[])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"CLUSTERING_DATA_DIR": folder}
        settings = Settings(data_dir=Path(folder))
        with open_pipeline(settings) as pipeline:
            began = time.perf_counter()
            clusters = filled(pipeline, options.definitions)
            print(f"{len(clusters):,} definitions in {time.perf_counter() - began:.0f} s")
            key = pipeline.catalog.keys.create(LOCAL.organization_id, access=Access.WRITE)
            with serving(key.secret) as server:
                measure(server, clusters, options)
                if not options.only or "export" in options.only:
                    export(server, pipeline, clusters[0], options.members)
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"the asking process used {used:.0f} MB, load average {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
