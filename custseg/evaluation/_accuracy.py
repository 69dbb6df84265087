"""How well a segmentation model assigns customers, told honestly."""

from numbers import Integral

import numpy as np
import pandas as pd
from sklearn.utils import check_random_state

from custseg._sklearn import check_is_fitted
from custseg._utils._seeds import draw_seed
from custseg.assignment import as_table, folds
from custseg.evaluation._accuracy_report import AssignmentReport
from custseg.evaluation._calibration_curve import (
    brier_score,
    calibration_error,
    log_loss,
    reliability_curve,
    wilson_interval,
)
from custseg.evaluation._out_of_fold import (
    NONE,
    OTHER,
    agreement_with_labels,
    column_names,
    with_segments_fixed,
    with_segments_refitted,
)
from custseg.exceptions import DataQualityError

_LEAST_AGREEMENT = 0.1  # adjusted Rand index; customers in another order have about 0
_RELIABILITY = ["calibrated", "segment", "bin", "customers", "probability", "share"]
_SCORES = ["probabilities", "calibration_error", "low", "high", "log_loss", "brier"]


def assignment_report(model, X, *, n_folds=5, refit=True, n_bins=10, random_state=None):
    """Report how well a model assigns customers, on customers not learned from.

    Three accuracies stand side by side. *Resubstitution* asks the model about the
    customers that it learned from, and flatters. With *segments fixed*, clones of the
    assigner learn the model's segments from all folds but one and are asked about that
    one. With *segments refitted*, the whole model is learned anew from all folds but
    one, and its segments are matched to the model's: it says whether the same
    customers would be together had others been asked.

    Parameters
    ----------
    model : SegmentationModel
        Fitted; it is not changed.
    X : frame or array-like of shape (n_customers, n_columns)
        The customers that it was fitted on, in the same order.
    n_folds : int, default=5
        Parts that customers are dealt to, of each segment its share.
    refit : bool, default=True
        Whether to learn the whole model anew `n_folds` times, which costs the most.
    n_bins : int, default=10
        Bins of equal width that probabilities are compared in.
    random_state : int, RandomState instance or None, default=None
        Deals customers to folds, draws resamples and fills every ``random_state`` that
        is None. With an int a report repeats bit for bit.

    Returns
    -------
    report : AssignmentReport
        Its ``verdict`` says it in words; ``frame()`` has the accuracies, ``segments()``
        recall and precision, ``confusion()`` who is taken for whom, and
        ``reliability`` and ``scores`` what probabilities are worth.

    Raises
    ------
    TypeError
        If the model is no SegmentationModel.
    NotFittedError
        If it is not fitted.
    DataQualityError
        If there are more or fewer customers than it was fitted on, or they come in
        another order, as far as the segmenter can tell.
    DegenerateFitError
        If it, or its assigner, cannot learn from part of the customers.
    ValueError
        If `n_folds` is no whole number from two to the number of customers, `n_bins`
        none from one on, or `refit` is False and there is no assigner.

    See Also
    --------
    custseg.bootstrap_stability : Whether the segments themselves come back.

    Notes
    -----
    Accuracies are compared with the largest share, what giving everyone the largest
    segment would get, and with proportional chance, the sum of squared shares
    (Morrison, 1969). ``improvement`` is Huberty's (1984) index over the former.

    Intervals are Wilson's for a share of independent customers. They leave out that
    clones share most of the customers they learn from, and all chance that lies in
    the segments: which would have been learned from other customers, and how they are
    matched, which favours agreement (a match is chosen to be the best on the
    customers learned from). Another ``random_state`` shows part of it.

    Customers whom the segmenter puts in no segment are in no figure. Those whom the
    model itself rejects (`reject_alpha`) are left out of the first two accuracies and
    of all that is said of probabilities, and those whom a refit rejects of the third:
    a rejection is no answer, so it is counted and is neither right nor wrong.

    Without an assigner nothing learns the segments as they are; the middle accuracy
    is then missing, and tables go by the refits.

    Probabilities are compared in bins of equal width, as in the definition of the
    expected calibration error (Naeini et al., 2015; Guo et al., 2017), which moves a
    little with their number. A calibrated model's clones are calibrated within the
    folds that they learn from. Its interval is the basic bootstrap's over customers.

    References
    ----------
    Guo, C., Pleiss, G., Sun, Y. and Weinberger, K. Q. (2017). On calibration of modern
    neural networks. ICML. https://arxiv.org/abs/1706.04599

    Huberty, C. J. (1984). Issues in the use and interpretation of discriminant
    analysis. Psychological Bulletin 95(1), 156-171.
    https://doi.org/10.1037/0033-2909.95.1.156

    Morrison, D. G. (1969). On the interpretation of discriminant analysis. Journal of
    Marketing Research 6(2), 156-163. https://doi.org/10.1177/002224376900600206

    Naeini, M. P., Cooper, G. F. and Hauskrecht, M. (2015). Obtaining well calibrated
    probabilities using Bayesian binning. AAAI. https://doi.org/10.1609/aaai.v29i1.9602

    Wilson, E. B. (1927). Probable inference, the law of succession, and statistical
    inference. Journal of the American Statistical Association 22(158), 209-212.
    https://doi.org/10.1080/01621459.1927.10502953

    Examples
    --------
    Segments of noise, assigned by columns that have nothing to do with them:

    >>> import numpy as np
    >>> from custseg import DiscriminantAssigner, KMeansSegmenter, SegmentationModel
    >>> from custseg.evaluation import assignment_report
    >>> noise = np.random.default_rng(0).normal(size=(300, 12))
    >>> model = SegmentationModel(
    ...     KMeansSegmenter(4, n_init=2, random_state=0),
    ...     DiscriminantAssigner(),
    ...     basis=range(6),
    ...     descriptors=range(6, 12),
    ... ).fit(noise)
    >>> report = assignment_report(model, noise, random_state=0)
    >>> report.frame()[["figure", "accuracy", "low", "high"]].round(2)
                    figure  accuracy   low  high
    0       resubstitution      0.30  0.25  0.35
    1       segments fixed      0.25  0.20  0.30
    2    segments refitted      0.28  0.23  0.33
    3        largest share      0.26   NaN   NaN
    4  proportional chance      0.25   NaN   NaN
    """
    _check_model(model, refit)
    X = as_table(X)
    _check_customers(model, X, n_folds, n_bins)
    rng = check_random_state(random_state)
    seed = None if random_state is None else draw_seed(rng)
    ids = model.segment_ids_
    codes = np.where(model.labels_ < 0, -1, np.searchsorted(ids, model.labels_))
    said = np.asarray(model.predict(X))
    answers = {"resubstitution": np.where(said < 0, NONE, np.searchsorted(ids, said))}
    parts = folds(model.labels_, n_folds, seed)
    fixed = None
    if model.assigner is not None:
        fixed = with_segments_fixed(model, X, parts, seed)
        answers["segments fixed"] = np.where(said < 0, NONE, fixed.codes)
    if refit:
        refitted = with_segments_refitted(model, X, parts, seed)
        answers["segments refitted"] = refitted
    shares = np.bincount(codes[codes >= 0], minlength=len(ids)) / (codes >= 0).sum()
    told = "segments refitted" if fixed is None else "segments fixed"
    reliability, scores = _probabilities(
        fixed, codes, (codes >= 0) & (said >= 0), shares, ids, n_bins, seed
    )
    return AssignmentReport(
        kind=_kind(model, X),
        accuracies=_accuracies(answers, codes, shares),
        counts=_counts(codes, answers[told], len(ids)),
        segment_ids=ids.copy(),
        segment_names=dict(model.segment_names_),
        reliability=reliability,
        scores=scores,
        n_unplaced=int((codes < 0).sum()),
        n_folds=int(n_folds),
    )


