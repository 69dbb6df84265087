"""Who the segments are: `profile_segments` and what it returns."""

from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Integral

import numpy as np
import pandas as pd

from custseg._utils._result import Result
from custseg.exceptions import DataQualityError, DegenerateFitError, SchemaError
from custseg.profile._naming import suggest_names
from custseg.profile._profile_text import share_text, wide_table
from custseg.profile._statistics import describe
from custseg.profile._traits import read_table, read_traits


@dataclass(frozen=True, eq=False, repr=False)
class SegmentProfile(Result):
    """Segments of customers described: sizes, means and shares beside the average.

    Made by `profile_segments`; nothing on it changes. It holds sums over customers
    and no customer.

    Attributes
    ----------
    names : dict of int to str
        Name of each segment.
    sizes : dict of int to float
        Customers in each segment, or the sum of their weights.
    columns : tuple of str
        The columns described.
    n_unassigned : float
        Customers with label -1, or the sum of their weights. They are in no segment
        and not in the total.
    left_out : dict of str to str
        Columns of the table that are not described, and why.

    See Also
    --------
    profile_segments : Describes segments of a customer table.
    custseg.plotting.SegmentProfileDisplay : The profile as a picture.

    Examples
    --------
    >>> import pandas as pd
    >>> from custseg.profile import profile_segments
    >>> customers = pd.DataFrame({
    ...     "spend": [10.0, 30.0, 200.0, 240.0],
    ...     "channel": ["web", "web", "shop", "web"],
    ... })
    >>> profile = profile_segments(customers, [0, 0, 1, 1])
    >>> profile.suggest_names()
    {0: 'low spend, mostly web', 1: 'high spend, mostly shop'}
    >>> profile = profile.rename({0: "occasional", 1: "regulars"})
    >>> print(profile.table().to_string())
                            occasional regulars  total
    customers                        2        2      4
    share of customers            50 %     50 %  100 %
    spend                         20.0      220    120
    channel            web       100 %     50 %   75 %
                       shop        0 %     50 %   25 %
    """

    _segments: tuple
    _names: tuple
    _sizes: np.ndarray
    _items: tuple
    n_unassigned: float
    left_out: dict

    @property
    def names(self):
        """Name of each segment, by its number."""
        return dict(zip(self._segments, self._names, strict=True))

    @property
    def sizes(self):
        """Customers in each segment, or the sum of their weights, by its number."""
        return dict(zip(self._segments, self._sizes.tolist(), strict=True))

    @property
    def columns(self):
        """Columns described, in the order of the table."""
        return tuple(dict.fromkeys(item.column for item in self._items))

    def frame(self):
        """Return every number of the profile.

        Returns
        -------
        frame : DataFrame
            One row a segment and column, for a column of categories one a segment and
            level. ``segment``, ``segment_name``, ``size`` and ``share`` are the
            segment's; ``column``, ``level`` ("" for numbers) and ``statistic``
            ("mean", "share" or "mean days before" a date) say what ``value`` is.
            ``total`` is the same over the customers of all segments, ``index`` is
            100 * value / total (100 = the average customer; missing where the total
            is zero or negative), ``standardized_difference`` is (value - total) / sd,
            ``rank_difference`` the same for the ranks of customers, which one extreme
            customer cannot move, and ``n_missing`` counts the segment's customers
            without a value.

        Examples
        --------
        >>> from custseg.profile import profile_segments
        >>> profile = profile_segments([[10.0], [30.0], [200.0], [240.0]], [0, 0, 1, 1])
        >>> profile.frame()[["segment", "column", "value", "total", "index"]].round(1)
           segment column  value  total  index
        0        0     x0   20.0  120.0   16.7
        1        1     x0  220.0  120.0  183.3
        """
        blocks = []
        for position, segment in enumerate(self._segments):
            known = {
                "segment": segment,
                "segment_name": self._names[position],
                "size": self._sizes[position],
                "share": self._sizes[position] / self._sizes.sum(),
            }
            blocks += [known | _numbers(item, position) for item in self._items]
        return pd.DataFrame(blocks)

    def table(self):
        """Lay the profile out for reading; for numbers to go on with see `frame`.

        Returns
        -------
        table : DataFrame of str
            One row a column, or level of a column, below the rows of sizes; one
            column a segment, and the total. A column of numbers that some customers
            lack has a second row, "(missing)", with their share.
        """
        return wide_table(self._items, list(self._names), self._sizes)

    def suggest_names(self, max_traits=2):
        """Suggest a name for each segment from what sets it apart.

        Parameters
        ----------
        max_traits : int, default=2
            Traits in a name. Segments that would be named alike get further traits,
            and at last a number.

        Returns
        -------
        names : dict of int to str
            Distinct names, such as "high Grocery, high Milk"; "average" for a segment
            that is near the average customer in everything.

        Raises
        ------
        ValueError
            If `max_traits` is not an integer from 1 up.

        Notes
        -----
        A trait is a difference to the average customer of at least a fifth of a
        standard deviation, for numbers of their ranks. Money is skewed: a mean follows
        its largest customers, a mean rank follows most of them. "high spend" therefore
        says that most of the segment's customers spend more than most others, whatever
        one client spends. Where the strongest traits are all lacks ("low Grocery, low
        Milk"), the last of them gives way to the strongest of what the segment has,
        if that is a quarter as strong as the first.

        A level is a trait where it is more common than on average: "mostly" from a
        share of one half up, else "often".
        """
        if not isinstance(max_traits, Integral) or max_traits < 1:
            raise ValueError(
                f"max_traits must be an integer from 1 up. Got {max_traits!r} instead. "
                "Two traits make a name that can be read."
            )
        names = suggest_names(self._items, len(self._segments), max_traits)
        return dict(zip(self._segments, names, strict=True))

    def rename(self, names):
        """Return the same profile with other names of some or all segments.

        Parameters
        ----------
        names : dict of int to str
            Those of segments that are not in the profile are passed over; segments
            not given keep theirs.

        Returns
        -------
        profile : SegmentProfile

        Raises
        ------
        ValueError
            If `names` is no dict, a name is not text, or two segments would have one
            name.
        """
        names = _checked_names(self._segments, names, self.names)
        return SegmentProfile(
            self._segments,
            names,
            self._sizes,
            self._items,
            self.n_unassigned,
            self.left_out,
        )

    def summary(self):
        """Return what is described, and what sets each segment apart, in two sentences.

        Returns
        -------
        summary : str
        """
        traits = self.suggest_names()
        said = (
            f"{self.names[segment]} ({share_text(size / self._sizes.sum())}): "
            f"{traits[segment]}"
            for segment, size in self.sizes.items()
        )
        return f"{self._heading()}. {'; '.join(said)}."

    def __repr__(self):
        return f"<SegmentProfile: {self._heading()}>"

    def __str__(self):
        return f"{self._heading()}\n\n{self.table().to_string()}"

    def _shown(self):
        return self.table()

    def _heading(self):
        n_customers = f"{self._sizes.sum():,.10g}"
        text = (
            f"{n_customers} customers, {len(self._segments)} segments, "
            f"{len(self.columns)} columns"
        )
        if self.n_unassigned:
            text += f"; without a segment: {self.n_unassigned:,.10g}"
        for name, reason in self.left_out.items():
            text += f"; {name} left out ({reason})"
        return text


