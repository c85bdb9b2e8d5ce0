"""What a simulated world saw of a definition, and the promises restated over it.

Nothing here asks the package, neither what it keeps of a definition nor how it decides.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from clustering_pipeline.model.definitions.automation import BATCH


@dataclass(kw_only=True)
class Ledger:
    """What happened to one definition."""

    covered: dict[str, int]
    """Collection to its last batch that a run has dealt with."""
    began: datetime | None = None
    """The last automatic run."""
    failures: int = 0
    failed_at: datetime | None = None
    late: int = 0
    """Whole looks in a row at which it ought to run, and got no run."""
    overtaken: Counter[str] = field(default_factory=Counter)
    """Who got a run since then, while this one waited for just that."""

    def behind(self, collections: list[str], completed: Mapping[str, int]) -> set[str]:
        return {one for one in collections if completed.get(one, 0) > self.covered.get(one, 0)}

    def is_cooling(self, seconds: int, now: datetime) -> bool:
        return self.began is not None and (now - self.began).total_seconds() < seconds

    def is_to_be_tried_later(self, now: datetime) -> bool:
        """After n failures in a row: a minute times 2^n, an hour at most."""
        if self.failed_at is None or self.failures == 0:
            return False
        return (now - self.failed_at).total_seconds() < min(3600, 60 * 2 ** min(self.failures, 6))

    def fails(self, now: datetime) -> None:
        self.failures, self.failed_at = self.failures + 1, now

    def covers(self, batches: Mapping[str, int]) -> None:
        self.failures, self.failed_at = 0, None
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
    began: datetime | None = None
    ended: bool = False
    covers: dict[str, int] = field(default_factory=dict)
