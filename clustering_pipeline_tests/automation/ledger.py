"""What a simulated world saw of a definition, and the promises restated over it.

Nothing here asks the package, neither what it keeps of a definition nor how it decides.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from clustering_pipeline.model.definitions.automation import BATCH

NOVELTY_SHARE = 0.1


@dataclass(kw_only=True)
class Ledger:
    """What happened to one definition."""

    covered: dict[str, int]
    """Collection to its last batch that a run has dealt with."""
    began: datetime | None = None
    """The last automatic run."""
    failures: int = 0
    failed_at: datetime | None = None
    failed_in_full: bool = False
    published: bool = False
    documents: int = 0
    """Of the published run."""
    pool: int = 0
    """Of them, documents that no group reaches."""
    grouped: int = 0
    """Documents like none before them that the last full run made groups of."""
    grouped_runs: set[str] = field(default_factory=set)
    """The runs of its sources that a composite run has dealt with."""
    late: int = 0
    """Whole looks in a row at which it ought to run, and got no run."""
    overtaken: Counter[str] = field(default_factory=Counter)
    """Who got a run since then, while this one waited for just that."""

    @property
    def is_full_of_news(self) -> bool:
        return self.pool > NOVELTY_SHARE * self.documents

    def behind(self, collections: list[str], completed: Mapping[str, int]) -> set[str]:
        return {one for one in collections if completed.get(one, 0) > self.covered.get(one, 0)}

    def is_cooling(self, seconds: int, now: datetime) -> bool:
        return self.began is not None and (now - self.began).total_seconds() < seconds

    def is_to_be_tried_later(self, now: datetime) -> bool:
        """After n failures in a row: a minute times 2^n, an hour at most."""
        if self.failed_at is None or self.failures == 0:
            return False
        return (now - self.failed_at).total_seconds() < min(3600, 60 * 2 ** min(self.failures, 6))

    def fails(self, now: datetime, mode: str = "") -> None:
        self.failures, self.failed_at = self.failures + 1, now
        self.failed_in_full = mode == "full"

    def covers(self, batches: Mapping[str, int], mode: str = "full") -> None:
        if mode == "full" or not self.failed_in_full:
            self.failures, self.failed_at, self.failed_in_full = 0, None, False
        for one, number in batches.items():
            self.covered[one] = max(number, self.covered.get(one, 0))

    def looked(self, *, waits: bool) -> None:
        """After a whole look, at which it ought to run or not."""
        self.late = self.late + 1 if waits else 0
        if not waits:
            self.overtaken.clear()


@dataclass(kw_only=True)
class Run:
    """A run that Dagster made for a request, or for somebody."""

    run_id: str
    cluster_id: str
    cooldown: int = 0
    trigger: str = BATCH
    mode: str = "full"
    began: datetime | None = None
    ended: bool = False
    covers: dict[str, int] = field(default_factory=dict)
    documents: int = 0
    novel: int = 0
    grouped: dict[str, str] = field(default_factory=dict)
    """Source to its run."""
