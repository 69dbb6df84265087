"""Names of segments in plain words, from what sets them apart."""

import re
from collections import Counter
from typing import NamedTuple

import numpy as np

from custseg.profile._statistics import MISSING, OTHER

# A small effect in the words of Cohen (1988), Statistical Power Analysis.
_NEAR_AVERAGE = 0.2
# A level that says nothing without the name of its column.
_BARE_LEVEL = re.compile(r"[\d.,+-]+|yes|no|y|n|true|false", re.IGNORECASE)


class NamingTrait(NamedTuple):
    """How far a segment is from the average customer in one column, and the words."""

    strength: float
    words: str
    is_lack: bool


def suggest_names(items, n_segments, max_traits):
    """Name each segment after its strongest traits, no two alike.

    Parameters
    ----------
    items : sequence of Item
    n_segments : int
    max_traits : int
        Traits in a name; more where they are needed to tell two segments apart.

    Returns
    -------
    names : list of str
    """
    traits = [
        _with_a_possession(segment_traits(items, segment), max_traits)
        for segment in range(n_segments)
    ]
    lengths = [min(max_traits, len(own)) for own in traits]
    while True:
        chosen = [own[:n] for own, n in zip(traits, lengths, strict=True)]
        # The same traits in another order would be read as the same name.
        keys = [", ".join(sorted(own)) for own in chosen]
        shared = Counter(keys)
        longer = [
            n + (shared[key] > 1 and n < len(own))
            for key, own, n in zip(keys, traits, lengths, strict=True)
        ]
        if longer == lengths:
            return _numbered([", ".join(own) or "average" for own in chosen], keys)
        lengths = longer


def segment_traits(items, segment):
    """Traits of one segment, strongest first, at most one a column."""
    homes = Counter(item.level for item in items if item.level)
    strongest = {}
    for item in items:
        # Rounding makes exact ties of what differs by rounding, so that names do not
        # depend on the order of customers.
        difference = round(float(item.rank_difference[segment]), 9)
        words = _words(item, difference, item.value[segment], homes)
        trait = NamingTrait(abs(difference), words, words.startswith("low "))
        best = strongest.get(item.column)
        if not words or trait.strength < _NEAR_AVERAGE:
            continue
        if best is None or trait.strength > best.strength:
            strongest[item.column] = trait
    return sorted(strongest.values(), key=lambda trait: -trait.strength)


def _with_a_possession(traits, max_traits):
    """Words of the traits; one name says what a segment has, not only what it lacks.

    Where the `max_traits` strongest are all lacks, the strongest trait that is none
    takes the last place among them, unless it is weak beside them.
    """
    has = [t for t in traits if not t.is_lack and 4 * t.strength >= traits[0].strength]
    if has and max_traits > 1 and all(t.is_lack for t in traits[:max_traits]):
        traits = [trait for trait in traits if trait is not has[0]]
        traits.insert(max_traits - 1, has[0])
    return [trait.words for trait in traits]


def _words(item, difference, value, homes):
    """Words for the direction of a difference; "" if there are none."""
    if np.isnan(difference) or item.level == OTHER:
        return ""
    if item.kind == "number":
        return f"{'high' if difference > 0 else 'low'} {item.column}"
    if item.kind == "date":
        return f"{'early' if difference > 0 else 'late'} {item.column}"
    if difference < 0:
        return ""  # the level that is there instead says it better
    often = "mostly" if value >= 0.5 else "often"
    if item.level == MISSING:
        return f"{often} without {item.column}"
    if item.kind == "boolean":
        return f"{often} {'' if item.level == 'True' else 'not '}{item.column}"
    if _BARE_LEVEL.fullmatch(item.level) or homes[item.level] > 1:
        return f"{often} {item.column} {item.level}"
    return f"{often} {item.level}"


def _numbered(names, keys):
    """Tell names that are left alike apart by a number."""
    first, seen, shared = {}, Counter(), Counter(keys)
    result = []
    for name, key in zip(names, keys, strict=True):
        seen[key] += 1
        words = first.setdefault(key, name)
        result.append(f"{words} ({seen[key]})" if shared[key] > 1 else name)
    return result
