"""Chinese as it is written in business: groups of three digits, where Django's own have none."""

THOUSAND_SEPARATOR = ","
NUMBER_GROUPING = 3
