import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.special import hyp2f1
from scipy.stats import norm

from custseg.datasets import BuyerType, make_customers, make_transactions
from custseg.datasets._parameters import as_generator
from custseg.exceptions import DataQualityError, SchemaError

Z = norm.ppf(0.9995)  # a two-sided 99.9 % interval
FLAT = {"weekdays": (1.0,) * 7, "months": (1.0,) * 12}
FLAT_HOUSEHOLD = replace(BuyerType.household(), **FLAT)
FLAT_BUSINESS = replace(BuyerType.business(), **FLAT)


def assert_mean(values, expected, sd):
    """The mean lies in the 99.9 % interval around what is expected."""
    assert abs(np.mean(values) - expected) <= Z * sd / np.sqrt(len(values))


def assert_share(flags, expected):
    assert_mean(flags, expected, np.sqrt(expected * (1 - expected)))


def first_lines(bought):
    """One line of each sale, observed and planted columns side by side."""
    table = bought.transactions.assign(**bought.truth.add_prefix("true_"))
    sales = table[~table["true_is_return"]]
    return sales.drop_duplicates("transaction_id")


def fixed(n_customers, *, rate=2.0, wholesale_share=0.0, **columns):
    """Truth of customers who start on the first day and order at one rate for ever."""
    truth = make_customers(
        n_customers, n_segments=1, wholesale_share=wholesale_share, random_state=0
    ).truth
    return truth.assign(
        **{
            "purchase_rate": rate,
            "joined_week": 0.0,
            "lifetime_weeks": np.inf,
            "lifetime_orders": np.inf,
            **columns,
        }
    )


@pytest.fixture(scope="module")
def retail():
    truth = make_customers(800, random_state=0).truth
    return truth, make_transactions(truth, random_state=0)


@pytest.fixture(scope="module")
def trade():
    truth = make_customers(2500, wholesale_share=1.0, random_state=1).truth
    return truth, make_transactions(truth, random_state=1)


# Orders over time


def test_alive_customers_order_at_their_own_rate():
    truth = make_customers(1000, n_segments=1, random_state=2).truth
    bought = make_transactions(truth, household=FLAT_HOUSEHOLD, random_state=2)
    # Repeat orders of a Poisson process: mean and variance are rate x time alive.
    alive = np.minimum(truth["lifetime_weeks"], 52 - truth["joined_week"])
    expected = truth["purchase_rate"] * alive
    repeats = bought.customers["n_orders"] - 1
    assert abs((repeats - expected).sum()) < Z * np.sqrt(expected.sum())
    # And one by one, not only in sum: Pearson's statistic over its degrees of freedom.
    many = expected > 5
    statistic = ((repeats - expected) ** 2 / expected)[many]
    assert_mean(statistic, 1.0, np.sqrt(2 + 1 / 5))


@pytest.mark.parametrize(("wholesale_share", "variation"), [(0.0, 1.0), (1.0, 0.5)])
def test_gaps_have_the_stated_mean_and_variation(wholesale_share, variation):
    # Erlang-4 gaps have the coefficient of variation 1 / sqrt(4), exponential ones 1.
    truth = fixed(60, wholesale_share=wholesale_share)
    bought = make_transactions(
        truth,
        weeks=200,
        household=replace(FLAT_HOUSEHOLD, return_share=0.0),
        business=replace(FLAT_BUSINESS, return_share=0.0),
        random_state=3,
    )
    orders = bought.transactions.drop_duplicates("transaction_id")
    gaps = orders.groupby("customer_id")["date"].diff().dropna()
    weeks = gaps.dt.total_seconds() / (7 * 86_400)
    assert len(weeks) > 20_000
    assert_mean(weeks, 0.5, 0.5 * variation)
    assert weeks.std() / weeks.mean() == pytest.approx(variation, rel=0.03)


def test_gaps_of_businesses_keep_their_shape_in_season():
    # The season stretches time alike for all, so a year has as many orders as without.
    truth = fixed(300, rate=0.5, wholesale_share=1.0)
    counts = [
        make_transactions(truth, business=buyer, random_state=4).customers["n_orders"]
        for buyer in (BuyerType.business(), FLAT_BUSINESS)
    ]
    # Repeat orders in 52 weeks: 26, less the (1 - cv ** 2) / 2 = .375 of a renewal
    # process that starts with an order. Their variance is about 26 / 4.
    for count in counts:
        assert_mean(count - 1, 26 - 0.375, np.sqrt(26 / 4))


