"""The model hub: labelled examples, model versions, monitoring."""
