"""The segmentation model: segments learned on some columns, assigned by others."""

from functools import partial
from numbers import Real

import numpy as np
from sklearn.base import BaseEstimator, MetaEstimatorMixin, clone
from sklearn.utils import check_random_state

from custseg._sklearn import (
    CallbackSupportMixin,
    HasMethods,
    Interval,
    available_if,
    check_is_fitted,
    fit_context,
    validate_data,
)
from custseg._utils._frames import as_frame, rows_at
from custseg._utils._pipelines import last_step
from custseg._utils._seeds import draw_seed, fill_seed
from custseg.assignment._answers import count_segments
from custseg.assignment._identity import check_min_jaccard
from custseg.assignment._numbering import (
    NONE_OF_THE_ABOVE,
    first_numbering,
    next_numbering,
    renamed,
)
from custseg.assignment._roles import (
    answers_table,
    are_missing,
    as_table,
    check_ids,
    columns_of,
    warn_of_customers,
)
from custseg.assignment._typicality import (
    Typicality,
    finite_numbers,
    held_back_customers,
)
from custseg.cluster._matching import ids_of
from custseg.exceptions import DegenerateFitError

# From here on a missing value is an answer that the model has learned what to make of.
_OFTEN_MISSING_SHARE = 0.01


def _members_among(positions, codes):
    """Positions of customers that are in a segment, or an error where nobody is."""
    members = positions[codes[positions] >= 0]
    if not len(members):
        raise DegenerateFitError(
            "The segmenter must put customers in segments. Got -1 for all "
            f"{len(positions)} instead. Change what it takes for a segment."
        )
    return members


def _has_probabilities(model):
    """Whether what answers for new customers has `predict_proba`; an error says so."""
    part = "segmenter" if model.assigner is None else "assigner"
    answering = getattr(model, f"{part}_", getattr(model, part))
    if not hasattr(answering, "predict_proba"):
        raise AttributeError(
            "A SegmentationModel has probabilities only with an assigner that has "
            f"predict_proba. Got {type(last_step(answering)).__name__} as the {part} "
            "that answers instead. Pass assigner=DiscriminantAssigner()."
        )
    return True


