"""Which listed companies a text is about: names, tickers and the evidence. Never imports torch."""
