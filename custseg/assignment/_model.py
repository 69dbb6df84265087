"""The segmentation model: segments learned on some columns, assigned by others."""

from numbers import Real

from sklearn.base import BaseEstimator, MetaEstimatorMixin, clone

from custseg._sklearn import (
    CallbackSupportMixin,
    HasMethods,
    Interval,
    StrOptions,
    available_if,
    check_is_fitted,
    fit_context,
    validate_data,
)
from custseg._utils._frames import as_known_frame
from custseg._utils._pipelines import last_step
from custseg.assignment._answers import answers_of
from custseg.assignment._assigned_table import AssignedTableMixin
from custseg.assignment._calibration import METHODS
from custseg.assignment._identity import (
    Unused,
    check_min_jaccard,
    renamed,
)
from custseg.assignment._model_columns import (
    ModelColumns,
    as_table,
    check_ids,
    columns_of_fit,
    ids_are_text,
)
from custseg.assignment._overrides import (
    OverridesMixin,
    carried_on,
)
from custseg.assignment._plausible import PlausibleSegmentsMixin
from custseg.assignment._route import check_parts, learn_route
from custseg.assignment._routes_by_type import learn_routes_by_type


def _has_probabilities(model):
    """Whether what answers for new customers has `predict_proba`; an error says so."""
    part = "segmenter" if model.assigner is None else "assigner"
    route = getattr(model, "_route", None)
    for answering in [getattr(model, part)] if route is None else route.all_answering:
        if not hasattr(answering, "predict_proba"):
            raise AttributeError(
                "A SegmentationModel has probabilities only with an assigner that has "
                f"predict_proba. Got {type(last_step(answering)).__name__} as the "
                f"{part} that answers instead. Pass assigner=DiscriminantAssigner()."
            )
    return True


