"""Names that say that a column tells customers apart."""

import re

WHO = (
    "account",
    "business",
    "buyer",
    "client",
    "company",
    "cust",
    "customer",
    "household",
    "member",
    "person",
    "respondent",
    "shopper",
    "subscriber",
    "user",
    "visitor",
)
ID_WORDS = ("id", "ids", "key", "no", "nr", "number", "uuid", "guid")
_SURE_WORDS = ("id", "ids", "uuid", "guid")  # of these alone, no counts are named
# `CustomerIDs` ends in one word: an s after capitals is their plural.
_WORD_ENDS = re.compile(
    r"[\W_]+|(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z](?!s(?![a-z]))[a-z])"
)


def words_of(name):
    """Split a name at signs and at capitals, in lower case: `CustomerID` in two."""
    return [word.lower() for word in _WORD_ENDS.split(str(name)) if word]


def id_rank(name):
    """How surely a name is that of a customer id, 0 the surest; None if it is not."""
    words = words_of(name)
    if not words:
        return None
    if len(words) > 1 and words[-2] in WHO and words[-1] in ID_WORDS:
        return 0
    if len(words) == 1 and words[0] in {who + word for who in WHO for word in ID_WORDS}:
        return 0
    if len(words) == 1 and words[0] in _SURE_WORDS:
        return 1
    if len(words) == 2 and words[0] == "id" and words[1] in WHO:
        return 1
    return 2 if words in (["customer"], ["client"], ["cust"]) else None


def is_id_name(name):
    """Whether a name is that of ids, of customers or of anything: `store_id`."""
    words = words_of(name)
    return id_rank(name) is not None or (bool(words) and words[-1] in _SURE_WORDS)
