"""What a result must be like to be published: an extension of ours to the contract's definition."""

from pydantic import Field

from clustering_pipeline.model.base import RequestModel


class QualityGates(RequestModel):
    """A run that fails one is kept and not published; a limit left out asks for nothing.

    Changing them groups nothing anew.
    """

    minimum_silhouette: float | None = Field(default=None, ge=-1, le=1)
    """Least cosine silhouette of the groups; a result with fewer than two groups has none."""
    minimum_density_validity: float | None = Field(default=None, ge=-1, le=1)
    """Least DBCV, measured over a seeded sample in the space that was clustered; passed over where
    documents only join groups."""
    maximum_noise_ratio: float | None = Field(default=None, ge=0, le=1)
    """Largest share of documents in no group."""
    maximum_largest_share: float | None = Field(default=None, ge=0, le=1)
    """Largest share of documents in one group on top of the hierarchy."""
    minimum_agreement: float | None = Field(default=None, ge=-1, le=1)
    """Least adjusted Rand index with the published run, over the documents that both hold; the
    first run has nothing to agree with."""
