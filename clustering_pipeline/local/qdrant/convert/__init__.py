"""Between Qdrant's protobuf messages and the engine's own objects."""
