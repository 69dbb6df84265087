"""One fitted road from columns to segments: learned, then asked."""

from dataclasses import dataclass, replace

import numpy as np
from sklearn.base import clone
from sklearn.utils import check_random_state
from sklearn.utils.validation import has_fit_parameter

from custseg._utils._frames import rows_at
from custseg._utils._pipelines import last_step, path_to_last_step
from custseg._utils._seeds import draw_seed, fill_seed
from custseg.assignment._answers import count_segments
from custseg.assignment._border import (
    margins_of_distances,
    margins_of_probabilities,
    prototypes_of,
)
from custseg.assignment._calibration import (
    Calibration,
    cross_fitted_probabilities,
    folds,
    learn_calibration,
)
from custseg.assignment._numbering import Numbering
from custseg.assignment._opinion import Opinion
from custseg.assignment._typicality import (
    Typicality,
    finite_numbers,
    held_back_customers,
)
from custseg.cluster import ids_of
from custseg.exceptions import DegenerateFitError

_N_FOLDS = 5


@dataclass(frozen=True, eq=False)
class Road:
    """What answers for customers: fitted parts, and the ids that they answer with.

    Attributes
    ----------
    segmenter : fitted clusterer
    assigner : fitted classifier or None
        None where the segmenter answers itself.
    numbering : Numbering
        Ids and names of what the segmenter has learned.
    calibration : Calibration or None
        Of the assigner's probabilities.
    typicality : Typicality or None
    reject_alpha : float or None
        As it was when the road was learned.
    """

    segmenter: object
    assigner: object
    numbering: Numbering
    calibration: Calibration | None = None
    typicality: Typicality | None = None
    reject_alpha: float | None = None

    @property
    def answering(self):
        """What answers for new customers."""
        return self.segmenter if self.assigner is None else self.assigner

    @property
    def ids(self):
        """Ids of the segments, ascending."""
        return np.sort(self.numbering.ids)

    @property
    def has_probabilities(self):
        """Whether what answers has `predict_proba`."""
        return hasattr(self.answering, "predict_proba")

    def at_last_step(self, descriptors):
        """Return the last step of what answers, and the columns as they reach it.

        They are transformed once for all answers, so that what a transformer warns of
        is warned of once.
        """
        answering = self.answering
        if hasattr(answering, "questions_"):  # it looks at its questions alone
            return answering._on_answers(descriptors)
        if len(getattr(answering, "steps", ())) < 2:
            return answering, descriptors
        return answering[-1], answering[:-1].transform(descriptors)

    def probabilities(self, last, columns):
        """One column a segment, also for segments the assigner has not met."""
        probabilities = last.predict_proba(columns)
        ids, known = self.ids, self.numbering.ids
        if self.assigner is not None:
            known = getattr(last, "classes_", ids)
        every = np.zeros((len(probabilities), len(ids)))
        every[:, np.searchsorted(ids, known)] = probabilities
        return every if self.calibration is None else self.calibration.apply(every)

    def likeliest(self, last, columns):
        """Ids of the segments that customers are in if in any."""
        if self.calibration is not None:
            return self.ids[self.probabilities(last, columns).argmax(axis=1)]
        labels = last.predict(columns)
        return ids_of(labels, self.numbering.ids) if self.assigner is None else labels

    def p_values(self, columns):
        """Typicality of customers."""
        return self.typicality.p_values(finite_numbers(columns))

    def segment_p_values(self, descriptors):
        """Typicality in each segment; one where nothing was learned of the segment."""
        columns = finite_numbers(self.at_last_step(descriptors)[1])
        p_values = np.ones((len(columns), len(self.ids)))
        known = np.searchsorted(self.ids, self.typicality.segments)
        p_values[:, known] = self.typicality.segment_p_values(columns)
        return p_values

    def rejecting(self, likeliest, p_values):
        """Return -1 for customers who are none of the above, else the segment."""
        return np.where(p_values <= self.reject_alpha, -1, likeliest)

    def segments(self, descriptors):
        """Return what `SegmentationModel.predict` says."""
        last, columns = self.at_last_step(descriptors)
        likeliest = self.likeliest(last, columns)
        if self.typicality is None:
            return likeliest
        return self.rejecting(likeliest, self.p_values(columns))

    def opinion(self, descriptors):
        """Return all that `SegmentationModel.assign` needs to know."""
        last, columns = self.at_last_step(descriptors)
        # A calibrated answer is the most probable segment; do not work it out twice.
        calibrated = self.calibration is not None
        likeliest = None if calibrated else self.likeliest(last, columns)
        probabilities = None
        if self.has_probabilities:
            probabilities = self.probabilities(last, columns)
        if calibrated:
            likeliest = self.ids[probabilities.argmax(axis=1)]
        segment, typicality = likeliest, np.full(len(likeliest), np.nan)
        if self.typicality is not None:
            typicality = self.p_values(columns)
            segment = self.rejecting(likeliest, typicality)
        margin = self._margins(last, columns, likeliest, probabilities)
        if probabilities is None:
            shape = (len(likeliest), len(self.ids))
            probabilities = np.broadcast_to(np.float64(np.nan), shape)
        return Opinion(likeliest, segment, probabilities, typicality, margin)

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


