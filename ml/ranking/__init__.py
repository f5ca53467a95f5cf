"""Recommendation: a reader's taste, scores that explain themselves, and their evaluation."""
