"""`RuleSegmenter`: segments by named rules, checked before they are used."""

import numpy as np
from sklearn.base import BaseEstimator

from custseg._sklearn import check_feature_names_in, check_is_fitted, fit_context
from custseg.cluster._rule_sets import marketing_table
from custseg.cluster._rule_tables import RuleTable
from custseg.cluster._segmenter import SegmenterMixin
from custseg.columns import (
    Column,
    Levels,
    check_names,
    check_observed,
    level_codes,
    numbers,
    quoted,
    read_columns,
)
from custseg.exceptions import SchemaError
from custseg.features import class_limits
from custseg.scoring import (
    Beside,
    Decided,
    RuleAxis,
    RuleCells,
    bands_of,
    check_complete,
    check_known,
    check_levels,
    mean_of,
)

__all__ = ["RuleSegmenter"]

_REMEDY = "Convert the column first (pandas.to_numeric)."


def _learn_cuts(name, band, values):
    """Learn where the bands of a column begin."""
    if not isinstance(band.cuts, str):
        return np.array(band.cuts, dtype=np.float64)
    check_observed([name], [values])
    # Sorted, so that sums do not depend on the order of the customers.
    known = np.sort(values[~np.isnan(values)])
    if band.cuts == "mean":
        # Rounding must not put equal values on one side of their own mean.
        return np.clip([known.mean()], known[0], known[-1])
    if band.cuts == "median":
        return np.array([np.median(known)])
    n_bands = len(band.labels)
    if band.cuts == "kmeans":
        return class_limits(known, n_bands, name)
    shares = band.at or [share / n_bands for share in range(1, n_bands)]
    # Rounded, for 0.29 * 100 is a little less than 29.
    places = np.floor(np.round(np.multiply(shares, len(known)), 6)).astype(np.intp)
    return known[places]


def _complete_numbers(column):
    values = numbers(column, _REMEDY)
    check_complete(column.name, values)
    return values


def _places_of_text(column, axis):
    """Find the cell of each customer's level."""
    codes, levels = level_codes(column)
    missing = codes < 0
    check_known(column.name, missing, np.zeros_like(missing), axis.listed())
    places = np.array([axis.level_place(level) for level in levels], dtype=np.intp)
    places = places[codes]
    check_known(column.name, missing, places < 0, axis.listed())
    return places


def _places_of_levels(name, values, axis):
    places = axis.locate(values)
    check_levels(name, values, places, axis.listed())
    return places


def _place_of_missing(band):
    return -1 if band.missing is None else band.labels.index(band.missing)


def _refuse_nameless(named, n_columns):
    """Refuse a table without names: taking columns by their order would be a guess."""
    raise SchemaError(
        f"A table must have names where rules are on named columns: {quoted(named)}. "
        f"Got n_features={n_columns} columns without names instead. Pass a frame, have "
        'a transformer make one by set_output(transform="pandas"), or write the rules '
        "on positions, 0 for the first column."
    )


