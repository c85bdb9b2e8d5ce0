import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from dagster_aws.s3 import S3Resource

from clustering_pipeline.stores.artifacts import Artifacts
from clustering_pipeline_tests.stores.artifacts import swift

OPTIONS = {
    "aws_access_key_id": swift.KEY,
    "aws_secret_access_key": swift.SECRET,
    "aws_region": swift.REGION,
    "aws_allow_http": "true",
}


@pytest.fixture(scope="session")
def s3_endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with swift.running(tmp_path_factory.mktemp("swift")) as endpoint:
        yield endpoint


@pytest.fixture(scope="session")
def s3_client(s3_endpoint: str):
    return S3Resource(
        endpoint_url=s3_endpoint,
        region_name=swift.REGION,
        aws_access_key_id=swift.KEY,
        aws_secret_access_key=swift.SECRET,
    ).get_client()


@pytest.fixture(scope="session")
def open_s3(s3_endpoint: str, s3_client) -> Callable[[str], Artifacts]:
    """Artifacts below a prefix of a bucket that is made for it."""

    def open_root(prefix: str = "") -> Artifacts:
        bucket = f"bucket-{uuid.uuid4().hex[:12]}"
        s3_client.create_bucket(Bucket=bucket)
        return Artifacts.open(
            f"s3://{bucket}/{prefix}",
            s3_client=s3_client,
            storage_options={**OPTIONS, "aws_endpoint_url": s3_endpoint},
        )

    return open_root


@pytest.fixture(params=["folder", "s3"])
def artifacts(request: pytest.FixtureRequest, tmp_path: Path) -> Artifacts:
    if request.param == "folder":
        return Artifacts.open(tmp_path / "artifacts")
    return request.getfixturevalue("open_s3")("runs/of one")
