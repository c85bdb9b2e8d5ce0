"""Clusters over a vector database, kept fresh by an orchestrator."""
