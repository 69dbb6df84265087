"""What a model says of customers that it has, and has not, learned from."""

from typing import NamedTuple

import numpy as np
from sklearn.base import clone

from custseg._utils._frames import as_frame, rows_at
from custseg._utils._pipelines import path_to_last_step
from custseg.assignment import (
    columns_of,
    cross_fitted_probabilities,
    fit_to_fold,
    learn_calibration,
)
from custseg.cluster import adjusted_rand, coded, crossed, ids_of, match_labels
from custseg.exceptions import DegenerateFitError

NONE, OTHER = -1, -2  # rejected, and a segment that matches none of the model's


class HeldOutAnswers(NamedTuple):
    """What was said of customers whom the assigner had not learned from.

    Attributes
    ----------
    codes : ndarray of shape (n_customers,)
        Position of the segment among the model's; -1 for customers not asked.
    raw : ndarray of shape (n_customers, n_segments) or None
        Probabilities before calibration.
    calibrated : ndarray of shape (n_customers, n_segments) or None
        None where the model has no calibration.
    """

    codes: np.ndarray
    raw: np.ndarray | None
    calibrated: np.ndarray | None


def column_names(model, X):
    """Return the names of basis and of descriptor columns; numbers for an array.

    Parameters
    ----------
    model : SegmentationModel
    X : frame or array of shape (n_customers, n_columns)

    Returns
    -------
    basis, descriptors : list
    """
    frame = as_frame(X)
    no_basis = {model.customer_id, getattr(model, "split_by", None)} - {None}
    every = range(X.shape[1]) if frame is None else frame.columns
    basis = model.basis
    if basis is None:
        basis = [name for name in every if name not in no_basis]
    descriptors = basis if model.descriptors is None else model.descriptors
    return list(basis), list(descriptors)


def agreement_with_labels(model, X):
    """Compare what segmenters say of customers with what they learned.

    By the adjusted Rand index, which is one for segmenters without predict.
    """
    labels = np.full(len(model.labels_), NONE)
    basis = columns_of(X, column_names(model, X)[0], "basis")
    for part in _parts(model):
        if not hasattr(part.segmenter_, "predict"):
            return 1.0
        rows = np.flatnonzero(np.isin(model.labels_, part.segment_ids_))
        if len(rows):
            said = part.segmenter_.predict(rows_at(basis, rows))
            labels[rows] = ids_of(said, part.segmenter_ids_)
    (ids, codes), (said_ids, said) = coded(model.labels_), coded(labels)
    shape = (len(ids), len(said_ids))
    return adjusted_rand(crossed(codes, said, shape))


def with_segments_fixed(model, X, folds, seed):
    """Ask clones of the assigner, which learn the model's segments from other folds.

    A calibrated model's clones are calibrated within what they learn from. Models by
    customer type learn apart, and answer in one space of segments.

    Parameters
    ----------
    model : fitted SegmentationModel
        With an assigner.
    X : frame or array of shape (n_customers, n_columns)
        That it was fitted on.
    folds : list of (ndarray, ndarray)
    seed : int or None

    Returns
    -------
    answers : HeldOutAnswers
    """
    ids, labels = model.segment_ids_, model.labels_
    basis, descriptors = (
        columns_of(X, names, "model") for names in column_names(model, X)
    )
    has_probabilities = hasattr(model.assigner, "predict_proba")
    codes = np.full(len(labels), NONE)
    raw, calibrated = np.zeros((2, len(labels), len(ids)))
    for part in _parts(model):
        learner = _Learner(model, part, basis, descriptors, labels, seed)
        of_part = np.isin(labels, part.segment_ids_)
        columns = np.searchsorted(ids, part.segment_ids_)
        for learned, asked in folds:
            learned, asked = learned[of_part[learned]], asked[of_part[asked]]
            if not len(asked):
                continue
            said, *probabilities = learner(learned, asked, has_probabilities)
            codes[asked] = np.searchsorted(ids, said)
            cells = np.ix_(asked, columns)
            for every, found in zip((raw, calibrated), probabilities, strict=True):
                every[cells] = 0 if found is None else found
    return HeldOutAnswers(
        codes,
        raw if has_probabilities else None,
        calibrated if has_probabilities and _calibration(model) else None,
    )