def _numbers(item, position):
    """Return the numbers of one item in one segment."""
    value = item.value[position]
    return {
        "column": item.column,
        "level": item.level,
        "statistic": item.statistic,
        "value": value,
        "total": item.total,
        "index": 100 * value / item.total if item.total > 0 else np.nan,
        "standardized_difference": item.standardized_difference[position],
        "rank_difference": item.rank_difference[position],
        "n_missing": item.n_missing[position],
    }


def profile_segments(
    customers, labels, *, columns=None, categorical=(), sample_weight=None, names=None
):
    """Describe segments by the means and shares of their customers.

    Parameters
    ----------
    customers : frame or array-like of shape (n_customers, n_columns)
        One row a customer, in the order of `labels`; any columns, not only those the
        segments were learned from. Numbers are described by their means, dates by
        their mean number of days before the latest one, text, categories and booleans
        by the share of each level. Missing values stay out of means and are a level,
        "(missing)", of their own. Of more than 20 levels the 20 largest are shown and
        the rest pooled as "(other)"; levels of the data with these two names count
        as missing and as pooled.
    labels : array-like of int of shape (n_customers,)
        Segment of each customer. Customers with -1, none of the above, are counted and
        left out of segments and total.
    columns : sequence of column names, default=None
        The columns to describe, in this order; positions for an array. None describes
        all but ids: integers or text, different for each customer, in a column named
        as ids are ("id", "CUSTOMER_ID", "CustomerID", "customer_no"); they are listed
        in ``left_out``, and so is other text of which no two customers share a value.
    categorical : sequence of column names, default=()
        Columns of codes, such as a region from 1 to 3, to be described as categories.
    sample_weight : array-like of shape (n_customers,), default=None
        Customers each row stands for, zero or more.
    names : dict of int to str, default=None
        Names of segments, all different; ``segment 0`` and so on where not given.

    Returns
    -------
    profile : SegmentProfile

    Raises
    ------
    SchemaError
        If a column is not in the table, is named twice, or cannot be described; if
        labels are not integers; if lengths differ, or labels have the index of the
        customers in another order.
    DataQualityError
        If labels are missing or below -1, a weight is missing, infinite or negative,
        or a column has infinite values.
    DegenerateFitError
        If no customer of positive weight has a segment.
    ValueError
        If a name is not text or two segments have one name.

    Notes
    -----
    Standard deviations are those of the customers given, divided by their number and
    not by one less, so that a weight of two is the same as two customers.

    Examples
    --------
    >>> import pandas as pd
    >>> from custseg.profile import profile_segments
    >>> customers = pd.DataFrame({
    ...     "visits": [2, 4, 9, 9],
    ...     "region": [1, 1, 2, 1],
    ... })
    >>> profile = profile_segments(
    ...     customers, [0, 0, 1, 1], categorical=["region"], names={1: "regulars"}
    ... )
    >>> print(profile)
    4 customers, 2 segments, 2 columns
    <BLANKLINE>
                          segment 0 regulars  total
    customers                     2        2      4
    share of customers         50 %     50 %  100 %
    visits                     3.00     9.00   6.00
    region             1      100 %     50 %   75 %
                       2        0 %     50 %   25 %
    """
    table = read_table(customers)
    _check_alignment(customers, labels)
    labels = checked_labels(labels, table.n_customers)
    weights = _checked_weights(sample_weight, table.n_customers)
    rows = _rows_with_segment(labels, weights)
    n_unassigned = weights[labels < 0].sum()
    if len(rows) < table.n_customers:
        table = table.take(rows)
    described, left_out = read_traits(table, columns, categorical)
    segments, codes = np.unique(labels[rows], return_inverse=True)
    segments, weights = tuple(segments.tolist()), weights[rows]
    sizes = np.bincount(codes, weights)
    items = [
        item
        for column in described
        for item in describe(column, codes, weights, len(segments))
    ]
    if sample_weight is None:
        n_unassigned, sizes = int(n_unassigned), sizes.astype(np.int64)
        items = [item._replace(n_missing=item.n_missing.astype(int)) for item in items]
    names = _checked_names(segments, {} if names is None else names)
    return SegmentProfile(segments, names, sizes, tuple(items), n_unassigned, left_out)


