"""A definition that is later than it promised."""

from collections.abc import Mapping
from datetime import datetime
from typing import Self

from clustering_pipeline.model.base import View
from clustering_pipeline.model.times import Moment

OVERDUE_AFTER_SECONDS = 900.0


class Overdue(View):
    """What has been due for longer than ``OVERDUE_AFTER_SECONDS`` and is still not done."""

    since: Moment
    """Since when the first of it has been due."""
    reasons: list[str]
    """What was due, in sentences."""

    @classmethod
    def of(cls, promised: Mapping[str, datetime]) -> Self:
        """Of sentences and when what they tell was due; at least one."""
        reasons = sorted(promised, key=lambda one: (promised[one], one))
        return cls(since=promised[reasons[0]], reasons=reasons)
