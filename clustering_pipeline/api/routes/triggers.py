"""Triggers: what runs definitions by the clock, after events, or when groups no longer fit."""

from typing import Annotated

from fastapi import APIRouter, Body, Path

from clustering_pipeline.api.addresses import Decoded
from clustering_pipeline.api.dependencies import Reader, TheCatalog, Writer
from clustering_pipeline.api.errors import documented
from clustering_pipeline.model.automation.triggers import (
    CreateTriggerRequest,
    ListTriggersRequest,
    ListTriggersResponse,
    TriggerHistoryRequest,
    TriggerHistoryResponse,
    TriggerModel,
    UpdateTriggerRequest,
)
from clustering_pipeline.model.definitions.views import GenericDeleteResponse

router = APIRouter(prefix="/clusters/triggers", tags=["triggers"])

TriggerId = Annotated[str, Path(description="Id of a trigger."), Decoded]


@router.post("", responses=documented(404))
def create_trigger(
    request: CreateTriggerRequest, caller: Writer, catalog: TheCatalog
) -> TriggerModel:
    """Make a trigger for a definition."""
    made = catalog.triggers.create(caller.scope, request, created_by=caller.key.key_id)
    return made.model()


@router.post("/list", responses=documented(404))
def list_triggers(
    caller: Reader,
    catalog: TheCatalog,
    request: Annotated[ListTriggersRequest | None, Body()] = None,
) -> ListTriggersResponse:
    """List the triggers of the namespace, newest first unless sorted."""
    return catalog.triggers.list(caller.scope, request or ListTriggersRequest())


@router.get("/{trigger_id}", responses=documented(404))
def get_trigger(trigger_id: TriggerId, caller: Reader, catalog: TheCatalog) -> TriggerModel:
    """Read a trigger, with how its last run went."""
    return catalog.triggers.get(caller.scope, trigger_id).model()


@router.patch("/{trigger_id}", responses=documented(404, 409))
def update_trigger(
    trigger_id: TriggerId, request: UpdateTriggerRequest, caller: Writer, catalog: TheCatalog
) -> TriggerModel:
    """Change what is given; new settings count from now."""
    return catalog.triggers.update(caller.scope, trigger_id, request).model()


@router.delete("/{trigger_id}", responses=documented(404))
def delete_trigger(
    trigger_id: TriggerId, caller: Writer, catalog: TheCatalog
) -> GenericDeleteResponse:
    """Delete a trigger; the runs it started stay."""
    record = catalog.triggers.delete(caller.scope, trigger_id)
    return GenericDeleteResponse(message=f"deleted {record.trigger_id}")


@router.post("/{trigger_id}/pause", responses=documented(404, 409))
def pause_trigger(trigger_id: TriggerId, caller: Writer, catalog: TheCatalog) -> TriggerModel:
    """Keep a trigger from firing."""
    return catalog.triggers.pause(caller.scope, trigger_id).model()


@router.post("/{trigger_id}/resume", responses=documented(404, 409))
def resume_trigger(trigger_id: TriggerId, caller: Writer, catalog: TheCatalog) -> TriggerModel:
    """Let a trigger fire again, from its next time on; its failures are forgotten."""
    return catalog.triggers.resume(caller.scope, trigger_id).model()


@router.post("/{trigger_id}/history", responses=documented(404))
def get_trigger_history(
    trigger_id: TriggerId,
    caller: Reader,
    catalog: TheCatalog,
    request: Annotated[TriggerHistoryRequest | None, Body()] = None,
) -> TriggerHistoryResponse:
    """List what a trigger started, newest first."""
    return catalog.triggers.history(caller.scope, trigger_id, request or TriggerHistoryRequest())
