"""Changes of a collection's parameters: those that tune, and so change no answer here."""

from qdrant_client import grpc as messages

from clustering_pipeline.local.qdrant.status import unserved, wrong_input


def changed_config(
    config: messages.CollectionConfig, request: messages.UpdateCollection
) -> messages.CollectionConfig:
    """The configuration to tell from now on."""
    if request.HasField("sparse_vectors_config"):
        raise unserved(what="a change of `sparse_vectors_config`")
    if request.strict_mode_config.enabled:
        raise unserved(what="strict mode")
    changed = messages.CollectionConfig()
    changed.CopyFrom(config)
    changed.hnsw_config.MergeFrom(request.hnsw_config)
    changed.optimizer_config.MergeFrom(request.optimizers_config)
    if request.params.HasField("on_disk_payload"):
        changed.params.on_disk_payload = request.params.on_disk_payload
    _change_vectors(changed.params.vectors_config, request.vectors_config)
    if request.HasField("quantization_config"):
        _change_quantization(changed, request.quantization_config)
    for key, value in request.metadata.items():
        changed.metadata[key].CopyFrom(value)
    return changed


def _change_vectors(config: messages.VectorsConfig, diff: messages.VectorsConfigDiff) -> None:
    if diff.HasField("params"):
        _change_vector(_existing(config, ""), diff.params)
    for name, vector in diff.params_map.map.items():
        _change_vector(_existing(config, name), vector)


def _existing(config: messages.VectorsConfig, name: str) -> messages.VectorParams:
    if not name and config.HasField("params"):
        return config.params
    if name not in config.params_map.map:
        raise wrong_input(reason=f"Not existing vector name error: {name}")
    return config.params_map.map[name]


def _change_vector(params: messages.VectorParams, diff: messages.VectorParamsDiff) -> None:
    params.hnsw_config.MergeFrom(diff.hnsw_config)
    if diff.HasField("on_disk"):
        params.on_disk = diff.on_disk
    if diff.HasField("quantization_config"):
        _change_quantization(params, diff.quantization_config)


def _change_quantization(
    config: messages.CollectionConfig | messages.VectorParams,
    diff: messages.QuantizationConfigDiff,
) -> None:
    kind = diff.WhichOneof("quantization")
    config.ClearField("quantization_config")
    if kind is not None and kind != "disabled":
        getattr(config.quantization_config, kind).CopyFrom(getattr(diff, kind))
