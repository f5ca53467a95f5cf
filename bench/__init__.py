"""One script per question; ``python -m bench`` runs them all and writes ``RESULTS.md``."""
