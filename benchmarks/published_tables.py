"""Checks tables against published figures of CDNOW and of Online Retail in full.

    python benchmarks/published_tables.py FOLDER

FOLDER has three files:

- cdnow_sample.csv: purchases of 2,357 customers, one in ten of those whose first one
  was in the first quarter of 1997 (sampleid, date, cds, sales);
- cdnow_customers_summary.csv: their printed summary (ID, frequency, recency, T);
- online_retail.parquet: UCI 352 (doi 10.24432/C5BW33) with its own column names.

How the printed summary of CDNOW comes about, found with pandas alone:

- It counts to 1997-09-30, inclusive. One day less or more, and no T is right.
- A day is one purchase, however many lines it has; the 21 lines that repeat another
  line fall on the day of that other and change nothing.
- Eight customers have one purchase by then, and it cost nothing. It counts: they are
  among the 2,357.
- t_x and T are whole days over 7, printed with two decimals.
- What a repeat purchase is worth is the mean over the days after the first; the paper's
  quartiles are at (n + 1) p, as in `numpy.quantile(..., method="weibull")`.

Prints one table and returns 1 if a figure differs.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd

from custseg.tables import (
    TransactionColumns,
    clean_transactions,
    summarize_btyd,
    summarize_transactions,
)

CALIBRATION_END = "1997-09-30"
# Fader, Hardie and Lee (2005), RFM and CLV: using iso-value curves for customer base
# analysis, doi 10.1509/jmkr.2005.42.4.415: average value of repeat purchases.
REPEAT_VALUE = {
    "customers with a repeat purchase": 946,
    "least": 2.99,
    "lower quartile": 15.75,
    "median": 27.50,
    "upper quartile": 41.80,
    "most": 299.63,
    "mean": 35.08,
    "standard deviation": 30.28,
    "mode": 14.96,
}
RETAIL = {"customers": 4_372, "lines without an id": 135_080, "cancelled lines": 9_288}
HALF_A_CENT = 0.005 + 1e-9


# -- CDNOW -----------------------------------------------------------------------------


def cdnow(folder):
    """Return what is published and what is found, as (what, published, found)."""
    lines = pd.read_csv(folder / "cdnow_sample.csv")
    lines["date"] = pd.to_datetime(lines["date"].astype(str))
    printed = pd.read_csv(folder / "cdnow_customers_summary.csv").set_index("ID")
    printed.columns = ["x", "t_x", "T"]
    columns = TransactionColumns(customer_id="sampleid", amount="sales")
    found = summarize_btyd(
        lines,
        columns,
        time_unit="week",
        calibration_end=CALIBRATION_END,
        count_free=True,
    ).set_index("customer_id")
    yield "customers", 2_357, len(found)
    same = found[["x", "t_x", "T"]].round(2) == printed.reindex(found.index)
    for name in same:
        yield f"{name} as printed: customers", len(printed), int(same[name].sum())
    yield from repeat_value(found)


def repeat_value(found):
    """What a repeat purchase is worth, over the customers who have one."""
    value = found.loc[found["x"] > 0, "monetary_value"]
    quartiles = np.quantile(value, [0.25, 0.5, 0.75], method="weibull")
    figures = [len(value), value.min(), *quartiles, value.max(), value.mean()]
    figures += [value.std(), value.round(2).mode()[0]]
    for (what, published), one in zip(REPEAT_VALUE.items(), figures, strict=True):
        yield f"value of repeat purchases: {what}", published, one


# -- Online Retail ---------------------------------------------------------------------


def retail(folder):
    """Counts of the whole table, and that what cleaning dropped adds up."""
    lines = pd.read_parquet(folder / "online_retail.parquet")
    columns = TransactionColumns(
        customer_id="CustomerID",
        transaction_id="InvoiceNo",
        date="InvoiceDate",
        quantity="Quantity",
        unit_price="UnitPrice",
        product="StockCode",
    )
    cancelled = lines["InvoiceNo"].str.startswith("C").to_numpy()
    amount = (lines["Quantity"] * lines["UnitPrice"]).to_numpy()
    for returns in ("separate", "drop", "net"):
        kept, report = clean_transactions(lines, columns, returns=returns)
        customers = summarize_transactions(kept, columns)
        if returns == "separate":
            yield from counted(report, customers, cancelled)
        yield from added_up(report, kept, customers, amount)


def counted(report, customers, cancelled):
    no_id, returned = (
        report.positions(rule) for rule in ("missing_customer_id", "return")
    )
    yield "customers", RETAIL["customers"], len(customers)
    yield "lines without an id", RETAIL["lines without an id"], len(no_id)
    # Every line sent back by a known customer is one of a cancelled invoice.
    both = cancelled[no_id].sum() + len(returned)
    yield "cancelled lines", RETAIL["cancelled lines"], int(both)
    yield "of them by known customers", len(returned), int(cancelled[returned].sum())


def added_up(report, kept, customers, amount):
    """Lines, positions and currency: in is out and what the report says is gone."""
    how = f"returns={report.returns!r}"
    rules = report.frame()
    gone = rules[rules["action"] != "kept"]
    yield (
        f"{how}: lines out and gone",
        len(amount),
        len(kept) + int(gone["n_rows"].sum()),
    )
    places = np.concatenate([report.positions(rule) for rule in gone["rule"]])
    yield f"{how}: positions gone", len(places), len(np.unique(places))
    yield f"{how}: lines kept", len(kept), len(amount) - len(places)
    # Netting values what is sent back at the price it was bought at.
    netted = gone.loc[gone["action"] == "netted", "amount"].sum()
    away = gone["amount"].sum() - netted + (report.returned_amount or 0)
    at_purchase = amount.sum() - netted
    found = kept["amount"].sum() + away
    yield f"{how}: currency out and gone", at_purchase, found
    summed = customers["monetary_total"].sum()
    positive = kept["amount"].clip(lower=0).sum()
    yield f"{how}: currency of customers", positive, summed


# -- the table -------------------------------------------------------------------------


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="where the three files are")
    folder = parser.parse_args().folder
    checks = [
        *(("CDNOW", *check) for check in cdnow(folder)),
        *(("Online Retail", *check) for check in retail(folder)),
    ]
    wrong = 0
    print("| table | what | expected | found | same |\n|---|---|---|---|---|")
    for table, what, expected, found in checks:
        same = abs(expected - found) <= HALF_A_CENT
        wrong += not same
        cells = (table, what, figure(expected), figure(found), "yes" if same else "NO")
        print(f"| {' | '.join(cells)} |")
    print(f"\n{len(checks)} figures, {wrong} differ.")
    return 1 if wrong else 0


def figure(value):
    """Counts as they are, currency with a third decimal, which rounding goes by."""
    return f"{value:,}" if isinstance(value, int) else f"{value:,.3f}"


if __name__ == "__main__":
    sys.exit(main())
