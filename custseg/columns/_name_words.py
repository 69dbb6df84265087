"""What the name of a column says of it: words, and what they speak for."""

import re

__all__ = [
    "base_by_name",
    "is_coded",
    "is_counted",
    "outcome_by_name",
    "period_by_name",
    "words_of",
]


def _words(text):
    return set(text.split())


_WORDS = {
    "id": "id rownames row index uuid guid email phone fullname firstname lastname "
    "surname address iban",
    "demographic": "age birth birthday birthdate born gender sex income salary wage "
    "education degree occupation job profession marital married household "
    "children kids kidhome teenhome dependents partner family ethnicity religion "
    "language nationality senior citizen",
    "firmographic": "employees trade industry sector nace sic naics company turnover "
    "sites branches outlets founded terms credit legal firm channel",
    "geographic": "country region state city town zip zipcode postcode postal plz lat "
    "latitude lon lng longitude density climate urban rural tier province county "
    "district transport",
    "adoption": "device mobile app smartphone technology tech adopted adoption "
    "internet streaming digital smart",
    "occasion": "occasion daypart season holiday gift weekday dayofweek weekend hour "
    "month quarter",
    "social": "followers friends likes comments referral referrals referred community "
    "posts mentions reach engagement",
    "loyalty": "satisfaction nps promoter loyalty wallet recommend satisfied",
    "benefit": "importance benefit ranking",
    "psychographic": "attitude lifestyle personality opinion values motive",
    "behavioural": "recency frequency monetary order orders purchases purchase spend "
    "spending spent amount amounts sales visits visit returns return basket quantity "
    "total tenure gap usage minutes calls charges sessions clicks products deals mnt "
    "num count counts numberof days value revenue price discount",
}
_BASE_OF = {word: base for base, words in _WORDS.items() for word in words.split()}

# Whole numbers under these names count something or measure time.
_COUNTED = _words(
    """
    age income salary household children kids kidhome teenhome dependents employees
    sites branches outlets recency frequency orders purchases visits returns
    quantity total tenure days minutes calls sessions clicks products deals num
    count counts followers friends likes comments referrals posts mentions year
    birth hour month mnt amount amounts spend spending sales gap rank rating score
    """
)
# Whole numbers under these names stand for something, however many there are.
_CODED = _words(
    """
    zip zipcode postcode postal plz country city town state region province county
    district device language nationality occupation job profession industry sector
    nace sic naics channel currency gender sex marital religion ethnicity category
    type class code
    """
)
_ENDS_OF_CODES = {"code", "type", "category", "class"}

# A churn is an outcome whatever its values; what was cancelled may be counted.
_OUTCOMES = _words(
    """
    churn churned attrition attrited outcome response responded target label segment
    cluster
    """
)
_OUTCOMES_OF_FEW_VALUES = {
    "exited": 3,
    "converted": 3,
    "subscribed": 3,
    "unsubscribed": 3,
    "cancelled": 3,
    "canceled": 3,
    "y": 12,
}

_PERIODS = {
    "hour": 24,
    "weekday": 7,
    "dayofweek": 7,
    "month": 12,
    "quarter": 4,
}
# Beside these, an hour or a month is a unit, and no place in a round.
_UNITS_OF = _COUNTED - {*_PERIODS, "birth"} | {"duration", "avg", "mean"}
_BEFORE_UNITS = {"per", "last", "each", "this"}


def words_of(name):
    """Return the words of a name, in lower case."""
    # One word, however it is written.
    name = re.sub(r"(?i)day[_ .-]?of[_ .-]?week", "dayofweek", name)
    words = re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)
    return [word.lower() for word in words]


def base_by_name(words):
    """Return the base that words of a name speak for, and the word."""
    for word in words:
        if word in _BASE_OF:
            return _BASE_OF[word], word
    return None, None


def outcome_by_name(words, n_distinct):
    """Return the word that says that a column is an outcome, or None."""
    for word in words:
        if word in _OUTCOMES:
            return word
        most = _OUTCOMES_OF_FEW_VALUES.get(word, 0)
        # y is an outcome by itself alone, and not in "y_position".
        if n_distinct <= most and (word != "y" or len(words) == 1):
            return word
    return None


def is_coded(words):
    """Tell whether whole numbers under a name stand for something."""
    ends = words[-1:] and words[-1] in _ENDS_OF_CODES
    return bool(ends or (_CODED & set(words) and not is_counted(words)))


def is_counted(words):
    """Tell whether whole numbers under a name count or measure something."""
    return bool(_COUNTED & set(words))


def period_by_name(words):
    """Return how long a round is in which a name gives the place, or None."""
    if _UNITS_OF & set(words):
        return None
    for before, word in zip(["", *words], words, strict=False):
        if word in _PERIODS and before not in _BEFORE_UNITS:
            return _PERIODS[word]
    return None
