"""Preprocessing, algorithm and parameters found from the data."""