def _check_model(model, refit):
    if not (hasattr(model, "segmenter") and hasattr(model, "assigner")):
        raise TypeError(
            "The model must be a SegmentationModel. Got "
            f"{type(model).__name__} instead. Put it in one: "
            "SegmentationModel(segmenter, assigner)."
        )
    check_is_fitted(model)
    if model.assigner is None and not refit:
        raise ValueError(
            "refit must be True for a model without an assigner, which can be judged "
            "only by learning the segments anew. Got False instead. Leave refit out."
        )


def _check_customers(model, X, n_folds, n_bins):
    n_customers = len(model.labels_)
    if len(X) != n_customers:
        raise DataQualityError(
            "X must have the customers that the model was fitted on, in their order. "
            f"Got {len(X)} rows for {n_customers} customers instead. Pass the table "
            "that was passed to fit."
        )
    agreement = agreement_with_labels(model, X)
    if agreement < _LEAST_AGREEMENT:
        raise DataQualityError(
            "X must have the customers that the model was fitted on, in their order. "
            f"Got {n_customers} rows that the segmenter puts elsewhere instead "
            f"(adjusted Rand index {agreement:.2f}). Pass the table that was passed to "
            "fit."
        )
    for name, value, least, most in (
        ("n_folds", n_folds, 2, n_customers),
        ("n_bins", n_bins, 1, np.inf),
    ):
        if not isinstance(value, Integral) or not least <= value <= most:
            up_to = "" if most == np.inf else f" and at most {most}, the customers"
            raise ValueError(
                f"{name} must be a whole number of at least {least}{up_to}. Got "
                f"{value!r} instead. Leave it out for the default."
            )


