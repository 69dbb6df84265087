"""What all transformers of customer columns share: learn, freeze, apply, name.

A transformer says which columns stand for a customer (`_derive`), as numbers, ordered
or nominal categories, or planes of numbers that belong together; `MixedTransformer`
learns how each is filled, logged and scaled, and applies it to one row or a million.
"""

import warnings
from typing import Any, NamedTuple

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin

from custseg._sklearn import (
    CallbackSupportMixin,
    available_if,
    check_feature_names_in,
    check_is_fitted,
    fit_context,
)
from custseg.columns import (
    MISSING,
    OTHER,
    check_observed,
    check_output_names,
    count_unseen,
    counted,
    level_codes,
    numbers,
    order_texts,
    pool_levels,
    read_columns,
    refuse_numeric_text,
)
from custseg.exceptions import SchemaError, SegmentWarning
from custseg.features._frozen import frozen_columns, frozen_levels, frozen_ranks
from custseg.features._scaling import (
    Scaling,
    apply_scaling,
    frozen_scalings,
    learn_scaling,
    wants_log,
)

__all__ = ["MixedTransformer", "Plane"]

_REMEDY = (
    "Convert the column first (pandas.to_numeric, after looking at its decimal sign), "
    "or fit again with the column as it is now."
)
_NO_SCALING = Scaling(np.nan, np.nan, 0.0, 1.0, np.nan)


class Plane(NamedTuple):
    """Numbers that belong together and share one scale, as sine and cosine do.

    Attributes
    ----------
    name : str
        Of the whole.
    names : tuple of str
        Of the numbers: names of output columns.
    values : ndarray of shape (n_customers, n_numbers)
        NaN where missing.
    weight : float
        Total variance that they get together: how many customer columns they stand
        for.
    """

    name: str
    names: tuple
    values: Any
    weight: float = 1.0
    kind: str = "plane"


class FrozenPlane(NamedTuple):
    """What a plane has learned.

    Attributes
    ----------
    names : tuple of str
    fill : ndarray of shape (n_numbers,)
        Means, which replace missing values.
    mean : ndarray of shape (n_numbers,)
        Subtracted.
    scale : float
        Divides all of them; infinite where all are constant.
    """

    names: tuple
    fill: Any
    mean: Any
    scale: float


def learn_plane(plane, scale):
    """Learn means and the one figure that divides."""
    check_observed([plane.name], [plane.values])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a number always missing
        fill = np.nan_to_num(np.nanmean(plane.values, axis=0))
    if not scale:
        return FrozenPlane(plane.names, fill, np.zeros_like(fill), 1.0)
    filled = np.where(np.isnan(plane.values), fill, plane.values)
    variance = float(np.sum(np.mean((filled - fill) ** 2, axis=0)))
    size = float(np.max(np.abs(filled), initial=0.0))
    constant = variance <= (32 * np.finfo(np.float64).eps * size) ** 2
    divisor = np.inf if constant else np.sqrt(variance / plane.weight)
    return FrozenPlane(plane.names, fill, fill, float(divisor))


def apply_plane(values, frozen):
    """Fill, centre and divide; one array a number."""
    columns = []
    for column, fill, mean in zip(values.T, frozen.fill, frozen.mean, strict=True):
        if np.isinf(frozen.scale):
            columns.append(np.zeros(len(column)))
        else:
            filled = np.where(np.isnan(column), fill, column)
            columns.append((filled - mean) / frozen.scale)
    return columns


def _is_given(value):
    return value is not None and (not hasattr(value, "__len__") or len(value) > 0)


