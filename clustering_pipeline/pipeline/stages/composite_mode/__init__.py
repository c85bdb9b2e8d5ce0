"""What the assets do in mode ``composite``: the centroids of other executions are grouped, and
documents go where the groups go that held them.
"""
