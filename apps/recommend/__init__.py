"""Discover: the text-based recommender."""
