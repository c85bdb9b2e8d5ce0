"""What the environment says: one variable per outside system, each replacing an embedded one."""

import hashlib
import json
import os
import re
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    IPvAnyNetwork,
    SecretStr,
    ValidationError,
)
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from clustering_pipeline.model.errors import InvalidSettings

RunResources = Literal["k8s", "ecs", "ray"]
"""Launchers that read from a run's tags what it needs."""
MASK = "********"
_LONGEST = 20
_PLAIN = re.compile(rf"[a-z0-9]{{1,{_LONGEST}}}")
_CREDENTIALS = re.compile(r"//[^/]*@")


def _default_data_dir() -> Path:
    base = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(base) / "clustering-pipeline"


def _expanded(path: Path) -> Path:
    return path.expanduser().absolute()


def _branch_of_dagster() -> str | None:
    """What a branch deployment of Dagster+ is told of itself."""
    if os.environ.get("DAGSTER_CLOUD_IS_BRANCH_DEPLOYMENT") != "1":
        return None
    names = ("DAGSTER_CLOUD_GIT_BRANCH", "DAGSTER_CLOUD_DEPLOYMENT_NAME")
    return _branch_name(next(filter(None, map(os.environ.get, names)), "branch"))


def _branch_name(branch: str | None) -> str | None:
    """The branch as names of databases and collections may hold it; no two are the same."""
    if branch is None or _PLAIN.fullmatch(branch):
        return branch
    plain = re.sub(r"[^a-z0-9]+", "_", branch.lower()).strip("_")[:_LONGEST]
    return f"{plain}_{hashlib.sha256(branch.encode()).hexdigest()[:6]}".lstrip("_")


