"""Figures of refits to resamples, by candidate and by segment, and their verdict."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np
import pandas as pd

from custseg._utils._result import Result
from custseg.selection._null import LEVEL

_DROP = 0.1  # of the lower quartile of the adjusted Rand index
_PART = 0.75  # of what a segment too many costs, where that is little
_DISSOLVED, _RECOVERED = 0.5, 0.75  # Jaccard, as clusterboot has them
_KEY = ["estimator", "n_segments"]
# Of the adjusted Rand index .8 is good and .9 excellent agreement (Steinley, 2004,
# doi 10.1037/1082-989X.9.3.386); of Jaccard similarities .75 is a valid, stable segment
# (Hennig, 2007, doi 10.1016/j.csda.2006.11.025).
_GOOD, _EXCELLENT = 0.8, 0.9
_VALID = 0.75
_HARDLY = 0.05  # share of customers whom another solution may move


class CandidateRefits(NamedTuple):
    """How the segments of one candidate came back in all resamples."""

    agreements: np.ndarray  # (n_pairs,), adjusted Rand index, NaN where one failed
    similar: dict  # of kind to Jaccard similarities, (n_resamples, found + 1), -1 last
    reasons: list  # of refits that failed
    labels: np.ndarray  # (n_kept, n_customers), for silhouettes of refits

    def means(self, kind):
        """Mean similarity of each segment, that of -1 last; NaN where none is known."""
        return _means(self.similar[kind])

    def quartiles(self):
        """Median, lower and upper quartile of the agreements of pairs."""
        known = self.agreements[~np.isnan(self.agreements)]
        return np.quantile(known, [0.5, 0.25, 0.75]) if len(known) else [np.nan] * 3


def _means(values):
    """Mean of each column without its NaN."""
    known = ~np.isnan(values)
    counts = known.sum(axis=0)
    sums = np.where(known, values, 0).sum(axis=0)
    return np.divide(sums, counts, out=np.full(len(counts), np.nan), where=counts > 0)


@dataclass(frozen=True, eq=False, repr=False)
class StabilityResult(Result):
    """How well the segments of candidates come back in refits to resamples.

    Made by `bootstrap_stability` and by ``stability`` of a search. It holds figures of
    refits and no customer.

    Attributes
    ----------
    candidates : list of Candidate
        Without estimators and labels.
    flows : DataFrame
        ``estimator``, ``n_segments``, ``segment``, ``next_n_segments``,
        ``next_segment`` and ``customers``: who goes where as there are more segments.
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

    candidates: list = field(repr=False)
    flows: pd.DataFrame
    selected: tuple | None = None
    structure: object = None
    unimodality: object = None
    rivals: object = None

    _tables = ("frame", "segments")

    def frame(self):
        """Return one row per candidate.

        Returns
        -------
        frame : DataFrame
            ``estimator``, ``n_segments``; ``adjusted_rand``, the median over pairs,
            with its quartiles ``adjusted_rand_q25`` and ``adjusted_rand_q75``;
            ``jaccard`` of the weakest segment (mean over bootstrap samples);
            ``n_failed`` refits; ``drops``, whether the rule "stable" takes this number
            because the lower quartile drops for good after it.
        """
        rows = []
        for one in self.candidates:
            similar = one.refits.means("bootstrap")[:-1]
            weakest = np.fmin.reduce(similar, initial=np.nan)
            quartiles = one.refits.quartiles()
            rows.append((*one.key, *quartiles, weakest, len(one.refits.reasons)))
        columns = ["adjusted_rand", "adjusted_rand_q25", "adjusted_rand_q75"]
        columns = [*_KEY, *columns, "jaccard", "n_failed"]
        frame = pd.DataFrame(rows, columns=columns)
        frame["drops"] = False
        known = frame.dropna(subset="adjusted_rand_q25").sort_values("n_segments")
        for _, of_one in known.groupby("estimator"):
            numbers = of_one["n_segments"]
            number, drops = stable_number(
                numbers.to_numpy(), of_one["adjusted_rand_q25"].to_numpy()
            )
            frame.loc[numbers.index[numbers == number], "drops"] = drops
        return frame

    def segments(self):
        """Return one row per segment of every candidate.

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
        parts = []
        for one in self.candidates:
            columns = {kind: one.refits.means(kind) for kind in one.refits.similar}
            of_boot = one.refits.similar["bootstrap"]
            for name, is_so in (
                ("dissolved", of_boot <= _DISSOLVED),
                ("recovered", of_boot >= _RECOVERED),
            ):
                columns[name] = _means(np.where(np.isnan(of_boot), np.nan, is_so))
            parts.append(pd.DataFrame(columns).iloc[[-1, *range(one.found)]])
        similar = pd.concat(parts)
        frame = self._of_segments()
        frame[similar.columns] = similar.to_numpy()
        frame = frame[frame["customers"] > 0].set_index([*_KEY, "segment"])
        frame["across"] = across(self.flows).reindex(frame.index)
        return frame.reset_index()

    def _of_segments(self):
        """Count customers by candidate and segment, those in none first."""
        rows = [
            (*one.key, segment, size)
            for one in self.candidates
            for segment, size in enumerate((one.outside, *one.sizes), -1)
        ]
        return pd.DataFrame(rows, columns=[*_KEY, "segment", "customers"])

    @cached_property
    def sizes(self):
        """Customers of original segments: one row per candidate and segment.

        ``estimator``, ``n_segments``, ``segment`` (-1 for customers in none) and
        ``customers``.
        """
        sizes = self._of_segments()
        return sizes[sizes["customers"] > 0].reset_index(drop=True)

    @cached_property
    def adjusted_rand(self):
        """Agreement of two refits to bootstrap samples about all customers.

        ``estimator``, ``n_segments``, ``pair`` and ``adjusted_rand``; NaN where one
        failed, and for a single segment, which always agrees with itself.
        """
        rows = [
            (*one.key, pair, value)
            for one in self.candidates
            for pair, value in enumerate(one.refits.agreements)
        ]
        return pd.DataFrame(rows, columns=[*_KEY, "pair", "adjusted_rand"])

    @cached_property
    def jaccard(self):
        """Similarity of each original segment with its most similar one of a refit.

        ``estimator``, ``n_segments``, ``segment``, ``scheme``, ``resample`` and
        ``jaccard``: by scheme over the customers of the resample; for "within" over all
        customers, by the refits to bootstrap samples.
        """
        rows = []
        for kind in self.candidates[0].refits.similar:
            for one in self.candidates:
                values = np.roll(one.refits.similar[kind], 1, axis=1)
                known = zip(*np.nonzero(~np.isnan(values.T)), strict=True)
                rows += [(*one.key, j - 1, kind, i, values[i, j]) for j, i in known]
        columns = ["segment", "scheme", "resample", "jaccard"]
        return pd.DataFrame(rows, columns=[*_KEY, *columns])

    @cached_property
    def failures(self):
        """Refits that failed: ``estimator``, ``n_segments``, ``n_failed``, ``reason``.

        The reason is that of the first.
        """
        rows = [
            (*one.key, len(one.refits.reasons), next(iter(one.refits.reasons), ""))
            for one in self.candidates
        ]
        return pd.DataFrame(rows, columns=[*_KEY, "n_failed", "reason"])

    @property
    def kind(self):
        """One of "natural", "reproducible" and "constructive"."""
        return self._kind_and_figures()[0]

    @property
    def verdict(self):
        """What kind of segmentation the selected candidate is, with the figures."""
        return ": ".join(self._kind_and_figures())

    def _kind_and_figures(self):
        (chosen,) = (one for one in self.candidates if one.key == self.selected)
        return kind_of_segmentation(
            evidence_of(chosen.refits, self.structure, self.unimodality, self.rivals)
        )


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


class StabilityEvidence(NamedTuple):
    """Figures that a verdict is based on; None where something was not looked at."""

    adjusted_rand: float  # median over pairs of refits
    n_pairs: int
    jaccard: float  # mean of the weakest segment over bootstrap samples
    structure: float | None  # p-value
    unimodality: float | None  # p-value
    n_solutions: int | None  # about as good as the best
    moved: float | None  # largest share of customers whom one of them moves


def kind_of_segmentation(evidence):
    """Decide by rules (Dolnicar and Leisch, 2010, have the three kinds).

    - natural: there are segments, with gaps between them (both tests reject at .05),
      and they come back: an adjusted Rand index of .9 and a Jaccard similarity of .75
      for every segment, and no other solution as good that moves more than 5 % of
      customers;
    - reproducible: they come back, with an adjusted Rand index of .8;
    - constructive: they do not; segments are made, not found.

    Parameters
    ----------
    evidence : StabilityEvidence

    Returns
    -------
    kind : str
    figures : str
    """
    one_of_many = evidence.moved is not None and evidence.moved > _HARDLY
    tested = evidence.structure is not None and evidence.unimodality is not None
    found = tested and max(evidence.structure, evidence.unimodality) <= LEVEL
    back = evidence.adjusted_rand >= _EXCELLENT and evidence.jaccard >= _VALID
    if found and back and not one_of_many:
        kind = "natural"
    elif evidence.adjusted_rand >= _GOOD:
        kind = "reproducible"
    else:
        kind = "constructive"
    parts = [
        _agreement_in_words(evidence),
        _structure_in_words(evidence),
        _multiplicity_in_words(evidence, one_of_many),
    ]
    return kind, "; ".join(parts) + "."


def _agreement_in_words(evidence):
    if not evidence.n_pairs:
        return "there is one segment only, or refits failed, so nothing was compared"
    pairs = "pairs of refits agree"
    if evidence.n_pairs == 1:
        pairs = "pair of refits agrees"
    return (
        f"{evidence.n_pairs} {pairs} by {evidence.adjusted_rand:.2f} "
        "(median adjusted Rand index), the weakest segment comes back by "
        f"{evidence.jaccard:.2f} (Jaccard)"
    )


def _structure_in_words(evidence):
    if evidence.structure is None or evidence.unimodality is None:
        return "whether there are segments at all was not tested"
    p = f"p = {evidence.structure:.2g}"
    dip = f"dip, p = {evidence.unimodality:.2g}"
    if evidence.structure > LEVEL:
        said = f"customers without segments can look the same ({p})"
    else:
        said = f"customers without segments look different ({p})"
    if evidence.unimodality > LEVEL:
        return f"{said}, and no gap is seen between segments ({dip})"
    return f"{said}, and there is a gap between segments ({dip})"


def _multiplicity_in_words(evidence, one_of_many):
    if evidence.n_solutions is None:
        return "other solutions were not looked for"
    if one_of_many:
        return (
            f"one of {evidence.n_solutions} solutions as good, one of which moves "
            f"{evidence.moved:.0%} of customers"
        )
    if evidence.n_solutions == 1:
        return "no other solution is as good"
    others = "other solutions as good move"
    if evidence.n_solutions == 2:
        others = "other solution as good moves"
    return (
        f"{evidence.n_solutions - 1} {others} at most {evidence.moved:.0%} of customers"
    )


def evidence_of(refits, structure, unimodality, rivals):
    """Collect figures of one candidate.

    Parameters
    ----------
    refits : CandidateRefits
    structure, unimodality : object with `p_value`, or None
    rivals : ndarray of shape (n_solutions,) or None
        Share of customers whom each solution as good moves.

    Returns
    -------
    evidence : StabilityEvidence
    """
    n_pairs = np.count_nonzero(~np.isnan(refits.agreements))
    weakest = np.fmin.reduce(refits.means("bootstrap")[:-1], initial=np.nan)
    return StabilityEvidence(
        adjusted_rand=float(refits.quartiles()[0]) if n_pairs else 0.0,
        n_pairs=n_pairs,
        jaccard=0.0 if np.isnan(weakest) else float(weakest),
        structure=None if structure is None else structure.p_value,
        unimodality=None if unimodality is None else unimodality.p_value,
        n_solutions=None if rivals is None else len(rivals),
        moved=None if rivals is None else float(np.max(rivals)),
    )
