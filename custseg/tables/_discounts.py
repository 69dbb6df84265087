"""How much customers buy on discount: `summarize_discounts`."""

import narwhals as nw
import numpy as np

from custseg.exceptions import DataQualityError, SchemaError
from custseg.tables._lines import after_cleaning, as_lines, open_transactions
from custseg.tables._listed import with_listed
from custseg.tables._open import ROW, open_table
from custseg.tables._purchases import observed_period, orders_of, purchase_lines

__all__ = ["discount_prior", "summarize_discounts"]

_DISCOUNT = "_custseg_discount"
_LEAST_SPREAD = 1e-4  # correlation within customers; below, all are alike


def summarize_discounts(
    tx, columns, *, discount, prior=None, customers=None, observation_period_end=None
):
    """Make one row per customer: orders on discount, and dependence on them.

    Parameters
    ----------
    tx : frame
        Transaction table, as `clean_transactions` gives it back: a pandas or polars
        data frame (also a lazy one), a pyarrow table, a DuckDB relation, or a Spark or
        Dask data frame. It is not changed.
    columns : TransactionColumns
        Which column is which.
    discount : str
        Column that tells lines on discount or promotion: true, or a number above zero
        (such as currency or per cent off).
    prior : tuple (on, off) or None, default=None
        Orders on discount and without that are added to each customer's. None learns
        them from these customers, see `discount_prior`; give last month's to go on
        with the same scale.
    customers : frame or sequence, default=None
        Customers that are to have a row though they have no order, as in
        `summarize_transactions`. Their numbers of orders are 0, all else is missing.
    observation_period_end : str, date, datetime or pandas.Timestamp, default=None
        As in `summarize_transactions`.

    Returns
    -------
    customers : same kind as `tx`
        One row a customer with an order, ordered by `customer_id`; a query that has
        not run yet where the engine is lazy:

        - `customer_id`: as given;
        - `n_orders`: int, orders of which something was kept;
        - `n_discounted`: int, those with a line on discount;
        - `discounted_share`: float, share of the currency kept that was bought on
          discount;
        - `discount_dependence`: float, share of orders on discount, shrunk to that of
          all customers where orders are few.

    Raises
    ------
    SchemaError
        If a column is missing or has the wrong type.
    DataQualityError
        If discounts are missing, infinite or below zero, or the table holds what
        `clean_transactions` settles.
    ValueError
        If `prior` is not a pair of numbers above zero.

    See Also
    --------
    discount_prior : What is added, learned from a table.
    custseg.features.BenefitTransformer : What customers say that they want.

    Notes
    -----
    One order, on discount, is no proof of dependence: ``(n_discounted + on) /
    (n_orders + on + off)`` is the posterior mean of a customer's share in the
    beta-binomial model, whose prior the customers together tell.

    It is not a price elasticity. An elasticity compares what a customer buys at two
    prices, other things equal. Here customers chose when to buy, offers were chosen
    for products and seasons that sell, and what a customer would have bought without
    the offer is not in the table. A customer who buys everything on discount may have
    bought as much without. Only prices or offers given at random tell that.

    Examples
    --------
    >>> import pandas as pd
    >>> from custseg.tables import TransactionColumns, summarize_discounts
    >>> tx = pd.DataFrame({
    ...     "customer_id": ["a", "a", "a", "a", "b"],
    ...     "date": pd.to_datetime([f"2024-01-0{day}" for day in (1, 2, 3, 4, 1)]),
    ...     "eur": [30.0, 10.0, 20.0, 40.0, 5.0],
    ...     "off": [0.0, 2.0, 5.0, 8.0, 1.0],
    ... })
    >>> summarize_discounts(
    ...     tx, TransactionColumns(amount="eur"), discount="off", prior=(1, 1)
    ... ).round(2).drop(columns="customer_id")
       n_orders  n_discounted  discounted_share  discount_dependence
    0         4             3               0.7                 0.67
    1         1             1               1.0                 0.67
    """
    on_off = None if prior is None else _read_prior(prior)
    table, columns = open_transactions(tx, columns)
    columns = after_cleaning(columns, table.columns)
    _check_discount(table, discount)
    period = observed_period(table, columns, observation_period_end)
    plan = {"columns": columns, "period": period, "discount": discount}
    _check_lines(table, plan, observation_period_end)
    if on_off is None:
        on_off = _prior(table.rows(_pairs_of_lines, by=columns.customer_id, **plan))
    found = table.run(_summarize, by=columns.customer_id, prior=on_off, **plan)
    zeros = ("n_orders", "n_discounted")
    return with_listed(found, customers, columns.customer_id, zeros)