def _rows_with_segment(labels, weights):
    rows = np.flatnonzero((labels >= 0) & (weights > 0))
    if not len(rows):
        raise DegenerateFitError(
            "At least one customer must have a segment. Got none of "
            f"{len(labels)} with a label from 0 up and a positive weight instead. Look "
            "at what gave the labels."
        )
    return rows


def _check_alignment(customers, labels):
    """Refuse labels whose index says that they stand in another order."""
    if not (isinstance(customers, pd.DataFrame) and isinstance(labels, pd.Series)):
        return
    ours, theirs = customers.index, labels.index
    same = len(ours) == len(theirs) and theirs.isin(ours).all()
    if same and ours.is_unique and theirs.is_unique and not ours.equals(theirs):
        raise SchemaError(
            "labels must be in the order of customers. Got the same index in another "
            "order instead. Pass labels.loc[customers.index]."
        )


def checked_labels(labels, n_customers):
    """Labels as int64, or what is wrong with them; pictures refuse the same."""
    labels = np.asarray(labels)
    if labels.shape != (n_customers,):
        raise SchemaError(
            f"labels must have one label a customer, shape ({n_customers},). Got shape "
            f"{labels.shape} instead. Give the labels of the rows of customers."
        )
    n_missing = np.count_nonzero(pd.isna(labels))
    if n_missing:
        raise DataQualityError(
            f"labels must not be missing. Got {n_missing} missing of {n_customers} "
            "instead. Use -1 for a customer without a segment."
        )
    if labels.dtype.kind not in "iu":
        whole = all(
            isinstance(label, Integral) and not isinstance(label, bool)
            for label in labels.tolist()
        )
        if not whole:
            raise SchemaError(
                f"labels must be integers. Got {labels.dtype} instead. Number the "
                "segments from 0 and pass what they are called as names=."
            )
    labels = labels.astype(np.int64)
    n_below = np.count_nonzero(labels < -1)
    if n_below:
        raise DataQualityError(
            f"labels must be -1 or from 0 up. Got {n_below} below -1 instead. Use -1 "
            "for a customer without a segment."
        )
    return labels


def _checked_weights(sample_weight, n_customers):
    """Weights as float64, ones for None, or what is wrong with them."""
    if sample_weight is None:
        return np.ones(n_customers)
    weights = np.asarray(sample_weight, dtype=np.float64)
    if weights.shape != (n_customers,):
        raise SchemaError(
            "sample_weight must have one weight a customer, shape "
            f"({n_customers},). Got shape {weights.shape} instead. Give the weights of "
            "the rows of customers."
        )
    n_bad = np.count_nonzero(~np.isfinite(weights) | (weights < 0))
    if n_bad:
        raise DataQualityError(
            f"sample_weight must be finite and not negative. Got {n_bad} weights that "
            "are not instead. Give each customer a weight of zero or more."
        )
    return weights


def _checked_names(segments, names, known=()):
    """Names of the segments in their order, or what is wrong with them."""
    if not isinstance(names, Mapping):
        raise SchemaError(
            "names must be a dict from segment to name. Got "
            f"{type(names).__name__} instead. For example: {{0: 'regulars'}}."
        )
    default = {segment: f"segment {segment}" for segment in segments} | dict(known)
    chosen = tuple(names.get(segment, default[segment]) for segment in segments)
    if not all(isinstance(name, str) for name in chosen):
        raise ValueError(
            f"Names of segments must be text. Got {list(chosen)} instead. Pass a dict "
            "from segment to name."
        )
    if len(set(chosen)) < len(chosen):
        raise ValueError(
            f"Segments must have distinct names. Got {sorted(chosen)} instead. Rename "
            "the ones that are alike."
        )
    return chosen
