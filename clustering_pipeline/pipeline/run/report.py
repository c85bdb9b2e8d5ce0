"""What a stage has to tell about its work, before Dagster turns it into metadata."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

Number = int | float


@dataclass(frozen=True, slots=True, kw_only=True)
class StageReport:
    """Numbers are plotted over runs, tables and pictures shown, links followed."""

    numbers: Mapping[str, Number | None] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    markdown: Mapping[str, str] = field(default_factory=dict)
    records: Mapping[str, Sequence[object] | Mapping[str, object]] = field(default_factory=dict)
    uri: str | None = None
    skipped: bool = False
    """True when the definition does not ask for this stage's work."""

    def timed(self, seconds: float) -> "StageReport":
        """The same report with how long the work took."""
        return replace(self, numbers={**self.numbers, "seconds": seconds})
