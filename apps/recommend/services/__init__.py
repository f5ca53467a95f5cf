"""Writes of Discover: the catalogue, what readers do, who they are, imports."""
