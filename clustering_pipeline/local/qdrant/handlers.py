"""From methods over messages to gRPC: routing, timing, errors, and a name for what is missing."""

import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

import grpc
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message_factory import GetMessageClass
from qdrant_client.grpc import (
    collections_service_pb2,
    points_service_pb2,
    qdrant_pb2,
    snapshots_service_pb2,
)

from clustering_pipeline.local.qdrant.status import Refused, from_engine, unserved

# Takes a request message, gives a response message, raises Refused or what the engine raises.
Method = Callable[[Any], Any]

_log = logging.getLogger(__name__)

SERVICES = (
    collections_service_pb2.DESCRIPTOR.services_by_name["Collections"],
    points_service_pb2.DESCRIPTOR.services_by_name["Points"],
    snapshots_service_pb2.DESCRIPTOR.services_by_name["Snapshots"],
    qdrant_pb2.DESCRIPTOR.services_by_name["Qdrant"],
)


def generic_handlers(served: Mapping[str, Mapping[str, Method]]) -> list[grpc.GenericRpcHandler]:
    """A handler for every method of Qdrant's services; those not ``served`` say so."""
    return [
        grpc.method_handlers_generic_handler(
            service.full_name,
            {
                method.name: _handler(method, served.get(service.name, {}).get(method.name))
                for method in service.methods
            },
        )
        for service in SERVICES
    ]


def _handler(descriptor: MethodDescriptor, method: Method | None) -> Any:
    return grpc.unary_unary_rpc_method_handler(
        _behavior(method or _missing(descriptor)),
        request_deserializer=GetMessageClass(descriptor.input_type).FromString,
        response_serializer=GetMessageClass(descriptor.output_type).SerializeToString,
    )


def _missing(descriptor: MethodDescriptor) -> Method:
    def method(_: Any) -> Any:
        raise unserved(what=f"{descriptor.containing_service.name}/{descriptor.name}")

    return method


def _behavior(method: Method) -> Callable[[Any, grpc.ServicerContext], Any]:
    def behavior(request: Any, context: grpc.ServicerContext) -> Any:
        start = time.perf_counter()
        try:
            response = method(request)
        except BaseException as error:  # noqa: BLE001 - a panic of the engine is no Exception
            # Nothing here may refer to it: it refers to this frame, and so to the whole request.
            code, message, retry_after = _answer(error)
            if retry_after is not None:
                context.set_trailing_metadata((("retry-after", str(retry_after)),))
            return context.abort(code, message)
        if "time" in response.DESCRIPTOR.fields_by_name:
            response.time = time.perf_counter() - start
        return response

    return behavior


def _answer(error: BaseException) -> tuple[grpc.StatusCode, str, int | None]:
    refused = error if isinstance(error, Refused) else from_engine(error)
    if refused is not error and refused.code is grpc.StatusCode.INTERNAL:
        _log.error("a request failed", exc_info=error)
    return refused.code, refused.message, refused.retry_after
