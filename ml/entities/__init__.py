"""Numbers, sums, dates and addresses in a text, found by rules and brought into one form."""
