"""Checks of single columns and of pairs: pure functions that return findings.

A finding is a tuple of check, severity, column, number of customers and message.
"""

import re

import numpy as np
from scipy.stats import rankdata

from custseg.columns._border import level_codes
from custseg.columns._core import looks_like_dates, looks_numeric
from custseg.columns._facts import count_other_texts, numbers_as_text
from custseg.columns._identifiers import is_identifier
from custseg.columns._name_words import words_of
from custseg.columns._skewness import log_unit, signed_log, tail_skewness

__all__ = [
    "identifier",
    "impossible",
    "near_constant",
    "outliers",
    "placeholders",
    "redundant",
    "unlike",
    "written_as_text",
]

_COUNTS = (
    "income salary children kids household employees sites frequency orders visits "
    "recency tenure days followers referrals"
)
_LIMITS = (
    ({"age"}, 0, 120),
    ({"birth", "born"}, 1900, None),
    ({"lat", "latitude"}, -90, 90),
    ({"lon", "lng", "longitude"}, -180, 180),
    (set(_COUNTS.split()), 0, None),
)
_PLACEHOLDERS = re.compile(r"-?9+|-1|-8{2,}|([1-9])\1{3,}")
_SAME_SHARE = 0.99
_SAME_RANKS = 0.95
_FAR = 5.0
_MAX_LEVELS = 50
_UNLIKE_MEAN, _UNLIKE_SHARE = 0.1, 0.05


def limits_of(name):
    """Return what a name says of the lowest and highest possible value."""
    words = set(words_of(name))
    for known, low, high in _LIMITS:
        if words & known:
            return low, high
    return None, None


def impossible(column, limits):
    """Find infinite values and values beyond limits."""
    if column.kind != "number":
        return []
    low, high = limits_of(column.name) if limits is None else limits
    if low is not None and high is not None and not low <= high:
        raise ValueError(
            f"The limits of column {column.name!r} must be in order. Got ({low}, "
            f"{high}) instead."
        )
    infinite = int(np.count_nonzero(np.isinf(column.values)))
    beyond = np.zeros(len(column.values), dtype=bool)
    if low is not None:
        beyond |= column.values < low
    if high is not None:
        beyond |= column.values > high
    n_beyond = int(np.count_nonzero(beyond & np.isfinite(column.values)))
    found = []
    if infinite:
        text = f"{infinite} infinite values"
        found.append(("impossible", "error", column.name, infinite, text))
    if n_beyond:
        if low is None or high is None:
            beyond_what = f"below {low}" if high is None else f"above {high}"
        else:
            beyond_what = f"outside {low} to {high}"
        text = f"{n_beyond} values {beyond_what}"
        found.append(("impossible", "error", column.name, n_beyond, text))
    return found


def placeholders(column):
    """Find numbers at the end of a column that may stand for "not known"."""
    if column.kind != "number":
        return []
    found = []
    known = column.values[np.isfinite(column.values)]
    distinct, counts = np.unique(known, return_counts=True)
    if len(distinct) < 4:
        return []
    for end, inward in ((0, 1), (-1, -2)):
        value, count = distinct[end], int(counts[end])
        written = f"{value:.0f}" if value == np.round(value) else ""
        if not _PLACEHOLDERS.fullmatch(written):
            continue
        width = np.ptp(distinct[1:] if end == 0 else distinct[:-1])
        far = abs(value - distinct[inward]) > width / 2
        alone_in_sign = value < 0 <= distinct[1]
        often = abs(value) >= 99 and count > 3 * np.median(counts) and count > 3
        if far or alone_in_sign or often:
            text = f"{written} stands {count} times: not known, rather than a number?"
            found.append(("placeholder", "warning", column.name, count, text))
    return found


def identifier(column, codes):
    """Find columns with the name and the values of an identifier."""
    if column.kind == "number":
        known = column.values[np.isfinite(column.values)]
        if np.any(known != np.round(known)):
            return []
    elif column.kind not in ("text", "mixed", "category"):
        return []
    known = codes[codes >= 0]
    n_distinct = len(np.unique(known))
    if not is_identifier(column.name, n_distinct, len(known)):
        return []
    text = (
        f"{n_distinct} values for {len(known)} customers: an identifier? Give it as "
        "customer_id, or do not segment by it"
    )
    return [("identifier", "note", column.name, len(known), text)]


def written_as_text(column, codes, levels):
    """Find numbers and dates written as text, and levels that differ in case alone."""
    if column.kind not in ("text", "mixed", "category"):
        return []
    n = len(column.values)
    if column.kind != "category" and looks_like_dates(levels):
        text = (
            "dates written as text: convert them (pandas.to_datetime with its format)"
        )
        return [("text", "warning", column.name, n, text)]
    if column.kind != "category" and looks_numeric(levels):
        n_known = int(np.count_nonzero(codes >= 0))
        text = numbers_as_text(*count_other_texts(codes, levels), n_known)
        return [("text", "warning", column.name, n, text)]
    folded = {" ".join(level.casefold().split()) for level in levels}
    if len(folded) == len(levels):
        return []
    text = f"{len(levels)} levels, of which {len(folded)} differ in more than case"
    return [("text", "warning", column.name, n, text)]


