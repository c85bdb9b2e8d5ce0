"""Tells receivers outside over HTTP, and reaches nothing that it should not."""
