"""Tables

`summarize_transactions` on transaction lines in Parquet files, as DuckDB, polars and
pandas hold them, against what one would write by hand for the same columns on the same
engine: SQL, a lazy query, groupbys. Each goes from lines to orders to customers; twenty
lines a customer, four an order, 5,000 products, 3 % of the orders sent back. All
answers must be equal to 1e-9. DuckDB and polars read the files in the time that is
measured and have two threads on both sides; pandas has the table in memory. DuckDB is
told to keep within 4 GB. Memory is above that of imports and, with pandas, of the
table.
"""

import os
import sys
import tempfile
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from _harness import Call, Case, Target, WrongAnswerError, run

READING = """
Ours first reads the table once to refuse what cleaning settles and to learn whether
dates have times; a query by hand trusts its table. What follows is the same work on
both sides, but that polars sorts orders by one number made of customer and time, and
pandas counts products by their codes.
"""
FOLDER = "CUSTSEG_BENCHMARK_TABLES"  # where the files are, for the processes started
THREADS, MEMORY = 2, "4GB"
CHUNK, LINES_PER_ORDER, LINES_PER_CUSTOMER, N_PRODUCTS = 1_000_000, 4, 20, 5_000
START, N_DAYS, END = "2023-01-01", 730, "2024-12-31"
SECOND = 1_000_000  # microseconds
DAY = 86_400 * SECOND
MOST_MEMORY = 5e9

COUNTS = ("frequency", "n_products")
DATES = ("first_date", "last_date")
FIGURES = (
    *("recency", "monetary_value", "monetary_total", "tenure"),
    *("gap_mean", "gap_sd", "return_share"),
)

SQL = f"""
WITH lines AS (
    SELECT customer_id, transaction_id, date, product, quantity * unit_price AS amount
    FROM read_parquet('{{files}}')
    WHERE date < DATE '{END}' + INTERVAL 1 DAY
),
orders AS (
    SELECT
        customer_id,
        sum(greatest(amount, 0)) AS kept,
        sum(greatest(-amount, 0)) AS returned,
        CASE WHEN sum(greatest(amount, 0)) > 0 THEN min(date) END AS date
    FROM lines
    GROUP BY customer_id, transaction_id
),
spaced AS (
    SELECT
        *,
        epoch_us(date) - lag(epoch_us(date))
            OVER (PARTITION BY customer_id ORDER BY date) AS gap
    FROM orders
),
customers AS (
    SELECT
        customer_id,
        count(date) AS frequency,
        sum(kept) AS kept,
        sum(returned) AS returned,
        min(date) AS first_date,
        max(date) AS last_date,
        avg(gap) / {DAY} AS gap_mean,
        stddev_samp(gap) / {DAY} AS gap_sd
    FROM spaced
    GROUP BY customer_id
),
breadth AS (
    SELECT customer_id, count(*) AS n_products
    FROM (SELECT DISTINCT customer_id, product FROM lines WHERE amount > 0)
    GROUP BY customer_id
)
SELECT
    customer_id,
    (epoch_us(DATE '{END}' + INTERVAL 1 DAY) - epoch_us(last_date)) / {DAY} AS recency,
    frequency,
    CASE WHEN frequency > 0 THEN kept / frequency ELSE 0 END AS monetary_value,
    kept AS monetary_total,
    (epoch_us(DATE '{END}' + INTERVAL 1 DAY) - epoch_us(first_date)) / {DAY} AS tenure,
    first_date,
    last_date,
    gap_mean,
    gap_sd,
    coalesce(n_products, 0) AS n_products,
    CASE WHEN kept > 0 THEN returned / kept END AS return_share
FROM customers LEFT JOIN breadth USING (customer_id)
ORDER BY customer_id
"""


# -- the table -------------------------------------------------------------------------