@dataclass(frozen=True, eq=False)
class Learned:
    """A road, and what learning it said of its customers.

    Attributes
    ----------
    road : Road
    labels : ndarray of shape (n_customers,)
        Learned segments, -1 for none.
    sizes : ndarray of shape (n_segments,)
        Customers of each segment, in the order of the ids.
    known_sizes : ndarray of shape (n_segments,)
        As many as would be found in each segment by what identity goes by.
    calibration_sizes : ndarray of shape (n_segments,)
        Of the customers that calibrate typicality.
    n_calibration : int
    """

    road: Road
    labels: np.ndarray
    sizes: np.ndarray
    known_sizes: np.ndarray
    calibration_sizes: np.ndarray
    n_calibration: int


def learn_road(model, basis, descriptors, numbering):
    """Learn segments from some columns and to assign by others.

    Parameters
    ----------
    model : SegmentationModel
        Read for its parameters alone.
    basis, descriptors : frame or array
    numbering : callable
        Makes a Numbering of the segmenter's labels and their number.

    Returns
    -------
    learned : Learned
    """
    rng = check_random_state(model.random_state)
    members, held_back = held_back_customers(len(basis), model.reject_alpha, rng)
    seed = None if model.random_state is None else draw_seed(rng)
    segmenter = fill_seed(clone(model.segmenter), seed)
    codes = _learn_segments(model, segmenter, basis, members)
    n_segments = count_segments(segmenter, codes)
    members = _members_among(members, codes)
    teach = _Teacher(model, segmenter, basis, descriptors, members, seed)
    recognised = codes
    if not hasattr(segmenter, "predict"):
        # Identity goes by what can be asked of customers of another month.
        recognised = teach(codes, np.arange(n_segments)).predict(descriptors)
    numbered = numbering(recognised, n_segments)
    labels = ids_of(codes, numbered.ids)
    assigner = teach(labels, numbered.ids)
    parts = {"calibration": teach.calibration(labels, numbered.ids)}
    road = Road(segmenter, assigner, numbered)
    if model.reject_alpha is not None:
        parts["reject_alpha"] = model.reject_alpha
        parts["typicality"] = _typicality(road, descriptors, labels, members, held_back)
    in_order = np.argsort(numbered.ids)
    sizes = (_sizes(of, n_segments)[in_order] for of in (codes, recognised))
    return Learned(
        Road(segmenter, assigner, numbered, **parts),
        labels,
        *sizes,
        calibration_sizes=_sizes(codes[held_back], n_segments)[in_order],
        n_calibration=len(held_back),
    )


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


def _typicality(road, descriptors, labels, members, held_back):
    if not len(held_back):
        raise DegenerateFitError(
            "There must be at least five customers for reject_alpha. Got "
            f"n_samples={len(members)} instead. Give more, or leave it out."
        )
    known, unknown = (
        finite_numbers(road.at_last_step(rows_at(descriptors, positions))[1])
        for positions in (members, held_back)
    )
    typicality = Typicality(known, labels[members])
    return typicality.calibrate(unknown, labels[held_back])
