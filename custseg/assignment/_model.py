"""The segmentation model: segments learned on some columns, assigned by others."""

import warnings
from numbers import Real

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, MetaEstimatorMixin, clone
from sklearn.utils import check_array, check_random_state

from custseg._sklearn import (
    CallbackSupportMixin,
    HasMethods,
    Interval,
    available_if,
    check_is_fitted,
    fit_context,
    validate_data,
)
from custseg._utils._pipelines import last_step
from custseg._utils._seeds import draw_seed, fill_seed
from custseg.assignment._roles import (
    are_missing,
    as_frame,
    as_table,
    columns_of,
    rows_at,
    wrong_ids,
)
from custseg.assignment._typicality import Typicality
from custseg.exceptions import (
    DataQualityError,
    DegenerateFitError,
    SchemaError,
    SegmentWarning,
)

_CALIBRATION_SHARE = 0.2
# From here on a missing value is an answer that the model has learned what to make of.
_OFTEN_MISSING_SHARE = 0.01
_NONE_OF_THE_ABOVE = "none of the above"


def _finite_numbers(columns):
    """Return what reaches the last step as numbers that distances can be taken in."""
    try:
        return check_array(columns, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise SchemaError(
            "Typicality must be measured in finite numbers. Got columns that are none "
            f"instead ({error}). Put a transformer before the last step of the "
            "assigner."
        ) from error


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
    segment_sizes_ : ndarray of shape (n_segments,)
        Training customers in each learned segment.
    segment_names_ : dict of int to str
        Name of each segment; see `name_segments`.
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
        ValueError
            If descriptors are given without an assigner, or the segmenter cannot say
            where new customers belong and there is no assigner.
        """
        self._check_roles()
        validate_data(self, X, skip_check_array=True)
        X = as_table(X)
        if self.customer_id is not None:
            self._check_ids(X)
        basis, descriptors = self._basis(X), self._descriptors(X)
        self._often_missing = (
            are_missing(descriptors).mean(axis=0) >= _OFTEN_MISSING_SHARE
        )
        rng = check_random_state(self.random_state)
        learned, held_back = self._split(len(basis), rng)
        seed = None if self.random_state is None else draw_seed(rng)
        self.segmenter_ = fill_seed(clone(self.segmenter), seed)
        self.labels_ = self._learn_segments(basis, learned)
        placed = self.labels_[self.labels_ >= 0]
        # A segment that attracts nobody still has its number, name and column.
        self.n_segments_ = getattr(
            last_step(self.segmenter_), "n_segments_", placed.max(initial=-1) + 1
        )
        self.segment_sizes_ = np.bincount(placed, minlength=self.n_segments_)
        self.segment_names_ = {k: f"segment {k}" for k in range(self.n_segments_)}
        members = learned[self.labels_[learned] >= 0]
        self.assigner_ = None
        if self.assigner is not None:
            self.assigner_ = fill_seed(clone(self.assigner), seed)
            self.assigner_.fit(rows_at(descriptors, members), self.labels_[members])
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
        labels = last.predict(columns)
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
            One column a segment; rows sum to one, also where `predict` says -1.
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
        labels = last.predict(columns)
        n_customers = len(labels)
        probability = np.full(n_customers, np.nan)
        if hasattr(self, "predict_proba"):
            probabilities = self._probabilities(last, columns)
            probability = probabilities[np.arange(n_customers), labels]
        typicality = np.full(n_customers, np.nan)
        if self._typicality is not None:
            typicality = self._p_values(columns)
            labels = self._with_none_of_the_above(labels, typicality)
        self._warn_of_customers(customers)
        names = {**self.segment_names_, -1: _NONE_OF_THE_ABOVE}
        return self._table_of(
            customers,
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
        unknown = [key for key in names if key not in self.segment_names_]
        if unknown:
            raise ValueError(
                f"Names must be for segments 0 to {self.n_segments_ - 1}. Got "
                f"{unknown} instead. See labels_ for the segments."
            )
        renamed = {**self.segment_names_, **names}
        if not all(isinstance(name, str) for name in renamed.values()):
            raise ValueError(
                "Names must be text. Got "
                f"{[n for n in names.values() if not isinstance(n, str)]} instead. "
                "Put them in quotes."
            )
        if _NONE_OF_THE_ABOVE in renamed.values():
            raise ValueError(
                f"A segment must not be called {_NONE_OF_THE_ABOVE!r}, which is the "
                "name of -1. Got that name instead of another. Choose another."
            )
        if len(set(renamed.values())) < len(renamed):
            raise ValueError(
                f"Segments must have distinct names. Got {sorted(renamed.values())} "
                "instead. Rename the ones that are alike."
            )
        self.segment_names_ = renamed
        return self

    def _check_roles(self):
        if self.assigner is None and self.descriptors is not None:
            raise ValueError(
                "descriptors must come with an assigner that learns from them. Got "
                "none instead. Pass assigner=DiscriminantAssigner(), for example."
            )

    def _check_ids(self, X):
        wrong = wrong_ids(X, self.customer_id)
        if wrong:
            raise DataQualityError(
                f"Column {self.customer_id!r} must have one id a customer. Got {wrong} "
                "instead. Bring the table to one row a customer, for example by "
                "custseg.tables.summarize_transactions."
            )

    def _warn_of_customers(self, customers):
        """Say of how many customers the answer rests on what was not known."""
        wrong = self.customer_id and wrong_ids(customers, self.customer_id)
        if wrong:
            warnings.warn(
                f"Column {self.customer_id!r} must have one id a customer. Got {wrong} "
                "instead; each row is answered by itself. Bring the table to one row a "
                "customer.",
                SegmentWarning,
                stacklevel=3,
            )
        missing = are_missing(self._descriptors(as_table(customers)))
        all_missing = missing.all(axis=1)
        rows = np.flatnonzero(
            all_missing | missing[:, ~self._often_missing].any(axis=1)
        )
        if len(rows):
            warnings.warn(
                "Descriptors must be known for an answer about the customer. Got "
                f"{len(rows)} of {len(missing)} rows (first: row {rows[0]}) without "
                "one that was known at fitting, "
                f"{np.count_nonzero(all_missing)} of them without any, instead. What "
                "stands in for it (a median, a level `missing`) decides there, however "
                "probable the segment is said to be. Find the values, or leave these "
                "rows out.",
                SegmentWarning,
                stacklevel=3,
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

    def _split(self, n_customers, rng):
        """Positions of customers to learn from and of those kept for calibration."""
        everyone = np.arange(n_customers)
        if self.reject_alpha is None:
            return everyone, everyone[:0]
        order = rng.permutation(n_customers)
        n_held_back = int(_CALIBRATION_SHARE * n_customers)
        if n_held_back + 1 < 1 / self.reject_alpha:
            warnings.warn(
                f"reject_alpha={self.reject_alpha:g} must have at least "
                f"{int(np.ceil(1 / self.reject_alpha)) - 1} calibration customers to "
                f"reject anyone. Got {n_held_back} instead, so no customer will be "
                "-1. Raise reject_alpha or give more customers.",
                SegmentWarning,
                stacklevel=4,
            )
        return np.sort(order[n_held_back:]), np.sort(order[:n_held_back])

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
            _finite_numbers(self._at_last_step(rows_at(descriptors, positions))[1])
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

    def _probabilities(self, last, columns):
        """One column a segment, also for segments the assigner has not met."""
        probabilities = last.predict_proba(columns)
        known = getattr(last, "classes_", np.arange(self.n_segments_))
        every = np.zeros((len(probabilities), self.n_segments_))
        every[:, known] = probabilities
        return every

    def _with_none_of_the_above(self, labels, p_values):
        return np.where(p_values <= self._reject_alpha, -1, labels)

    def _p_values(self, columns):
        return self._typicality.p_values(_finite_numbers(columns))

    def _table_of(self, customers, **columns):
        """Return columns, with the ids if there are any, as the customers' frame."""
        frame = as_frame(customers)
        if self.customer_id is not None:
            ids = columns_of(customers, [self.customer_id], "id")[self.customer_id]
            columns = {"customer_id": ids, **columns}
        if frame is not None and frame.implementation.is_polars():
            return nw.get_native_namespace(frame).DataFrame(columns)
        index = customers.index if isinstance(customers, pd.DataFrame) else None
        return pd.DataFrame(columns, index=index)
