"""Reads of the news monitor."""
