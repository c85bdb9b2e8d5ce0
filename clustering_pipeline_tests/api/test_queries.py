"""Parameters after the ``?``."""

import pytest

from clustering_pipeline_tests.api.answers import error_of, ok


@pytest.mark.parametrize(
    ("address", "takes"),
    [
        ("/v1/clusters?limt=5", "limit"),
        ("/v1/collections?limit=5&colour=red", "offset"),
        ("/v1/namespaces?=1", "it takes none"),
        ("/v1/clusters?limit=5&limit=6", "twice"),
    ],
)
def test_a_parameter_that_nobody_reads_is_refused_by_name(client, address, takes):
    status, message = error_of(client.get(address))
    assert status == 422
    assert takes in message


def test_the_namespace_may_be_said_in_the_address(served, client):
    namespace = client.headers.pop("X-Namespace")
    try:
        assert ok(client.get("/v1/collections", params={"namespace": namespace}))
        assert error_of(client.get("/v1/collections"))[0] == 422
    finally:
        client.headers["X-Namespace"] = namespace