def test_seasons_show_in_the_orders(retail, trade):
    weekday = first_lines(retail[1])["date"].dt.day_of_week
    assert_share(weekday >= 5, 2 * 1.3 / (5 + 2 * 1.3))
    assert (first_lines(trade[1])["date"].dt.day_of_week < 5).all()
    truth = fixed(300)
    household = first_lines(make_transactions(truth, random_state=5))["date"]
    by_month = household.dt.month.value_counts()
    # February and April 2024 have 29 and 30 days, November 30.
    april = by_month[4] / 30
    assert by_month[2] / 29 / april == pytest.approx(0.65, rel=0.1)
    assert by_month[11] / 30 / april == pytest.approx(1.6, rel=0.1)


def bg_nbd_expectation(t, r, alpha, a, b):
    """Expected repeat orders per customer by week t: equation 9 of Fader, Hardie & Lee.

    https://doi.org/10.1287/mksc.1040.0098
    """
    hyper = hyp2f1(r, b, a + b - 1, t / (alpha + t))
    return (a + b - 1) / (a - 1) * (1 - (alpha / (alpha + t)) ** r * hyper)


@pytest.mark.parametrize(("t", "known"), [(31.8571, 1.0405), (78.0, 1.8576)])
def test_bg_nbd_expectation_at_known_values(t, known):
    # Known values for the paper's estimates before they are rounded for print; the
    # second is met to three decimals.
    value = bg_nbd_expectation(t, 0.2425945, 4.4136019, 0.7929199, 2.4258881)
    assert value == pytest.approx(known, abs=5e-4)


def test_cdnow_preset_orders_as_its_closed_form_says():
    cdnow = BuyerType.cdnow()
    truth = make_customers(
        30_000, n_segments=1, household=cdnow, random_state=6
    ).truth.assign(joined_week=0.0)
    bought = make_transactions(truth, weeks=78, household=cdnow, random_state=6)
    orders = first_lines(bought)
    days = (orders["date"] - pd.Timestamp("2024-01-01")).dt.total_seconds() / 86_400
    for day in (223, 78 * 7):  # 31.8571 and 78 weeks
        repeats = orders[days <= day]["true_customer_id"].value_counts() - 1
        assert len(repeats) == 30_000
        expected = bg_nbd_expectation(day / 7, 0.243, 4.414, 0.793, 2.426)
        assert_mean(repeats, expected, repeats.std())
    assert not bought.truth["is_return"].any()
    # Gamma-Gamma: p v / (q - 1), variance mean ** 2 / (q - 2) over customers.
    mean = 6.25 * 15.44 / 2.74
    assert_mean(truth["mean_order_value"], mean, mean / np.sqrt(1.74))


def test_nobody_orders_after_dropping_out(retail):
    _, bought = retail
    gone = bought.customers.set_index("customer_id")["dropout_date"]
    sales = first_lines(bought)
    limit = gone.reindex(sales["true_customer_id"]).to_numpy()
    assert np.isfinite(gone.astype("int64")).any()
    late = sales["date"].to_numpy() > limit + np.timedelta64(1, "s")
    assert not late.any()
    assert gone.notna().sum() > 100


def test_a_fixed_number_of_orders_ends_the_life():
    truth = fixed(50, lifetime_orders=3.0)
    bought = make_transactions(truth, household=FLAT_HOUSEHOLD, random_state=0)
    assert (bought.customers["n_orders"] == 4).all()
    last = first_lines(bought).groupby("true_customer_id")["date"].max()
    gone = bought.customers.set_index("customer_id")["dropout_date"]
    assert (gone == last.reindex(gone.index)).all()


def test_an_order_in_the_moment_of_dropping_out_is_still_made():
    # So dense that no time passes between a customer's first order and two more.
    truth = fixed(
        3, rate=1e30, joined_week=1.0, lifetime_weeks=0.0, lifetime_orders=2.0
    )
    bought = make_transactions(truth, household=FLAT_HOUSEHOLD, random_state=0)
    assert bought.customers["n_orders"].tolist() == [3, 3, 3]


