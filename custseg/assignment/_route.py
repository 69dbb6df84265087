"""One fitted route from columns to segments: learned, then asked."""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from sklearn.base import clone
from sklearn.utils import check_random_state
from sklearn.utils.validation import has_fit_parameter

from custseg._utils._frames import as_frame, rows_at
from custseg._utils._pipelines import last_step, path_to_last_step
from custseg._utils._seeds import draw_seed, fill_seed
from custseg.assignment._answers import (
    SegmentAnswers,
    as_shares,
    codes_of,
    count_segments,
    placed_by,
)
from custseg.assignment._calibration import (
    Calibration,
    cross_fitted_probabilities,
    folds,
    learn_calibration,
)
from custseg.assignment._identity import Numbering, number_segments
from custseg.assignment._margins import (
    margins_of_distances,
    margins_of_probabilities,
    prototypes_of,
)
from custseg.assignment._model_columns import ModelColumns, are_missing, columns_of
from custseg.assignment._typicality import (
    TypicalityLevels,
    finite_numbers,
    held_back_customers,
)
from custseg.cluster import ids_of
from custseg.exceptions import DegenerateFitError

_N_FOLDS = 5
# From here on a missing value is an answer that the model has learned what to make of.
_OFTEN_MISSING_SHARE = 0.01


class Assigned(NamedTuple):
    """What a model makes of customers.

    Attributes
    ----------
    likeliest : ndarray of shape (n_customers,)
        Id of the segment that each would be in if in any.
    segment : ndarray of shape (n_customers,)
        The same, or -1 for none of the above.
    probabilities : ndarray of shape (n_customers, n_segments)
        In the order of the ids, ascending; NaN where nothing has probabilities.
    typicality : ndarray of shape (n_customers,)
        NaN without rejection.
    margin : ndarray of shape (n_customers,)
        How far from the border, 0 to 1; NaN where nothing measures it.
    """

    likeliest: np.ndarray
    segment: np.ndarray
    probabilities: np.ndarray
    typicality: np.ndarray
    margin: np.ndarray


