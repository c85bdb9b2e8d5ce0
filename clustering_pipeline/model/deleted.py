"""What clients are told when something was deleted."""

from clustering_pipeline.model.base import View


class GenericDeleteResponse(View):
    """It is done."""

    message: str = "Successfully deleted"
    """What was done."""
    success: bool = True
    """Always true."""