# Values, lines and discounts


def test_order_values_are_gamma_around_the_customers_mean():
    truth = fixed(200, mean_order_value=80.0)
    values = first_lines(make_transactions(truth, random_state=7))["true_order_value"]
    assert_mean(values, 80.0, 80.0 / np.sqrt(6.25))
    assert values.std() == pytest.approx(80.0 / np.sqrt(6.25), rel=0.05)


def test_amounts_of_the_lines_sum_to_the_value_of_the_order(retail):
    table = retail[1].transactions.assign(value=retail[1].truth["order_value"])
    sales = table[table["quantity"] > 0]
    amount = sales["quantity"] * sales["unit_price"]
    # A price is rounded to a cent, and is a cent at least.
    slack = (0.01 * sales["quantity"]).groupby(sales["transaction_id"]).sum()
    total = amount.groupby(sales["transaction_id"]).sum()
    value = sales.groupby("transaction_id")["value"].first()
    assert ((total - value).abs() <= slack).all()


def test_discounts_are_those_of_the_type(retail, trade):
    orders = first_lines(retail[1])
    offered = orders["promotion"] == "offer"
    assert_share(offered, 0.30)
    assert orders.loc[offered, "discount"].between(0.10, 0.30).all()
    assert (orders.loc[~offered, "discount"] == 0).all()
    lines = trade[1].transactions
    sold = lines[lines["quantity"] > 0]
    expected = np.select(
        [sold["quantity"] >= 48, sold["quantity"] >= 24, sold["quantity"] >= 12],
        [0.15, 0.10, 0.05],
        0.0,
    )
    np.testing.assert_array_equal(sold["discount"], expected)
    assert set(sold["discount"]) == {0.0, 0.05, 0.10, 0.15}
    for table in (retail[1].transactions, lines):
        paid = table["list_price"] * (1 - table["discount"])
        np.testing.assert_allclose(table["unit_price"], paid, atol=0.0051)


def test_contacts_have_their_shares(retail, trade):
    for bought, shares in (
        (retail[1], {"email": 0.20, "social": 0.20, "phone": 0.10, "other": 0.50}),
        (trade[1], {"email": 0.40, "social": 0.05, "phone": 0.35, "other": 0.20}),
    ):
        contact = first_lines(bought)["contact"]
        assert set(contact) == set(shares)
        for name, share in shares.items():
            assert_share(contact == name, share)


def test_businesses_buy_in_packs(trade):
    sold = trade[1].transactions["quantity"]
    assert (sold[sold > 0] % 6 == 0).all()


def test_attitudes_show_in_what_is_bought(retail):
    truth, bought = retail
    trait = truth.set_index("customer_id")["trait_1"]
    sales = bought.transactions[bought.transactions["quantity"] > 0]
    high = trait.reindex(sales["customer_id"]).to_numpy() > trait.median()
    # The first trait draws to the first category and away from the fifth.
    share = pd.crosstab(high, sales["category"], normalize="index")
    assert share.loc[True, "books"] > share.loc[False, "books"] + 0.05
    assert share.loc[True, "garden"] < share.loc[False, "garden"] - 0.05


def test_a_product_has_one_category_and_one_price_level(retail):
    lines = retail[1].transactions
    assert (lines.groupby("product")["category"].nunique() == 1).all()
    prices = lines[lines["list_price"].between(1, 300)].groupby("product")["list_price"]
    # The catalogue has 40 prices from .5 to 400, each 1.187 times the one below.
    assert (prices.max() / prices.min()).max() < 1.2


# Returns


