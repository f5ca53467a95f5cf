"""Gazetteer recognition and linking of names to known entities."""
