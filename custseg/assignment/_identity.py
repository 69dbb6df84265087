"""Which segments of two models are the same: ids, names and what became of them."""

import math
from dataclasses import dataclass
from numbers import Real
from typing import NamedTuple

import numpy as np
import pandas as pd

from custseg._sklearn import check_weights
from custseg._utils._frames import rows_at
from custseg._utils._result import Result
from custseg.assignment._answers import SegmentAnswers, answers_of, compare
from custseg.assignment._model_columns import as_table, positions_by_type
from custseg.assignment._segment_events import Event, by_segments

NONE_OF_THE_ABOVE = "none of the above"


@dataclass(frozen=True, eq=False, repr=False)
class SegmentMatch(Result):
    """What became of the segments of one model in another.

    Made by `match_segments`, and by `SegmentationModel.refit`, which keeps it as
    ``match_``. It holds counts and names, and no customer.

    Attributes
    ----------
    events : tuple of Event
        One a flow: ``kind``, ``old``, ``new``, ``customers``, ``share_of_old``,
        ``share_of_new``, ``jaccard``, as in `frame`.
    old_names, new_names : dict of int to str
        Names of all segments; empty where a model has none.
    old_segments, new_segments : tuple of int
        All segments.

    See Also
    --------
    match_segments : Makes it, and says by which rules.

    Examples
    --------
    >>> from custseg.assignment import match_segments
    >>> from custseg.cluster import KMeansSegmenter
    >>> visits = [[1], [2], [3], [11], [12], [21], [22]]
    >>> coarse, fine = (KMeansSegmenter(k, random_state=0).fit(visits) for k in (2, 3))
    >>> match = match_segments(coarse, fine, visits)
    >>> match
    <SegmentMatch: 1 of 2 segments kept. Split: segment 0 into segment 1 and
    segment 2.>
    """

    events: tuple
    old_segments: tuple
    new_segments: tuple
    old_names: dict
    new_names: dict

    def frame(self):
        """Return one row an event, by old segment; births last.

        Returns
        -------
        frame : DataFrame
            ``event`` (kept, split, merged, died or born), ``old_segment`` and
            ``new_segment`` (missing for a birth or a death), ``old_name`` and
            ``new_name`` (missing where the model has no names), ``customers`` of the
            flow, their ``share_of_old`` and ``share_of_new`` segment, and the
            ``jaccard`` similarity of the two segments; these three are without
            customers of segments that died or were born, and NaN for those.
        """
        rows = [
            {
                "event": event.kind,
                "old_segment": event.old,
                "new_segment": event.new,
                "old_name": self.old_names.get(event.old),
                "new_name": self.new_names.get(event.new),
                **dict(zip(Event._fields[3:], event[3:], strict=True)),
            }
            for event in self.events
        ]
        columns = ["event", "old_segment", "new_segment", "old_name", "new_name"]
        frame = pd.DataFrame(rows, columns=[*columns, *Event._fields[3:]])
        return frame.astype({"old_segment": "Int64", "new_segment": "Int64"})

    @property
    def verdict(self):
        """What became of the segments, as a sentence or two."""
        kept = self._of("kept")
        n_old = len(self.old_segments)
        every = "All" if len(kept) == n_old > 1 else f"{len(kept)} of"
        said = [f"{every} {n_old} segment{'s' * (n_old != 1)} kept"]
        said += self._splits() + self._merges()
        for kind, names, which in (
            ("died", self.old_names, 1),
            ("born", self.new_names, 2),
        ):
            gone = [event[which] for event in self._of(kind)]
            if gone:
                said.append(f"{kind.capitalize()}: {_listed(gone, names)}")
        return ". ".join(said) + "."

    def _of(self, kind):
        return [event for event in self.events if event.kind == kind]

    def _splits(self):
        """Each split segment with all its pieces, the one that goes on as well."""
        parents = list(dict.fromkeys(event.old for event in self._of("split")))
        pieces = {
            parent: [
                event.new
                for event in self._of("kept") + self._of("split")
                if event.old == parent
            ]
            for parent in parents
        }
        return [
            f"Split: {_listed([parent], self.old_names)} into "
            f"{_listed(into, self.new_names)}"
            for parent, into in pieces.items()
        ]

    def _merges(self):
        """Each merged segment with all that it was made from."""
        targets = list(dict.fromkeys(event.new for event in self._of("merged")))
        sources = {
            target: [
                event.old
                for event in self._of("kept") + self._of("merged")
                if event.new == target
            ]
            for target in targets
        }
        return [
            f"Merged: {_listed(of, self.old_names)} into "
            f"{_listed([target], self.new_names)}"
            for target, of in sources.items()
        ]


def _listed(segments, names):
    """Write segments by name, or by number."""
    *first, last = [names.get(segment, f"segment {segment}") for segment in segments]
    return f"{', '.join(first)} and {last}" if first else last


