"""What became of segments: rules on the cross-table of two segmentations.

Pure functions of counts. They are stated in words in `match_segments`.
"""

from typing import NamedTuple

import numpy as np
from scipy.optimize import linear_sum_assignment

from custseg.cluster import jaccards

_MAJORITY = 0.5
_ABSENT = 0.5  # of the share that a segment had when it was learned
_SOURCE = 0.1  # of a segment: what is less are strays
# Shares change more from month to month than segments move, beside their distances.
_PLACE_TO_MASS = 2


class Event(NamedTuple):
    """One flow from an old segment to a new one, or the end or beginning of one."""

    kind: str  # kept, split, merged, died or born
    old: int | None
    new: int | None
    customers: float
    share_of_old: float
    share_of_new: float
    jaccard: float


class KnownSegments(NamedTuple):
    """What a model knows of its segments, and how it sees the parts that they fall in.

    Attributes
    ----------
    shares : ndarray of shape (n_segments,), or None
        Share of each segment among the customers that it was learned on.
    centers : ndarray of shape (n_segments, n_features), or None
        Where those customers were.
    part_means : ndarray of shape (n_segments, n_others, n_features), or None
        Where the customers of each segment are that the other model has in one.
    """

    shares: np.ndarray | None = None
    centers: np.ndarray | None = None
    part_means: np.ndarray | None = None


class Crossing(NamedTuple):
    """Customers by old and new segment, and what both models know of them.

    Attributes
    ----------
    table : ndarray of shape (n_old, n_new)
        Customers, or their weight, that both models place.
    unknown_to_old : ndarray of shape (n_new,)
        Customers of each new segment that the old model answers -1.
    unknown_to_new : ndarray of shape (n_old,)
        The other way round.
    old, new : KnownSegments
    """

    table: np.ndarray
    unknown_to_old: np.ndarray
    unknown_to_new: np.ndarray
    old: KnownSegments = KnownSegments()
    new: KnownSegments = KnownSegments()


def find_events(crossing, min_jaccard=0.5):
    """Return the events by old segment, births last; see `match_segments`."""
    table = crossing.table
    died, born = _beside_others(crossing)
    common = _without(table, died, born)
    kept = matched_pairs(common, min_jaccard)
    died |= ~kept.any(axis=1) & _absent(common.sum(axis=1), died, crossing.old.shares)
    born |= ~kept.any(axis=0) & _absent(common.sum(axis=0), born, crossing.new.shares)
    common = _without(table, died, born)
    split, merged = _flows(common, kept)
    events = _events_of_pairs(common, {"kept": kept, "split": split, "merged": merged})
    # Where nothing is known but the table, segments without customers are left.
    died, born = died | ~common.any(axis=1), born | ~common.any(axis=0)
    n_old = table.sum(axis=1) + crossing.unknown_to_new
    n_new = table.sum(axis=0) + crossing.unknown_to_old
    nothing = (np.nan, np.nan, np.nan)
    for k in np.flatnonzero(died).tolist():
        events.append(Event("died", k, None, n_old[k], *nothing))
    for j in np.flatnonzero(born).tolist():
        events.append(Event("born", None, j, n_new[j], *nothing))
    return sorted(events, key=by_segments)


def by_segments(event):
    """Order events by old segment and then by new one, births last."""
    return tuple(np.inf if k is None else k for k in (event.old, event.new))


def _beside_others(crossing):
    """Old segments that died and new ones that were born, by mass, place and -1."""
    table = crossing.table
    died = _unknown(table.T, crossing.unknown_to_new)
    born = _unknown(table, crossing.unknown_to_old)
    known = _without(table, died, born)
    died |= newcomers(known.T, crossing.new)
    born |= newcomers(known, crossing.old)
    return died, born


def _without(table, died, born):
    return np.where(died[:, np.newaxis] | born, 0, table)


def newcomers(table, known):
    """Columns whose customers are additional to those that the rows were learned on.

    A part of a row is additional or split off. If it is additional, the rest has the
    size, beside other rows, that the row had when it was learned, and is where the row
    was; if it is split off, that holds for the row as a whole. What is nearer counts;
    the column that is most clearly additional is taken out first.

    Parameters
    ----------
    table : ndarray of shape (n_rows, n_columns)
    known : KnownSegments
        Of the model whose segments are the rows.

    Returns
    -------
    new : ndarray of bool of shape (n_columns,)
    """
    new = np.zeros(table.shape[1], dtype=bool)
    while True:
        left = np.where(new, 0, table).astype(np.float64)
        evidence = [_evidence(left, j, known) for j in range(len(new))]
        clear = [pair for pair in evidence if pair[0] > _MAJORITY]
        if not clear:
            return new
        new[evidence.index(max(clear, key=lambda pair: pair[1]))] = True


