"""Groups of texts in a notebook or a script, with no server."""
