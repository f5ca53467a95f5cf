"""Writes of the news monitor."""