def near_constant(column, codes):
    """Find columns in which nearly all customers have the same value."""
    known = codes[codes >= 0]
    if not len(known):
        return []
    top = int(np.bincount(known).max())
    share = top / len(known)
    if share < _SAME_SHARE:
        return []
    text = "one value for all customers: it tells nobody apart"
    if share < 1:
        text = f"one value for {share:.1%} of the customers"
    return [("constant", "warning", column.name, top, text)]


def outliers(column):
    """Find numbers far from the median, by the median absolute deviation."""
    if column.kind != "number":
        return []
    known = column.values[np.isfinite(column.values)]
    if len(np.unique(known)) < 3:
        return []
    if tail_skewness(known) > 1:
        known = signed_log(known, log_unit(known))
    away = np.abs(known - np.median(known))
    spread = 1.4826 * np.median(away)
    if spread == 0:  # half of the customers have one value
        return []
    far = int(np.count_nonzero(away > _FAR * spread))
    if not far:
        return []
    text = f"{far} values more than {_FAR:g} robust standard deviations from the median"
    return [("outliers", "note", column.name, far, text)]


def redundant(columns, codes):
    """Find pairs of columns of which one says nothing more than the other."""
    numeric = [c for c in columns if c.kind in ("number", "boolean")]
    numeric = [c for c in numeric if len(np.unique(codes[c.name])) > 1]
    found = _same_ranks(numeric)
    nominal = [c for c in columns if c.kind not in ("number", "boolean", "empty")]
    for position, one in enumerate(nominal):
        for other in nominal[position + 1 :]:
            if _one_to_one(codes[one.name], codes[other.name]):
                n = int(np.count_nonzero(codes[other.name] >= 0))
                text = f"its levels are those of {one.name!r} under other names"
                found.append(("redundant", "warning", other.name, n, text))
    return found


def _same_ranks(columns):
    """Compare columns of numbers by their ranks."""
    if len(columns) < 2:
        return []
    known = np.array([np.isfinite(column.values) for column in columns], dtype=float)
    ranks = np.zeros(known.shape)
    for row, column, there in zip(ranks, columns, known > 0, strict=True):
        row[there] = rankdata(column.values[there])
        row[there] -= row[there].mean()
    # Over the customers who have both: about the mean rank of those who have one.
    sizes = ranks**2 @ known.T
    sizes = np.sqrt(sizes * sizes.T)
    products = ranks @ ranks.T
    correlations = np.divide(products, sizes, out=np.zeros_like(sizes), where=sizes > 0)
    found = []
    for first, second in np.argwhere(np.triu(np.abs(correlations) > _SAME_RANKS, 1)):
        n = int(np.count_nonzero(np.isfinite(columns[second].values)))
        text = (
            f"ranks correlate {correlations[first, second]:.3f} with those of "
            f"{columns[first].name!r}"
        )
        found.append(("redundant", "warning", columns[second].name, n, text))
    return found


def _one_to_one(codes, others):
    """Tell whether levels of two columns stand for each other."""
    both = (codes >= 0) & (others >= 0)
    if not both.any():
        return False
    codes, others = codes[both], others[both]
    n, m = len(np.unique(codes)), len(np.unique(others))
    if n != m or not 2 <= n <= _MAX_LEVELS:
        return False
    return len(np.unique(codes * (others.max() + 1) + others)) == n


def unlike(column, base):
    """Compare a column with the same column of the customer base."""
    numbers = ("number", "boolean")
    if column.kind in numbers and base.kind in numbers:
        own, all_of_them = _known(column), _known(base)
        if not len(own) or not len(all_of_them) or np.std(all_of_them) == 0:
            return []
        away = (own.mean() - all_of_them.mean()) / np.std(all_of_them)
        if abs(away) <= _UNLIKE_MEAN:
            return []
        text = f"mean {away:+.2f} standard deviations from that of the base"
        return [("coverage", "warning", column.name, len(own), text)]
    if column.kind in numbers or base.kind in numbers:
        return []
    shares, others = _shares(column), _shares(base)
    levels = sorted({*shares, *others})
    away = [shares.get(one, 0.0) - others.get(one, 0.0) for one in levels]
    if not away or max(map(abs, away)) <= _UNLIKE_SHARE:
        return []
    most = max(range(len(away)), key=lambda i: abs(away[i]))
    text = (
        f"share of level {levels[most]!r} {100 * away[most]:+.0f} points from that of "
        "the base"
    )
    return [("coverage", "warning", column.name, len(column.values), text)]


def _known(column):
    return column.values[np.isfinite(column.values)]


def _shares(column):
    codes, levels = level_codes(column)
    sizes = np.bincount(codes[codes >= 0], minlength=len(levels))
    total = max(sizes.sum(), 1)
    return {level: size / total for level, size in zip(levels, sizes, strict=True)}
