"""What readers are shown of a run, made when they ask."""
