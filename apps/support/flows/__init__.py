"""Declarative conversations: read from YAML, checked, and played step by step."""