def _evidence(table, j, known):
    """How additional a column is: 0 for a part split off, 1 for a segment of its own.

    By mass and by place, in the mean over its sources. The second figure is less where
    the column explains but a part of a surplus.
    """
    part = table[:, j]
    sources = (part > 0) & (part >= _SOURCE * part.sum())
    mass = _by_mass(table, part, sources, known.shares)
    place = _by_place(table, j, sources, known)
    if not sources.any() or (mass is None and place is None):
        return 0.0, 0.0

    def mean_with(mass):
        sides = [(mass, 1), (place, _PLACE_TO_MASS)]
        told = [(values, weight) for values, weight in sides if values is not None]
        total = sum(values * weight for values, weight in told)
        by_source = total / sum(weight for _, weight in told)
        return np.average(by_source, weights=part[sources])

    if mass is None:
        return mean_with(None), mean_with(None)
    exact = np.minimum(mass, 1 / np.maximum(mass, 1))
    return mean_with(np.minimum(mass, 1)), mean_with(exact)


def _by_mass(table, part, sources, shares):
    """Where the expected size of each source lies between it with and without a part.

    In logarithms: 0 with it, 1 without it, and more where it would have to be larger.
    None where there is no other segment to compare with.
    """
    if shares is None:
        return None
    whole = table.sum(axis=1)
    without = whole - part
    others = ~sources & (shares > 0) & (without > _ABSENT * shares * without.sum())
    if not others.any():
        return None
    scale = _weighted_median(without[others] / shares[others], shares[others])
    least = 1e-6 * whole.sum()  # so that a row without customers has a logarithm
    expected, most, rest = (
        np.log(np.maximum(sizes[sources], least))
        for sizes in (scale * shares, whole, without)
    )
    return np.maximum(most - expected, 0) / np.maximum(most - rest, 1e-300)


def _by_place(table, j, sources, known):
    """Where each source's centre lies between its mean with and without a part.

    From 0, the mean of all, to 1, that of the rest. None where centres are not known.
    """
    if known.centers is None:
        return None
    counts = table[sources]
    places = known.part_means[sources]
    rest = counts.copy()
    rest[:, j] = 0
    n_rest = np.maximum(rest.sum(axis=1), 1e-300)
    mean_rest = np.einsum("kj,kjf->kf", rest, places) / n_rest[:, np.newaxis]
    to_part = places[:, j] - mean_rest
    to_center = known.centers[sources] - mean_rest
    share = counts[:, j] / counts.sum(axis=1)
    span = share * np.square(to_part).sum(axis=1)
    outward = np.einsum("kf,kf->k", to_center, to_part)
    inside = (rest.any(axis=1)) & (span > 0)
    place = 1 - np.divide(outward, span, out=np.ones(len(span)), where=inside)
    return np.clip(place, 0, 1)


def _weighted_median(values, weights):
    order = np.argsort(values)
    reached = np.cumsum(weights[order]) / weights.sum()
    middle = np.searchsorted(reached, [0.5 - 1e-9, 0.5 + 1e-9])
    return values[order][np.minimum(middle, len(values) - 1)].mean()


def _unknown(table, unknown):
    """Columns of which the other segmentation knows less than half."""
    return unknown > _MAJORITY * (table.sum(axis=0) + unknown)


def _absent(sizes, gone, shares):
    """Segments with less than half the share, of those not gone, that they had."""
    if shares is None:
        return np.zeros(len(sizes), dtype=bool)
    present = ~gone
    expected = shares * (sizes[present].sum() / max(shares[present].sum(), 1e-300))
    return sizes <= _ABSENT * expected


def matched_pairs(table, min_jaccard):
    """Pairs with a Jaccard similarity above a limit, each segment in one at most."""
    similar = jaccards(table)
    similar[similar <= min_jaccard] = 0
    pairs = np.zeros(table.shape, dtype=bool)
    pairs[linear_sum_assignment(similar, maximize=True)] = True
    return pairs & (similar > 0)


def _shares(table):
    """Share of each cell in its row, and in its column; 0 where they are empty."""
    of_rows, of_columns = table.sum(axis=1, keepdims=True), table.sum(axis=0)
    return table / np.maximum(of_rows, 1e-300), table / np.maximum(of_columns, 1e-300)


def _flows(table, kept):
    """Where old segments without a partner went, and new ones without came from."""
    of_old, of_new = _shares(table)
    most_of_old = (table > 0) & (np.arange(table.shape[1]) == table.argmax(1)[:, None])
    most_of_new = (table > 0) & (np.arange(len(table))[:, None] == table.argmax(0))
    merged = most_of_old & ~kept.any(axis=1, keepdims=True)
    split = most_of_new & ~kept.any(axis=0, keepdims=True)
    # Both at once: the one that is more nearly contained in the other decides.
    both = merged & split
    return split & ~(both & (of_old >= of_new)), merged & ~(both & (of_old < of_new))


def _events_of_pairs(table, kinds):
    of_old, of_new = _shares(table)
    similar = jaccards(table)
    return [
        Event(kind, k, j, table[k, j], of_old[k, j], of_new[k, j], similar[k, j])
        for kind, pairs in kinds.items()
        for k, j in np.argwhere(pairs).tolist()
    ]
