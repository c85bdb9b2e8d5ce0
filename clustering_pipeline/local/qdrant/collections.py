"""The service ``qdrant.Collections``: collections and their aliases."""

from collections.abc import Mapping
from typing import Any

from qdrant_client import grpc as messages

from clustering_pipeline.local.qdrant.config import changed_config, describe, stored_config
from clustering_pipeline.local.qdrant.filters import read_shard_key, write_shard_key
from clustering_pipeline.local.qdrant.handlers import Method
from clustering_pipeline.local.qdrant.status import Refused, unserved, wrong_input
from clustering_pipeline.local.qdrant.store import CollectionStore, Contents

_NAME_LIMIT = 255


class CollectionsService:
    """Answers about whole collections."""

    def __init__(self, store: CollectionStore):
        self._store = store

    @property
    def methods(self) -> Mapping[str, Method]:
        """What is served, by its name in the service."""
        return {
            "Get": self._get,
            "List": self._list,
            "Create": self._create,
            "Update": self._update,
            "Delete": self._delete,
            "CollectionExists": self._exists,
            "UpdateAliases": self._update_aliases,
            "ListAliases": self._list_aliases,
            "ListCollectionAliases": self._list_collection_aliases,
            "CollectionClusterInfo": self._cluster,
            "CreateShardKey": self._create_shard_key,
        }

    def _get(self, request: messages.GetCollectionInfoRequest) -> Any:
        collection = self._store.resolve(request)
        with self._store.shard(collection) as shard:
            info = shard.info()
        return messages.GetCollectionInfoResponse(result=describe(collection.config, info))

    def _list(self, _: messages.ListCollectionsRequest) -> Any:
        names = sorted(self._store.contents.collections)
        descriptions = [messages.CollectionDescription(name=name) for name in names]
        return messages.ListCollectionsResponse(collections=descriptions)

    def _create(self, request: messages.CreateCollection) -> Any:
        _check_name(request.collection_name)
        _check_served(request)
        self._store.create(request.collection_name, stored_config(request))
        return messages.CollectionOperationResponse(result=True)

    def _update(self, request: messages.UpdateCollection) -> Any:
        name = request.collection_name
        self._store.registry.change(
            lambda contents: contents.with_config(
                name, changed_config(contents.resolve(name).config, request)
            )
        )
        return messages.CollectionOperationResponse(result=True)

    def _delete(self, request: messages.DeleteCollection) -> Any:
        done = self._store.delete(request.collection_name)
        return messages.CollectionOperationResponse(result=done)

    def _cluster(self, request: messages.CollectionClusterInfoRequest) -> Any:
        collection = self._store.resolve(request)
        answer = messages.CollectionClusterInfoResponse(peer_id=1)
        for number, key in enumerate({"": ""} if collection.keyed is None else collection.keyed):
            shard = answer.local_shards.add(shard_id=number, state=messages.ReplicaState.Active)
            if key:
                write_shard_key(key, shard.shard_key)
        return answer

    def _create_shard_key(self, request: messages.CreateShardKeyRequest) -> Any:
        key = read_shard_key(request.request.shard_key)
        self._store.add_shard(self._store.resolve(request), key)
        return messages.CreateShardKeyResponse(result=True)

    def _exists(self, request: messages.CollectionExistsRequest) -> Any:
        contents, name = self._store.contents, request.collection_name
        exists = name in contents.collections or name in contents.aliases
        return messages.CollectionExistsResponse(result=messages.CollectionExists(exists=exists))

    def _update_aliases(self, request: messages.ChangeAliases) -> Any:
        refused: list[Refused] = []

        def changed(contents: Contents) -> Contents:
            for operation in request.actions:
                try:
                    contents = _after(operation, contents)
                except Refused as error:
                    refused.append(error)
                    break
            return contents

        self._store.registry.change(changed)
        if refused:  # as on a server, those before it are made
            raise refused[0]
        return messages.CollectionOperationResponse(result=True)

    def _list_aliases(self, _: messages.ListAliasesRequest) -> Any:
        return _aliases_response(self._store.contents.aliases)

    def _list_collection_aliases(self, request: messages.ListCollectionAliasesRequest) -> Any:
        contents = self._store.contents
        name = contents.resolve(request.collection_name).name
        return _aliases_response(
            {alias: target for alias, target in contents.aliases.items() if target == name}
        )


def _after(operation: messages.AliasOperations, contents: Contents) -> Contents:
    match operation.WhichOneof("action"):
        case "create_alias":
            create = operation.create_alias
            _check_name(create.alias_name)
            return contents.with_alias(create.alias_name, create.collection_name)
        case "rename_alias":
            rename = operation.rename_alias
            _check_name(rename.new_alias_name)
            return contents.with_renamed_alias(rename.old_alias_name, rename.new_alias_name)
        case "delete_alias":
            return contents.without_alias(operation.delete_alias.alias_name)
        case _:
            raise wrong_input(reason="Malformed AliasOperation: it holds none")


def _aliases_response(aliases: Mapping[str, str]) -> messages.ListAliasesResponse:
    return messages.ListAliasesResponse(
        aliases=[
            messages.AliasDescription(alias_name=alias, collection_name=name)
            for alias, name in sorted(aliases.items())
        ]
    )


def _check_name(name: str) -> None:
    if not 1 <= len(name) <= _NAME_LIMIT:
        raise wrong_input(
            reason=f"the name `{name}` must have between 1 and {_NAME_LIMIT} characters"
        )
    bad = sorted(set(name) & set('<>:"/\\|?*\0\x1f'))
    if bad:
        raise wrong_input(reason=f"the name `{name}` must not contain {' '.join(map(repr, bad))}")


def _check_served(request: messages.CreateCollection) -> None:
    if request.strict_mode_config.enabled:
        raise unserved(what="strict mode")
