import pytest

from clustering_pipeline.model.public_text import for_clients, without_stores


@pytest.mark.parametrize(
    ("written", "told"),
    [
        pytest.param("", "", id="empty"),
        pytest.param(
            "the catalog does not answer: no MongoDB at mongodb://db.intern:27017; is it running?",
            "the catalog does not answer: no MongoDB; is it running?",
            id="catalog",
        ),
        pytest.param(
            "Qdrant at grpc://10.0.0.5:6334 did not answer (failed to connect to all addresses; "
            "last error: UNKNOWN: ipv4:10.0.0.5:6334: Failed to connect): check that it runs",
            "Qdrant did not answer (failed to connect to all addresses; "
            "last error: UNKNOWN: (address withheld): Failed to connect): check that it runs",
            id="documents",
        ),
        pytest.param(
            "FileNotFoundError: [Errno 2] No such file or directory: '/srv/data/run_1/a b.parquet'",
            "FileNotFoundError: [Errno 2] No such file or directory: '…/a b.parquet'",
            id="path-in-quotes",
        ),
        pytest.param(
            "artifact 'a/b.parquet' does not exist (looked at /srv/a/b.parquet): run it again",
            "artifact 'a/b.parquet' does not exist: run it again",
            id="artifact",
        ),
        pytest.param(
            '  File "/srv/venv/site-packages/sklearn/base.py", line 7, in fit',
            '  File "…/base.py", line 7, in fit',
            id="traceback",
        ),
        pytest.param(
            "s3://bucket/run_1/x.parquet was not deleted: AccessDenied",
            "(address withheld) was not deleted: AccessDenied",
            id="s3",
        ),
        pytest.param(
            "connect to qdrant:6334 failed", "connect to (address withheld) failed", id="host"
        ),
        pytest.param("no route to 10.1.2.3.", "no route to (address withheld).", id="ip"),
    ],
)
def test_addresses_and_paths_are_withheld(written, told):
    assert for_clients(written) == told
    assert for_clients(told) == told


@pytest.mark.parametrize(
    "written",
    [
        "mixpeek://text@v1/embedding: the collection has no vector 'embedding'",
        "document 'doc:12345' has no vector",
        "at most 100,000 of 1/2 were read by 12:30:15, 2026-11-21T12:30:15Z",
        "n_clusters=8 and/or eps: use a/b",
        "a ratio of 1:1000 and http headers",
    ],
)
def test_what_clients_named_themselves_is_left_alone(written):
    assert for_clients(written) == written


def test_what_was_asked_for_keeps_its_words():
    written = "Qdrant at grpc://127.0.0.1:6334 has no collection 'http://a/b/c'"
    assert without_stores(written) == "Qdrant has no collection 'http://a/b/c'"
