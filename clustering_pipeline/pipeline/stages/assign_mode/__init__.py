"""What the assets do in mode ``assign``: new documents join published groups, which stay."""