def match_segments(old_model, new_model, X, *, sample_weight=None, min_jaccard=0.5):
    """Tell which segments of two models are the same, and what became of the others.

    Both models answer for the same customers, and the cross-table of their answers,
    beside the sizes that segments had when they were learned, tells segments that were
    kept, split, merged, died or were born.

    Parameters
    ----------
    old_model, new_model : SegmentationModel, fitted segmenter or Pipeline
        The models. A `SegmentationModel` answers by its segmenter where that can
        predict, from the basis columns; else, and any other model, by ``predict``.
    X : frame or array-like of shape (n_customers, n_columns)
        Customers, with the columns of both models: those that the new model was
        learned on or later ones, or those of the old model.
    sample_weight : array-like of shape (n_customers,), default=None
        Weight of each customer, zero or more.
    min_jaccard : float in [0, 1), default=0.5
        Similarity above which two segments are the same. Above .5 or at it such pairs
        are unique; below, those of the largest total similarity are taken.

    Returns
    -------
    match : SegmentMatch
        See its ``frame()`` and ``verdict``.

    Raises
    ------
    SchemaError
        If a column is missing.
    ValueError
        If `min_jaccard` is out of range.
    TypeError
        If a model has no ``predict``.
    DataQualityError
        If a weight is negative or all are zero.

    See Also
    --------
    custseg.cluster.match_labels : Renumbers labels by overlap alone.
    SegmentationModel.refit : Uses the same rules to keep ids and names.

    Notes
    -----
    The rules, in their order:

    1. **Born and died, beside others.** Every model places every customer, so customers
       of a new kind were called the old segment that they are nearest to, and seem to
       be a part of it that was split off. Mass and place tell them apart. Of an old
       segment that was split, the whole has the size, relative to the other old
       segments (their weighted median), that it had when it was learned, and its mean
       is at its old centre; where others joined it, that holds for the rest of it. Each
       is put on a scale from 0, the whole, to 1, the rest (sizes by their logarithms).
       A new segment is born if the mean of both, over the old segments that a tenth of
       it or more was taken for, is above .5; the place counts twice, as shares change
       more than means do beside distances between segments. The clearest comes first,
       and its customers are taken out of the table. A new segment of which the old
       model answers more than half with -1 is born as well. With the models exchanged,
       the same rules tell segments that died from merged ones.
    2. **Kept.** Pairs with a Jaccard similarity above `min_jaccard`: customers in both
       over customers in either. Hennig's (2008) point of dissolution is .5.
    3. **Born and died, by absence.** An old segment without a partner that has less
       than half the share of `X` that it was learned with died; a new one was born.
    4. **Split.** A new segment without a partner is a part of the old one that most of
       its customers come from, which may go on in another part.
    5. **Merged.** An old segment without a partner is merged into the new one that most
       of its customers go to. Where both 4 and 5 hold for a pair, it is merged if the
       share of the old segment that is in the new one is at least the share of the new
       one that is in the old, and else split.

    The words are those of MONIC (Spiliopoulou et al., 2006), which has no models that
    place every customer and so no rule 1.

    A new kind that takes the place of an old one, where the old model looks, is the old
    one that has drifted. Small births and splits are taken for each other if shares and
    means of other segments changed as much. Models without centres have mass alone, and
    those without sizes place alone and no rule 3. Of a segment that nobody in `X`
    belongs to by either model nothing can be told; rule 3 calls it died and born.

    A model that rejects some of `X` answers -1 for them, and these customers are left
    out of shares; one that rejects more than half of `X` is taken to have drifted, and
    its segmenter's answers are used for all.

    References
    ----------
    Spiliopoulou, M., Ntoutsi, I., Theodoridis, Y. and Schult, R. (2006). MONIC:
    modeling and monitoring cluster transitions. Proceedings of the 12th ACM SIGKDD
    International Conference on Knowledge Discovery and Data Mining, 706-711.
    https://doi.org/10.1145/1150402.1150491

    Hennig, C. (2008). Dissolution point and isolation robustness: robustness criteria
    for general cluster analysis methods. Journal of Multivariate Analysis 99(6),
    1154-1176. https://doi.org/10.1016/j.jmva.2007.07.002

    Examples
    --------
    Next month there are customers who come far more often:

    >>> from custseg.assignment import match_segments
    >>> from custseg.cluster import KMeansSegmenter
    >>> visits = [[1], [2], [2], [3], [11], [12], [13]]
    >>> next_visits = [*visits, [31], [32], [33]]
    >>> old = KMeansSegmenter(2, random_state=0).fit(visits)
    >>> new = KMeansSegmenter(3, random_state=0).fit(next_visits)
    >>> match = match_segments(old, new, next_visits)
    >>> match.frame()[["event", "old_segment", "new_segment", "customers"]]
      event  old_segment  new_segment  customers
    0  kept            0            0          4
    1  kept            1            1          3
    2  born         <NA>            2          3
    """
    check_min_jaccard(min_jaccard)
    table = as_table(X)
    weights = None if sample_weight is None else check_weights(sample_weight, table)
    models = old_model, new_model
    routes = [getattr(one, "_route", None) for one in models]
    old_split, new_split = (getattr(one, "split_by", None) for one in routes)
    if old_split is None or old_split != new_split:
        return match_of(*(answers_of(one, X) for one in models), weights, min_jaccard)
    rows_of, nobody = positions_by_type(table, old_split), np.zeros(0, dtype=np.intp)
    matches = []
    for kind in {**routes[0].by_type, **routes[1].by_type}:
        rows = rows_of.get(kind, nobody)
        of_type, own = rows_at(table, rows), None if weights is None else weights[rows]
        both = (
            route.answers_of_type(kind, of_type, model.segment_names_)
            for route, model in zip(routes, models, strict=True)
        )
        matches.append(match_of(*both, own, min_jaccard))
    return match_of_all(matches)


