"""The language layer: fine-tuning, evaluation, export and serving of small transformers.

Nothing in this package imports Django or an app, and nothing under ``ml.serving``,
``ml.retrieval`` or ``ml.linking`` imports torch (see ``docs/adr/0002-serving-knows-no-torch.md``).
"""
