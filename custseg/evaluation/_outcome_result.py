"""What segments told of an outcome, in tables and in words."""

from dataclasses import dataclass

import pandas as pd

from custseg._utils._result import Result

_UNITS = {"amount": "R²", "event": "AUC"}
_MAIN = {"amount": "r2", "event": "auc"}
_CHANCE = {"r2": 0.0, "auc": 0.5}


@dataclass(frozen=True, eq=False, repr=False)
class OutcomeReport(Result):
    """How well segments tell a later outcome, made by `outcome_report`.

    It holds figures and no customer.

    Attributes
    ----------
    kind : {"amount", "event"}
        What the outcome is.
    outcome : str
        Its name.
    measures : DataFrame
        As `frame` gives it.
    differences : DataFrame
        One row a grouping by RFM and a ``measure``: the ``difference`` of the segments
        from it, with ``low`` and ``high`` of the 95 % interval.
    of_segments : DataFrame
        As `segments` gives it.
    n_customers : int
    n_folds : int

    See Also
    --------
    outcome_report : Makes it.
    custseg.plotting.OutcomeDisplay : Outcomes of the segments as a picture.

    Examples
    --------
    >>> import numpy as np
    >>> from custseg import KMeansSegmenter, SegmentationModel
    >>> from custseg.evaluation import outcome_report
    >>> rng = np.random.default_rng(0)
    >>> orders = rng.poisson(np.repeat([3, 20], 100))[:, np.newaxis]
    >>> came_back = rng.random(200) < np.repeat([0.2, 0.7], 100)
    >>> model = SegmentationModel(KMeansSegmenter(2, random_state=0)).fit(orders)
    >>> validation = outcome_report(model, orders, came_back, random_state=0)
    >>> validation.kind
    'event'
    >>> validation.segments()[["segment", "customers", "mean", "lift"]].round(2)
       segment  customers  mean  lift
    0        0        101  0.21  0.44
    1        1         99  0.74  1.57
    """

    kind: str
    outcome: str
    measures: pd.DataFrame
    differences: pd.DataFrame
    of_segments: pd.DataFrame
    n_customers: int
    n_folds: int

    _tables = ("frame", "segments")

    def frame(self):
        """Return the measures of the segments beside RFM and chance.

        Returns
        -------
        frame : DataFrame
            One row a grouping: ``groups`` ("segments", "RFM deciles", "RFM, as many"
            and "chance"), ``n_groups``, then ``r2``, of an event ``auc``, and
            ``lift``, each with ``low`` and ``high`` of its 95 % interval. That of
            "chance" is of the segments, with outcomes dealt to customers at random.
        """
        return self.measures.copy()

    def segments(self):
        """Return the outcome of each segment.

        Returns
        -------
        frame : DataFrame
            One row a segment, -1 for none of the above: ``segment``,
            ``segment_name``, ``customers``, their ``share``, the ``mean`` outcome with
            ``low`` and ``high`` of its 95 % interval, ``share_of_outcome``, and
            ``lift``, the mean over that of all customers.
        """
        return self.of_segments.copy()

    @property
    def verdict(self):
        """What the figures say, in words."""
        measure, unit = _MAIN[self.kind], _UNITS[self.kind]
        rows = self.measures.set_index("groups")
        row, by_chance = rows.loc["segments"], rows.loc["chance", f"{measure}_high"]
        value, low, high = (row[f"{measure}{end}"] for end in ("", "_low", "_high"))
        told = f"{unit} {value:.3f}, {low:.3f} to {high:.3f}"
        if low != low:  # folds of so few customers have no pairs to rank
            measure, unit = "r2", "R²"
            by_chance = rows.loc["chance", "r2_high"]
            value, low, high = (row[f"r2{end}"] for end in ("", "_low", "_high"))
            told = f"{unit} {value:.3f}, {low:.3f} to {high:.3f}"
        better = low > _CHANCE[measure] and value > by_chance
        said = f"{'better' if better else 'no better'} than chance ({told})."
        said = f"The segments tell {self.outcome} {said}"
        return " ".join([said, *self._against_rfm(measure, unit)])

    def _against_rfm(self, measure, unit):
        rows = self.differences[self.differences["measure"] == measure]
        if not len(rows):
            return ["There are no columns of RFM to compare with."]
        said = []
        for row in rows.itertuples():
            names = (
                "RFM deciles" if row.groups == "RFM deciles" else "as many RFM groups"
            )
            gap = f"{unit} {row.difference:+.3f}, {row.low:+.3f} to {row.high:+.3f}"
            if row.low > 0:
                word = "Better than"
            elif row.high < 0:
                word = "Worse than"
            else:
                word = "Not told apart from"
            said.append(f"{word} {names} ({gap}).")
        return said