def match_of(old, new, weights=None, min_jaccard=0.5):
    """Match what two models answer for the same customers.

    Parameters
    ----------
    old, new : SegmentAnswers
        Without codes where a model has no segments of a customer type, or where there
        are no customers to compare by: then all old segments died and all new ones
        were born.
    weights : ndarray of shape (n_customers,), default=None
    min_jaccard : float, default=0.5

    Returns
    -------
    match : SegmentMatch
    """
    if len(old.codes) and len(new.codes):
        return as_match(compare(old, new, weights, min_jaccard), old, new)
    events = []
    for side, kind, which in ((old, "died", "old"), (new, "born", "new")):
        placed = side.codes >= 0
        counted = None if weights is None else weights[: len(placed)][placed]
        counts = np.bincount(side.codes[placed], counted, minlength=len(side.ids))
        events += [
            Event(kind, None, None, n, *(math.nan,) * 3)._replace(**{which: code})
            for code, n in enumerate(counts)
        ]
    return as_match(events, old, new)


def match_of_all(matches):
    """Put together what became of the segments of each customer type.

    Parameters
    ----------
    matches : list of SegmentMatch

    Returns
    -------
    match : SegmentMatch
    """
    old_names, new_names = {}, {}
    for match in matches:
        old_names.update(match.old_names)
        new_names.update(match.new_names)
    events = [event for match in matches for event in match.events]
    return SegmentMatch(
        events=tuple(sorted(events, key=by_segments)),
        old_segments=_all_of("old_segments", matches),
        new_segments=_all_of("new_segments", matches),
        old_names=dict(sorted(old_names.items())),
        new_names=dict(sorted(new_names.items())),
    )


def _all_of(name, matches):
    return tuple(sorted(k for match in matches for k in getattr(match, name)))


def check_min_jaccard(min_jaccard):
    """Refuse a limit that no pair, or every pair, can pass."""
    if not (isinstance(min_jaccard, Real) and 0 <= min_jaccard < 1):
        raise ValueError(
            "min_jaccard must be at least 0 and below 1. Got "
            f"{min_jaccard!r} instead. The default is 0.5."
        )


def as_match(events, old, new):
    """Return a SegmentMatch of events between positions in the models' ids."""
    old_ids, new_ids = old.ids.tolist(), new.ids.tolist()
    named = [
        event._replace(
            old=None if event.old is None else old_ids[event.old],
            new=None if event.new is None else new_ids[event.new],
        )
        for event in events
    ]
    return SegmentMatch(
        events=tuple(sorted(named, key=by_segments)),
        old_segments=tuple(sorted(old_ids)),
        new_segments=tuple(sorted(new_ids)),
        old_names=dict(old.names),
        new_names=dict(new.names),
    )


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


def number_segments(old, codes, n_segments, min_jaccard, unused):
    """Give segments the ids of those that they match, and the others new ones.

    Parameters
    ----------
    old : SegmentAnswers or None
        What the model before says of the customers that the segments were learned on;
        None for a model that follows no other.
    codes : ndarray of shape (n_customers,)
        Segment of each customer, as the segmenter numbers them; -1 for none.
    n_segments : int
    min_jaccard : float
    unused : Unused

    Returns
    -------
    numbering : Numbering
    """
    ids, events = np.full(n_segments, -1), ()
    if old is not None:
        sizes = np.bincount(codes[codes >= 0], minlength=n_segments)
        shares = sizes / max(sizes.sum(), 1)
        new = SegmentAnswers(codes, np.arange(n_segments), {}, shares)
        events = compare(old, new, min_jaccard=min_jaccard)
    for event in events:
        if event.kind == "kept":
            ids[event.new] = old.ids[event.old]
    fresh = ids < 0  # in the segmenter's order, by size where it is one of custseg's
    next_id = int(unused.next_id + np.count_nonzero(fresh))
    ids[fresh] = np.arange(unused.next_id, next_id)
    names = _names({} if old is None else old.names, ids, unused)
    match = None
    if old is not None:
        match = as_match(events, old, new._replace(ids=ids, names=names))
    return Numbering(ids, names, next_id, match)


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