def transactions(n):
    """Write n lines unless they are there; return the folder of the files.

    Every customer orders once at some time, the others of their orders are drawn, few
    customers having many. Files follow one another in time.
    """
    import numpy as np
    import pyarrow.parquet as pq

    folder = Path(os.environ[FOLDER]) / f"lines_{n}"
    if folder.exists():
        return folder
    unfinished = folder.with_suffix(".unfinished")
    unfinished.mkdir(exist_ok=True)
    rng = np.random.default_rng(0)
    n_chunks = max(1, n // CHUNK)
    everyone = rng.permutation(n // LINES_PER_CUSTOMER)
    prices = np.round(rng.lognormal(1.5, 1, N_PRODUCTS), 2)
    for place in range(n_chunks):
        table = chunk(rng, n // n_chunks, place / n_chunks, 1 / n_chunks, everyone)
        number = table.pop("number")
        table["transaction_id"] += 10**9 + place * CHUNK
        table["unit_price"] = prices[number] * table.pop("free")
        name = unfinished / f"part_{place:03d}.parquet"
        pq.write_table(arrow(table, number), name, compression="zstd")
    return unfinished.rename(folder)


def chunk(rng, n, begin, share, everyone):
    """Lines of one stretch of time: columns by name."""
    import numpy as np

    starts = rng.random(n) < 1 / LINES_PER_ORDER
    starts[0] = True
    order = np.cumsum(starts) - 1
    n_orders, n_customers = int(starts.sum()), len(everyone)
    # The power makes few customers order often.
    customer = (n_customers * rng.random(n_orders) ** 1.5).astype(np.int64)
    here = slice(round(begin * n_customers), round((begin + share) * n_customers))
    some = rng.permutation(n_orders)[: here.stop - here.start]
    customer[some] = everyone[here]
    second = np.sort(rng.integers(0, round(N_DAYS * 86_400 * share), n_orders))
    second += round(N_DAYS * 86_400 * begin)
    sent_back = rng.random(n_orders) < 0.03
    number = (N_PRODUCTS * rng.random(n) ** 1.5).astype(np.int64)
    quantity = rng.geometric(0.3, n)
    return {
        "customer_id": 10**7 + customer[order],
        "transaction_id": order,
        "date": np.datetime64(START, "us") + second[order].astype("timedelta64[s]"),
        "number": number,
        "quantity": np.where(sent_back[order], -quantity, quantity),
        "free": rng.random(n) > 0.001,
    }


def arrow(table, number):
    """Columns as an Arrow table, products as text."""
    import numpy as np
    import pyarrow as pa

    names = pa.array([f"P{i:04d}" for i in range(N_PRODUCTS)])
    product = pa.DictionaryArray.from_arrays(number.astype(np.int32), names)
    return pa.table(table | {"product": product.cast(pa.string())})


def columns():
    from custseg.tables import TransactionColumns

    return TransactionColumns(
        transaction_id="transaction_id",
        product="product",
        quantity="quantity",
        unit_price="unit_price",
    )


# -- DuckDB ----------------------------------------------------------------------------


def connect():
    import duckdb

    connection = duckdb.connect(
        config={
            "threads": THREADS,
            "memory_limit": MEMORY,
            "preserve_insertion_order": False,
            "temp_directory": str(Path(os.environ[FOLDER]) / "spilled"),
        }
    )
    connection.execute("SET enable_progress_bar = false")
    return connection


def duckdb_ours(n):
    from custseg.tables import summarize_transactions

    files, connection = transactions(n) / "*.parquet", connect()

    def summary():
        lines = connection.read_parquet(str(files))
        made = summarize_transactions(lines, columns(), observation_period_end=END)
        return made.to_arrow_table()

    return summary


def duckdb_by_hand(n):
    files, connection = transactions(n) / "*.parquet", connect()
    return lambda: connection.sql(SQL.format(files=files)).to_arrow_table()


# -- polars ----------------------------------------------------------------------------


def import_polars():
    os.environ["POLARS_MAX_THREADS"] = str(THREADS)  # read when it is imported
    import polars

    return polars


def polars_ours(n):
    pl = import_polars()
    from custseg.tables import summarize_transactions

    files = transactions(n) / "*.parquet"

    def summary():
        lines = pl.scan_parquet(files)
        made = summarize_transactions(lines, columns(), observation_period_end=END)
        return made.collect(engine="streaming")

    return summary


def polars_by_hand(n):
    pl = import_polars()
    files = transactions(n) / "*.parquet"
    return lambda: query(pl, pl.scan_parquet(files)).collect(engine="streaming")


def query(pl, lines):
    """Write the summary as one would in polars.

    Orders are sorted once; an order's gap is the time since the row before, if that is
    of the same customer. An order sent back has no date.
    """
    end = pl.lit(END).str.to_date().dt.offset_by("1d").cast(pl.Datetime("us"))
    lines = lines.filter(pl.col("date") < end).select(
        *("customer_id", "transaction_id", "date", "product"),
        amount=pl.col("quantity") * pl.col("unit_price"),
    )
    orders = lines.group_by("customer_id", "transaction_id").agg(
        pl.col("date").min(),
        kept=pl.col("amount").clip(lower_bound=0).sum(),
        returned=-pl.col("amount").clip(upper_bound=0).sum(),
    )
    same = pl.col("customer_id") == pl.col("customer_id").shift(1)
    since = pl.col("date").dt.epoch("us").diff()
    customers = (
        orders.with_columns(date=pl.when(pl.col("kept") > 0).then("date"))
        .sort("customer_id", "date")
        .with_columns(gap=pl.when(same).then(since))
        .group_by("customer_id")
        .agg(
            frequency=pl.col("date").count().cast(pl.Int64),
            kept=pl.col("kept").sum(),
            returned=pl.col("returned").sum(),
            first_date=pl.col("date").min(),
            last_date=pl.col("date").max(),
            gap_mean=pl.col("gap").mean() / DAY,
            gap_sd=pl.col("gap").std() / DAY,
        )
    )
    breadth = (
        lines.filter(pl.col("amount") > 0)
        .group_by("customer_id")
        .agg(n_products=pl.col("product").n_unique().cast(pl.Int64))
    )
    n, kept = pl.col("frequency"), pl.col("kept")
    day = pl.duration(days=1)
    return (
        customers.join(breadth, on="customer_id", how="left")
        .select(
            "customer_id",
            recency=(end - pl.col("last_date")) / day,
            frequency=n,
            monetary_value=pl.when(n > 0).then(kept / n).otherwise(0.0),
            monetary_total=kept,
            tenure=(end - pl.col("first_date")) / day,
            first_date="first_date",
            last_date="last_date",
            gap_mean="gap_mean",
            gap_sd="gap_sd",
            n_products=pl.col("n_products").fill_null(0),
            return_share=pl.when(kept > 0).then(pl.col("returned") / kept),
        )
        .sort("customer_id")
    )


# -- pandas ----------------------------------------------------------------------------


def pandas_ours(n):
    import pandas as pd

    from custseg.tables import summarize_transactions

    lines = pd.read_parquet(transactions(n))
    return lambda: summarize_transactions(lines, columns(), observation_period_end=END)


def pandas_by_hand(n):
    import pandas as pd

    lines = pd.read_parquet(transactions(n))
    return lambda: groupbys(pd, lines)


def groupbys(pd, lines):
    """Write the summary as one would in pandas."""
    end, day = pd.Timestamp(END) + pd.Timedelta(days=1), pd.Timedelta(days=1)
    lines = lines[lines["date"] < end]
    amount = lines["quantity"] * lines["unit_price"]
    orders = (
        lines[["customer_id", "transaction_id", "date"]]
        .assign(kept=amount.clip(lower=0), returned=-amount.clip(upper=0))
        .groupby(["customer_id", "transaction_id"], sort=False)
        .agg({"date": "min", "kept": "sum", "returned": "sum"})
        .reset_index("customer_id")
    )
    returned = orders.groupby("customer_id")["returned"].sum()
    orders = orders[orders["kept"] > 0].sort_values(["customer_id", "date"])
    same = orders["customer_id"].eq(orders["customer_id"].shift())
    orders["gap"] = (orders["date"].diff() / day).where(same)
    of_customer = orders.groupby("customer_id")
    kept = of_customer["kept"].sum().reindex(returned.index)
    frequency = of_customer.size().reindex(returned.index)
    dates = of_customer["date"].agg(["min", "max"]).reindex(returned.index)
    gaps = of_customer["gap"].agg(["mean", "std"]).reindex(returned.index)
    pairs = lines.loc[amount > 0, ["customer_id", "product"]].drop_duplicates()
    breadth = pairs.groupby("customer_id").size().reindex(returned.index)
    return pd.DataFrame(
        {
            "recency": (end - dates["max"]) / day,
            "frequency": frequency.fillna(0).astype("int64"),
            "monetary_value": (kept / frequency).fillna(0.0),
            "monetary_total": kept.fillna(0.0),
            "tenure": (end - dates["min"]) / day,
            "first_date": dates["min"],
            "last_date": dates["max"],
            "gap_mean": gaps["mean"],
            "gap_sd": gaps["std"],
            "n_products": breadth.fillna(0).astype("int64"),
            "return_share": returned / kept,
        }
    ).reset_index()


# -- the comparison --------------------------------------------------------------------


def the_same(ours, peer):
    import numpy as np

    ours, peer = as_pandas(ours), as_pandas(peer)
    if list(ours) != list(peer) or len(ours) != len(peer):
        raise WrongAnswerError(f"{ours.shape} {list(ours)}, {peer.shape} {list(peer)}")
    for name in ("customer_id", *COUNTS, *DATES):
        if not ours[name].equals(peer[name].astype(ours[name].dtype)):
            raise WrongAnswerError(f"{name} differs")
    for name in FIGURES:
        one, other = ours[name].to_numpy(float), peer[name].to_numpy(float)
        # The sd of two gaps that are all but equal is a difference of rounded numbers.
        if not np.allclose(one, other, rtol=1e-9, atol=1e-9, equal_nan=True):
            raise WrongAnswerError(f"{name} differs by more than 1e-9")
    return f"equal to 1e-9 ({len(ours):,} customers)"


def as_pandas(table):
    return table.to_pandas() if hasattr(table, "to_pandas") else table


class Weighed(Call):
    """A call that keeps the peak memory that was measured."""

    size = None

    def peak(self, address):
        self.size = super().peak(address)
        return self.size


def within(side, ours, peer):
    """Compare, and say whether our side kept within the memory."""
    said = the_same(ours, peer)
    if side.size is None:
        return said
    verdict = "met" if side.size < MOST_MEMORY else "MISSED"
    return f"{said}; under 5 GB: {verdict} ({side.size / 1e9:.2f} GB)"


def compared(engine, ours, peer, n, limit, threads=THREADS):
    sides = tuple(
        Call(name, partial(prepare, n), threads=threads)
        for name, prepare in (("custseg", ours), peer)
    )
    target = Target(f"{engine}: at most {limit} times as long", limit)
    name = f"{engine}, n = {n:,}"
    return Case(name, sides, the_same, rows=n, target=target, repeats=3)


def weighed(ours, peer, n):
    sides = tuple(
        Weighed(name, partial(prepare, n), threads=THREADS)
        for name, prepare in (("custseg", ours), peer)
    )
    agree = partial(within, sides[0])
    name = f"DuckDB, n = {n:,}"
    return Case(name, sides, agree, rows=n, repeats=1, warm_up=False)


def cases(quick):
    n, n_many, n_pandas = 20_000_000, 100_000_000, 5_000_000
    if quick:
        n, n_many, n_pandas = 100_000, 200_000, 50_000
    duckdb = duckdb_ours, ("SQL by hand", duckdb_by_hand)
    polars = polars_ours, ("lazy query by hand", polars_by_hand)
    pandas = pandas_ours, ("groupbys by hand", pandas_by_hand)
    made = [
        compared("DuckDB", *duckdb, n, 1.2),
        weighed(*duckdb, n_many),
        compared("polars", *polars, n, 1.0),
        compared("pandas", *pandas, n_pandas, 1.2, threads=1),
    ]
    return [case for case in made if find_spec(case.name.partition(",")[0].lower())]


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        os.environ.setdefault(FOLDER, made)
        sys.exit(run(__file__, __doc__, cases, READING))
