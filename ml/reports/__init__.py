"""Measurements as self-contained pages: HTML with inline SVG, and the same numbers as JSON."""
