"""Everything a Qdrant server can do is served, or refused by name."""

import grpc
import pytest
from google.protobuf.message_factory import GetMessageClass
from qdrant_client import grpc as messages
from qdrant_client import models

from clustering_pipeline.local.qdrant.handlers import SERVICES
from clustering_pipeline_tests.local.qdrant.factories import refused

UNIMPLEMENTED = grpc.StatusCode.UNIMPLEMENTED
SERVED = {
    "Collections": {
        "Get",
        "List",
        "Create",
        "Update",
        "Delete",
        "CollectionExists",
        "UpdateAliases",
        "ListAliases",
        "ListCollectionAliases",
        "CollectionClusterInfo",
        "CreateShardKey",
    },
    "Points": {
        "Upsert",
        "Delete",
        "Get",
        "UpdateVectors",
        "DeleteVectors",
        "SetPayload",
        "OverwritePayload",
        "DeletePayload",
        "ClearPayload",
        "CreateFieldIndex",
        "DeleteFieldIndex",
        "CreateVectorName",
        "Scroll",
        "Count",
        "UpdateBatch",
        "Query",
    },
    "Qdrant": {"HealthCheck"},
    "Snapshots": set(),
}
METHODS = [(service, method) for service in SERVICES for method in service.methods]


@pytest.mark.parametrize(
    ("service", "method"), METHODS, ids=[f"{s.name}/{m.name}" for s, m in METHODS]
)
def test_a_method_is_served_or_named(qdrant_url, service, method):
    request, response = GetMessageClass(method.input_type), GetMessageClass(method.output_type)
    with grpc.insecure_channel(qdrant_url.removeprefix("grpc://")) as channel:
        call = channel.unary_unary(
            f"/{service.full_name}/{method.name}",
            request_serializer=request.SerializeToString,
            response_deserializer=response.FromString,
        )
        done = call.future(request())
        code, details = done.code(), done.details()
    if method.name in SERVED[service.name]:
        assert code != UNIMPLEMENTED
    else:
        assert code == UNIMPLEMENTED
        assert f"{service.name}/{method.name} is not served" in details


def test_the_client_finds_nothing_wrong_with_the_version(qdrant):
    assert qdrant.info().title.startswith("qdrant")


def test_a_snapshot_is_refused_to_the_client(qdrant, plain):
    with refused(UNIMPLEMENTED, "Snapshots/Create is not served by the embedded Qdrant"):
        qdrant.create_snapshot(plain)


def test_a_condition_the_engine_does_not_know_is_refused(qdrant_url, plain):
    condition = messages.Condition(slice=messages.SliceCondition(total=2, index=0))
    request = messages.CountPoints(collection_name=plain, filter=messages.Filter(must=[condition]))
    with grpc.insecure_channel(qdrant_url.removeprefix("grpc://")) as channel:
        points = messages.PointsStub(channel)
        with refused(UNIMPLEMENTED, "the filter condition `slice`"):
            points.Count(request)


def test_a_shard_key_that_is_not_there_is_refused(qdrant, plain):
    with refused(grpc.StatusCode.INVALID_ARGUMENT, 'Shard key "eu" not found'):
        qdrant.scroll(plain, shard_key_selector="eu")


def test_an_order_other_than_of_ids_is_refused(qdrant, plain):
    with refused(UNIMPLEMENTED, "an order by a field"):
        qdrant.scroll(plain, order_by="year")


def test_inference_is_refused(qdrant_url, plain):
    vector = messages.Vector(document=messages.Document(text="hello", model="any"))
    point = messages.PointStruct(
        id=messages.PointId(num=1), vectors=messages.Vectors(vector=vector)
    )
    with grpc.insecure_channel(qdrant_url.removeprefix("grpc://")) as channel:
        points = messages.PointsStub(channel)
        with refused(UNIMPLEMENTED, "the vector form `document`"):
            points.Upsert(messages.UpsertPoints(collection_name=plain, points=[point]))


def test_scrolled_points_are_typed_like_a_servers(qdrant, plain):
    qdrant.upsert(plain, [models.PointStruct(id=1, vector=[1, 2], payload={"a": 1})])
    assert qdrant.scroll(plain, with_vectors=True)[0] == [
        models.Record(id=1, vector=[1.0, 2.0], payload={"a": 1})
    ]
