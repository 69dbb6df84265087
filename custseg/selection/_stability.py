"""Would the segments come back? Stability over refits to resamples."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from sklearn.utils import check_array, check_random_state
from sklearn.utils.validation import has_fit_parameter

from custseg._sklearn import check_weights, routing_enabled
from custseg._utils._pipelines import last_step
from custseg._utils._seeds import draw_seed
from custseg.exceptions import DegenerateFitError
from custseg.selection._candidates import checked_numbers, named
from custseg.selection._fitting import Family, fit_numbers, one_table, parameter_in
from custseg.selection._refits import (
    agreement_table,
    failure_table,
    flow_table,
    jaccard_table,
    kept_labels,
    pair_agreements,
    refit_all,
    size_table,
)
from custseg.selection._resampling import SCHEMES
from custseg.selection._structure import structure_test
from custseg.selection._unimodality import unimodality_test
from custseg.selection._verdict import evidence_of, judge, rivals_of

_DROP = 0.1  # of the lower quartile of the adjusted Rand index
_DISSOLVED, _RECOVERED = 0.5, 0.75  # Jaccard, as clusterboot has them
_KEY = ["estimator", "n_segments"]


@dataclass(frozen=True, eq=False, repr=False)
class StabilityResult:
    """How well the segments of candidates come back in refits to resamples.

    Made by `bootstrap_stability` and by ``stability`` of a search. It holds figures of
    refits and no customer.

    Attributes
    ----------
    adjusted_rand : DataFrame
        ``estimator``, ``n_segments``, ``pair`` and ``adjusted_rand``: agreement of two
        refits to bootstrap samples about all customers; NaN where one failed.
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
    ...     n_bootstraps=10, n_null=19, random_state=0,
    ... )
    >>> result.frame()[["n_segments", "adjusted_rand", "drops"]].round(2)
       n_segments  adjusted_rand  drops
    0           2           0.09  False
    1           3           1.00   True
    2           4           0.81  False
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

    def __repr__(self):
        return f"<StabilityResult: {self.verdict}>"

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
        weakest = self._means("bootstrap").groupby(_KEY).min()
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
        of_selected = (
            (table["estimator"] == self.selected[0])
            & (table["n_segments"] == self.selected[1])
            for table in (self.adjusted_rand, self.jaccard)
        )
        pairs, resamples = (
            table[rows]
            for table, rows in zip(
                (self.adjusted_rand, self.jaccard), of_selected, strict=True
            )
        )
        by_boot = resamples[resamples["scheme"] == "bootstrap"]
        by_boot = by_boot[by_boot["segment"] >= 0].groupby("segment")["jaccard"].mean()
        return judge(
            evidence_of(
                pairs["adjusted_rand"].to_numpy(),
                by_boot.to_numpy(),
                self.structure,
                self.unimodality,
                self.rivals,
            )
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
    return (1 - entropy / many).rename_axis([*_KEY, "segment"])


def stable_number(numbers, lower_quartiles):
    """Last number of segments before stability drops for good.

    That is the smallest number for which no larger one's lower quartile of the adjusted
    Rand index comes within .1 of its own.

    Parameters
    ----------
    numbers : ndarray of shape (n_numbers,)
        Ascending.
    lower_quartiles : ndarray of shape (n_numbers,)

    Returns
    -------
    number : int
    drops : bool
        False where there is no drop up to the largest number, which is then returned.
    """
    for i in range(len(numbers) - 1):
        if lower_quartiles[i + 1 :].max() < lower_quartiles[i] - _DROP:
            return int(numbers[i]), True
    return int(numbers[-1]), False


def bootstrap_stability(
    estimator,
    X,
    *,
    n_segments=None,
    n_bootstraps=100,
    schemes=("bootstrap",),
    n_null=99,
    sample_weight=None,
    n_jobs=None,
    random_state=None,
    verbose=0,
):
    """Tell whether the segments of an estimator would come back with other customers.

    The estimator is fitted to pairs of bootstrap samples; the two answers of a pair
    label all customers, and their adjusted Rand index says how far they agree (Dolnicar
    and Leisch, 2010). Each segment is looked for in every refit by its Jaccard
    similarity (Hennig, 2007).

    Parameters
    ----------
    estimator : clusterer, or Pipeline that ends in one
        Not changed. Without `predict` its segments are carried to other customers by
        a few prototypes each.
    X : table of shape (n_customers, n_features)
        What the estimator takes.
    n_segments : sequence of int, default=None
        Numbers of segments to try; None takes the estimator as it is.
    n_bootstraps : int, default=100
        Pairs of bootstrap samples, and resamples of each other scheme.
    schemes : sequence of str, default=("bootstrap",)
        Which disturbances the segments are to come back under: "bootstrap";
        "subset", half of the customers; "noise", a twentieth of them replaced by
        uniform points; "jitter", a little normal noise for all; "bootstrap_jitter",
        both. The last three need a table of numbers.
    n_null : int, default=99
        Draws of the test whether there are segments at all; 0 leaves tests out, and
        the verdict says so.
    sample_weight : array-like of shape (n_customers,), default=None
        Weight of each customer, zero or more; tests of structure are left out then.
    n_jobs : int, default=None
        Resamples fitted at a time, as in joblib. Results are the same for any number.
    random_state : int, RandomState instance or None, default=None
        Fills every ``random_state`` that is None in the estimator and seeds all draws.
    verbose : int, default=0
        Above 0 joblib prints its progress.

    Returns
    -------
    result : StabilityResult

    Raises
    ------
    ValueError
        If a scheme is unknown, or the estimator takes no weights that are given.
    SchemaError
        If a scheme needs numbers and the table has other columns.
    DegenerateFitError
        If the estimator cannot be fitted to all customers.

    Notes
    -----
    The figures rise with the number of starts: a worse optimiser looks unstable. Of the
    Jaccard similarity .6 to .75 is a pattern whose members are in doubt, .75 and more a
    valid segment, .85 and more a highly stable one; .5 or less is a segment dissolved
    (Hennig, 2007, and his clusterboot). These are not for the adjusted Rand index.

    Stable is not yet valid: a cloud without segments can be cut in two at the same
    place each time. That is what the tests of structure are for.

    References
    ----------
    Dolnicar, S. and Leisch, F. (2010). Evaluation of structure and reproducibility of
    cluster solutions using the bootstrap. Marketing Letters 21, 83-101.
    https://doi.org/10.1007/s11002-009-9083-4

    Dolnicar, S. and Leisch, F. (2017). Using segment level stability to select target
    segments in data-driven market segmentation studies. Marketing Letters 28, 423-436.
    https://doi.org/10.1007/s11002-017-9423-8

    Hennig, C. (2007). Cluster-wise assessment of cluster stability. Computational
    Statistics and Data Analysis 52, 258-271.
    https://doi.org/10.1016/j.csda.2006.11.025

    Examples
    --------
    >>> import numpy as np
    >>> from custseg import KMeansSegmenter
    >>> from custseg.selection import bootstrap_stability
    >>> rng = np.random.default_rng(0)
    >>> X = np.vstack([rng.normal(m, 1, (40, 2)) for m in (0, 6)])
    >>> result = bootstrap_stability(
    ...     KMeansSegmenter(2, n_init=3), X, n_bootstraps=10, n_null=0, random_state=0
    ... )
    >>> result.segments()[["segment", "customers", "bootstrap"]].round(2)
       segment  customers  bootstrap
    0        0         40        1.0
    1        1         40        1.0
    """
    X = one_table(X)
    seed = None
    if random_state is not None:
        seed = draw_seed(check_random_state(random_state))
    if sample_weight is not None:
        sample_weight = check_weights(sample_weight, X)
        refuses = not has_fit_parameter(last_step(estimator), "sample_weight")
        if refuses and not routing_enabled():
            raise ValueError(
                "sample_weight must be taken by the estimator. Got "
                f"{type(last_step(estimator)).__name__} instead. Leave the weights out."
            )
    schemes = check_schemes(schemes)
    ((name, estimator),) = named([estimator])
    numbers = (None,) if n_segments is None else tuple(checked_numbers(n_segments))
    if n_segments is not None:
        parameter_in(estimator, name)
    fits = fit_numbers(estimator, numbers, X, seed=seed, sample_weight=sample_weight)
    if all(fit.estimator is None for fit in fits):
        raise DegenerateFitError(
            "The estimator must be fitted to all customers first. Got an error "
            f"instead: {fits[0].reason}"
        )
    options = {"n_jobs": n_jobs, "verbose": verbose, "sample_weight": sample_weight}
    family = Family(name, estimator, numbers, fits)
    result, _ = measure_stability(
        [family], X, n_bootstraps=n_bootstraps, schemes=schemes, seed=seed, **options
    )
    frame = result.frame().dropna(subset="adjusted_rand_q25")
    if frame.empty:
        raise DegenerateFitError(
            "Refits to resamples must be possible. Got only such that failed instead: "
            f"{result.failures['reason'].iloc[0]}"
        )
    number, _ = stable_number(
        frame["n_segments"].to_numpy(), frame["adjusted_rand_q25"].to_numpy()
    )
    fit = fits[numbers_of_family(family).index(number)]
    return with_tests(
        replace(result, selected=(name, number)),
        fit,
        X,
        last_space(fit.estimator, X),
        n_null=0 if sample_weight is not None else n_null,
        sample_weight=sample_weight,
        seed=seed,
    )


def measure_stability(
    families,
    X,
    *,
    n_bootstraps,
    seed,
    schemes=("bootstrap",),
    n_jobs=None,
    verbose=0,
    sample_weight=None,
):
    """Refit candidates to resamples and compare.

    Parameters
    ----------
    families : list of Family
        With their fits to all customers; a number None is that of the fit.
    X : table of shape (n_customers, n_features)
    n_bootstraps, schemes, n_jobs, verbose, sample_weight : as `bootstrap_stability`
    seed : int or None

    Returns
    -------
    result : StabilityResult
        Without a selected candidate and tests.
    labels : dict of (name, number) to ndarray of shape (n_refits, n_customers)
        Of all customers, by fifty refits to bootstrap samples at most.
    """
    refits = refit_all(
        families,
        X,
        n_bootstraps=n_bootstraps,
        schemes=schemes,
        seed=seed,
        n_jobs=n_jobs,
        verbose=verbose,
        weights=sample_weight,
    )
    keys = [
        (family.name, number)
        for family in families
        for number in numbers_of_family(family)
    ]
    fits = [fit for family in families for fit in family.fits]
    by_boot = refits.get("bootstrap", [])
    result = StabilityResult(
        adjusted_rand=agreement_table(
            pair_agreements(by_boot, len(keys), sample_weight), keys
        ),
        jaccard=jaccard_table(refits, keys),
        flows=flow_table(families, sample_weight),
        sizes=size_table(fits, keys, sample_weight),
        failures=failure_table(refits, keys),
        selected=None,
    )
    labels = {key: kept_labels(by_boot, j) for j, key in enumerate(keys)}
    return result, labels


def with_tests(result, fit, X, Z, *, n_null, sample_weight, seed):
    """Add tests of structure, and rivals of the selected candidate.

    Parameters
    ----------
    result : StabilityResult
    fit : Fit
        The selected candidate.
    X : table of shape (n_customers, n_features)
        What it was fitted on.
    Z : ndarray of shape (n_customers, n_columns), or None
        The space to test in; None leaves tests out.
    n_null : int
    sample_weight : ndarray of shape (n_customers,) or None
    seed : int or None

    Returns
    -------
    result : StabilityResult
    """
    structure = unimodality = None
    if n_null and Z is not None:
        structure = structure_test(Z, n_draws=n_null, random_state=seed)
        unimodality = unimodality_test(Z, random_state=seed)
    rivals = rivals_of(fit, X, sample_weight=sample_weight, seed=seed)
    return replace(result, structure=structure, unimodality=unimodality, rivals=rivals)


def last_space(estimator, X):
    """Return what the last step gets as numbers, or None where it gets others."""
    while hasattr(estimator, "steps"):
        if len(estimator.steps) > 1:
            X = estimator[:-1].transform(X)
        estimator = estimator.steps[-1][1]
    try:
        return check_array(X, dtype=np.float64)
    except (TypeError, ValueError):
        return None


def numbers_of_family(family):
    """Numbers of segments, that of the fit where none was asked for."""
    if family.numbers == (None,):
        return [int(family.fits[0].labels.max()) + 1]
    return list(family.numbers)


def check_schemes(schemes):
    """Return the schemes, bootstrap among them, or say which is unknown."""
    given = [schemes] if isinstance(schemes, str) else list(schemes)
    unknown = [scheme for scheme in given if scheme not in SCHEMES]
    if unknown:
        raise ValueError(
            f"schemes must be of {', '.join(map(repr, SCHEMES))}. Got "
            f"{', '.join(map(repr, unknown))} instead. 'bootstrap' is the usual one."
        )
    return ["bootstrap", *(scheme for scheme in given if scheme != "bootstrap")]
