"""Which columns tell customers apart, by their names and values."""

import re

__all__ = ["ID_WORDS", "id_rank", "is_id_name", "is_identifier", "name_parts"]

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


def name_parts(name):
    """Split a name at signs and at capitals, in lower case: `CustomerID` in two."""
    return [word.lower() for word in _WORD_ENDS.split(str(name)) if word]


def id_rank(name):
    """How surely a name is that of a customer id, 0 the surest; None if it is not."""
    words = name_parts(name)
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
    words = name_parts(name)
    return id_rank(name) is not None or (bool(words) and words[-1] in _SURE_WORDS)


_HOLDER = (
    "(?:account|acct|client|customer|cust|user|member|membership|subscriber|household|"
    "hh|card|person|patient|passenger|guest|contract|policy|shopper|buyer|visitor|"
    "respondent|participant|kunden?|konto|karten?|mitglieds?)"
)
_TAG = "(?:number|num|nummer|no|nr|key|code|id|uuid|guid|ref|reference)"
# "customer_number", unlike "number_of_customers".
_TAGGED = re.compile(f".*{_HOLDER}{_TAG}|.*(?:uuid|guid)")
_UNTAGGED = re.compile(f"{_HOLDER}+")


def is_identifier(name, n_distinct, n_known):
    """Tell whether distinct values under a name identify customers.

    Parameters
    ----------
    name : str
    n_distinct, n_known : int
        Values, and customers who have one.

    Returns
    -------
    bool
        More than half of the customers have a value of their own where the name says
        number, key or code of a customer, and nearly all where it says customer or
        account alone.
    """
    letters = "".join(re.findall("[a-z]+", str(name).lower()))
    named = is_id_name(name) and id_rank(name) != 2
    if named or _TAGGED.fullmatch(letters):
        least = 0.5
    elif id_rank(name) == 2 or _UNTAGGED.fullmatch(letters):
        least = 0.9
    else:
        return False
    return n_distinct > max(2, least * n_known)
