"""Vectors of texts: providers behind one seam, long texts by windows, and a cache."""
