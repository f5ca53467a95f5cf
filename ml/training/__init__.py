"""Fine-tuning: methods, trainer, recipes."""
