"""From which batch on a definition listens."""

from clustering_pipeline.model.definitions.automation import Automation
from clustering_pipeline.model.definitions.cluster import ClusterRecord
from clustering_pipeline.model.definitions.create import CreateClusterRequest
from clustering_pipeline.model.scope import Scope
from clustering_pipeline.stores.catalog.batches import Batches


def listening(
    batches: Batches,
    spec: CreateClusterRequest,
    scope: Scope,
    *,
    before: ClusterRecord | None = None,
) -> Automation:
    """Batches that were completed before it listened to a collection make nothing due."""
    automation = before.state.automation if before else Automation()
    heard = before is not None and before.spec.auto_execute_on_batch
    known = set(before.spec.collection_ids or ()) if before and heard else set()
    fresh = [one for one in spec.collection_ids or () if one not in known]
    if not spec.auto_execute_on_batch or not fresh:
        return automation
    settled = automation.settled | batches.completed(scope, fresh)
    return automation.model_copy(update={"settled": settled})