@pytest.mark.parametrize(
    ("name", "share", "partial", "lag"),
    [("retail", 0.08, 0.60, 10.0), ("trade", 0.03, 0.80, 5.0)],
)
def test_returns_have_their_shares_and_lag(request, name, share, partial, lag):
    _, bought = request.getfixturevalue(name)
    orders = first_lines(bought)
    if name == "retail":  # orphans hide a tenth of the sales of businesses
        assert_share(orders["true_returned"] != "no", share)
    units = bought.transactions.groupby("transaction_id")["quantity"].transform("sum")
    back = orders[(orders["true_returned"] != "no") & (units[orders.index] > 1)]
    # Half a percent of slack for the orphans' sales, which are gone when full.
    assert abs((back["true_returned"] == "partial").mean() - partial) < 0.02 + Z * (
        np.sqrt(partial * (1 - partial) / len(back))
    )
    linked = bought.truth[bought.truth["sale_row"] >= 0]
    sold = bought.truth["date"].to_numpy()[linked["sale_row"]]
    early = sold < np.datetime64("2024-10-01")
    days = (linked["date"].to_numpy() - sold)[early] / np.timedelta64(1, "D")
    orders_back = (
        pd.Series(days).groupby(linked["transaction_id"].to_numpy()[early]).first()
    )
    assert (orders_back > 0).all()
    assert_mean(np.log(orders_back), np.log(lag), 0.5)


@pytest.mark.parametrize("name", ["retail", "trade"])
def test_a_return_takes_back_what_was_sold(request, name):
    _, bought = request.getfixturevalue(name)
    lines, truth = bought.transactions, bought.truth
    back = lines[truth["is_return"]]
    assert (back["quantity"] < 0).all()
    assert (lines.loc[~truth["is_return"], "quantity"] > 0).all()
    linked = truth.index[truth["sale_row"] >= 0]
    sale_rows = truth.loc[linked, "sale_row"]
    assert sale_rows.is_unique
    sold, back = lines.loc[sale_rows], lines.loc[linked]
    for column in ("customer_id", "product", "unit_price", "category"):
        assert (sold[column].to_numpy() == back[column].to_numpy()).all()
    assert (-back["quantity"].to_numpy() <= sold["quantity"].to_numpy()).all()
    full = truth.loc[linked, "returned"].to_numpy() == "full"
    net = back["quantity"].to_numpy() + sold["quantity"].to_numpy()
    assert (net[full] == 0).all()
    assert back["transaction_id"].str.startswith("R").all()


def test_a_partial_return_leaves_something_of_the_order(retail):
    _, bought = retail
    lines, truth = bought.transactions, bought.truth
    sale_id = lines["transaction_id"].to_numpy(dtype=object).copy()
    linked = (truth["sale_row"] >= 0).to_numpy()
    sale_id[linked] = sale_id[truth["sale_row"].to_numpy()[linked]]
    left = lines["quantity"].groupby(sale_id).sum()
    kind = truth["returned"].groupby(sale_id).first()
    seen = truth["is_return"].groupby(sale_id).any()
    assert (left[kind == "partial"] > 0).all()
    assert (left[(kind == "full") & seen] == 0).all()


def test_orphans_are_returns_without_their_sale(retail, trade):
    assert not retail[1].truth["orphan"].any()
    _, bought = trade
    truth = bought.truth
    assert truth["is_return"][truth["orphan"]].all()
    assert (truth["sale_row"][truth["orphan"]] == -1).all()
    assert (truth["sale_row"][truth["is_return"] & ~truth["orphan"]] >= 0).all()
    returns = truth[truth["is_return"]].drop_duplicates("transaction_id")
    # First orders, about one in eleven, are never orphaned.
    assert abs(returns["orphan"].mean() - 0.09) < 0.02 + Z * np.sqrt(
        0.09 / len(returns)
    )


# What comes out


def test_truth_joins_to_the_tables(retail):
    truth, bought = retail
    lines = bought.transactions
    assert lines.index.equals(bought.truth.index)
    assert lines.index.equals(pd.RangeIndex(len(lines)))
    pd.testing.assert_series_equal(lines["customer_id"], bought.truth["customer_id"])
    assert lines["date"].is_monotonic_increasing
    assert lines["date"].between("2024-01-01", "2024-12-30").all()
    own = bought.customers
    pd.testing.assert_series_equal(own["customer_id"], truth["customer_id"])
    n_orders = first_lines(bought)["true_customer_id"].value_counts()
    counted = n_orders.reindex(own["customer_id"], fill_value=0).to_numpy()
    np.testing.assert_array_equal(own["n_orders"], counted)
    np.testing.assert_array_equal(
        own["n_orders"], own["orders_before"] + own["orders_after"]
    )
    joined = first_lines(bought).groupby("true_customer_id")["date"].min()
    assert (own["joined"].to_numpy() == joined.reindex(own["customer_id"])).all()
    assert (lines.groupby("transaction_id")["customer_id"].nunique() == 1).all()
    assert (lines.groupby("transaction_id")["date"].nunique() == 1).all()


