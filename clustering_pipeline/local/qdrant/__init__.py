"""Qdrant's gRPC interface, served from the Qdrant Edge engine in this process.

A client needs nothing special: ``QdrantClient(host="127.0.0.1", grpc_port=port, prefer_grpc=True,
check_compatibility=False)`` already lifts the limit on message sizes.  A bare channel to the
generated stubs has to: ``grpc.max_receive_message_length`` and ``grpc.max_send_message_length``
of -1, or pages of vectors beyond 4 MB are refused on the client's side.
"""
