"""How long work takes, roughly: what two cores of 2020's need.

For messages, and for whether a call is so long that it gets a process of its own.
"""

from clustering_pipeline.engine.job import Job

PRODUCTS = 6e10  # operations a second in matrix products
LOOPS = 2e9  # operations a second one number at a time


def of_products(job: Job, passes: float) -> float:
    """Seconds for ``passes`` matrix products of the data with itself."""
    return passes * 2 * float(job.count) ** 2 * job.dimensions / PRODUCTS


def of_pairs(job: Job, passes: float = 1.0) -> float:
    """Seconds for looking at every pair of documents one by one."""
    return passes * float(job.count) ** 2 * job.dimensions / LOOPS


def of_few_dimensions(job: Job, nanoseconds: float) -> float:
    """Seconds for what every pair takes besides, however few its dimensions are."""
    return float(job.count) ** 2 * nanoseconds / 1e9


def of_rows(job: Job, milliseconds: float) -> float:
    """Seconds for work on each document alone."""
    return job.count * milliseconds / 1000


def spoken(seconds: float) -> str:
    """``seconds`` as people say it."""
    if seconds < 90:
        return f"{max(seconds, 1):.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.0f} h"
