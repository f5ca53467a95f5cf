"""Groups of a recipe's settings; :class:`ml.training.config.FinetuneConfig` has them all."""
