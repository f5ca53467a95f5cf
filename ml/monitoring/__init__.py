"""Whether texts that a model is asked about still look like those it learned from."""
