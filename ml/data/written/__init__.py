"""Financial headlines and statements written for this project, with their sentiment.

``filings.txt`` and ``headlines.txt`` hold patterns about one company, ``companies.txt`` patterns
about two or three, ``words.toml`` what fills their slots. ``statements_held_out.jsonl`` holds
sentences that were written first and apart from the patterns; nothing is trained on them: they
show how well a model reads filings that it has not seen.
"""
