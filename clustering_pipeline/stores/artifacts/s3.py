"""Files below an S3 prefix, on any server that speaks S3."""

import tempfile
import uuid
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from clustering_pipeline.model.errors import ArtifactsUnavailable
from clustering_pipeline.stores.artifacts.files import CHUNK, missing

_GONE = frozenset({"404", "NoSuchKey", "NotFound"})
_DELETES_PER_CALL = 1000


class S3Files:
    """Objects of one bucket; ``client`` is a boto3 S3 client.

    A file is written to a local temporary folder and uploaded whole, in parts when it is large; S3
    shows an object only when all of it has arrived.
    """

    def __init__(self, client: Any, root: str, *, storage_options: Mapping[str, str] | None = None):
        self._client = client
        self._bucket, _, prefix = root.removeprefix("s3://").partition("/")
        self._prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
        self.storage_options = dict(storage_options or {})

    def stage(self, key: str) -> Path:
        """A file in a temporary folder of its own."""
        name = f"{uuid.uuid4().hex}-{key.rpartition('/')[2]}"
        return Path(tempfile.gettempdir()) / name

    def publish(self, staged: Path, key: str) -> None:
        """Upload, then drop the local copy."""
        with self._answering(key):
            self._client.upload_file(str(staged), self._bucket, self._object(key))
        staged.unlink()

    def size(self, key: str) -> int | None:
        """Bytes, by a HEAD request."""
        from botocore.exceptions import ClientError  # noqa: PLC0415 - only S3 users pay for boto3

        with self._answering(key):
            try:
                head = self._client.head_object(Bucket=self._bucket, Key=self._object(key))
            except ClientError as error:
                if error.response["Error"]["Code"] in _GONE:
                    return None
                raise
        return int(head["ContentLength"])

    def chunks(self, key: str) -> Iterator[bytes]:
        """The content as it arrives."""
        with self._answering(key):
            answer = self._client.get_object(Bucket=self._bucket, Key=self._object(key))
            with answer["Body"] as body:
                while chunk := bytes(body.read(CHUNK)):
                    yield chunk

    def keys(self, prefix: str) -> Iterator[str]:
        """Every object below the prefix, a thousand a page."""
        pages = self._client.get_paginator("list_objects_v2")
        with self._answering(prefix):
            for page in pages.paginate(Bucket=self._bucket, Prefix=self._object(prefix)):
                for item in page.get("Contents", ()):
                    yield str(item["Key"])[len(self._prefix) :]

    def remove(self, keys: Iterable[str]) -> None:
        """Delete objects, a thousand a call."""
        names = [{"Key": self._object(key)} for key in keys]
        for start in range(0, len(names), _DELETES_PER_CALL):
            self._remove(names[start : start + _DELETES_PER_CALL])

    def uri(self, key: str) -> str:
        """The ``s3://`` address."""
        return f"s3://{self._bucket}/{self._object(key)}"

    def _object(self, key: str) -> str:
        return self._prefix + key

    def _remove(self, names: Sequence[Mapping[str, str]]) -> None:
        with self._answering(names[0]["Key"]):
            answer = self._client.delete_objects(
                Bucket=self._bucket, Delete={"Objects": names, "Quiet": True}
            )
        for failure in answer.get("Errors", ()):
            message = f"s3://{self._bucket}/{failure['Key']} was not deleted: {failure['Message']}"
            raise ArtifactsUnavailable(message)

    @contextmanager
    def _answering(self, key: str) -> Generator[None]:
        from boto3.exceptions import Boto3Error  # noqa: PLC0415
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

        try:
            yield
        except ClientError as error:
            if error.response["Error"]["Code"] in _GONE:
                raise missing(key, self.uri(key)) from error
            raise self._unavailable(error) from error
        except (BotoCoreError, Boto3Error, OSError) as error:
            raise self._unavailable(error) from error

    def _unavailable(self, error: Exception) -> ArtifactsUnavailable:
        address = self._client.meta.endpoint_url
        message = (
            f"the S3 bucket {self._bucket!r} at {address} did not answer ({error}): "
            "check CLUSTERING_ARTIFACTS, CLUSTERING_S3_ENDPOINT and the AWS credentials"
        )
        return ArtifactsUnavailable(message)


def connect(endpoint: str | None) -> tuple[Any, dict[str, str]]:
    """A boto3 client and polars' options for the same server.

    Both find credentials where every AWS tool does: the standard variables and files, or the role
    of the machine.
    """
    from dagster_aws.s3 import S3Resource  # noqa: PLC0415 - only S3 users pay for boto3

    client = S3Resource(endpoint_url=endpoint).get_client()
    options = {"aws_region": client.meta.region_name or "us-east-1"}
    if endpoint is not None:
        options["aws_endpoint_url"] = endpoint
        options["aws_allow_http"] = "true"
    return client, options
