"""Asking a model for labels: prompts, answers that can be trusted, and the calls between."""
