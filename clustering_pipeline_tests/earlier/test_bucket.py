"""Artifacts of an earlier version in a bucket: they are read, and runs go on from them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from dagster_aws.s3 import S3Resource

from clustering_pipeline_tests.cli.command import run
from clustering_pipeline_tests.earlier.unpacked import FACTS, unpacked
from clustering_pipeline_tests.stores.artifacts import swift

BUCKET = "earlier"
PREFIX = "team/clusters"


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with swift.running(tmp_path_factory.mktemp("swift")) as endpoint:
        settings = {
            "CLUSTERING_ARTIFACTS_ROOT": f"s3://{BUCKET}/{PREFIX}",
            "CLUSTERING_S3_ENDPOINT": endpoint,
            "AWS_ACCESS_KEY_ID": swift.KEY,
            "AWS_SECRET_ACCESS_KEY": swift.SECRET,
            "AWS_DEFAULT_REGION": swift.REGION,
            "AWS_ALLOW_HTTP": "true",
        }
        with unpacked(tmp_path_factory.mktemp("earlier"), **settings) as folder:
            _fill(endpoint, folder / "artifacts")
            yield folder


def _fill(endpoint: str, artifacts: Path) -> None:
    client = S3Resource(
        endpoint_url=endpoint,
        region_name=swift.REGION,
        aws_access_key_id=swift.KEY,
        aws_secret_access_key=swift.SECRET,
    ).get_client()
    client.create_bucket(Bucket=BUCKET)
    for file in artifacts.rglob("*"):
        if file.is_file():
            key = f"{PREFIX}/{file.relative_to(artifacts)}"
            client.upload_file(str(file), BUCKET, key)


@pytest.mark.usefixtures("data_dir")
def test_its_groups_are_shown_and_documents_join_them():
    published = FACTS["topics"]["groups"]
    shown = run("clusters", "groups", "topics", "--json").json["groups"]
    assert [group["group_uid"] for group in shown] == [group["group_uid"] for group in published]
    done = run("clusters", "execute", "topics", "--assign", "--json").json
    assert (done["status"], done["mode"]) == ("completed", "assign")
    after = run("clusters", "groups", "topics", "--json").json["groups"]
    assert {group["group_uid"] for group in after} == {group["group_uid"] for group in published}