def test_both_types_come_in_one_table():
    truth = make_customers(60, wholesale_share=0.5, random_state=0).truth
    bought = make_transactions(truth, random_state=0)
    assert set(bought.transactions["customer_id"]) == set(truth["customer_id"])
    one_customer = bought.transactions.groupby("transaction_id")["customer_id"]
    assert (one_customer.nunique() == 1).all()
    assert bought.transactions["date"].is_monotonic_increasing


def test_rows_of_the_truth_are_enough():
    truth = make_customers(200, wholesale_share=0.5, random_state=0).truth
    some = truth[truth["segment"] == 2].sample(frac=1, random_state=0)
    bought = make_transactions(some, random_state=0)
    assert list(bought.customers["customer_id"]) == list(some["customer_id"])
    assert set(bought.transactions["customer_id"]) <= set(some["customer_id"])


def test_the_index_of_the_truth_does_not_matter():
    truth = fixed(4)
    by_id = truth.set_index("customer_id", drop=False)
    plain, indexed = (make_transactions(one, random_state=0) for one in (truth, by_id))
    pd.testing.assert_frame_equal(indexed.transactions, plain.transactions)
    pd.testing.assert_frame_equal(indexed.customers, plain.customers)


def test_a_period_before_the_first_order_is_empty_and_has_all_columns():
    truth = fixed(3, joined_week=9.0)
    bought = make_transactions(truth, weeks=2, random_state=0)
    full = make_transactions(truth, weeks=20, random_state=0)
    assert len(bought.transactions) == len(bought.truth) == 0
    assert list(bought.transactions) == list(full.transactions)
    assert list(bought.truth) == list(full.truth)
    assert (bought.customers["n_orders"] == 0).all()
    assert bought.customers[["joined", "dropout_date"]].isna().to_numpy().all()


def test_same_seed_same_purchases():
    truth = make_customers(40, wholesale_share=0.5, random_state=0).truth
    before = truth.copy()
    first, again, other = (
        make_transactions(truth, effect=0.1, random_state=seed) for seed in (1, 1, 2)
    )
    pd.testing.assert_frame_equal(first.transactions, again.transactions)
    pd.testing.assert_frame_equal(first.truth, again.truth)
    pd.testing.assert_frame_equal(first.customers, again.customers)
    assert not first.customers["joined"].isna().any()
    assert first.transactions.shape != other.transactions.shape
    pd.testing.assert_frame_equal(truth, before)


def test_one_seed_gives_the_two_simulators_different_numbers():
    first, second = (as_generator(0, stream).random(5) for stream in (0, 1))
    assert not np.isclose(first, second).any()


def test_a_random_state_is_moved_on_by_four_words():
    # What is drawn from it afterwards stays the same from version to version.
    source, other = np.random.RandomState(0), np.random.RandomState(0)
    as_generator(source, 0)
    other.randint(2**32, size=4, dtype=np.uint32)
    assert source.randint(2**31) == other.randint(2**31)


# Dirt


def test_there_is_no_dirt_unless_asked_for(retail):
    _, bought = retail
    assert not bought.truth[["duplicate", "missing_id", "sentinel_date"]].any(axis=None)
    assert bought.transactions.notna().to_numpy().all()


