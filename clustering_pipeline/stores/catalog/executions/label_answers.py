"""What models answered, to be used again while the same is asked."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta

from clustering_pipeline.model.scope import Scope
from clustering_pipeline.model.times import Clock
from clustering_pipeline.stores.catalog.table import Table, within


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelAnswers:
    """Answers by the key of their content; MongoDB removes those that have expired."""

    table: Table
    clock: Clock

    def find(self, scope: Scope, keys: Collection[str], *, seconds: int) -> dict[str, str]:
        """The answers to some of ``keys`` that are younger than ``seconds``."""
        now = self.clock()
        fresh = {
            "key": {"$in": sorted(keys)},
            "made_at": {"$gt": now - timedelta(seconds=seconds)},
            # MongoDB looks for expired ones once a minute.
            "expires_at": {"$gt": now},
        }
        return {row["key"]: row["answer"] for row in self.table.find(within(scope, **fresh))}

    def keep(self, scope: Scope, answers: Mapping[str, str], *, seconds: int) -> None:
        """Keeps answers for ``seconds``, in place of earlier ones to the same."""
        now = self.clock()
        for key, answer in answers.items():
            times = {"made_at": now, "expires_at": now + timedelta(seconds=seconds)}
            one = within(scope, key=key, answer=answer, **times)
            self.table.swap({"_id": _id(scope, key)}, {"$set": one}, upsert=True)


def _id(scope: Scope, key: str) -> str:
    return f"{scope.organization_id}/{scope.namespace_id}/{key}"
