"""Many collections, few open shards, many threads."""

import threading
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
import qdrant_edge as edge
from qdrant_client import QdrantClient, models

from clustering_pipeline.local.qdrant.server import QdrantServer
from clustering_pipeline.local.qdrant.status import Refused
from clustering_pipeline.local.qdrant.store import ShardPool
from clustering_pipeline_tests.local.qdrant.factories import ONE_VECTOR
from clustering_pipeline_tests.sizes import size

CONFIG = edge.EdgeConfig(
    vectors=edge.EdgeVectorParams(size=2, distance=edge.Distance.Dot), max_search_threads=1
)


@pytest.fixture
def pool(tmp_path):
    maker = ShardPool(tmp_path)
    for folder in "abc":
        maker.create(folder, CONFIG)
    maker.close()
    pool = ShardPool(tmp_path, limit=2)
    yield pool
    pool.close()


def put(shard: edge.EdgeShard, *ids: int) -> None:
    points = [edge.Point(id=number, vector=[0.0, 0.0]) for number in ids]
    shard.update(edge.UpdateOperation.upsert_points(points))


def test_a_shard_opens_when_it_is_first_used(pool):
    assert pool.open_count == 0
    with pool.use("a") as shard:
        assert (shard.count(edge.CountRequest()), pool.open_count) == (0, 1)


def test_a_new_shard_takes_the_place_of_the_least_recently_used(pool):
    for folder in "de":
        pool.create(folder, CONFIG)
    with pool.use("a") as shard:
        assert (shard.count(edge.CountRequest()), pool.open_count) == (0, 2)


def test_the_least_recently_used_shard_closes_and_keeps_its_points(pool):
    for folder in "abac":
        with pool.use(folder, write=True) as shard:
            put(shard, shard.count(edge.CountRequest()))
    assert pool.open_count == 2
    counts = {}
    for folder in "abc":
        with pool.use(folder) as shard:
            counts[folder] = shard.count(edge.CountRequest())
    assert counts == {"a": 2, "b": 1, "c": 1}


def test_a_shard_in_use_is_never_closed(pool):
    released, opened = threading.Event(), threading.Event()

    def third() -> int:
        with pool.use("c") as shard:
            opened.set()
            return shard.count(edge.CountRequest())

    def hold(folder: str) -> int:
        with pool.use(folder) as shard:
            released.wait()
            return shard.count(edge.CountRequest())

    with ThreadPoolExecutor(3) as threads:
        held = [threads.submit(hold, folder) for folder in "ab"]
        waiting = threads.submit(third)
        assert not opened.wait(0.2)
        released.set()
        assert [task.result() for task in (*held, waiting)] == [0, 0, 0]


def test_a_dropped_shard_cannot_be_used_again(pool):
    with pool.use("a") as shard:
        put(shard, 1)
    pool.drop("a")
    with pytest.raises(Refused, match="deleted") as refused, pool.use("a"):
        pass
    assert refused.value.code == grpc.StatusCode.NOT_FOUND


def test_flushing_leaves_open_shards_usable(pool):
    with pool.use("a", write=True) as shard:
        put(shard, 1)
    pool.flush()
    with pool.use("a") as shard:
        assert shard.count(edge.CountRequest()) == 1


def test_more_collections_than_may_be_open_answer_many_threads(tmp_path):
    collections = [f"c{number}" for number in range(size(ci=9, full=70))]
    server = QdrantServer(tmp_path, open_limit=size(ci=4, full=64))
    client = QdrantClient(
        host="127.0.0.1", grpc_port=server.port, prefer_grpc=True, check_compatibility=False
    )

    def work(name: str) -> int:
        for number in range(3):
            client.upsert(name, [models.PointStruct(id=number, vector=[1, number])])
        return client.count(name).count

    for name in collections:
        client.create_collection(name, vectors_config=ONE_VECTOR)
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(work, collections * 2)) == [3] * len(collections) * 2
    client.close()
    server.stop()


def test_writers_and_readers_of_one_collection_do_not_disturb_each_other(qdrant, plain):
    def write(start: int) -> None:
        for number in range(start, start + 20):
            qdrant.upsert(plain, [models.PointStruct(id=number, vector=[1, number])])
            qdrant.set_payload(plain, {"rank": number}, [number])

    def read(_: int) -> None:
        for _ in range(20):
            for record in qdrant.scroll(plain, limit=100, with_vectors=True)[0]:
                assert record.vector == [1.0, float(record.id)]

    with ThreadPoolExecutor(4) as threads:
        tasks = [threads.submit(write, start) for start in (0, 100)]
        tasks += [threads.submit(read, number) for number in range(2)]
        for task in tasks:
            task.result()
    assert qdrant.count(plain).count == 40


def test_a_collection_can_be_deleted_while_it_is_read(qdrant, plain):
    qdrant.upsert(plain, [models.PointStruct(id=number, vector=[1, 2]) for number in range(100)])

    def read_until_gone() -> grpc.StatusCode:
        try:
            while True:
                qdrant.scroll(plain, limit=100)
        except grpc.RpcError as error:
            return error.code()

    with ThreadPoolExecutor(2) as threads:
        readers = [threads.submit(read_until_gone) for _ in range(2)]
        qdrant.delete_collection(plain)
        assert [reader.result() for reader in readers] == [grpc.StatusCode.NOT_FOUND] * 2