class ModelPrice(BaseModel):
    """US dollars a million tokens."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    prompt: Annotated[float, Field(ge=0)]
    completion: Annotated[float, Field(ge=0)]


class Settings(BaseSettings):
    """Read from ``CLUSTERING_*`` variables; unset means the embedded default.

    ``artifacts`` is a folder or ``s3://bucket/prefix``; S3 credentials come from the standard AWS
    variables.
    """

    model_config = SettingsConfigDict(
        env_prefix="CLUSTERING_", env_ignore_empty=True, frozen=True, extra="ignore"
    )

    def __init__(self, **values: Any):
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise _unreadable(error) from error
        except SettingsError as error:
            message = f"a setting that must be JSON is not: {error}"
            raise InvalidSettings(message) from error

    branch: Annotated[str | None, AfterValidator(_branch_name)] = Field(
        default_factory=_branch_of_dagster
    )
    """The branch of a deployment that leaves all others alone; a branch deployment of Dagster+
    knows it by itself.
    """
    data_dir: Annotated[Path, AfterValidator(_expanded)] = Field(default_factory=_default_data_dir)
    mongodb_uri: SecretStr | None = None
    mongodb_database: str = "clustering"
    qdrant_url: str | None = None
    qdrant_api_key: SecretStr | None = None
    qdrant_ca: Path | None = None
    """A PEM file of the certificates that Qdrant's is signed by, where they are your own."""
    qdrant_patience: float = Field(default=60.0, gt=0)
    """Seconds that a run waits for a Qdrant that has answered before; for a first answer, 10."""
    artifacts: str | None = None
    artifacts_shared: bool = False
    """Whether the folder of artifacts is one that every host mounts at the same place."""
    s3_endpoint: str | None = None
    llm_base_url: str | None = None
    llm_api_key: SecretStr | None = None
    llm_provider: Literal["openai", "google", "anthropic"] = "openai"
    """Whose key it is, where no base URL says where it goes: no definition sends it elsewhere."""
    llm_model: str | None = None
    """The model where a definition names none; the provider's default otherwise."""
    llm_embedding_model: str | None = None
    """Finds labels that mean the same and judges how well each fits; without it, their words do."""
    embedding_base_url: str | None = None
    """Where texts become vectors, for collections whose provider is `openai`; unset, where labels
    come from."""
    embedding_api_key: SecretStr | None = None
    llm_prices: dict[str, ModelPrice] = Field(default_factory=dict)
    """Model to price, as JSON: replaces and adds to those that are built in."""
    llm_max_cost: float | None = Field(default=None, ge=0)
    """US dollars a run may spend on labels; the rest keep their keyphrases."""
    llm_concurrency: int = Field(default=16, ge=1)
    """Calls under way at once."""
    llm_deadline: float = Field(default=600.0, gt=0)
    """Seconds for all labels of a run."""
    llm_scrub: bool = False
    """Whether e-mail addresses, phone and card numbers are blanked before texts leave."""
    llm_min_group_size: int = Field(default=0, ge=0)
    """No text of smaller groups leaves; they keep their keyphrases."""
    api_max_body_bytes: int = Field(default=8 * 2**20, ge=1)
    """Largest body of a request to the HTTP API."""
    api_max_documents_bytes: int = Field(default=64 * 2**20, ge=1)
    """Largest body that brings documents."""
    api_requests_per_second: float = Field(default=500.0, gt=0)
    """How often a key may ask a server, twice as many at once.

    Each process counts for itself: behind a load balancer, divide by the number of processes.
    """
    api_claims_collections: bool | None = None
    """Whether a key may register a Qdrant collection that exists and is nobody's yet.

    Unset, it may while the keys in use are those of one organisation; with more, whoever runs the
    servers registers such collections (``clustering-pipeline collections register``).
    """
    api_one_shot_documents: int = Field(default=10_000, ge=1)
    """Most documents that a call without a stored definition clusters."""
    api_one_shot_seconds: float = Field(default=60.0, gt=0)
    """Longest that such a call may take."""
    api_one_shots: int = Field(default=2, ge=1)
    """Such calls at work at once, in one server process; more are answered 429."""
    kept_runs: int = Field(default=10, ge=1)
    """Runs of a definition whose results are kept, to roll back to."""
    identity_jaccard: float = Field(default=0.5, gt=0, le=1)
    """Of the documents that two runs saw, the share of two groups' that makes them one group."""
    identity_cosine: float = Field(default=0.9, gt=0, le=1)
    """The same between centroids, where most documents of both groups are in one run only."""
    run_resources: RunResources | None = None
    """Whose tags tell the launcher what each run is expected to need; unset, none do."""
    webhook_networks: tuple[IPvAnyNetwork, ...] = ()
    """Networks that webhooks may be in although they are not public, as JSON: `["10.0.0.0/8"]`."""
    log: Literal["text", "json"] = "text"
    """How log lines are written; those of a run are on its page in Dagster all the same."""
    mongod: Path | None = None

    @cached_property
    def artifacts_root(self) -> str:
        """The folder or S3 prefix that runs write to."""
        root = self.artifacts or str(self.data_dir / "artifacts")
        return root if self.branch is None else f"{root.rstrip('/')}/branches/{self.branch}"

    @property
    def own_dir(self) -> Path:
        """The data directory, or what a branch has of it."""
        return self.data_dir if self.branch is None else self.data_dir / "branches" / self.branch

    @property
    def database(self) -> str:
        """The database of the catalog."""
        own = self.mongodb_database
        return own if self.branch is None else f"{own}_{self.branch}"

    @property
    def on_this_host(self) -> tuple[str, ...]:
        """The stores that no other host reaches, each with the variable that says where it is."""
        folder = not self.artifacts_root.startswith("s3://") and not self.artifacts_shared
        stores = (
            (folder, f"the artifacts in {self.artifacts_root} (CLUSTERING_ARTIFACTS)"),
            (self.mongodb_uri is None, "the embedded mongod (CLUSTERING_MONGODB_URI)"),
            (self.qdrant_url is None, "the embedded Qdrant (CLUSTERING_QDRANT_URL)"),
        )
        return tuple(name for here, name in stores if here)

    def in_force(self) -> dict[str, str]:
        """Every setting by its variable's name, secrets masked, embedded defaults named."""
        embedded = {
            "branch": "none",
            "mongodb_uri": "embedded mongod",
            "qdrant_url": "embedded Qdrant",
            "llm_api_key": "none: labels are keyphrases",
            "llm_model": "the provider's default",
            "llm_max_cost": "no limit",
            "embedding_base_url": "as for labels",
            "embedding_api_key": "as for labels",
            "run_resources": "not told to the launcher",
            "api_claims_collections": "while one organisation alone has keys",
        }
        given = {name: getattr(self, name) for name in type(self).model_fields}
        in_force = {"artifacts": self.artifacts_root, "mongodb_database": self.database}
        return {
            f"CLUSTERING_{name}".upper(): _shown(value, embedded.get(name, ""))
            for name, value in (given | in_force).items()
        }


def _unreadable(error: ValidationError) -> InvalidSettings:
    problem = error.errors(include_url=False, include_input=False)[0]
    name, *inside = map(str, problem["loc"])
    place = "".join(f"[{part!r}]" for part in inside)
    message = f"CLUSTERING_{name.upper()}{place}: {problem['msg']}"
    return InvalidSettings(message)


def _shown(value: object, default: str) -> str:
    if value is None:
        return default
    if isinstance(value, tuple):
        return json.dumps(list(map(str, value)))
    if isinstance(value, dict):
        return json.dumps({name: price.model_dump() for name, price in value.items()})
    return MASK if isinstance(value, SecretStr) else _CREDENTIALS.sub(f"//{MASK}@", str(value))