@dataclass(frozen=True, eq=False)
class Route:
    """What answers for customers: fitted parts, and the ids that they answer with.

    Attributes
    ----------
    columns : ModelColumns
    segmenter : fitted clusterer
    assigner : fitted classifier or None
        None where the segmenter answers itself.
    numbering : Numbering
        Ids and names of what the segmenter has learned.
    sizes, known_sizes, calibration_sizes : ndarray of shape (n_segments,)
        Customers of each segment, in the order of the ids: those learned, as many as
        would be found by what identity goes by, and those that calibrate typicality.
    n_calibration : int
    often_missing : ndarray of shape (n_descriptors,), bool
        Columns of which a gap is an answer.
    asked : list of str or None
        The questions of a typing tool, which needs no other descriptor.
    calibration : Calibration or None
        Of the assigner's probabilities.
    typicality : TypicalityLevels or None
    reject_alpha : float or None
        As it was when the route was learned.
    """

    columns: ModelColumns
    segmenter: object
    assigner: object
    numbering: Numbering
    sizes: np.ndarray
    known_sizes: np.ndarray
    calibration_sizes: np.ndarray
    n_calibration: int
    often_missing: np.ndarray
    asked: list | None = None
    calibration: Calibration | None = None
    typicality: TypicalityLevels | None = None
    reject_alpha: float | None = None

    split_by, by_type = None, {}

    @property
    def answering(self):
        """What answers for new customers."""
        return self.segmenter if self.assigner is None else self.assigner

    @property
    def all_answering(self):
        """The same, as a list for all customer types."""
        return [self.answering]

    @property
    def ids(self):
        """Ids of the segments, ascending."""
        return np.sort(self.numbering.ids)

    def parts(self, X):
        """Return the customer type, rows and route of each part of the customers."""
        return [(None, np.arange(len(X)), self)]

    def descriptors(self, X):
        """Return the columns that new customers are answered by."""
        if self.asked is None:
            return self.columns.candidates(X)
        return columns_of(X, self.asked, "question")

    def at_last_step(self, X):
        """Return the last step of what answers, and the columns as they reach it.

        They are transformed once for all answers, so that what a transformer warns of
        is warned of once.
        """
        return self._at_last_step(self.descriptors(X))

    def _at_last_step(self, descriptors):
        answering = self.answering
        if hasattr(answering, "questions_"):  # it looks at its questions alone
            return answering._on_answers(descriptors)
        if len(getattr(answering, "steps", ())) < 2:
            return answering, descriptors
        return answering[-1], answering[:-1].transform(descriptors)

    def probabilities(self, X):
        """Return what `SegmentationModel.predict_proba` says."""
        return self._probabilities(*self.at_last_step(X))

    def _probabilities(self, last, columns):
        """One column per segment, also for segments the assigner has not met."""
        probabilities = last.predict_proba(columns)
        ids, known = self.ids, self.numbering.ids
        if self.assigner is not None:
            known = getattr(last, "classes_", ids)
        every = np.zeros((len(probabilities), len(ids)))
        every[:, np.searchsorted(ids, known)] = probabilities
        return every if self.calibration is None else self.calibration.apply(every)

    def _likeliest(self, last, columns):
        """Ids of the segments that customers are in if in any."""
        if self.calibration is not None:
            return self.ids[self._probabilities(last, columns).argmax(axis=1)]
        labels = last.predict(columns)
        return ids_of(labels, self.numbering.ids) if self.assigner is None else labels

    def _p_values(self, columns):
        """Typicality of customers."""
        return self.typicality.p_values(finite_numbers(columns))

    def segment_p_values(self, X):
        """Typicality in each segment; one where nothing was learned of the segment."""
        columns = finite_numbers(self.at_last_step(X)[1])
        p_values = np.ones((len(columns), len(self.ids)))
        known = np.searchsorted(self.ids, self.typicality.segments)
        p_values[:, known] = self.typicality.segment_p_values(columns)
        return p_values

    def _rejecting(self, likeliest, p_values):
        """Return -1 for customers who are none of the above, else the segment."""
        return np.where(p_values <= self.reject_alpha, -1, likeliest)

    def segments(self, X):
        """Return what `SegmentationModel.predict` says."""
        last, columns = self.at_last_step(X)
        likeliest = self._likeliest(last, columns)
        if self.typicality is None:
            return likeliest
        return self._rejecting(likeliest, self._p_values(columns))

    def assigned(self, X):
        """Return all that `SegmentationModel.assign` needs to know."""
        last, columns = self.at_last_step(X)
        # A calibrated answer is the most probable segment; do not work it out twice.
        calibrated = self.calibration is not None
        likeliest = None if calibrated else self._likeliest(last, columns)
        probabilities = None
        if hasattr(self.answering, "predict_proba"):
            probabilities = self._probabilities(last, columns)
        if calibrated:
            likeliest = self.ids[probabilities.argmax(axis=1)]
        segment, typicality = likeliest, np.full(len(likeliest), np.nan)
        if self.typicality is not None:
            typicality = self._p_values(columns)
            segment = self._rejecting(likeliest, typicality)
        margin = self._margins(last, columns, likeliest, probabilities)
        if probabilities is None:
            shape = (len(likeliest), len(self.ids))
            probabilities = np.broadcast_to(np.float64(np.nan), shape)
        return Assigned(likeliest, segment, probabilities, typicality, margin)

    def _margins(self, last, columns, likeliest, probabilities):
        if probabilities is not None:
            answers = np.searchsorted(self.ids, likeliest)
            return margins_of_probabilities(probabilities, answers)
        points = prototypes_of(last) if self.assigner is None else None
        if points is None:
            return np.full(len(likeliest), np.nan)
        prototypes, of_segment = points
        points = prototypes, self.numbering.ids[of_segment]
        return margins_of_distances(finite_numbers(columns), points, likeliest)

    def answers(self, X, names):
        """Return what the segmenter, where it can predict, says of customers.

        Parameters
        ----------
        X : frame or array of shape (n_customers, n_columns)
        names : dict of int to str
            Of these segments, and perhaps of others.

        Returns
        -------
        answers : SegmentAnswers
        """
        space = centers = None
        ids, learned = self.ids, self.numbering.ids
        if hasattr(self.segmenter, "predict"):
            labels, space, centers = placed_by(self.segmenter, self.columns.in_basis(X))
            labels = ids_of(labels, learned)
            centers = None if centers is None else centers[np.argsort(learned)]
            if self.typicality is not None:
                rejected = self.segments(X) == -1
                if rejected.mean() <= 0.5:
                    labels = np.where(rejected, -1, labels)
        else:
            labels = self.segments(X)
        shares = as_shares(self.known_sizes, len(ids))
        names = {one: names[one] for one in ids.tolist()}
        return SegmentAnswers(codes_of(labels, ids), ids, names, shares, space, centers)