class SegmentationModel(
    AssignedTableMixin,
    OverridesMixin,
    PlausibleSegmentsMixin,
    CallbackSupportMixin,
    MetaEstimatorMixin,
    BaseEstimator,
):
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
    split_by : str, default=None
        Column with the customers' type, such as wholesale and retail. Each type is then
        segmented by itself, in one space of ids: the first type's segments have the
        first ids. The column is neither basis nor descriptor unless named there.
    reject_alpha : float in (0, 1), default=None
        Answer -1, none of the above, for customers farther out than all but this
        share of members. A fifth of the training customers is then kept from learning
        and calibrates the distances. None never answers -1.
    calibration : {"temperature", "isotonic"}, default=None
        Make the assigner's probabilities come true as often as they say, by what
        cross-fitted ones did. "temperature" never changes an answer; "isotonic" needs
        thousands of customers and may. `predict` names the segment that is the most
        probable after it. None leaves probabilities as the assigner gives them.
    soft_labels : bool, default=False
        Teach the assigner with the segmenter's `predict_proba` beside its labels, for
        an assigner whose fit takes ``segment_proba``: `DiscriminantAssigner`.
    random_state : int, RandomState instance or None, default=None
        Seeds the draw of calibration customers and fills every ``random_state`` that
        is None in the segmenter and the assigner. With an int a fit repeats.

    Attributes
    ----------
    segmenter_ : clusterer or None
        The fitted segmenter; None with `split_by`, as ``assigner_`` is.
    assigner_ : classifier or None
        The fitted assigner.
    models_ : dict of SegmentationModel
        By customer type, ascending, each fitted on that type's customers; only with
        `split_by`.
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
        Id of each segment as ``segmenter_`` itself numbers them, from 0; with
        `split_by`, those of one type after the other.
    match_ : SegmentMatch or None
        What became of the former model's segments, after `refit`.
    n_calibration_ : int
        Customers kept from learning to calibrate typicality; 0 without
        `reject_alpha`.
    calibration_sizes_ : ndarray of shape (n_segments,)
        Those of them in each segment, in the order of ``segment_ids_``.
    overrides_ : DataFrame
        What people said of customers (`override`): customer_id, segment, reason, date
        and locked. These are the only customers' ids that the model keeps.
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

    Leisch, F. (2010). Neighborhood graphs, stripes and shadow plots for cluster
    visualization. Statistics and Computing 20(4), 457-469.
    https://doi.org/10.1007/s11222-009-9137-8

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
        "split_by": [str, None],
        "reject_alpha": [Interval(Real, 0, 1, closed="neither"), None],
        "calibration": [StrOptions(set(METHODS)), None],
        "soft_labels": ["boolean"],
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
        split_by=None,
        reject_alpha=None,
        calibration=None,
        soft_labels=False,
        random_state=None,
    ):
        self.segmenter = segmenter
        self.assigner = assigner
        self.basis = basis
        self.descriptors = descriptors
        self.customer_id = customer_id
        self.split_by = split_by
        self.reject_alpha = reject_alpha
        self.calibration = calibration
        self.soft_labels = soft_labels
        self.random_state = random_state

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y=None):
        """Learn the segments, and to assign customers to them.

        Parameters
        ----------
        X : frame or array-like of shape (n_customers, n_columns)
            One row a customer, with the basis, descriptor and id columns. Frames are
            of pandas or polars; an Arrow table is turned into one of pandas.
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
            If customer ids are missing or repeat, or customers' types are missing.
        DegenerateFitError
            If the segmenter puts nobody in a segment, or fewer than five customers are
            given for `reject_alpha`.
        ValueError
            If descriptors are given without an assigner, the segmenter cannot say
            where new customers belong and there is no assigner, or `calibration` or
            `soft_labels` is asked of parts that cannot. What goes wrong with one
            customer type names it.
        """
        return self._fit(X)

    def refit(self, customers, *, random_state=None, min_jaccard=0.5):
        """Fit a new model whose segments keep their ids and names.

        The new model learns from the given customers alone. A segment that is still
        there keeps its id and name; a new one gets the next id that no segment has ever
        had, and that id as its name; the id of one that is gone is not used again. So
        this month's segment 3 is last month's. With `split_by` each type's segments are
        matched with those of the same type. Locked overrides go on.

        Parameters
        ----------
        customers : frame or array-like of shape (n_customers, n_columns)
            With the columns of `fit`; of a frame, others are not looked at.
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
            If `min_jaccard` is out of range, `split_by` was changed, and as by `fit`.
        SchemaError, DataQualityError, DegenerateFitError
            As by `fit`.

        Warns
        -----
        SegmentWarning
            If overrides end: those not locked, and those whose segment is gone.

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
        if self.split_by != self._route.split_by:
            raise ValueError(
                "split_by must be as it was in fit for segments to keep their ids. Got "
                f"{self.split_by!r} after {self._route.split_by!r} instead. "
                "Call fit of a clone."
            )
        model = clone(self)
        if random_state is not None:
            model.set_params(random_state=random_state)
        X = columns_of_fit(as_table(customers), self)
        model._fit_next(X, former=self, min_jaccard=min_jaccard)
        model._overrides = carried_on(self._overrides, model.segment_ids_)
        return model

    @fit_context(prefer_skip_nested_validation=False)
    def _fit_next(self, X, *, former, min_jaccard):
        return self._fit(X, former, min_jaccard)

    def _fit(self, X, former=None, min_jaccard=None):
        """Fit; segments that are those of a former model have its ids and names."""
        check_parts(self)
        X = as_known_frame(X)
        validate_data(self, X, skip_check_array=True)
        X = as_table(X)
        self._overrides = {}
        if self.customer_id is not None:
            check_ids(X, self.customer_id)
            self._ids_are_text = ids_are_text(X, self.customer_id)
        columns = ModelColumns.of_model(self)
        if self.split_by is not None:
            learned = learn_routes_by_type(self, X, columns, former, min_jaccard)
            return self._keep(*learned)
        old = None if former is None else answers_of(former, X)
        learned = learn_route(
            self,
            X,
            columns,
            old=old,
            min_jaccard=min_jaccard,
            unused=Unused(0 if former is None else former._route.numbering.next_id),
            random_state=self.random_state,
        )
        return self._keep(*learned)

    def _keep(self, route, labels, rows_of_types=None):
        """Take over what was learned; of customer types, also as a model of each."""
        self._route, self.labels_ = route, labels
        self.segmenter_, self.assigner_ = route.segmenter, route.assigner
        self.segmenter_ids_, names, _, self.match_ = route.numbering
        self.segment_names_ = dict(names)
        self.segment_ids_, self.n_segments_ = route.ids, len(route.ids)
        self.segment_sizes_, self.n_calibration_ = route.sizes, route.n_calibration
        self.calibration_sizes_ = route.calibration_sizes
        vars(self).pop("models_", None)
        if rows_of_types is not None:
            self.models_ = {
                kind: self._model_of_type(route.by_type[kind], labels[rows])
                for kind, rows in rows_of_types.items()
            }
        return self

    def _model_of_type(self, route, labels):
        model = clone(self).set_params(split_by=None, basis=route.columns.basis)
        own = {"_overrides": {}, "_ids_are_text": None}
        own |= {"n_features_in_": None, "feature_names_in_": None}
        vars(model).update({k: getattr(self, k, v) for k, v in own.items()})
        return model._keep(route, labels)

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
        check_is_fitted(self)
        return self._route.segments(as_table(X))

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
            also where `predict` says -1. With `split_by`, zeros for segments of other
            types.
        """
        check_is_fitted(self)
        return self._route.probabilities(as_table(X))

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
        for one in getattr(self, "models_", {}).values():
            one.segment_names_ = {k: self.segment_names_[k] for k in one.segment_names_}
        return self
