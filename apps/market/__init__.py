"""Market: the financial news sentiment monitor."""
