"""How much is tried, by a prediction of the work from the size of the data."""

from dataclasses import dataclass, replace

from clustering_pipeline.engine.auto.candidates import CUTS, FINE, ROUNDS
from clustering_pipeline.engine.limits import PRODUCTS, of_pairs, of_products, of_rows, spoken
from clustering_pipeline.engine.runtime.job import Job

BUDGET = 60.0
SAMPLE, SMALLEST_SAMPLE = 8_000, 1_000
RESAMPLES = 2
FEWEST_CUTS = 6
AGAIN = 0.85  # documents of a resample, the planted noise among them
TREE_NANOSECONDS = 20  # for each pair, beside its distance
MANIFOLD_MILLISECONDS = 2.5  # for each document
DENSITIES = 4


@dataclass(frozen=True, kw_only=True)
class Plan:
    """On how many documents, with how many cuts of the tree, and how often again; ``seconds`` are
    predicted for two cores.
    """

    sample: int
    cuts: int
    resamples: int
    seconds: float

    @property
    def sentence(self) -> str:
        """What is to be tried."""
        return (
            f"up to {self.cuts + DENSITIES} trials on {self.sample:,} documents, the best of them "
            f"again on {self.resamples} resamples: about {spoken(self.seconds)} of two cores"
        )


def planned(job: Job, budget: float = BUDGET) -> Plan:
    """The largest plan whose predicted work is within ``budget`` seconds; the smallest when none
    is: a resample less first, then fewer documents, at last fewer cuts.
    """
    count = min(job.count, SAMPLE)
    while True:
        for resamples in range(RESAMPLES, 0, -1):
            seconds = _seconds(replace(job, count=count), CUTS, resamples)
            if seconds <= budget:
                return Plan(sample=count, cuts=CUTS, resamples=resamples, seconds=seconds)
        if count <= SMALLEST_SAMPLE:
            seconds = _seconds(replace(job, count=count), FEWEST_CUTS, 1)
            return Plan(sample=count, cuts=FEWEST_CUTS, resamples=1, seconds=seconds)
        count = max(SMALLEST_SAMPLE, int(count / 2**0.5))


def _seconds(job: Job, cuts: int, resamples: int) -> float:
    """The trials, and those that the best of them repeat."""
    return _once(job, cuts) + resamples * _once(
        replace(job, count=int(AGAIN * job.count)), cuts / 3
    )


def _once(job: Job, cuts: float) -> float:
    """Neighbours, the tree, the manifold, and settling every cut."""
    pairs = float(job.count) ** 2
    settled = ROUNDS * job.count * FINE[1] * job.count**0.5 * job.dimensions / PRODUCTS
    return float(
        of_products(job, 1)
        + of_pairs(job, 0.5)
        + pairs * TREE_NANOSECONDS / 1e9
        + of_rows(job, MANIFOLD_MILLISECONDS)
        + (cuts + DENSITIES) * settled
    )
