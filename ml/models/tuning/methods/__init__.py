"""The methods, one a module; see ``ml.models.tuning.method`` for what each must have."""
