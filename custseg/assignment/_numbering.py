"""Ids and names of a model's segments, in the first model and in those that follow."""

from typing import NamedTuple

import numpy as np

from custseg.assignment._answers import Answers, answers_of
from custseg.assignment._identity import SegmentMatch, as_match, compare

NONE_OF_THE_ABOVE = "none of the above"


class Numbering(NamedTuple):
    """What the segments of a model are called.

    Attributes
    ----------
    ids : ndarray of shape (n_segments,)
        Id of each segment, as the segmenter numbers them from 0.
    names : dict of int to str
        By id, ascending.
    next_id : int
        The first that no segment of this model or of those before it has had.
    match : SegmentMatch or None
        With the model before.
    """

    ids: np.ndarray
    names: dict
    next_id: int
    match: SegmentMatch | None = None


class Unused(NamedTuple):
    """What no segment has been called so far.

    Attributes
    ----------
    next_id : int
        The first id that no segment of this line of models has had.
    prefix : str
        What default names begin with.
    taken : collection of str
        Names that segments of other customer types have.
    """

    next_id: int = 0
    prefix: str = ""
    taken: tuple = ()


def first_numbering(codes, n_segments, *, unused):
    """Return ids in a row, for a model that follows no other."""
    next_id = unused.next_id + n_segments
    ids = np.arange(unused.next_id, next_id)
    return Numbering(ids, _names({}, ids, unused), next_id)


def next_numbering(former, customers, min_jaccard, codes, n_segments, *, unused):
    """Return ids by which segments are those of the former model that they match.

    Parameters
    ----------
    former : SegmentationModel
    customers : frame or array
        Those that the segments were learned on.
    min_jaccard : float
    codes : ndarray of shape (n_customers,)
        Segment of each customer, as the segmenter numbers them; -1 for none.
    n_segments : int
    unused : Unused

    Returns
    -------
    numbering : Numbering
    """
    old = answers_of(former, customers)
    sizes = np.bincount(codes[codes >= 0], minlength=n_segments)
    shares = sizes / max(sizes.sum(), 1)
    new = Answers(codes, np.arange(n_segments), {}, shares)
    events = compare(old, new, min_jaccard=min_jaccard)
    ids = np.full(n_segments, -1)
    for event in events:
        if event.kind == "kept":
            ids[event.new] = old.ids[event.old]
    fresh = ids < 0  # in the segmenter's order, by size where it is one of custseg's
    next_id = unused.next_id + np.count_nonzero(fresh)
    ids[fresh] = np.arange(unused.next_id, next_id)
    names = _names(former.segment_names_, ids, unused)
    match = as_match(events, old, new._replace(ids=ids, names=names))
    return Numbering(ids, names, int(next_id), match)


def _names(former_names, ids, unused):
    """Names of all ids: those they had, and new ones that nobody has taken."""
    names = {k: former_names[k] for k in ids.tolist() if k in former_names}
    for k in sorted(set(ids.tolist()) - set(names)):
        plain = f"{unused.prefix}segment {k}"
        name, taken, n = plain, {*names.values(), *unused.taken}, 2
        while name in taken:
            name, n = f"{plain} ({n})", n + 1
        names[k] = name
    return dict(sorted(names.items()))


def renamed(names, given):
    """Return names by id with the given ones in their places, or say what is wrong."""
    unknown = [key for key in given if key not in names]
    if unknown:
        ids = list(names)
        in_a_row = len(ids) > 1 and ids == list(range(len(ids)))
        known = f"0 to {len(ids) - 1}" if in_a_row else ", ".join(map(str, ids))
        raise ValueError(
            f"Names must be for segments {known}. Got {unknown} instead. See "
            "segment_ids_ for the segments."
        )
    result = {**names, **given}
    if not all(isinstance(name, str) for name in result.values()):
        raise ValueError(
            "Names must be text. Got "
            f"{[n for n in given.values() if not isinstance(n, str)]} instead. "
            "Put them in quotes."
        )
    if NONE_OF_THE_ABOVE in result.values():
        raise ValueError(
            f"A segment must not be called {NONE_OF_THE_ABOVE!r}, which is the "
            "name of -1. Got that name instead of another. Choose another."
        )
    if len(set(result.values())) < len(result):
        raise ValueError(
            f"Segments must have distinct names. Got {sorted(result.values())} "
            "instead. Rename the ones that are alike."
        )
    return result
