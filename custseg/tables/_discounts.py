"""How much customers buy on discount: `summarize_discounts`."""

import narwhals as nw
import numpy as np

from custseg.exceptions import DataQualityError, SchemaError
from custseg.tables._lines import open_table, plain_numbers
from custseg.tables._summary import observation_end, order_keys, purchase_lines

__all__ = ["discount_prior", "summarize_discounts"]

_LEAST_SPREAD = 1e-4  # correlation within customers; below, all are alike


def summarize_discounts(
    tx, columns, *, discount, prior=None, observation_period_end=None
):
    """Make one row per customer: orders on discount, and dependence on them.

    Parameters
    ----------
    tx : pandas.DataFrame or polars.DataFrame
        Transaction table, as `clean_transactions` gives it back. It is not changed.
    columns : TransactionColumns
        Which column is which.
    discount : str
        Column that tells lines on discount or promotion: true, or a number above zero
        (such as currency or per cent off).
    prior : tuple (on, off) or None, default=None
        Orders on discount and without that are added to each customer's. None learns
        them from these customers, see `discount_prior`; give last month's to go on
        with the same scale.
    observation_period_end : str, date, datetime or pandas.Timestamp, default=None
        As in `summarize_transactions`.

    Returns
    -------
    customers : same kind as `tx`
        One row a customer with an order, ordered by `customer_id`:

        - `customer_id`: as given;
        - `n_orders`: orders of which something was kept;
        - `n_discounted`: those with a line on discount;
        - `discounted_share`: share of the currency kept that was bought on discount;
        - `discount_dependence`: share of orders on discount, shrunk to that of all
          customers where orders are few.

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
    frame, give_back = open_table(tx, columns)
    flags = _flags(frame, discount)
    lines = purchase_lines(frame, columns).with_columns(
        nw.new_series("discounted", flags, backend=frame.implementation)
    )
    _, limit = observation_end(lines, observation_period_end)
    lines = lines.filter((nw.col("when") <= limit) & (nw.col("kept") > 0))
    if lines.is_empty():
        raise DataQualityError(
            "There must be an order of which something was kept until the end of the "
            f"period. Got none instead (observation_period_end="
            f"{observation_period_end!r})."
        )
    lines, keys = order_keys(lines)
    orders = (
        lines.with_columns(on_offer=nw.col("kept") * nw.col("discounted"))
        .group_by(keys)
        .agg(nw.col("kept").sum(), nw.col("on_offer").sum())
        .with_columns(
            with_offer=(nw.col("on_offer") > 0).cast(nw.Int64),
            order=nw.lit(1).cast(nw.Int64),
        )
    )
    customers = (
        orders.group_by("customer")
        .agg(
            nw.col("order").sum().alias("n_orders"),
            nw.col("with_offer").sum().alias("n_discounted"),
            nw.col("kept").sum(),
            nw.col("on_offer").sum(),
        )
        .sort("customer")
    )
    on, off = _read_prior(prior) if prior is not None else discount_prior(customers)
    n = nw.col("n_orders") + on + off
    figures = customers.select(
        nw.col("customer").alias("customer_id"),
        "n_orders",
        "n_discounted",
        discounted_share=nw.col("on_offer") / nw.col("kept"),
        discount_dependence=(nw.col("n_discounted") + on) / n,
    )
    plain = plain_numbers(figures, keys=("customer_id",))
    return give_back(nw.maybe_reset_index(plain))


def discount_prior(customers):
    """Learn how many orders on discount and without to add to each customer's.

    Parameters
    ----------
    customers : pandas.DataFrame or polars.DataFrame
        With the columns `n_orders` and `n_discounted`, as `summarize_discounts` makes
        it.

    Returns
    -------
    on, off : float
        The two parameters of the beta distribution of customers' shares, by Kleinman's
        moments [1]_ with orders as weights. They are large where customers hardly
        differ.

    Raises
    ------
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
    frame = nw.from_native(customers, eager_only=True, pass_through=False)
    n = frame["n_orders"].to_numpy().astype(float)
    share = frame["n_discounted"].to_numpy() / n
    total = n.sum()
    mean = float(n @ share / total)
    if total <= len(n) or not 0 < mean < 1:
        raise DataQualityError(
            "There must be customers with two orders or more, and orders on discount "
            f"and without, to learn a prior. Got {total:.0f} orders of {len(n)} "
            f"customers, {mean:.0%} of them on discount, instead. Give prior=."
        )
    within = float(np.sum(1 - n / total))
    between = float(np.sum(n * (1 - n / total)))
    spread = float(n @ (share - mean) ** 2) / (mean * (1 - mean))
    correlation = (spread - within) / (between - within)
    correlation = min(max(correlation, _LEAST_SPREAD), 1 - _LEAST_SPREAD)
    size = (1 - correlation) / correlation
    return mean * size, (1 - mean) * size


def _flags(frame, discount):
    """Return 1 for lines on discount and 0 for others."""
    if discount not in frame.columns:
        raise SchemaError(
            f"discount must name a column of the table. Got {discount!r} instead; it "
            f"has {', '.join(map(repr, frame.columns))}."
        )
    series = frame[discount]
    if not (series.dtype.is_numeric() or isinstance(series.dtype, nw.Boolean)):
        raise SchemaError(
            f"Column {discount!r} must hold true and false, or numbers. Got "
            f"{series.dtype} instead. Convert it first."
        )
    values = series.cast(nw.Float64).to_numpy().astype(float)
    wrong = ~(values >= 0) | np.isinf(values)
    rows = np.flatnonzero(wrong)
    if len(rows):
        raise DataQualityError(
            f"Column {discount!r} must hold finite numbers of 0 or more in every row. "
            f"Got others in {len(rows):,} of {len(values):,} rows instead (row "
            f"{rows[0]}). A line without discount has 0."
        )
    return (values > 0).astype(float)


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
