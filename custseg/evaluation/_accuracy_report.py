"""Figures of how well customers are assigned, and what they say in words."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from custseg._utils._result import Result
from custseg.evaluation._calibration_curve import wilson_interval

NO_SEGMENT, OTHER_SEGMENT = "none of the above", "another segment"

_COLUMNS = {
    "predictability": "By columns that the segments were not learned on",
    "mixed": "By columns of which the segments were learned on some",
    "reproducibility": "By the columns that the segments were learned on",
}


@dataclass(frozen=True, eq=False, repr=False)
class AssignmentReport(Result):
    """How well a model assigns customers, made by `assignment_report`.

    It holds figures and no customer.

    Attributes
    ----------
    kind : {"predictability", "reproducibility", "mixed"}
        What accuracies mean. Where customers are assigned by other columns than the
        segments were learned on, they are skill: predictability. Where by all of the
        same, the segments are a rule of these very columns, and accuracies say how
        well the rule is reproduced. "mixed" where some columns are the same.
    accuracies : DataFrame
        As `frame` gives it.
    counts : ndarray of int of shape (n_segments, n_segments + 2)
        Customers by learned segment and by the one assigned while they had no part in
        learning; the last columns count those rejected and those assigned to a
        segment of a refit that matches none.
    segment_ids : ndarray of shape (n_segments,)
    segment_names : dict of int to str
    reliability : DataFrame
        One row a bin: ``calibrated`` (whether by the model's calibration),
        ``segment`` (-1 for the segment assigned, whichever it is), ``bin``,
        ``customers``, mean ``probability``, ``share`` in which it came true and
        ``low`` and ``high`` of that share's 95 % interval. Empty without
        probabilities.
    scores : DataFrame
        One row a kind of ``probabilities``: "uncalibrated", "calibrated" where the
        model is, and "shares", which gives everyone the shares of the segments.
        ``calibration_error`` of the segment assigned with ``low`` and ``high`` of its
        95 % interval, ``log_loss`` and ``brier``. Empty without probabilities.
    n_unplaced : int
        Customers whom the segmenter put in no segment. They are in no figure.
    n_folds : int

    See Also
    --------
    assignment_report : Makes it.
    custseg.plotting.AccuracyDisplay : Accuracies as a picture.
    custseg.plotting.ReliabilityDisplay : Probabilities as a picture.

    Examples
    --------
    >>> import numpy as np
    >>> from custseg import DiscriminantAssigner, KMeansSegmenter, SegmentationModel
    >>> from custseg.evaluation import assignment_report
    >>> rng = np.random.default_rng(0)
    >>> orders = np.repeat([2.0, 9.0], 40)[:, np.newaxis] + rng.normal(size=(80, 1))
    >>> size = orders + rng.normal(scale=3, size=(80, 1))
    >>> customers = np.hstack([orders, size])
    >>> model = SegmentationModel(
    ...     KMeansSegmenter(2, random_state=0),
    ...     DiscriminantAssigner(),
    ...     basis=[0],
    ...     descriptors=[1],
    ... ).fit(customers)
    >>> report = assignment_report(model, customers, random_state=0)
    >>> report.kind
    'predictability'
    >>> report.confusion().to_numpy()
    array([[32,  8],
           [ 4, 36]])
    """

    kind: str
    accuracies: pd.DataFrame
    counts: np.ndarray
    segment_ids: np.ndarray
    segment_names: dict
    reliability: pd.DataFrame
    scores: pd.DataFrame
    n_unplaced: int
    n_folds: int

    _tables = ("frame", "segments", "confusion")

    def frame(self):
        """Return the accuracies beside what chance would give.

        Returns
        -------
        frame : DataFrame
            One row a ``figure``: "resubstitution", "segments fixed" and "segments
            refitted", as far as they were worked out, then "largest share" and
            "proportional chance". Its ``accuracy`` with ``low`` and ``high`` of the
            95 % interval, the ``customers`` that it is of and those ``rejected``
            beside them, and ``improvement`` over the largest share as a part of what
            there is to improve: 1 is perfect, 0 no better.
        """
        return self.accuracies.copy()

    def confusion(self, *, names=True):
        """Return how many customers of each segment are assigned to which.

        Parameters
        ----------
        names : bool, default=True
            Whether segments go by their names, or by their ids with -1 for none of
            the above and -2 for a segment of a refit that matches none.

        Returns
        -------
        confusion : DataFrame of int
            Learned segments by assigned ones, while a customer had no part in
            learning: with segments held fixed or, without an assigner, refitted.
        """
        ids = self.segment_ids.tolist()
        learned = [self.segment_names[k] for k in ids] if names else ids
        others = [NO_SEGMENT, OTHER_SEGMENT] if names else [-1, -2]
        used = np.append(np.ones(len(ids), dtype=bool), self.counts[:, -2:].any(axis=0))
        return pd.DataFrame(
            self.counts[:, used],
            index=pd.Index(learned, name="learned"),
            columns=pd.Index([*learned, *others], name="assigned")[used],
        )

    def segments(self):
        """Return how well each segment is assigned.

        Returns
        -------
        frame : DataFrame
            One row a segment: ``segment``, ``segment_name``, its ``customers``;
            ``recall``, the share of them that are assigned to it; ``assigned``
            customers; and ``precision``, the share of those that belong to it. Both
            with ``_low`` and ``_high`` of their 95 % intervals; NaN of no customer.
            Rejected customers are left out.
        """
        table = np.delete(self.counts, len(self.segment_ids), axis=1)
        hits = table.diagonal()
        customers, assigned = table.sum(axis=1), table.sum(axis=0)[: len(hits)]
        columns = {
            "segment": self.segment_ids,
            "segment_name": [self.segment_names[k] for k in self.segment_ids.tolist()],
            "customers": customers,
        }
        for name, of in (("recall", customers), ("precision", assigned)):
            if name == "precision":
                columns["assigned"] = assigned
            low, high = wilson_interval(hits, of)
            share = np.where(of > 0, hits / np.maximum(of, 1), np.nan)
            columns |= {name: share, f"{name}_low": low, f"{name}_high": high}
        return pd.DataFrame(columns)

    @property
    def verdict(self):
        """What the accuracies mean, in words and with the figures."""
        rows = self.accuracies.set_index("figure")
        said = _reproduction if self.kind == "reproducibility" else _skill
        return f"{self.kind}: {_COLUMNS[self.kind]}, {said(rows)}"


def _reproduction(rows):
    """Say how well a rule is reproduced, which is no skill."""
    said = [
        f"{_share(rows, name)} with {words}"
        for name, words in (
            ("segments fixed", "the segments held fixed"),
            ("segments refitted", "segments learned anew"),
        )
        if name in rows.index
    ]
    return (
        "customers without part in learning get their segment again in this share: "
        f"{', '.join(said)}. So well is the rule reproduced; it is not skill at "
        "telling segments by anything else."
    )


def _skill(rows):
    """Say whether customers are assigned better than all to the largest segment."""
    largest = rows.loc["largest share", "accuracy"]
    names = [n for n in ("segments fixed", "segments refitted") if n in rows.index]
    better = [rows.loc[name, "low"] > largest for name in names]
    words = "no better than"
    if all(better):
        words = "better than"
    elif better[0]:
        words = "better with the segments held fixed, but no better learned anew, than"
    said = (
        f"{_share(rows, 'segments fixed')} of the customers without part in learning "
        "get their segment"
    )
    if "segments refitted" in rows.index:
        said += f", {_share(rows, 'segments refitted')} with segments learned anew"
    seen = _two(rows.loc["resubstitution", "accuracy"])
    return (
        f"{said}: {words} giving everyone the largest segment ({_two(largest)}). "
        f"Resubstitution says {seen}."
    )


def _share(rows, name):
    row = rows.loc[name]
    return f"{_two(row['accuracy'])} ({_two(row['low'])} to {_two(row['high'])})"


def _two(share):
    return f"{share:.2f}"