class RuleSegmenter(SegmenterMixin, BaseEstimator):
    """Segments as the rules of a table say.

    Nothing is searched for: whoever wrote the rules decides. What `fit` learns are the
    cuts of columns that rules call high and low, and the sizes, by which segments are
    numbered.

    Parameters
    ----------
    table : RuleTable or None, default=None
        The rules. None takes `marketing_table`, which needs the scores r, f and m.

    Attributes
    ----------
    segment_names_ : dict of int to str
        What the rules call each segment.
    thresholds_ : dict of str to ndarray
        Where the bands of each banded column begin, learned or given.
    labels_ : ndarray of shape (n_customers,)
        Segment of each training customer, the same as ``predict(X)``.
    n_segments_ : int
        Number of names in the table, with those that no training customer has.
    segment_sizes_ : ndarray of shape (n_segments,)
        Customers in each segment; largest first, equal ones in the order of the rules.
    segment_centers_ : ndarray of shape (n_segments, n_features) or None
        Means of the columns in each segment, missing values left out; NaN where there
        are none. None if a column does not hold numbers.
    n_features_in_ : int
        Number of columns seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns, where the table had names.

    See Also
    --------
    RuleTable : Rules of one's own, checked.
    custseg.features.RFMTransformer : Gives the scores r, f and m.
    KMeansSegmenter : Finds segments instead.

    Notes
    -----
    Columns are found by name, or by position where the rules give an int; others are
    not used. Rules on named columns refuse a table without names: behind a transformer
    they need its ``set_output(transform="pandas")``. The columns of an array may be
    called "x0", "x1" and so on.

    A segment without training customers keeps its name and gets customers in
    `predict` if there are any.

    A segment that a rule makes is homogeneous in what the rule asks and in nothing
    else. Whether customers form groups at all is another question, which
    `custseg.selection` has tests for.

    References
    ----------
    Hughes, A. M. (2011). Strategic Database Marketing. 4th edition. McGraw-Hill.

    Examples
    --------
    >>> import pandas as pd
    >>> from custseg.cluster import RuleSegmenter, value_cells_table
    >>> customers = pd.DataFrame(
    ...     {
    ...         "recency": [3, 200, 40, 9, 150],
    ...         "frequency": [12, 1, 4, 1, 9],
    ...         "monetary_total": [800.0, 20.0, 90.0, 35.0, 700.0],
    ...     },
    ...     index=["ada", "ben", "cem", "dia", "eve"],
    ... )
    >>> segmenter = RuleSegmenter(value_cells_table()).fit(customers)
    >>> customers[[]].assign(segment=segmenter.predict_names(customers))
                     segment
    ada           high value
    ben  general to win back
    cem   general to develop
    dia   general to develop
    eve    important to keep
    >>> {name: cuts.round(1).tolist() for name, cuts in segmenter.thresholds_.items()}
    {'recency': [80.4], 'frequency': [5.4], 'monetary_total': [329.0]}
    """

    _parameter_constraints = {"table": [RuleTable, None]}

    def __init__(self, table=None):
        self.table = table

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Learn cuts and sizes.

        Parameters
        ----------
        X : array-like or frame of shape (n_customers, n_features)
            One row a customer, with the columns of the table.
        y : None
            Ignored; here for scikit-learn's sake.

        Returns
        -------
        self : RuleSegmenter

        Raises
        ------
        SchemaError
            If a column is not there or does not hold what the rules ask for, or the
            table has no names and the rules are on named columns.
        DataQualityError
            If a value is missing, infinite or no declared level.
        DegenerateFitError
            If a column has fewer distinct values than natural classes are asked for.
        """
        columns = read_columns(self, X, reset=True)
        # A table cannot be changed: the fitted rules are these.
        self._table = marketing_table() if self.table is None else self.table
        found = self._found(columns)
        self.thresholds_ = {
            name: _learn_cuts(found[name].name, band, numbers(found[name], _REMEDY))
            for name, band in self._table.bands
            if name in found
        }
        owned = self._owned(found)
        sizes = np.bincount(owned, minlength=len(self._table.names))
        order = np.argsort(-sizes, kind="stable")
        self._label_of = np.argsort(order)
        self.segment_names_ = {
            label: self._table.names[one] for label, one in enumerate(order.tolist())
        }
        self.labels_ = self._label_of[owned]
        self.n_segments_ = len(sizes)
        self.segment_sizes_ = sizes[order]
        self.segment_centers_ = self._centers(columns)
        return self

    def predict(self, X):
        """Give each customer the segment of its rule.

        Parameters
        ----------
        X : array-like or frame of shape (n_customers, n_features)
            One row a customer, with the columns of `fit`.

        Returns
        -------
        labels : ndarray of shape (n_customers,)

        Raises
        ------
        SchemaError, DataQualityError
            As in `fit`.
        """
        check_is_fitted(self)
        found = self._found(read_columns(self, X, reset=False))
        return self._label_of[self._owned(found)]

    def predict_names(self, X):
        """Give each customer the name of its segment.

        Parameters
        ----------
        X : array-like or frame of shape (n_customers, n_features)
            As in `predict`.

        Returns
        -------
        names : ndarray of str, shape (n_customers,)
        """
        labels = self.predict(X)
        return np.array([*self.segment_names_.values()], dtype=object)[labels]

    # -- columns to cells --------------------------------------------------------------

    def _found(self, columns):
        """Find the columns of the table, by what the table calls them."""
        wanted = self._table.columns
        names = [column.name for column in columns]
        named = [one for one in wanted if isinstance(one, str)]
        if not hasattr(self, "feature_names_in_") and not set(named) <= set(names):
            _refuse_nameless(named, len(columns))
        check_names("Rules", named, names)
        places = {name: names.index(name) for name in named}
        for one in wanted:
            if not isinstance(one, str):
                if not -len(columns) <= one < len(columns):
                    raise SchemaError(
                        f"Rules must be on positions of columns. Got {one} in a table "
                        f"with n_features={len(columns)} instead."
                    )
                places[one] = one
        return {one: columns[place] for one, place in places.items()}

    def _owned(self, found):
        """Return the rule name of each customer, as its place in the table's names."""
        table = self._table
        means, bands = dict(table.means), dict(table.bands)
        places = []
        for axis in table.axes:
            name = axis.column
            if name in means:
                values = self._mean(found, means[name], axis)
                places.append(_places_of_levels(str(name), values, axis))
            elif axis.kind == "text":
                places.append(_places_of_text(found[name], axis))
            elif axis.kind == "band":
                places.append(self._banded(found[name], bands[name], name))
            else:
                values = _complete_numbers(found[name])
                places.append(_places_of_levels(found[name].name, values, axis))
        return table.owners_of(places)

    def _mean(self, found, columns, axis):
        """Take the mean of columns; rounded half up where it has levels."""
        values = [_complete_numbers(found[one]) for one in columns]
        if axis.kind == "levels":
            for one, numbers_ in zip(columns, values, strict=True):
                _places_of_levels(found[one].name, numbers_, axis)
        return mean_of(values, rounded=axis.kind == "levels")

    def _banded(self, column, band, name):
        if band.missing is None:
            values = _complete_numbers(column)
        else:
            values = numbers(column, _REMEDY)
        cuts, missing = self.thresholds_[name], _place_of_missing(band)
        return bands_of(values, cuts, band.equal, missing)

    def _scorer_step(self):
        names = check_feature_names_in(self, None).tolist()
        found = self._found([Column(name, "number", None) for name in names])
        used = list(dict.fromkeys(names.index(one.name) for one in found.values()))
        position = {
            name: used.index(names.index(one.name)) for name, one in found.items()
        }
        axes = tuple(self._frozen_axis(axis, position) for axis in self._table.axes)
        step = RuleCells(axes, self._label_of[self._table.owners])
        before = Beside(((np.array(used, dtype=np.intp), (step,)),))
        return before, Decided(), np.arange(self.n_segments_)

    def _frozen_axis(self, axis, position):
        """Return a column cut into cells, as a scorer reads it."""
        name, kind, cells = axis.column, axis.kind, axis.cells
        means, bands = dict(self._table.means), dict(self._table.bands)
        columns = means.get(name, (name,))
        points, levels, other, equal, missing = (), None, -1, "upper", -1
        if kind == "band":
            band, points = bands[name], self.thresholds_[name]
            equal, missing = band.equal, _place_of_missing(band)
        elif kind == "text":
            named = [one for one in cells if one is not None]
            levels = Levels(named, "level")
            other = len(named) if len(named) < len(cells) else -1
        else:
            points = cells
        return RuleAxis(
            str(name),
            kind,
            np.array([position[one] for one in columns], dtype=np.intp),
            np.array(points, dtype=np.float64),
            levels,
            other,
            equal,
            missing,
            axis.listed() if kind in ("levels", "text") else "",
            name in means,
        )

    def _centers(self, columns):
        """Return means of the columns in each segment; None if there is text."""
        if any(one.kind not in ("number", "boolean", "empty") for one in columns):
            return None
        centers = np.full((self.n_segments_, len(columns)), np.nan)
        for place, column in enumerate(columns):
            known = ~np.isnan(column.values)
            where, n = self.labels_[known], self.n_segments_
            counts = np.bincount(where, minlength=n)
            sums = np.bincount(where, column.values[known], minlength=n)
            np.divide(sums, counts, out=centers[:, place], where=counts > 0)
        return centers