def test_dirt_is_planted_as_asked_and_undone_by_the_truth():
    truth = make_customers(500, random_state=0).truth
    clean = make_transactions(truth, random_state=0)
    dirty = make_transactions(
        truth,
        missing_id_share=0.2,
        duplicate_share=0.05,
        sentinel_date_share=0.1,
        random_state=0,
    )
    lines, planted = dirty.transactions, dirty.truth
    assert lines["customer_id"].isna().equals(planted["missing_id"])
    assert (lines["date"] == "1900-01-01").equals(planted["sentinel_date"])
    transactions = planted.drop_duplicates("transaction_id")
    assert_share(transactions["missing_id"], 0.2)
    assert_share(transactions["sentinel_date"], 0.1)
    original = planted[~planted["duplicate"]]
    assert len(original) == len(clean.transactions)
    assert_mean(planted["duplicate"], 0.05 / 1.05, np.sqrt(0.05 * 0.95))
    twin = planted.index[planted["duplicate"]]
    pd.testing.assert_frame_equal(
        lines.loc[twin].reset_index(drop=True),
        lines.loc[twin - 1].reset_index(drop=True),
    )
    restored = lines.assign(
        customer_id=planted["customer_id"], date=planted["date"]
    ).loc[original.index]
    pd.testing.assert_frame_equal(restored.reset_index(drop=True), clean.transactions)
    linked = planted[planted["sale_row"] >= 0]
    assert (
        lines["product"].to_numpy()[linked["sale_row"]]
        == lines.loc[linked.index, "product"]
    ).all()


# A planted effect


def test_an_effect_multiplies_the_rate_of_the_treated_half():
    truth = fixed(1000)
    bought = make_transactions(
        truth, household=FLAT_HOUSEHOLD, effect=0.5, random_state=8
    )
    assert bought.treatment_date == pd.Timestamp("2024-07-01")
    own = bought.customers
    assert own["treated"].sum() == 500
    for treated, rows in own.groupby("treated"):
        # Two orders a week for 26 weeks, after the first order on the first day.
        assert_mean(rows["orders_before"] - 1, 52.0, np.sqrt(52))
        after = 52.0 * (1.5 if treated else 1.0)
        assert_mean(rows["orders_after"], after, np.sqrt(after))


def test_an_effect_can_differ_by_segment_and_end_all_orders():
    truth = fixed(400, segment=np.arange(400) % 2)
    bought = make_transactions(
        truth, household=FLAT_HOUSEHOLD, effect=(-1.0, 0.0, 5.0), random_state=9
    )
    own = bought.customers
    ended = own["treated"] & (own["segment"] == 0)
    assert (own.loc[ended, "orders_after"] == 0).all()
    assert_mean(own.loc[~ended, "orders_after"], 52.0, np.sqrt(52))
    assert (own.loc[ended, "orders_before"] > 20).all()


def test_without_an_effect_nobody_is_treated(retail):
    assert not retail[1].customers["treated"].any()
    assert retail[1].treatment_date is None
    trial = make_transactions(retail[0].head(20), effect=0, random_state=0)
    assert trial.customers["treated"].sum() == 10


# Errors


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"weeks": 0}, "`weeks` must be a whole number from 1 to 5000. Got 0 instead."),
        ({"missing_id_share": 2}, "`missing_id_share` must be a number from 0 to 1."),
        ({"duplicate_share": -1}, "`duplicate_share` must be a number from 0 to 1."),
        ({"sentinel_date_share": None}, "`sentinel_date_share` must be a number from"),
        ({"effect": -2}, "`effect` must be a number of -1 or more, or 1 of them"),
        ({"random_state": "a"}, "`random_state` must be an int of 0 or more, a NumPy"),
    ],
)
def test_parameters_out_of_range_are_named(settings, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        make_transactions(fixed(4), **settings)


def test_a_truth_that_is_none_is_refused():
    truth = fixed(4)
    remedy = "Give the `truth` that `make_customers` returns, or rows of it."
    message = f"`truth` must be a pandas DataFrame. Got ndarray instead. {remedy}"
    with pytest.raises(SchemaError, match=re.escape(message)):
        make_transactions(truth.to_numpy())
    message = "Got a table without ['segment', 'value_shape'] instead."
    with pytest.raises(SchemaError, match=re.escape(message)):
        make_transactions(truth.drop(columns=["segment", "value_shape"]))
    message = f"`truth` must have a row or more. Got 0 rows instead. {remedy}"
    with pytest.raises(DataQualityError, match=re.escape(message)):
        make_transactions(truth.head(0))
    message = "`truth` must have one row per customer_id. Got 4 repeated ids instead."
    with pytest.raises(DataQualityError, match=re.escape(message)):
        make_transactions(pd.concat([truth, truth]))
    message = "must be household or business. Got 4 other values instead."
    with pytest.raises(DataQualityError, match=re.escape(message)):
        make_transactions(truth.assign(customer_type="school"))