def _kind(model, X):
    if model.assigner is None:
        return "reproducibility"
    basis, descriptors = map(set, column_names(model, X))
    if basis <= descriptors:
        return "reproducibility"
    return "mixed" if basis & descriptors else "predictability"


def _accuracies(answers, codes, shares):
    """Shares of the customers in a segment and not rejected that are put there."""
    members, largest = codes >= 0, shares.max()
    rows = []
    for name, said in answers.items():
        asked = members & (said != NONE)
        n_hits, n_asked = int((said == codes)[asked].sum()), int(asked.sum())
        low, high = wilson_interval(n_hits, n_asked)
        accuracy = n_hits / n_asked if n_asked else np.nan
        n_rejected = int(members.sum()) - n_asked
        rows.append((name, accuracy, low, high, n_asked, n_rejected))
    for name, accuracy in (
        ("largest share", largest),
        ("proportional chance", np.square(shares).sum()),
    ):
        rows.append((name, accuracy, np.nan, np.nan, int(members.sum()), 0))
    columns = ["figure", "accuracy", "low", "high", "customers", "rejected"]
    frame = pd.DataFrame(rows, columns=columns)
    # With one segment there is nothing to improve.
    room = 1 - largest if largest < 1 else np.nan
    return frame.assign(improvement=(frame["accuracy"] - largest) / room)


def _counts(codes, said, n_segments):
    column = np.select(
        [said == NONE, said == OTHER], [n_segments, n_segments + 1], said
    )
    counts = np.zeros((n_segments, n_segments + 2), dtype=int)
    members = codes >= 0
    np.add.at(counts, (codes[members], column[members]), 1)
    return counts


def _probabilities(fixed, codes, asked, shares, ids, n_bins, seed):
    """Curves and scores of cross-validated probabilities; empty without any."""
    curves, scores = [], []
    if fixed is not None and fixed.raw is not None and asked.any():
        codes = codes[asked]
        for name, probabilities in (
            ("uncalibrated", fixed.raw),
            ("calibrated", fixed.calibrated),
            ("shares", np.broadcast_to(shares, fixed.raw.shape)),
        ):
            if probabilities is None:
                continue
            probabilities = probabilities[asked]
            rng = np.random.default_rng(seed)
            scores.append((name, *_scores(probabilities, codes, n_bins, rng)))
            if name != "shares":
                found = _curves(probabilities, codes, ids, n_bins)
                curves.append(found.assign(calibrated=name == "calibrated"))
    empty = pd.DataFrame(columns=[*_RELIABILITY, "low", "high"])
    curves = pd.concat(curves, ignore_index=True)[empty.columns] if curves else empty
    return curves, pd.DataFrame(scores, columns=_SCORES)


def _top(probabilities, codes):
    """Probability of the most probable segment, and whether it is the own one."""
    top = probabilities.argmax(axis=1)
    return probabilities[np.arange(len(top)), top], top == codes


def _scores(probabilities, codes, n_bins, rng):
    error = calibration_error(*_top(probabilities, codes), n_bins, rng)
    return *error, log_loss(probabilities, codes), brier_score(probabilities, codes)


def _curves(probabilities, codes, ids, n_bins):
    """Reliability of the segment assigned (-1) and of each segment."""
    curves = [reliability_curve(*_top(probabilities, codes), n_bins).assign(segment=-1)]
    for k, segment in enumerate(ids.tolist()):
        curve = reliability_curve(probabilities[:, k], codes == k, n_bins)
        curves.append(curve.assign(segment=segment))
    return pd.concat(curves, ignore_index=True)
