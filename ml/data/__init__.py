"""Text to model input: reading, validating, normalising, splitting and encoding data sets."""
