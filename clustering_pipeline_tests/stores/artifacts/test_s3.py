import os
import subprocess
import sys

import pytest
from dagster_aws.s3 import S3Resource

from clustering_pipeline.model.errors import ArtifactsUnavailable
from clustering_pipeline.stores.artifacts import Artifacts
from clustering_pipeline_tests.stores.artifacts import swift

ROUND_TRIP = """
import sys
import polars as pl
from clustering_pipeline.stores.artifacts import Artifacts
store = Artifacts.open(sys.argv[1], sys.argv[2])
store.write_frame("a/f.parquet", pl.DataFrame({"n": [1, 2]}))
print(store.read_frame("a/f.parquet")["n"].sum(), store.list())
"""


def client_with(secret, endpoint):
    return S3Resource(
        endpoint_url=endpoint,
        region_name=swift.REGION,
        aws_access_key_id=swift.KEY,
        aws_secret_access_key=secret,
        max_attempts=1,
    ).get_client()


def test_credentials_come_from_the_standard_variables(s3_endpoint, s3_client):
    s3_client.create_bucket(Bucket="from-variables")
    answer = subprocess.run(
        [sys.executable, "-c", ROUND_TRIP, "s3://from-variables/p", s3_endpoint],
        env=os.environ
        | {
            "AWS_ACCESS_KEY_ID": swift.KEY,
            "AWS_SECRET_ACCESS_KEY": swift.SECRET,
            "AWS_DEFAULT_REGION": swift.REGION,
        },
        capture_output=True,
        text=True,
        check=True,
    )
    assert answer.stdout == "3 ('a/f.parquet',)\n"


def test_a_large_file_is_uploaded_in_parts(open_s3):
    artifacts = open_s3()
    artifacts.write_bytes("big", os.urandom(1 << 20) * 20)
    assert artifacts.size("big") == 20 << 20


def test_a_prefix_sees_only_what_is_below_it(s3_client):
    s3_client.create_bucket(Bucket="two-prefixes")
    first, second = (
        Artifacts.open(f"s3://two-prefixes/{prefix}", s3_client=s3_client)
        for prefix in ("a", "ab/")
    )
    first.write_bytes("x", b"1")
    second.write_bytes("y", b"2")
    assert first.list() == ("x",)
    assert second.uri("y") == "s3://two-prefixes/ab/y"


def test_a_bucket_that_is_not_there_is_named(s3_client):
    artifacts = Artifacts.open("s3://no-such-bucket/p", s3_client=s3_client)
    with pytest.raises(ArtifactsUnavailable, match="'no-such-bucket' at http"):
        artifacts.write_bytes("a", b"x")


def test_a_server_that_is_down_is_named():
    client = client_with("any", "http://127.0.0.1:9")
    with pytest.raises(ArtifactsUnavailable, match=r"127\.0\.0\.1:9 .* CLUSTERING_S3_ENDPOINT"):
        Artifacts.open("s3://bucket/p", s3_client=client).read_frame("a.parquet")


def test_a_wrong_secret_is_refused_in_one_sentence(s3_endpoint):
    client = client_with("wrong", s3_endpoint)
    with pytest.raises(ArtifactsUnavailable, match=r"check .* the AWS credentials"):
        Artifacts.open("s3://bucket/p", s3_client=client).list()
