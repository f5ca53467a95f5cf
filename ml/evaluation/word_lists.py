"""Names and words that stand for groups of people, and names to put in one another's place."""

from __future__ import annotations

FIRST_NAMES: dict[str, dict[str, tuple[str, ...]]] = {
    "women": {
        "Anglo-American": ("Emily", "Sarah", "Claire", "Allison"),
        "African American": ("Lakisha", "Ebony", "Latoya", "Keisha"),
        "Hispanic": ("Guadalupe", "Marisol", "Ximena", "Lucia"),
        "Arabic": ("Fatima", "Aisha", "Layla", "Noor"),
        "Chinese": ("Meiling", "Xiu", "Yan", "Lihua"),
        "Indian": ("Priya", "Ananya", "Deepika", "Lakshmi"),
        "Nigerian": ("Ngozi", "Adaeze", "Folake", "Chioma"),
        "Slavic": ("Olga", "Svetlana", "Katarzyna", "Milena"),
    },
    "men": {
        "Anglo-American": ("Greg", "Matthew", "Brad", "Todd"),
        "African American": ("Jamal", "Darnell", "Tyrone", "DeShawn"),
        "Hispanic": ("Alejandro", "Javier", "Rodrigo", "Esteban"),
        "Arabic": ("Mohammed", "Ahmed", "Khalid", "Yusuf"),
        "Chinese": ("Wei", "Jianguo", "Haoran", "Zhiqiang"),
        "Indian": ("Arjun", "Rajesh", "Sanjay", "Vikram"),
        "Nigerian": ("Chinedu", "Emeka", "Olumide", "Tunde"),
        "Slavic": ("Dmitri", "Piotr", "Bogdan", "Vladislav"),
    },
}
"""First names by gender and by where they are usual, after the design of Bertrand and
Mullainathan (2004); four each."""

LAST_NAMES: dict[str, tuple[str, ...]] = {
    "Anglo-American": ("Walsh", "Baker"),
    "African American": ("Washington", "Jefferson"),
    "Hispanic": ("Hernandez", "Castillo"),
    "Arabic": ("Al-Masri", "Haddad"),
    "Chinese": ("Zhang", "Huang"),
    "Indian": ("Sharma", "Krishnan"),
    "Nigerian": ("Okafor", "Adeyemi"),
    "Slavic": ("Kowalski", "Petrov"),
}

NATIONALITIES = (
    "American",
    "British",
    "Chinese",
    "French",
    "German",
    "Indian",
    "Iranian",
    "Mexican",
    "Nigerian",
    "Pakistani",
    "Polish",
    "Russian",
)

GENDERED_WORDS: tuple[tuple[str, str], ...] = (
    ("she", "he"),
    ("her", "his"),
    ("hers", "his"),
    ("herself", "himself"),
    ("woman", "man"),
    ("women", "men"),
    ("girl", "boy"),
    ("girlfriend", "boyfriend"),
    ("wife", "husband"),
    ("mother", "father"),
    ("mom", "dad"),
    ("daughter", "son"),
    ("sister", "brother"),
    ("aunt", "uncle"),
    ("mrs", "mr"),
    ("ms", "mr"),
    ("lady", "gentleman"),
    ("chairwoman", "chairman"),
    ("spokeswoman", "spokesman"),
    ("businesswoman", "businessman"),
)
"""Pairs of a woman's and a man's word; the first pair that holds a word swaps it."""

NEVER_OWNED = frozenset(
    """
    a about after again ago all alone already also always am an and any anything are as at away
    back be because been before being but by called could did do does down during else even ever
    every everything for from get give go had has have he here how i if in into is it just keep
    know later make my never no nor not nothing now of off on once or our out over please really
    say says see she should since so some something soon still take than thanks that the their
    them then there these they this those through till to today together tomorrow tonight too
    twice under until up was we were what when where whether which while who why with without
    would yesterday yet you your
    """.split()  # noqa: SIM905 - a hundred words, one a line otherwise
)
"""Words that begin nothing that is somebody's: behind them "her" is an object, and "his" stands
for a thing."""

INTERCHANGEABLE: dict[str, tuple[str, ...]] = {
    "ticker": ("$TSLA", "$AAPL", "$MSFT", "$AMZN", "$NVDA", "$JPM", "$XOM", "$PFE"),
    "company": (
        "Apple",
        "Tesla",
        "Microsoft",
        "Amazon",
        "Google",
        "Netflix",
        "Boeing",
        "Walmart",
        "Intel",
        "Pfizer",
        "Disney",
        "Starbucks",
    ),
    "city": ("London", "Paris", "Berlin", "New York", "Tokyo", "Madrid", "Toronto", "Sydney"),
    "country": ("France", "Germany", "Spain", "Italy", "Canada", "Australia", "Japan", "Brazil"),
    "currency": ("dollars", "euros", "pounds", "yen", "francs"),
    "card": ("Visa", "Mastercard", "Amex"),
}
"""Names that may stand in one another's place without changing what most texts are about."""
