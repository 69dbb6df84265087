"""Simulated purchases of simulated customers, with all that was planted in them."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from custseg.datasets._buyers import BuyerType
from custseg.datasets._parameters import (
    as_generator,
    check_number,
    check_whole,
    per_segment,
)
from custseg.datasets._simulated_lines import draw_lines, draw_returns
from custseg.datasets._simulated_orders import draw_orders, make_clock
from custseg.exceptions import DataQualityError, SchemaError

_STREAM = 1
_SENTINEL_DATE = np.datetime64("1900-01-01")
_NEEDED = (
    "customer_id",
    "customer_type",
    "segment",
    "trait_1",
    "purchase_rate",
    "gap_shape",
    "joined_week",
    "lifetime_weeks",
    "lifetime_orders",
    "mean_order_value",
    "value_shape",
)
_OBSERVED = (
    "customer_id",
    "transaction_id",
    "date",
    "product",
    "category",
    "channel",
    "contact",
    "quantity",
    "unit_price",
    "list_price",
    "discount",
    "promotion",
)
_PLANTED = (
    "customer_id",
    "transaction_id",
    "date",
    "is_return",
    "returned",
    "sale_row",
    "orphan",
    "order_value",
    "duplicate",
    "missing_id",
    "sentinel_date",
)


@dataclass(frozen=True)
class SimulatedTransactions:
    """Transactions as they are observed, and what was planted in them.

    Attributes
    ----------
    transactions : DataFrame
        What an analyst sees, one row per line, by true date: customer_id,
        transaction_id, date, product, category, channel (where ordered), contact (how
        reached),
        quantity (negative on a return), unit_price (paid, after the discount),
        list_price, discount (share of the list price) and promotion (none, offer or
        quantity break). The amount is quantity x unit_price.
    truth : DataFrame
        What was planted, one row per line in the same order: customer_id,
        transaction_id and date without dirt; is_return; returned (no, partial or full:
        what comes back of the order, also after the end of the period); sale_row (the
        row of the sale that a return takes back, -1 for sales and orphans); orphan (a
        return whose sale is not in the table); order_value (the drawn amount of the
        order); duplicate (the second of two equal lines); missing_id; sentinel_date.
    customers : DataFrame
        One row per customer, in the order of the truth that was given: customer_id,
        customer_type, segment, joined (date of the first order, missing when after the
        period), dropout_date (missing when not in the period), n_orders, treated,
        orders_before and orders_after (the treatment, or the middle of the period).
    treatment_date : Timestamp or None
        When the treatment began; None without an effect.

    Examples
    --------
    >>> from custseg.datasets import make_customers, make_transactions
    >>> simulated = make_customers(50, random_state=0)
    >>> bought = make_transactions(simulated.truth, effect=0.2, random_state=0)
    >>> bought.treatment_date
    Timestamp('2024-07-01 00:00:00')
    >>> len(bought.transactions) == len(bought.truth)
    True
    """

    transactions: pd.DataFrame
    truth: pd.DataFrame
    customers: pd.DataFrame
    treatment_date: pd.Timestamp | None


def _check_truth(truth):
    """Refuse a table that is not the truth of simulated customers."""
    remedy = "Give the `truth` that `make_customers` returns, or rows of it."
    if not isinstance(truth, pd.DataFrame):
        raise SchemaError(
            "`truth` must be a pandas DataFrame. "
            f"Got {type(truth).__name__} instead. {remedy}"
        )
    absent = [column for column in _NEEDED if column not in truth]
    if absent:
        raise SchemaError(
            f"`truth` must have the columns {list(_NEEDED)}. "
            f"Got a table without {absent} instead. {remedy}"
        )
    if truth.empty:
        raise DataQualityError(
            f"`truth` must have a row or more. Got 0 rows instead. {remedy}"
        )
    n_unknown = int((~truth["customer_type"].isin(["household", "business"])).sum())
    if n_unknown:
        raise DataQualityError(
            "The column 'customer_type' of `truth` must be household or business. "
            f"Got {n_unknown} other values instead. {remedy}"
        )
    n_repeated = int(truth["customer_id"].duplicated().sum())
    if n_repeated:
        raise DataQualityError(
            "`truth` must have one row per customer_id. "
            f"Got {n_repeated} repeated ids instead. {remedy}"
        )
    return truth.reset_index(drop=True)


def _draw_treatment(truth, effect, rng):
    """Who is treated, half of all customers, and everyone's factor on the rate."""
    treated = np.zeros(len(truth), dtype=bool)
    if effect is None:
        return treated, np.ones(len(truth))
    treated[rng.permutation(len(truth))[: len(truth) // 2]] = True
    segment = truth["segment"].to_numpy()
    # A list may go on beyond the segments that occur among these customers.
    n_segments = max(int(segment.max()) + 1, np.size(effect))
    uplift = per_segment("effect", effect, n_segments, -1.0)
    return treated, np.where(treated, 1.0 + uplift[segment], 1.0)


def _to_date(start, days):
    """Dates to the second from days since the start, missing where not finite."""
    days = np.asarray(days, dtype=float)
    known = np.isfinite(days)
    seconds = (np.where(known, days, 0.0) * 86_400).astype("timedelta64[s]")
    return np.where(known, start + seconds, np.datetime64("NaT", "s")).astype(
        "datetime64[ns]"
    )


def _draw_type(truth, buyer, start, n_days, speed, treatment_day, rng):
    """Lines, and the customers' own table, of the customers of one type."""
    latent = truth.reset_index(drop=True)
    clock = make_clock(buyer, start, n_days)
    orders, gone = draw_orders(latent, clock, speed, treatment_day, rng)
    lines = draw_returns(buyer, draw_lines(buyer, latent, orders, rng), n_days, rng)
    first = orders[orders["number"] == 0].set_index("row")["day"]
    late = orders["day"] >= treatment_day
    counts = {
        "n_orders": orders["row"],
        "orders_before": orders["row"][~late],
        "orders_after": orders["row"][late],
    }
    joined = first.reindex(range(len(latent))).to_numpy()
    customers = pd.DataFrame(
        {
            "joined": _to_date(start, joined),
            # Who has not joined has not dropped out either.
            "dropout_date": _to_date(start, np.where(np.isnan(joined), np.nan, gone)),
        }
    )
    for name, rows in counts.items():
        customers[name] = np.bincount(rows, minlength=len(latent))
    return lines.assign(row=truth.index.to_numpy()[lines["row"]]), customers


def _draw_types(truth, buyers, start, n_days, speed, treatment_day, rng):
    """Lines and the customers' own table, type by type."""
    lines, counts = [], []
    for name, buyer in buyers.items():
        rows = np.flatnonzero(truth["customer_type"] == name)
        if rows.size:
            drawn, own = _draw_type(
                truth.loc[rows], buyer, start, n_days, speed[rows], treatment_day, rng
            )
            lines.append(drawn)
            counts.append(own.set_index(rows))
    return pd.concat(lines, ignore_index=True), pd.concat(counts).sort_index()


def _number_transactions(lines):
    """Sort by time and number the sales and the returns."""
    lines = lines.sort_values(
        ["second", "row", "is_return", "order", "line"], ignore_index=True
    )
    # Orders are numbered within a type, so a customer and an order name one.
    key = lines.groupby(["is_return", "row", "order"], sort=False).ngroup() + 1
    letters = np.where(lines["is_return"], "R", "T")
    names = [f"{a}{i:07d}" for a, i in zip(letters, key, strict=True)]
    return lines.assign(transaction_id=names)


def _plant_dirt(lines, missing_id_share, duplicate_share, sentinel_date_share, rng):
    """Mark what is spoilt: ids and dates of whole transactions, and single lines."""
    code, names = pd.factorize(lines["transaction_id"])
    for name, share in (
        ("missing_id", missing_id_share),
        ("sentinel_date", sentinel_date_share),
    ):
        lines[name] = (rng.random(len(names)) < share)[code]
    twice = 1 + (rng.random(len(lines)) < duplicate_share)
    lines = lines.loc[lines.index.repeat(twice)]
    duplicate = lines.index.duplicated()
    return lines.reset_index(drop=True).assign(duplicate=duplicate)


def _link_returns(lines):
    """Row of the sale that each return takes back, -1 for sales and orphans."""
    key = ["row", "line"]
    sales = lines[~lines["is_return"] & ~lines["duplicate"]]
    sale_row = pd.Series(sales.index, index=pd.MultiIndex.from_frame(sales[key]))
    found = sale_row.reindex(pd.MultiIndex.from_frame(lines[key])).fillna(-1)
    return np.where(lines["is_return"], found.to_numpy(), -1).astype("int64")


def _split_tables(lines, truth, start):
    """Cut the lines into what is observed and what was planted."""
    seconds = lines["second"].to_numpy().astype("timedelta64[s]")
    lines = lines.assign(
        customer_id=truth["customer_id"].to_numpy()[lines["row"]],
        date=(start + seconds).astype("datetime64[ns]"),
        sale_row=_link_returns(lines),
    )
    observed = lines[list(_OBSERVED)].infer_objects()
    observed["customer_id"] = observed["customer_id"].mask(lines["missing_id"])
    observed["date"] = observed["date"].mask(lines["sentinel_date"], _SENTINEL_DATE)
    return observed, lines[list(_PLANTED)].infer_objects()


def make_transactions(
    truth,
    *,
    start="2024-01-01",
    weeks=52,
    household=None,
    business=None,
    effect=None,
    missing_id_share=0.0,
    duplicate_share=0.0,
    sentinel_date_share=0.0,
    random_state=None,
):
    """Simulate the purchases of simulated customers, line by line.

    A customer's first order falls in the first weeks of the period; further orders
    follow at the customer's own rate, with exponential or Erlang gaps, until drop-out.
    Seasons stretch and shrink the time between orders so that the mean rate over the
    years stays as drawn. Values of orders are Gamma-Gamma. Some orders come back.

    Parameters
    ----------
    truth : DataFrame
        The `truth` of `make_customers`, or rows of it.
    start : str or date, default="2024-01-01"
        First day of the period.
    weeks : int, default=52
        Length of the period.
    household, business : BuyerType, default=None
        Season, returns, lines, channels and discounts of the two types;
        `BuyerType.household()` and `BuyerType.business()` by default. Rates, gaps,
        lifetimes and order values come from `truth`.
    effect : float or sequence of float, default=None
        Relative change of the order rate of the treated from the middle of the period
        on, for all segments or for each, -1 or more; .1 is an uplift of 10 %. Half of
        the customers are treated, at random. None is no experiment, 0 one without an
        effect.
    missing_id_share : float, default=0.0
        Share of transactions whose lines have lost the customer_id.
    duplicate_share : float, default=0.0
        Share of lines that are in the table twice.
    sentinel_date_share : float, default=0.0
        Share of transactions whose lines are dated 1 January 1900.
    random_state : int, Generator, RandomState or None, default=None
        Seed or source of the random numbers. An int may be the one that
        `make_customers` was given: the two draw independently.

    Returns
    -------
    SimulatedTransactions
        The observed lines, the truth about each, and a table of the customers.

    Raises
    ------
    SchemaError
        If `truth` is no DataFrame or lacks columns.
    DataQualityError
        If `truth` has no rows, a customer twice or a customer_type that is neither
        household nor business.
    ValueError
        If a parameter is out of range.

    See Also
    --------
    make_customers : Draw the customers.

    Notes
    -----
    The stories are those of the Pareto/NBD model (lifetimes exponential with a Gamma
    rate) and, for `BuyerType.cdnow()`, of the BG/NBD model (drop-out after a repeat
    order); a clock starts at each customer's first order.

    Examples
    --------
    >>> from custseg.datasets import make_customers, make_transactions
    >>> simulated = make_customers(200, random_state=0)
    >>> bought = make_transactions(simulated.truth, weeks=26, random_state=0)
    >>> bought.transactions[["transaction_id", "quantity"]].shape == (
    ...     len(bought.truth), 2)
    True
    >>> returns = bought.truth["is_return"]
    >>> bool((bought.transactions.loc[returns, "quantity"] < 0).all())
    True
    """
    truth = _check_truth(truth)
    check_whole("weeks", weeks, 1, 5000, remedy="Use 52 for a year.")
    shares = {
        "missing_id_share": missing_id_share,
        "duplicate_share": duplicate_share,
        "sentinel_date_share": sentinel_date_share,
    }
    for name, value in shares.items():
        check_number(name, value, 0, 1, remedy="Give a share.")
    buyers = {
        "household": BuyerType.household() if household is None else household,
        "business": BuyerType.business() if business is None else business,
    }
    start = np.datetime64(pd.Timestamp(start).date(), "D")
    rng = as_generator(random_state, _STREAM)
    treatment_day = 3.5 * weeks

    treated, speed = _draw_treatment(truth, effect, rng)
    lines, counts = _draw_types(
        truth, buyers, start, 7 * weeks, speed, treatment_day, rng
    )
    lines = _plant_dirt(_number_transactions(lines), **shares, rng=rng)
    observed, planted = _split_tables(lines, truth, start)
    names = truth[["customer_id", "customer_type", "segment"]]
    customers = pd.concat([names.assign(treated=treated), counts], axis=1)
    treatment_date = pd.Timestamp(start) + pd.Timedelta(days=treatment_day)
    return SimulatedTransactions(
        transactions=observed,
        truth=planted,
        customers=customers,
        treatment_date=None if effect is None else treatment_date,
    )