class MixedTransformer(CallbackSupportMixin, TransformerMixin, BaseEstimator):
    """Bring numbers, categories and planes of customers to one scale.

    A subclass has the parameters that it needs of those below, which stand here as
    they are where it has none.

    Attributes
    ----------
    log, scale, add_indicator, min_share, strict
        As in `DemographicTransformer`.
    """

    _categorical = False  # whether text and categories may come in

    log = "auto"
    scale = True
    add_indicator = False
    min_share = 0.0
    strict = False
    _logged = "numeric columns"  # what `log` may name
    # Parameters by which columns do not stay as they came; None where they never do.
    _derived_by = None
    _remedy = _REMEDY  # of text in a column of numbers

    # -- what a subclass says --------------------------------------------------------

    def _learn(self, columns):
        """Check parameters against the columns, and learn what `_derive` needs.

        Parameters
        ----------
        columns : list of Column
            As they came in.
        """

    def _derive(self, columns):
        """Return what stands for the customers, row by row.

        Parameters
        ----------
        columns : list of Column
            As they came in.

        Returns
        -------
        list of Column and Plane
            Of the kinds "number", "boolean" and "empty" (numbers), "category" and
            "text" (levels) and "plane"; whatever has an `order` is ordered. What stands
            for a customer must not depend on the other customers, and names and kinds
            not on the customers at all: an empty column of a single row is what it
            was in `fit`.
        """
        return columns

    def _kind(self, column):
        """Settle what a column of `fit` is read as."""
        if column.kind == "plane":
            return "plane"
        if column.order is not None:
            return "ordered"
        if column.kind in ("number", "boolean", "empty"):
            return "numeric"
        if column.kind in ("text", "mixed"):
            refuse_numeric_text(column)
        # Dates are nominal for a moment: reading their levels refuses them.
        return "nominal"

    def _unlogged(self):
        """Name derived numbers of which a logarithm would make no sense."""
        return ()

    # -- fit and transform -----------------------------------------------------------

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Learn what each column is, its levels, medians and scales.

        Parameters
        ----------
        X : array-like or frame of shape (n_customers, n_features)
            One row a customer; missing values allowed.
        y : None
            Ignored.

        Returns
        -------
        self : object

        Raises
        ------
        SchemaError
            If a column holds what it cannot be read as, names are not unique, or a
            parameter names a column that the table does not have.
        DataQualityError
            If a number is infinite or a column has no value at all.
        """
        columns = read_columns(self, X, reset=True)
        self._learn(columns)
        derived = self._derive(columns)
        check_output_names(column.name for column in derived)
        self.kinds_ = {column.name: self._kind(column) for column in derived}
        numeric = [name for name, kind in self.kinds_.items() if kind == "numeric"]
        logs = wants_log(self.log, numeric, what=self._logged)
        logs = dict(zip(numeric, logs, strict=True))
        logs |= dict.fromkeys(self._unlogged(), False)
        values = {
            column.name: numbers(column, self._remedy)
            for column in derived
            if self.kinds_[column.name] == "numeric"
        }
        check_observed(list(values), list(values.values()))

        self.levels_, self.pooled_levels_, self.planes_ = {}, {}, {}
        learn = {
            "nominal": self._learn_nominal,
            "ordered": self._learn_ordered,
            "plane": self._learn_plane,
            "numeric": lambda column: self._learn_values(
                column, values[column.name], logs[column.name]
            ),
        }
        learned = [learn[self.kinds_[column.name]](column) for column in derived]
        (
            self.medians_,
            self.units_,
            self.means_,
            self.scales_,
            self.indicator_scales_,
        ) = (np.array(figures) for figures in zip(*learned, strict=True))
        self.log_columns_ = tuple(
            name
            for name, unit in zip(self.kinds_, self.units_, strict=True)
            if not np.isnan(unit)
        )
        check_output_names(self.get_feature_names_out())
        return self

    def transform(self, X):
        """Turn customer columns into numbers by what `fit` learned.

        Parameters
        ----------
        X : array-like or frame of shape (n_customers, n_features)
            The columns of `fit`, in their order; one row is enough.

        Returns
        -------
        ndarray or frame of shape (n_customers, n_features_out)
            Float64, no missing values; a frame if `set_output` asked for one.

        Raises
        ------
        SchemaError
            If a column holds another kind of value than in `fit`, or, with
            ``strict=True``, a level has not been seen in `fit`.
        DataQualityError
            If a number is infinite.

        Warns
        -----
        SegmentWarning
            If a level has not been seen in `fit`, with its column and count.
        """
        check_is_fitted(self)
        derived = self._derive(read_columns(self, X, reset=False))
        # Column after column: nothing is copied once all are there.
        n_outputs = len(self.get_feature_names_out())
        outputs = np.empty((n_outputs, len(derived[0].values)))
        unseen, place = {}, 0
        for column, scaling in zip(derived, frozen_scalings(self), strict=True):
            block, counts = self._apply(column, scaling)
            for one in block:
                outputs[place] = one
                place += 1
            if counts:
                unseen[column.name] = counts
        self._report_unseen(unseen)
        return outputs.T

    def get_feature_names_out(self, input_features=None):
        """Name the columns that `transform` gives.

        Parameters
        ----------
        input_features : array-like of str or None, default=None
            Names of the input columns; None takes those of `fit`.

        Returns
        -------
        ndarray of str
            `age` for numbers and ranks, `gender=f` for levels, `age=missing` for
            indicators of missing values.
        """
        check_is_fitted(self)
        inputs = check_feature_names_in(self, input_features)
        called = dict(zip(check_feature_names_in(self, None), inputs, strict=True))
        names = []
        for (column, kind), indicator in zip(
            self.kinds_.items(), self.indicator_scales_, strict=True
        ):
            name = called.get(column, column)
            if kind == "nominal":
                names += [f"{name}={level}" for level in self.levels_[column]]
            elif kind == "plane":
                names += self.planes_[column].names
            else:
                names += [name] if np.isnan(indicator) else [name, f"{name}={MISSING}"]
        return np.asarray(names, dtype=object)

    # -- learning ------------------------------------------------------------------

    def _learn_nominal(self, column):
        """Learn the output levels of a nominal column and the figure that divides."""
        codes, levels = level_codes(column)
        check_observed([column.name], [np.where(codes < 0, np.nan, codes)])
        kept, pooled, shares = pool_levels(codes, levels, self.min_share)
        if pooled and not set(kept) - {OTHER, MISSING}:
            warnings.warn(
                f"Column {column.name!r} must have a level shared by "
                f"{self.min_share:.3g} of the customers. Got {len(pooled)} rarer "
                "levels instead, all pooled. Leave the column out if it is an "
                "identifier, band it, or lower min_share.",
                SegmentWarning,
                stacklevel=4,
            )
            # Levels of an identifier are customers, which are not to be kept.
            pooled = ()
        self.levels_[column.name] = kept
        self.pooled_levels_[column.name] = pooled
        spread = float(np.sqrt(np.sum(shares * (1.0 - shares))))
        scale = 1.0 if not self.scale else spread if spread > 0 else np.inf
        return Scaling(np.nan, np.nan, 0.0, scale, np.nan)

    def _learn_ordered(self, column):
        """Learn the order of an ordered column and the figures of its ranks."""
        order = order_texts(column.name, column.order)
        self.levels_[column.name] = order
        ranks, unknown = self._ranks(column)
        if unknown:
            raise SchemaError(
                f"Column {column.name!r} must hold the levels of its order. Got others "
                f"in {counted(unknown)} rows instead. Add them to the order, correct "
                "them or mark them as missing."
            )
        return self._learn_values(column, ranks, log=False)

    def _learn_plane(self, plane):
        """Learn the figures of a plane, which are kept apart."""
        self.planes_[plane.name] = learn_plane(plane, self.scale)
        return _NO_SCALING

    def _learn_values(self, column, values, log):
        """Learn the figures of a column of numbers or ranks."""
        check_observed([column.name], [values])
        return learn_scaling(
            values, log=log, scale=self.scale, add_indicator=self.add_indicator
        )

    # -- applying ------------------------------------------------------------------

    def _apply(self, column, scaling):
        """Return the outputs of one column, and its unseen levels with their counts."""
        kind = self.kinds_[column.name]
        if kind == "nominal":
            return self._indicators(column, scaling.scale)
        if kind == "ordered":
            ranks, counts = self._ranks(column)
            return apply_scaling(ranks, scaling), counts
        if kind == "plane":
            return apply_plane(column.values, self.planes_[column.name]), {}
        return apply_scaling(numbers(column, self._remedy), scaling), {}

    def _ranks(self, column):
        """Return the ranks of an ordered column (NaN if none) and unseen levels."""
        codes, levels = level_codes(column)
        position = {level: rank for rank, level in enumerate(self.levels_[column.name])}
        # The last entry serves the code -1.
        table = np.array([position.get(level, -1) for level in levels] + [-1])
        ranks = table[codes].astype(np.float64)
        ranks[ranks < 0] = np.nan
        return ranks, count_unseen(codes, levels, table, missing=False)

    def _indicators(self, column, scale):
        """Return the scaled indicators of a nominal column and unseen levels."""
        codes, levels = level_codes(column)
        kept = self.levels_[column.name]
        position = {level: place for place, level in enumerate(kept)}
        elsewhere = position.get(OTHER, -1)
        position |= dict.fromkeys(self.pooled_levels_[column.name], elsewhere)
        table = np.array(
            [position.get(level, -1) for level in [*levels, MISSING]], dtype=np.intp
        )
        # A column in which all levels were rare has none to be unseen: fit said so.
        blind = not set(kept) - {OTHER, MISSING}
        unseen = (
            {} if blind else count_unseen(codes, levels, table, missing=table[-1] < 0)
        )
        place = np.where(table < 0, elsewhere, table)[codes]
        if np.isinf(scale):
            return (np.zeros(len(codes)) for _ in kept), unseen
        return ((place == one) / scale for one in range(len(kept))), unseen

    def _report_unseen(self, unseen):
        """Warn of levels that `fit` has not seen, or raise if `strict`."""
        if not unseen:
            return
        found = [
            f"{name!r}: {counted(levels)} rows"
            + ("" if self.strict else f", counted as {self._stand_in(name)}")
            for name, levels in unseen.items()
        ]
        more = f"; and in {len(found) - 5} more columns" * (len(found) > 5)
        text = (
            "Levels must have been seen in fit. Got unseen ones in "
            f"{'; '.join(found[:5])}{more} instead. Correct them, or "
        )
        if self.strict:
            raise SchemaError(f"{text}set strict=False.")
        warnings.warn(
            f"{text}fit again with customers who have them.",
            SegmentWarning,
            stacklevel=4,
        )

    def _stand_in(self, name):
        """Say what an unseen level of a column counts as."""
        if self.kinds_[name] == "ordered":
            return "the median rank"
        return repr(OTHER) if OTHER in self.levels_[name] else "no level"

    def _unfrozen(self):
        """Name the parameters that are given and that a scorer cannot follow."""
        return [
            name for name in self._derived_by or () if _is_given(getattr(self, name))
        ]

    @available_if(lambda self: self._derived_by is not None and not self._unfrozen())
    def _scorer_step(self):
        """Return the step of a scorer, for columns that stay as they came."""
        kinds, scalings = list(self.kinds_.items()), frozen_scalings(self)

        def level_of(position):
            name, kind = kinds[position]
            scaling = scalings[position]
            if kind == "numeric":
                return None
            if kind == "ordered":
                return frozen_ranks(self.levels_[name], scaling, strict=self.strict)
            pooled = self.pooled_levels_[name]
            kept, scale = self.levels_[name], scaling.scale
            return frozen_levels(kept, pooled, scale, strict=self.strict)

        return frozen_columns(self, level_of)

    def __sklearn_tags__(self):
        """Return scikit-learn's tags: missing values are allowed, levels in some."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = self._categorical
        return tags