def learn_route(
    model, X, columns, *, old=None, min_jaccard=None, unused, random_state=None
):
    """Learn segments from some columns and to assign by others.

    Parameters
    ----------
    model : SegmentationModel
        Read for its parameters alone.
    X : frame or array
    columns : ModelColumns
    old : SegmentAnswers or None
        What the model before says of the customers.
    min_jaccard : float or None
    unused : Unused
    random_state : int, RandomState instance or None

    Returns
    -------
    route : Route
    labels : ndarray of shape (n_customers,)
        Learned segments, -1 for none.
    """
    basis, descriptors = columns.in_basis(X), columns.candidates(X)
    rng = check_random_state(random_state)
    members, held_back = held_back_customers(len(basis), model.reject_alpha, rng)
    seed = None if random_state is None else draw_seed(rng)
    segmenter = fill_seed(clone(model.segmenter), seed)
    codes = _learn_segments(model, segmenter, basis, members)
    n_segments = count_segments(segmenter, codes)
    members = _members_among(members, codes)
    teach = _Teacher(model, segmenter, basis, descriptors, members, seed)
    recognised = codes
    if not hasattr(segmenter, "predict"):
        # Identity goes by what can be asked of customers of another month.
        recognised = teach(codes, np.arange(n_segments)).predict(descriptors)
    numbered = number_segments(old, recognised, n_segments, min_jaccard, unused)
    labels = ids_of(codes, numbered.ids)
    assigner = teach(labels, numbered.ids)
    in_order = np.argsort(numbered.ids)
    asked, often_missing = asked_of([assigner], descriptors)
    route = Route(
        columns,
        segmenter,
        assigner,
        numbered,
        *(_sizes(of, n_segments)[in_order] for of in (codes, recognised)),
        calibration_sizes=_sizes(codes[held_back], n_segments)[in_order],
        n_calibration=len(held_back),
        often_missing=often_missing,
        asked=asked,
        calibration=teach.calibration(labels, numbered.ids),
    )
    if model.reject_alpha is not None:
        typicality = _typicality(route, descriptors, labels, members, held_back)
        alpha = model.reject_alpha
        route = replace(route, typicality=typicality, reject_alpha=alpha)
    return route, labels


def asked_of(assigners, descriptors):
    """Return the questions of typing tools, and which columns are often missing.

    Parameters
    ----------
    assigners : list of fitted classifiers or None
    descriptors : frame or array of shape (n_customers, n_descriptors)

    Returns
    -------
    asked : list of str or None
        No more columns are needed of new customers; None needs them all.
    often_missing : ndarray of bool
        Of these columns.
    """
    often_missing = are_missing(descriptors).mean(axis=0) >= _OFTEN_MISSING_SHARE
    questions = [getattr(one, "questions_", None) for one in assigners]
    frame = as_frame(descriptors)
    if frame is None or any(one is None for one in questions):
        return None, often_missing
    chosen = {name for one in questions for name in one.tolist()}
    is_asked = [name in chosen for name in frame.columns]
    return [n for n in frame.columns if n in chosen], often_missing[is_asked]


def _sizes(codes, n_segments):
    return np.bincount(codes[codes >= 0], minlength=n_segments)


def _learn_segments(model, segmenter, basis, learned):
    """Fit the segmenter and label all customers, those held back as well."""
    labels = segmenter.fit_predict(rows_at(basis, learned))
    can_predict = hasattr(segmenter, "predict")
    if model.assigner is None and not can_predict:
        raise ValueError(
            "A segmenter without predict must come with an assigner. Got "
            f"{type(model.segmenter).__name__} alone instead. Pass "
            "assigner=DiscriminantAssigner(), for example."
        )
    if len(learned) == len(basis):
        return labels
    if not can_predict:
        raise ValueError(
            "reject_alpha must come with a segmenter that can predict. Got "
            f"{type(model.segmenter).__name__} instead. Use a custseg segmenter."
        )
    return segmenter.predict(basis)


def _members_among(positions, codes):
    """Positions of customers that are in a segment, or an error where nobody is."""
    members = positions[codes[positions] >= 0]
    if not len(members):
        raise DegenerateFitError(
            "The segmenter must put customers in segments. Got -1 for all "
            f"{len(positions)} instead. Change what it takes for a segment."
        )
    return members


