"""Why a model answered as it did: the words that carried an answer, and examples like it."""
