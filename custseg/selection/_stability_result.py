"""Figures of refits to resamples, by candidate and by segment, and their verdict."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from custseg._utils._result import Result
from custseg.selection._verdict import evidence_of, judge

_DROP = 0.1  # of the lower quartile of the adjusted Rand index
_PART = 0.75  # of what a segment too many costs, where that is little
_DISSOLVED, _RECOVERED = 0.5, 0.75  # Jaccard, as clusterboot has them
_KEY = ["estimator", "n_segments"]


@dataclass(frozen=True, eq=False, repr=False)
class StabilityResult(Result):
    """How well the segments of candidates come back in refits to resamples.

    Made by `bootstrap_stability` and by ``stability`` of a search. It holds figures of
    refits and no customer.

    Attributes
    ----------
    adjusted_rand : DataFrame
        ``estimator``, ``n_segments``, ``pair`` and ``adjusted_rand``: agreement of two
        refits to bootstrap samples about all customers; NaN where one failed, and for
        a single segment, which always agrees with itself.
    jaccard : DataFrame
        ``estimator``, ``n_segments``, ``segment``, ``scheme``, ``resample`` and
        ``jaccard``: similarity of the original segment with its most similar one of
        the refit. By scheme over the customers of the resample; for "within" over all
        customers, by the refits to bootstrap samples.
    flows : DataFrame
        ``estimator``, ``n_segments``, ``segment``, ``next_n_segments``,
        ``next_segment`` and ``customers``: who goes where as there are more segments.
    sizes : DataFrame
        ``estimator``, ``n_segments``, ``segment`` and ``customers`` of the originals.
    failures : DataFrame
        ``estimator``, ``n_segments``, ``n_failed`` refits and the first ``reason``.
    selected : tuple of (str, int)
        Candidate that the verdict is about.
    structure, unimodality : results of `structure_test` and `unimodality_test`, or None
    rivals : ndarray of shape (n_solutions,) or None
        Share of customers whom each solution that is as good puts elsewhere, the
        selected one's own zero included; None where it was not looked for.

    See Also
    --------
    bootstrap_stability : Makes it.
    custseg.plotting.StabilityDisplay : Agreement by number of segments, as a picture.

    Examples
    --------
    >>> import numpy as np
    >>> from custseg import KMeansSegmenter
    >>> from custseg.selection import bootstrap_stability
    >>> rng = np.random.default_rng(0)
    >>> X = np.vstack([rng.normal(m, 1, (40, 2)) for m in (0, 8, 16)])
    >>> result = bootstrap_stability(
    ...     X=X, estimator=KMeansSegmenter(n_init=3), n_segments=(2, 3, 4),
    ...     n_bootstraps=5, n_null=19, random_state=0,
    ... )
    >>> result.frame()[["n_segments", "adjusted_rand", "drops"]].round(2)
       n_segments  adjusted_rand  drops
    0           2           0.09  False
    1           3           1.00   True
    2           4           0.88  False
    >>> result.kind
    'natural'
    """

    adjusted_rand: pd.DataFrame
    jaccard: pd.DataFrame
    flows: pd.DataFrame
    sizes: pd.DataFrame
    failures: pd.DataFrame
    selected: tuple
    structure: object = None
    unimodality: object = None
    rivals: object = None

    _tables = ("frame", "segments")

    def frame(self):
        """Return one row a candidate.

        Returns
        -------
        frame : DataFrame
            ``estimator``, ``n_segments``; ``adjusted_rand``, the median over pairs,
            with its quartiles ``adjusted_rand_q25`` and ``adjusted_rand_q75``;
            ``jaccard`` of the weakest segment (mean over bootstrap samples);
            ``n_failed`` refits; ``drops``, whether the rule "stable" takes this number
            because the lower quartile drops for good after it.
        """
        grouped = self.adjusted_rand.groupby(_KEY, sort=False)["adjusted_rand"]
        frame = grouped.quantile([0.5, 0.25, 0.75]).unstack()
        frame.columns = ["adjusted_rand", "adjusted_rand_q25", "adjusted_rand_q75"]
        means = self._means("bootstrap")
        weakest = means.drop(-1, level="segment", errors="ignore").groupby(_KEY).min()
        frame["jaccard"] = weakest.reindex(frame.index)
        failed = self.failures.set_index(_KEY)["n_failed"]
        frame["n_failed"] = failed.reindex(frame.index)
        frame["drops"] = False
        for name, rows in frame.groupby("estimator"):
            known = rows["adjusted_rand_q25"].dropna().sort_index()
            if len(known):
                numbers = known.index.get_level_values("n_segments")
                number, drops = stable_number(numbers.to_numpy(), known.to_numpy())
                frame.loc[(name, number), "drops"] = drops
        return frame.reset_index()

    def segments(self):
        """Return one row a segment of every candidate.

        Returns
        -------
        frame : DataFrame
            ``estimator``, ``n_segments``, ``segment``, ``customers``; the mean Jaccard
            similarity by scheme, and ``within`` over all customers; ``dissolved`` and
            ``recovered``, the shares of bootstrap samples in which it is .5 or less,
            and .75 or more; ``across``, one less the entropy of where the segment's
            customers come from in the solution with fewer segments, over the logarithm
            of their number (NaN for the first).
        """
        key = [*_KEY, "segment"]
        frame = self.sizes.set_index(key)
        for scheme in self.jaccard["scheme"].unique():
            frame[scheme] = self._means(scheme).reindex(frame.index)
        of_boot = self.jaccard[self.jaccard["scheme"] == "bootstrap"]
        similar = of_boot.set_index(key)["jaccard"].dropna()
        for name, is_so in (
            ("dissolved", similar <= _DISSOLVED),
            ("recovered", similar >= _RECOVERED),
        ):
            frame[name] = is_so.groupby(key).mean().reindex(frame.index)
        frame["across"] = across(self.flows).reindex(frame.index)
        return frame.reset_index()

    def _means(self, scheme):
        of_scheme = self.jaccard[self.jaccard["scheme"] == scheme]
        return of_scheme.groupby([*_KEY, "segment"])["jaccard"].mean()

    @property
    def kind(self):
        """One of "natural", "reproducible" and "constructive"."""
        return self._judged()[0]

    @property
    def verdict(self):
        """What kind of segmentation the selected candidate is, with the figures."""
        return ": ".join(self._judged())

    def _judged(self):
        means = self._of_selected(self._means("bootstrap").reset_index())
        return judge(
            evidence_of(
                self._of_selected(self.adjusted_rand)["adjusted_rand"].to_numpy(),
                means.loc[means["segment"] >= 0, "jaccard"].to_numpy(),
                self.structure,
                self.unimodality,
                self.rivals,
            )
        )

    def _of_selected(self, table):
        name, number = self.selected
        return table[(table["estimator"] == name) & (table["n_segments"] == number)]


def across(flows):
    """Segment-level stability across solutions (Dolnicar and Leisch, 2017).

    One where all customers of a segment come from one segment of the solution before,
    zero where they come from all of them alike.

    Returns
    -------
    stability : Series
        By estimator, number of segments and segment.
    """
    key = ["estimator", "next_n_segments", "next_segment"]
    rows = flows[(flows["segment"] >= 0) & (flows["next_segment"] >= 0)]
    share = rows["customers"] / rows.groupby(key)["customers"].transform("sum")
    entropy = -(share * np.log(share)).groupby([rows[name] for name in key]).sum()
    before = rows.groupby(key)["n_segments"].first()
    many = np.log(before.where(before > 1))
    # Without a solution before there are no rows, and their kind is not known.
    stability = (1 - entropy / many).astype(float)
    return stability.rename_axis([*_KEY, "segment"])


def stable_number(numbers, lower_quartiles):
    """Last number of segments before stability drops for good.

    That is the smallest number for which no larger one's lower quartile of the adjusted
    Rand index comes within .1 of its own; within less than .1 from six segments on
    (`least_drop`). Where stability declines by smaller steps only, it is the last
    number within .1 of the best. The rule and its limits are ours, set by simulation.

    Parameters
    ----------
    numbers : ndarray of shape (n_numbers,)
        Ascending.
    lower_quartiles : ndarray of shape (n_numbers,)

    Returns
    -------
    number : int
    drops : bool
        False where there is none up to the largest number, which is then returned.
    """
    for i in range(len(numbers) - 1):
        least = least_drop(numbers[i])
        if lower_quartiles[i + 1 :].max() < lower_quartiles[i] - least:
            return int(numbers[i]), True
    near = np.flatnonzero(lower_quartiles >= lower_quartiles.max() - _DROP)[-1]
    return int(numbers[near]), bool(near < len(numbers) - 1)


def least_drop(number):
    """How far the adjusted Rand index must fall after a number of segments.

    Where there are as many equal segments, and refits with one more cut some one of
    them in half, two that cut different ones still agree about the others, and the
    more there are the better: the index falls by .14 with five segments, .11 with six
    and .06 with ten. Three quarters of that are asked for, and no more than .1.

    Parameters
    ----------
    number : int

    Returns
    -------
    drop : float
    """
    # Pairs of customers within segments, one for a whole segment; number ** 2 in all.
    pairs = number - 0.5
    expected = (pairs / number) ** 2
    shared = number - 1
    index = (shared - expected) / (pairs - expected)
    return min(_DROP, _PART * (1 - index))