def with_segments_refitted(model, X, folds, seed):
    """Ask clones of the whole model that learned segments of their own from others.

    Their segments are matched to the model's by the customers that they learned from.

    Returns
    -------
    codes : ndarray of shape (n_customers,)
        -1 for none of the above and -2 for a segment that matches none.
    """
    codes = np.full(len(model.labels_), NONE)
    for learned, asked in folds:
        again = learned_anew(model, rows_at(X, learned), len(X), seed)
        said = again.predict(rows_at(X, asked))
        codes[asked] = _as_former(model, again, learned)[
            np.searchsorted(again.segment_ids_, np.maximum(said, again.segment_ids_[0]))
        ]
        codes[asked[said == -1]] = NONE
    return codes


def learned_anew(model, customers, n_customers, seed):
    """Learn a clone of a model from some of its customers.

    Parameters
    ----------
    model : SegmentationModel
    customers : frame or array
        Those to learn from.
    n_customers : int
        Of how many they are.
    seed : int or None

    Returns
    -------
    again : fitted SegmentationModel
    """
    again = clone(model)
    if model.random_state is None:
        again.set_params(random_state=seed)
    try:
        return again.fit(customers)
    except ValueError as error:
        raise DegenerateFitError(
            "The model must be able to learn from part of the customers, which "
            f"cross-validation leaves it with. Got {len(customers)} of "
            f"{n_customers} instead, and: {error} Give more customers, or "
            "pass refit=False."
        ) from error


def _as_former(model, again, learned):
    """Position among the model's segments of each segment of a refit."""
    former = model.segment_ids_
    matched = match_labels(model.labels_[learned], again.labels_)
    position = np.full(len(again.segment_ids_), OTHER)
    for k, segment in enumerate(again.segment_ids_):
        found = np.flatnonzero(again.labels_ == segment)
        if len(found) and matched[found[0]] in former:
            position[k] = np.searchsorted(former, matched[found[0]])
    return position


def _parts(model):
    """Return the models by customer type, or the one that there is."""
    by_type = getattr(model, "models_", None)
    return list(by_type.values()) if by_type else [model]


def _calibration(model):
    return getattr(model, "calibration", None)


class _Learner:
    """Fits an assigner to some customers and asks it about others."""

    def __init__(self, model, part, basis, descriptors, labels, seed):
        self.assigner, self.method = model.assigner, _calibration(model)
        self.descriptors, self.labels, self.seed = descriptors, labels, seed
        self.ids = part.segment_ids_
        self.memberships = None
        if getattr(model, "soft_labels", False):
            of_part = np.isin(labels, self.ids)
            self.memberships = np.zeros((len(labels), len(self.ids)))
            said = part.segmenter_.predict_proba(
                rows_at(basis, np.flatnonzero(of_part))
            )
            self.memberships[of_part] = said[:, np.argsort(part.segmenter_ids_)]

    def __call__(self, learned, asked, has_probabilities):
        """Return ids said of the asked, and probabilities raw and calibrated."""
        known, _ = coded(self.labels[learned])
        places = np.searchsorted(self.ids, known)
        fitted = fit_to_fold(
            self.assigner,
            self.descriptors,
            self.labels,
            learned,
            self.seed,
            **self._memberships(learned, places),
        )
        columns = rows_at(self.descriptors, asked)
        said = np.repeat(known[:1], len(asked)) if fitted is None else None
        raw = np.zeros((len(asked), len(self.ids)))
        if not has_probabilities:
            return (fitted.predict(columns) if said is None else said), None, None
        raw[:, places] = 1 if fitted is None else fitted.predict_proba(columns)
        if self.method is None:
            return (fitted.predict(columns) if said is None else said), raw, None
        calibrated = self._learned_calibration(learned).apply(raw)
        return self.ids[calibrated.argmax(axis=1)], raw, calibrated

    def _memberships(self, learned, places):
        if self.memberships is None:
            return {}
        found = self.memberships[np.ix_(learned, places)]
        found /= found.sum(axis=1, keepdims=True)
        return {f"{path_to_last_step(self.assigner)[0]}segment_proba": found}

    def _learned_calibration(self, learned):
        labels = self.labels[learned]
        probabilities = cross_fitted_probabilities(
            self.assigner,
            rows_at(self.descriptors, learned),
            labels,
            self.ids,
            seed=self.seed,
        )
        codes = np.searchsorted(self.ids, labels)
        return learn_calibration(self.method, probabilities, codes)