def discount_prior(customers):
    """Learn how many orders on discount and without to add to each customer's.

    Parameters
    ----------
    customers : frame
        With the columns `n_orders` and `n_discounted`, as `summarize_discounts` makes
        it of any kind of table. Customers without orders are left out.

    Returns
    -------
    on, off : float
        The two parameters of the beta distribution of customers' shares, by Kleinman's
        moments [1]_ with orders as weights. They are large where customers hardly
        differ.

    Raises
    ------
    SchemaError
        If a column is missing.
    DataQualityError
        If no customer has two orders, or orders are all on discount or none is.

    References
    ----------
    .. [1] Kleinman, J. C. (1973). Proportions with extraneous variance: single and
       independent samples. Journal of the American Statistical Association 68(341),
       46-54. https://doi.org/10.1080/01621459.1973.10481332

    Examples
    --------
    >>> import pandas as pd
    >>> from custseg.tables import discount_prior
    >>> customers = pd.DataFrame(
    ...     {"n_orders": [4, 6, 5, 8, 3], "n_discounted": [4, 1, 0, 7, 1]}
    ... )
    >>> on, off = discount_prior(customers)
    >>> print(f"{on:.2f} {off:.2f}")
    0.15 0.15
    """
    table = open_table(customers, "A customer table")
    absent = [one for one in ("n_orders", "n_discounted") if one not in table.columns]
    if absent:
        raise SchemaError(
            "A customer table must have the columns n_orders and n_discounted. Got one "
            f"without {', '.join(map(repr, absent))} instead. Make it with "
            "summarize_discounts."
        )
    return _prior(table.rows(_pairs))


# -- the prior -------------------------------------------------------------------------


def _pairs(customers):
    """Count the customers that have so many orders and so many on discount."""
    names = ["n_orders", "n_discounted"]
    return customers.group_by(names).agg(nw.len().alias("n_customers"))


def _prior(pairs):
    """Learn the prior from such counts, of which parts of a table may have the same."""
    counts = {}
    for pair in pairs:
        key = float(pair["n_orders"]), float(pair["n_discounted"])
        if key[0] > 0:  # a customer of a list may have no orders
            counts[key] = counts.get(key, 0) + int(pair["n_customers"])
    table = [(n, k, counts[n, k]) for n, k in sorted(counts)]
    n, n_discounted, w = np.array(table, dtype=float).reshape(-1, 3).T
    share, total, n_customers = n_discounted / n, w @ n, w.sum()
    mean = float((w * n) @ share / total) if len(n) else 0.0
    if total <= n_customers or not 0 < mean < 1:
        raise DataQualityError(
            "There must be customers with two orders or more, and orders on discount "
            f"and without, to learn a prior. Got {total:.0f} orders of "
            f"{n_customers:.0f} customers, {mean:.0%} of them on discount, instead. "
            "Give prior=."
        )
    within = float(w @ (1 - n / total))
    between = float(w @ (n * (1 - n / total)))
    spread = float((w * n) @ (share - mean) ** 2) / (mean * (1 - mean))
    correlation = (spread - within) / (between - within)
    correlation = min(max(correlation, _LEAST_SPREAD), 1 - _LEAST_SPREAD)
    size = (1 - correlation) / correlation
    return mean * size, (1 - mean) * size


def _read_prior(prior):
    try:
        on, off = (float(one) for one in prior)
    except (TypeError, ValueError):
        on = off = np.nan
    if not (0 < on < np.inf and 0 < off < np.inf):
        raise ValueError(
            "prior must be two numbers above zero: orders on discount, and without. "
            f"Got {prior!r} instead."
        )
    return on, off


# -- checks ----------------------------------------------------------------------------


