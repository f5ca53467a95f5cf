"""Recommender models and their offline evaluation."""