@dataclass(frozen=True)
class _Teacher:
    """Teaches clones of the assigner what the segmenter has learned."""

    model: object
    segmenter: object
    basis: object
    descriptors: object
    members: np.ndarray
    seed: int | None

    def __call__(self, labels, ids):
        """Return a fitted assigner, or None where there is none.

        Parameters
        ----------
        labels : ndarray of shape (n_customers,)
        ids : ndarray of shape (n_segments,)
            Of the segmenter's segments 0, 1, ...
        """
        if self.model.assigner is None:
            return None
        assigner = self._assigner()
        taught = labels[self.members]
        soft = self._memberships(assigner, taught, ids)
        return assigner.fit(rows_at(self.descriptors, self.members), taught, **soft)

    def calibration(self, labels, ids):
        """Learn how probable segments are that were given some probability."""
        if self.model.calibration is None:
            return None
        in_order, taught = np.sort(ids), labels[self.members]
        if self.model.soft_labels:
            probabilities = self._softly_cross_fitted(labels, ids)
        else:
            probabilities = cross_fitted_probabilities(
                self._assigner(),
                rows_at(self.descriptors, self.members),
                taught,
                in_order,
                seed=self.seed,
            )
        codes = np.searchsorted(in_order, taught)
        return learn_calibration(self.model.calibration, probabilities, codes)

    def _softly_cross_fitted(self, labels, ids):
        """Cross-fit as with hard labels, but teach probabilities."""
        taught = labels[self.members]
        probabilities = np.zeros((len(taught), len(ids)))
        for learned, asked in folds(taught, _N_FOLDS, self.seed):
            fitted = replace(self, members=self.members[learned])(labels, ids)
            columns = np.searchsorted(np.sort(ids), np.unique(taught[learned]))
            rows = rows_at(self.descriptors, self.members[asked])
            probabilities[np.ix_(asked, columns)] = fitted.predict_proba(rows)
        return probabilities

    def _assigner(self):
        return fill_seed(clone(self.model.assigner), self.seed)

    def _memberships(self, assigner, taught, ids):
        """Return what the fit gets beside the labels: the segmenter's probabilities."""
        if not self.model.soft_labels:
            return {}
        if not hasattr(self.segmenter, "predict_proba"):
            raise ValueError(
                "soft_labels must come with a segmenter that has predict_proba. Got "
                f"{type(last_step(self.segmenter)).__name__} instead. Use "
                "GaussianMixtureSegmenter, or leave soft_labels out."
            )
        members = rows_at(self.basis, self.members)
        probabilities = self.segmenter.predict_proba(members)
        # Segments that nobody is in cannot be taught; what they had goes to others.
        present = np.isin(ids, taught)
        in_order = np.argsort(ids[present])
        probabilities = probabilities[:, present][:, in_order]
        probabilities /= probabilities.sum(axis=1, keepdims=True)
        return {f"{path_to_last_step(assigner)[0]}segment_proba": probabilities}


def check_parts(model):
    """Refuse parameters of a model that cannot stand together."""
    if model.assigner is None and model.descriptors is not None:
        raise ValueError(
            "descriptors must come with an assigner that learns from them. Got "
            "none instead. Pass assigner=DiscriminantAssigner(), for example."
        )
    last = None if model.assigner is None else last_step(model.assigner)
    got = "no assigner" if last is None else type(last).__name__
    if model.calibration is not None and not hasattr(last, "predict_proba"):
        raise ValueError(
            "calibration must come with an assigner that has predict_proba. Got "
            f"{got} instead. Pass assigner=DiscriminantAssigner(), or leave "
            "calibration out."
        )
    if model.soft_labels and (
        last is None or not has_fit_parameter(last, "segment_proba")
    ):
        raise ValueError(
            "soft_labels must come with an assigner whose fit takes segment_proba. Got "
            f"{got} instead. Pass assigner=DiscriminantAssigner(), or leave "
            "soft_labels out."
        )


def _typicality(route, descriptors, labels, members, held_back):
    if not len(held_back):
        raise DegenerateFitError(
            "There must be at least five customers for reject_alpha. Got "
            f"n_samples={len(members)} instead. Give more, or leave it out."
        )
    known, unknown = (
        finite_numbers(route._at_last_step(rows_at(descriptors, positions))[1])
        for positions in (members, held_back)
    )
    typicality = TypicalityLevels(known, labels[members])
    return typicality.calibrate(unknown, labels[held_back])
