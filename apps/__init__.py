"""The Django apps of the suite."""
