"""What the environment says: one variable per outside system, each replacing an embedded one."""

import os
from functools import cached_property
from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

MASK = "********"


def _default_data_dir() -> Path:
    base = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(base) / "clustering-pipeline"


class Settings(BaseSettings):
    """Read from ``CLUSTERING_*`` variables; unset means the embedded default.

    ``artifacts`` is a folder or ``s3://bucket/prefix``; S3 credentials come from the standard AWS
    variables.
    """

    model_config = SettingsConfigDict(env_prefix="CLUSTERING_", frozen=True, extra="ignore")

    data_dir: Path = Field(default_factory=_default_data_dir)
    mongodb_uri: SecretStr | None = None
    mongodb_database: str = "clustering"
    qdrant_url: str | None = None
    qdrant_api_key: SecretStr | None = None
    artifacts: str | None = None
    s3_endpoint: str | None = None
    llm_base_url: str | None = None
    llm_api_key: SecretStr | None = None
    mongod: Path | None = None

    @cached_property
    def artifacts_root(self) -> str:
        """The folder or S3 prefix that runs write to."""
        return self.artifacts or str(self.data_dir / "artifacts")

    def in_force(self) -> dict[str, str]:
        """Every setting by its variable's name, secrets masked, embedded defaults named."""
        embedded = {
            "mongodb_uri": "embedded mongod",
            "qdrant_url": "embedded Qdrant",
            "artifacts": self.artifacts_root,
            "llm_api_key": "none: labels are keyphrases",
        }
        return {
            f"CLUSTERING_{name}".upper(): _shown(getattr(self, name), embedded.get(name, ""))
            for name in type(self).model_fields
        }


def _shown(value: object, default: str) -> str:
    if value is None:
        return default
    return MASK if isinstance(value, SecretStr) else str(value)