class SegmentationModel(CallbackSupportMixin, MetaEstimatorMixin, BaseEstimator):
    """Learns segments on some columns and assigns new customers by others.

    What tells segments apart (behaviour, attitudes) is often not known of a new
    customer, who has filled in a form and bought nothing. The model learns segments
    on the basis columns, learns to recognise them from the descriptor columns, and
    assigns customers to them with names, probabilities and, if wanted, the answer
    "none of the above".

    Parameters
    ----------
    segmenter : clusterer
        Learns the segments: a segmenter, a search or a Pipeline that ends in one.
    assigner : classifier, default=None
        Learns to assign from the descriptors: a classifier or a Pipeline that ends in
        one. None assigns by the segmenter itself, from the basis columns.
    basis : sequence of column names, default=None
        Columns that segments are learned on; numbers for an array. None hands the
        segmenter the whole table, less the customer id.
    descriptors : sequence of column names, default=None
        Columns that a new customer has. None means the basis columns.
    customer_id : str, default=None
        Column with the customers' ids. None leaves customers to their rows: `assign`
        then gives no column of ids.
    reject_alpha : float in (0, 1), default=None
        Answer -1, none of the above, for customers farther out than all but this
        share of members. A fifth of the training customers is then kept from learning
        and calibrates the distances. None never answers -1.
    random_state : int, RandomState instance or None, default=None
        Seeds the draw of calibration customers and fills every ``random_state`` that
        is None in the segmenter and the assigner. With an int a fit repeats.

    Attributes
    ----------
    segmenter_ : clusterer
        The fitted segmenter.
    assigner_ : classifier or None
        The fitted assigner.
    labels_ : ndarray of shape (n_customers,)
        Learned segment of each training customer; what `predict` says of the same
        customer goes by the assigner and can differ.
    n_segments_ : int
        Number of segments.
    segment_ids_ : ndarray of shape (n_segments,)
        The segments, ascending: from 0 after `fit`; after `refit` they may have gaps.
    segment_sizes_ : ndarray of shape (n_segments,)
        Training customers in each learned segment, in the order of ``segment_ids_``.
    segment_names_ : dict of int to str
        Name of each segment; see `name_segments`.
    segmenter_ids_ : ndarray of shape (n_segments,)
        Id of each segment as ``segmenter_`` itself numbers them, from 0.
    match_ : SegmentMatch or None
        What became of the former model's segments, after `refit`.
    n_calibration_ : int
        Customers kept from learning to calibrate typicality; 0 without
        `reject_alpha`.
    n_features_in_ : int
        Number of columns seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns, where the table had names.

    Warns
    -----
    SegmentWarning
        If there are too few calibration customers for `reject_alpha` ever to reject.

    Notes
    -----
    To name the segments after what sets them apart, profile the customers by
    ``labels_``: ``model.name_segments(profile_segments(customers,
    model.labels_).suggest_names())``.

    Typicality is a split-conformal p-value: the share of calibration customers whose
    Mahalanobis distance to the nearest segment, in the columns as they reach the last
    step of the assigner, is at least the customer's own. For customers from the same
    population as the training customers, at most `reject_alpha` are rejected on
    average. Nothing is promised of how many outsiders are, nor of customers of
    another time.

    References
    ----------
    Vovk, V., Gammerman, A. and Shafer, G. (2005). Algorithmic Learning in a Random
    World. Springer. https://doi.org/10.1007/b106715

    Examples
    --------
    >>> import pandas as pd
    >>> from custseg import DiscriminantAssigner, KMeansSegmenter, SegmentationModel
    >>> customers = pd.DataFrame({
    ...     "client": ["a", "b", "c", "d", "e", "f"],
    ...     "orders": [1, 2, 2, 9, 8, 9],
    ...     "employees": [3, 4, 6, 40, 35, 60],
    ... })
    >>> model = SegmentationModel(
    ...     KMeansSegmenter(n_clusters=2, random_state=0),
    ...     DiscriminantAssigner(),
    ...     basis=["orders"],
    ...     descriptors=["employees"],
    ...     customer_id="client",
    ... ).fit(customers)
    >>> model = model.name_segments({0: "regulars", 1: "occasional"})
    >>> new = pd.DataFrame({"client": ["g", "h"], "employees": [5, 50]})
    >>> model.assign(new)[["customer_id", "segment", "segment_name"]]
      customer_id  segment segment_name
    0           g        0     regulars
    1           h        1   occasional
    """

    _parameter_constraints = {
        "segmenter": [HasMethods(["fit", "fit_predict"])],
        "assigner": [HasMethods(["fit", "predict"]), None],
        "basis": ["array-like", None],
        "descriptors": ["array-like", None],
        "customer_id": [str, None],
        "reject_alpha": [Interval(Real, 0, 1, closed="neither"), None],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        segmenter,
        assigner=None,
        *,
        basis=None,
        descriptors=None,
        customer_id=None,
        reject_alpha=None,
        random_state=None,
    ):
        self.segmenter = segmenter
        self.assigner = assigner
        self.basis = basis
        self.descriptors = descriptors
        self.customer_id = customer_id
        self.reject_alpha = reject_alpha
        self.random_state = random_state

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y=None):
        """Learn the segments, and to assign customers to them.

        Parameters
        ----------
        X : frame or array-like of shape (n_customers, n_columns)
            One row a customer, with the basis, descriptor and id columns.
        y : None
            Ignored; here for scikit-learn's sake.

        Returns
        -------
        self : SegmentationModel

        Raises
        ------
        SchemaError
            If a column is missing, or typicality is asked for in columns that are not
            numbers.
        DataQualityError
            If customer ids are missing or repeat.
        DegenerateFitError
            If the segmenter puts nobody in a segment, or fewer than five customers are
            given for `reject_alpha`.
        ValueError
            If descriptors are given without an assigner, or the segmenter cannot say
            where new customers belong and there is no assigner.
        """
        return self._fit(X, first_numbering)

    def refit(self, customers, *, random_state=None, min_jaccard=0.5):
        """Fit a new model whose segments keep their ids and names.

        The new model learns from the given customers alone. A segment that is still
        there keeps its id and name; a new one gets the next id that no segment has ever
        had, and that id as its name; the id of one that is gone is not used again. So
        this month's segment 3 is last month's.

        Parameters
        ----------
        customers : frame or array-like of shape (n_customers, n_columns)
            With the columns of `fit`.
        random_state : int, RandomState instance or None, default=None
            Of the new model; None takes that of this one.
        min_jaccard : float in [0, 1), default=0.5
            Similarity above which a segment is still the same: customers in both the
            old and the new one, over customers in either.

        Returns
        -------
        model : SegmentationModel
            Fitted; its ``match_`` says what became of each segment. This model is not
            changed.

        Raises
        ------
        ValueError
            If `min_jaccard` is out of range, and as by `fit`.
        SchemaError, DataQualityError, DegenerateFitError
            As by `fit`.

        Notes
        -----
        What the old segmenter says of the customers is compared with the segments that
        they have learned, by the rules of `match_segments`; customers of a segment that
        is born cost the one that they were taken for neither its id nor its name. Where
        the segmenter cannot predict, the assigners of both models are compared.

        Examples
        --------
        >>> from custseg import KMeansSegmenter, SegmentationModel
        >>> model = SegmentationModel(KMeansSegmenter(2, random_state=0))
        >>> model = model.fit([[1], [2], [3], [11], [12]])
        >>> model.segment_names_
        {0: 'segment 0', 1: 'segment 1'}
        >>> model = model.name_segments({0: "seldom", 1: "often"})
        >>> next_model = model.refit([[1], [2], [11], [12], [13]])
        >>> next_model.labels_
        array([0, 0, 1, 1, 1])
        >>> next_model.segment_names_
        {0: 'seldom', 1: 'often'}
        """
        check_is_fitted(self)
        check_min_jaccard(min_jaccard)
        model = clone(self)
        if random_state is not None:
            model.set_params(random_state=random_state)
        numbering = partial(next_numbering, self, customers, min_jaccard)
        return model._fit_next(customers, numbering=numbering)

    @fit_context(prefer_skip_nested_validation=False)
    def _fit_next(self, X, *, numbering):
        return self._fit(X, numbering)

    def _fit(self, X, numbering):
        """Fit; `numbering` makes ids of the segmenter's labels and their number."""
        self._check_roles()
        validate_data(self, X, skip_check_array=True)
        X = as_table(X)
        if self.customer_id is not None:
            check_ids(X, self.customer_id)
        basis, descriptors = self._basis(X), self._descriptors(X)
        self._often_missing = (
            are_missing(descriptors).mean(axis=0) >= _OFTEN_MISSING_SHARE
        )
        rng = check_random_state(self.random_state)
        learned, held_back = held_back_customers(len(basis), self.reject_alpha, rng)
        seed = None if self.random_state is None else draw_seed(rng)
        self.segmenter_ = fill_seed(clone(self.segmenter), seed)
        codes = self._learn_segments(basis, learned)
        self.n_segments_ = count_segments(self.segmenter_, codes)
        members = _members_among(learned, codes)
        recognised = codes
        if not hasattr(self.segmenter_, "predict"):
            # Identity goes by what can be asked of customers of another month.
            self._learn_to_assign(descriptors, members, codes, seed)
            recognised = self.assigner_.predict(descriptors)
        self._number_segments(codes, recognised, numbering)
        self._learn_to_assign(descriptors, members, self.labels_, seed)
        self._learn_typicality(descriptors, members, held_back)
        return self

    def predict(self, X):
        """Segment of each customer; -1 means none of the above.

        Parameters
        ----------
        X : frame or array-like of shape (n_customers, n_columns)
            With the descriptor columns. Where they are named, others are not looked
            at; where they are not, the columns of `fit`.

        Returns
        -------
        labels : ndarray of shape (n_customers,)
        """
        last, columns = self._at_last_step(self._checked_descriptors(X))
        labels = self._labels(last, columns)
        if self._typicality is None:
            return labels
        return self._with_none_of_the_above(labels, self._p_values(columns))

    @available_if(_has_probabilities)
    def predict_proba(self, X):
        """Probability of each segment, given that the customer belongs to one.

        Parameters
        ----------
        X : frame or array-like of shape (n_customers, n_columns)
            With the descriptor columns. Where they are named, others are not looked
            at; where they are not, the columns of `fit`.

        Returns
        -------
        probabilities : ndarray of shape (n_customers, n_segments)
            One column a segment, in the order of ``segment_ids_``; rows sum to one,
            also where `predict` says -1.
        """
        return self._probabilities(*self._at_last_step(self._checked_descriptors(X)))

    def assign(self, customers):
        """Assign customers and say how sure the answer is.

        Parameters
        ----------
        customers : frame or array-like of shape (n_customers, n_columns)
            With the descriptor columns and, where the model has one, the id column.

        Returns
        -------
        assigned : DataFrame of shape (n_customers, 5)
            In the order of the customers; polars for polars, else pandas, with the
            customers' index:

            - ``customer_id``: not there if the model has none;
            - ``segment``: -1 for none of the above;
            - ``segment_name``;
            - ``probability`` of that segment, or of the most probable one where the
              answer is -1. NaN for all customers if the model has no
              `predict_proba`: a segmenter that answers alone mostly has none;
            - ``typicality``: p-value of the distance to the nearest segment. NaN for
              all customers without `reject_alpha`.

        Raises
        ------
        SchemaError
            If a column is missing.

        Warns
        -----
        SegmentWarning
            If customers come without a descriptor that at most one in a hundred
            training customers lacked, or without any, which transformers fill (with a
            median, say) without a word; or if ids are missing or repeat.
        """
        last, columns = self._at_last_step(self._checked_descriptors(customers))
        labels = self._labels(last, columns)
        n_customers = len(labels)
        probability = np.full(n_customers, np.nan)
        if hasattr(self, "predict_proba"):
            probabilities = self._probabilities(last, columns)
            position = np.searchsorted(self.segment_ids_, labels)
            probability = probabilities[np.arange(n_customers), position]
        typicality = np.full(n_customers, np.nan)
        if self._typicality is not None:
            typicality = self._p_values(columns)
            labels = self._with_none_of_the_above(labels, typicality)
        warn_of_customers(
            customers,
            self._descriptors(as_table(customers)),
            self._often_missing,
            self.customer_id,
        )
        names = {**self.segment_names_, -1: NONE_OF_THE_ABOVE}
        return answers_table(
            customers,
            self.customer_id,
            segment=labels,
            segment_name=[names[label] for label in labels.tolist()],
            probability=probability,
            typicality=typicality,
        )

    def name_segments(self, names):
        """Name some or all of the segments.

        Parameters
        ----------
        names : dict of int to str
            Distinct names of segments; those not given keep theirs.

        Returns
        -------
        self : SegmentationModel

        Raises
        ------
        ValueError
            If a key is no segment, a name is no text or that of -1, or two segments
            would have one name.
        """
        check_is_fitted(self)
        self.segment_names_ = renamed(self.segment_names_, names)
        return self

    def _check_roles(self):
        if self.assigner is None and self.descriptors is not None:
            raise ValueError(
                "descriptors must come with an assigner that learns from them. Got "
                "none instead. Pass assigner=DiscriminantAssigner(), for example."
            )

    def _basis(self, X):
        if self.basis is not None:
            return columns_of(X, self.basis, "basis")
        if as_frame(X) is None or self.customer_id not in X.columns:
            return X
        others = [name for name in X.columns if name != self.customer_id]
        return columns_of(X, others, "basis")

    def _descriptors(self, X):
        if self.descriptors is None:
            return self._basis(X)
        return columns_of(X, self.descriptors, "descriptor")

    def _checked_descriptors(self, X):
        check_is_fitted(self)
        return self._descriptors(as_table(X))

    def _learn_segments(self, basis, learned):
        """Fit the segmenter and label all customers, those held back as well."""
        labels = self.segmenter_.fit_predict(rows_at(basis, learned))
        can_predict = hasattr(self.segmenter_, "predict")
        if self.assigner is None and not can_predict:
            raise ValueError(
                "A segmenter without predict must come with an assigner. Got "
                f"{type(self.segmenter).__name__} alone instead. Pass "
                "assigner=DiscriminantAssigner(), for example."
            )
        if len(learned) == len(basis):
            return labels
        if not can_predict:
            raise ValueError(
                "reject_alpha must come with a segmenter that can predict. Got "
                f"{type(self.segmenter).__name__} instead. Use a custseg segmenter."
            )
        return self.segmenter_.predict(basis)

    def _number_segments(self, codes, recognised, numbering):
        """Take ids and names for what the segmenter has learned."""
        numbered = numbering(recognised, self.n_segments_)
        self.segmenter_ids_, self.segment_names_ = numbered.ids, numbered.names
        self._next_id, self.match_ = numbered.next_id, numbered.match
        self.segment_ids_ = np.sort(numbered.ids)
        self.labels_ = ids_of(codes, numbered.ids)
        self.segment_sizes_ = self._sizes(codes)
        # As many as would be found in each segment by what identity goes by.
        self._known_sizes = self._sizes(recognised)

    def _sizes(self, codes):
        counts = np.bincount(codes[codes >= 0], minlength=self.n_segments_)
        return counts[np.argsort(self.segmenter_ids_)]

    def _learn_to_assign(self, descriptors, members, labels, seed):
        self.assigner_ = None
        if self.assigner is not None:
            self.assigner_ = fill_seed(clone(self.assigner), seed)
            self.assigner_.fit(rows_at(descriptors, members), labels[members])

    def _learn_typicality(self, descriptors, members, held_back):
        self._typicality, self.n_calibration_ = None, len(held_back)
        self._reject_alpha = self.reject_alpha
        if self.reject_alpha is None:
            return
        if not len(held_back):
            raise DegenerateFitError(
                "There must be at least five customers for reject_alpha. Got "
                f"n_samples={len(members)} instead. Give more, or leave it out."
            )
        known, unknown = (
            finite_numbers(self._at_last_step(rows_at(descriptors, positions))[1])
            for positions in (members, held_back)
        )
        typicality = Typicality(known, self.labels_[members])
        self._typicality = typicality.calibrate(unknown)

    def _at_last_step(self, descriptors):
        """Return the last step of what answers, and the columns as they reach it.

        They are transformed once for all answers, so that what a transformer warns of
        is warned of once.
        """
        answering = self.segmenter_ if self.assigner_ is None else self.assigner_
        if len(getattr(answering, "steps", ())) < 2:
            return answering, descriptors
        return answering[-1], answering[:-1].transform(descriptors)

    def _labels(self, last, columns):
        """Ids that the last step answers with; a segmenter has numbers of its own."""
        labels = last.predict(columns)
        if self.assigner_ is None:
            return ids_of(labels, self.segmenter_ids_)
        return labels

    def _probabilities(self, last, columns):
        """One column a segment, also for segments the assigner has not met."""
        probabilities = last.predict_proba(columns)
        known = self.segmenter_ids_
        if self.assigner_ is not None:
            known = getattr(last, "classes_", self.segment_ids_)
        every = np.zeros((len(probabilities), self.n_segments_))
        every[:, np.searchsorted(self.segment_ids_, known)] = probabilities
        return every

    def _with_none_of_the_above(self, labels, p_values):
        return np.where(p_values <= self._reject_alpha, -1, labels)

    def _p_values(self, columns):
        return self._typicality.p_values(finite_numbers(columns))
