"""What all transformers of customer columns share: learn, freeze, apply, name.

A transformer says which columns stand for a customer: it learns derivations, whose
columns are numbers, ordered or nominal levels, or planes of numbers that belong
together. `MixedTransformer` learns how each is filled, logged and scaled. Both together
are one frozen step, which `transform` runs on a table and a scorer on a customer.
"""

import warnings

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin

from custseg._sklearn import (
    CallbackSupportMixin,
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
from custseg.features._batch import Batch, derive, without_idle
from custseg.features._frozen import frozen_columns
from custseg.features._plane import learn_plane
from custseg.features._scaling import Scaling, learn_scaling, wants_log
from custseg.scoring import DerivedColumns

__all__ = ["MixedTransformer"]

_REMEDY = (
    "Convert the column first (pandas.to_numeric, after looking at its decimal sign), "
    "or fit again with the column as it is now."
)
_NO_SCALING = Scaling(np.nan, np.nan, 0.0, 1.0, np.nan)


class MixedTransformer(CallbackSupportMixin, TransformerMixin, BaseEstimator):
    """Bring numbers, categories and planes of customers to one scale.

    A subclass has the parameters that it needs of those below, which stand here as
    they are where it has none.

    Attributes
    ----------
    log, scale, add_indicator, min_share, strict
        As in `DemographicTransformer`.
    """

    log = "auto"
    scale = True
    add_indicator = False
    min_share = 0.0
    strict = False
    nominal = ()
    _takes = ()  # of scikit-learn's tags of the input, beside missing values
    _read_as_levels = ()  # kinds of columns
    _logged = "numeric columns"  # what `log` may name
    _remedy = _REMEDY  # of text in a column of numbers
    _orders = {}  # levels, lowest first, of columns declared to be ordered

    # -- what a subclass says --------------------------------------------------------

    def _learn(self, columns):
        """Check parameters against the columns, and learn derivations.

        Parameters
        ----------
        columns : list of Column
            As they came in.

        Returns
        -------
        tuple of tuple of Derivation
            Rounds; each gets the columns that the one before it made, the first those
            that came in. What stands for a customer must not depend on other customers,
            and names and kinds not on the customers at all.
        """
        return ()

    def _kind(self, column):
        """Settle what a column of `fit` is read as."""
        if column.kind == "plane":
            return "plane"
        if column.name in self.nominal or column.kind in self._read_as_levels:
            return "nominal"
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
        rounds = without_idle(self._learn(columns), len(columns))
        batch = self._batch(columns)
        derived = [self._ordered(x) for x in derive(batch, columns, rounds)]
        batch.warn(stacklevel=3)
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
        frozen = frozen_columns(self, learned)
        self._step = DerivedColumns(rounds, frozen) if rounds else frozen
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
        batch = self._batch(read_columns(self, X, reset=False))
        outputs = self._step(batch)
        batch.warn(stacklevel=3)
        self._report_unseen(batch.unseen)
        return outputs

    def _batch(self, columns):
        return Batch(columns, self._remedy, self.strict)

    def _ordered(self, column):
        """Give a column the order that was declared."""
        if column.name not in self._orders:
            return column
        return column._replace(kind="ordered", levels=self._orders[column.name])

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
        codes, levels = level_codes(column)
        position = {level: rank for rank, level in enumerate(order)}
        # The last entry serves the code -1.
        table = np.array([position.get(level, -1) for level in levels] + [-1])
        unknown = count_unseen(codes, levels, table, missing=False)
        if unknown:
            raise SchemaError(
                f"Column {column.name!r} must hold the levels of its order. Got others "
                f"in {counted(unknown)} rows instead. Add them to the order, correct "
                "them or mark them as missing."
            )
        ranks = np.where(codes < 0, np.nan, table[codes])
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

    def _scorer_step(self):
        return self._step

    def __sklearn_tags__(self):
        """Return scikit-learn's tags: missing values are allowed."""
        tags = super().__sklearn_tags__()
        for name in ("allow_nan", *self._takes):
            setattr(tags.input_tags, name, True)
        return tags