def _check_discount(table, discount):
    """Raise if the column is not there, has the wrong type or wrong values."""
    if discount not in table.columns:
        raise SchemaError(
            f"discount must name a column of the table. Got {discount!r} instead; it "
            f"has {', '.join(map(repr, table.columns))}."
        )
    dtype = table.schema[discount]
    if not (dtype.is_numeric() or isinstance(dtype, nw.Boolean)):
        raise SchemaError(
            f"Column {discount!r} must hold true and false, or numbers. Got "
            f"{dtype} instead. Convert it first."
        )
    found = table.figures(_n_wrong, discount=discount)
    if found["n_wrong"]:
        where = ""
        if table.ordered:
            first = table.with_rows().figures(_first_wrong, discount=discount)["row"]
            where = f" (row {first:.0f})"
        raise DataQualityError(
            f"Column {discount!r} must hold finite numbers of 0 or more in every row. "
            f"Got others in {found['n_wrong']:,} of {found['n_rows']:,} rows "
            f"instead{where}. A line without discount has 0."
        )


def _check_lines(table, plan, end):
    """Raise if nothing was kept."""
    if not table.figures(_n_kept, **plan)["n_kept"]:
        raise DataQualityError(
            "There must be an order of which something was kept until the end of the "
            f"period. Got none instead (observation_period_end={end!r})."
        )


def _wrong(frame, discount):
    """Tell the lines without a finite discount of 0 or more."""
    column = nw.col(discount)
    if isinstance(frame.collect_schema()[discount], nw.Boolean):
        return column.is_null()
    column = column.cast(nw.Float64)
    return (column.is_null() | ~column.is_finite() | (column < 0)).fill_null(True)


def _n_wrong(frame, discount):
    wrong = _wrong(frame, discount).cast(nw.Int64)
    return frame.select(wrong=wrong).select(
        nw.col("wrong").sum().alias("n_wrong_sum"), nw.len().alias("n_rows_sum")
    )


def _first_wrong(frame, discount):
    return frame.filter(_wrong(frame, discount)).select(
        nw.col(ROW).min().alias("row_min")
    )


def _n_kept(frame, columns, period, discount):
    lines = as_lines(frame, columns)
    kept = (nw.col("amount") > 0) & (nw.col("when") <= period.limit)
    return lines.select(kept=kept.cast(nw.Int64)).select(
        nw.col("kept").sum().alias("n_kept_sum")
    )


# -- customers -------------------------------------------------------------------------


def _customers(frame, columns, period, discount):
    """One row per customer with an order: orders and currency, on discount and all."""
    schema = frame.collect_schema()
    column = nw.col(discount)
    if not isinstance(schema[discount], nw.Boolean):
        column = column > 0
    frame = frame.with_columns(column.cast(nw.Int64).alias(_DISCOUNT))
    lines = purchase_lines(frame, columns, period, keep=(_DISCOUNT,))
    lines = lines.filter(nw.col("kept") > 0).with_columns(
        on_offer=nw.col("kept") * nw.col(_DISCOUNT)
    )
    with_offer = (nw.col("on_offer") > 0).cast(nw.Int64)
    orders = orders_of(lines, period, sums=("on_offer",))
    customers = (
        orders.with_columns(with_offer=with_offer)
        .group_by("customer")
        .agg(
            nw.col("is_order").sum().alias("n_orders"),
            nw.col("with_offer").sum().alias("n_discounted"),
            nw.col("kept").sum(),
            nw.col("on_offer").sum(),
        )
    )
    return customers.with_columns(
        nw.col("n_orders").cast(nw.Int64), nw.col("n_discounted").cast(nw.Int64)
    )


def _pairs_of_lines(frame, **plan):
    return _pairs(_customers(frame, **plan))


def _summarize(frame, prior, **plan):
    """Make the summary of a table whose period and prior are settled."""
    on, off = prior
    n = nw.col("n_orders") + on + off
    return (
        _customers(frame, **plan)
        .select(
            nw.col("customer").alias("customer_id"),
            "n_orders",
            "n_discounted",
            discounted_share=nw.col("on_offer") / nw.col("kept"),
            discount_dependence=(nw.col("n_discounted") + on) / n,
        )
        .sort("customer_id")
    )
