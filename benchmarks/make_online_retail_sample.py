"""Make the sample of Online Retail (UCI 352) that ships with custseg.

    python benchmarks/make_online_retail_sample.py online_retail.parquet out.csv.gz

The source is the table of UCI 352 (doi 10.24432/C5BW33) as parquet or csv with its
own column names. The rule, which needs no random numbers:

1. Lines without a customer are left out.
2. A customer's order size is the median, over the invoices that are no cancellations
   (number not starting with C), of the units on the invoice's lines of positive
   quantity. Customers without such an invoice are left out.
3. The household-like stratum is the lower third of the customers by order size, the
   wholesale-like stratum the upper third (linear quantiles, ties included).
4. From each stratum the 200 customers whose id, as decimal text, has the lowest
   SHA-256.
5. All lines of these customers in the order of the source, cancellations included,
   without the product's description.

Prints the size and the checksums that `custseg.datasets` records. The checksum of the
uncompressed text does not depend on the version of zlib.
"""

import argparse
import gzip
import hashlib
from pathlib import Path

import pandas as pd

COLUMNS = [
    "InvoiceNo",
    "StockCode",
    "Quantity",
    "InvoiceDate",
    "UnitPrice",
    "CustomerID",
    "Country",
]
CUSTOMERS_PER_STRATUM = 200


def read_source(path):
    """All lines that name a customer."""
    if path.suffix == ".parquet":
        lines = pd.read_parquet(path)
    else:
        lines = pd.read_csv(
            path,
            dtype={"InvoiceNo": str, "StockCode": str},
            parse_dates=["InvoiceDate"],
        )
    lines = lines[lines["CustomerID"].notna()]
    return lines.assign(CustomerID=lines["CustomerID"].astype("int64"))


def order_sizes(lines):
    """Each customer's median units an order."""
    bought = lines[(lines["Quantity"] > 0) & ~lines["InvoiceNo"].str.startswith("C")]
    units = bought.groupby(["CustomerID", "InvoiceNo"])["Quantity"].sum()
    return units.groupby("CustomerID").median()


def first_by_hash(customers):
    """The ids with the lowest SHA-256, so many as a stratum gives."""
    return sorted(
        customers,
        key=lambda customer: hashlib.sha256(str(customer).encode()).hexdigest(),
    )[:CUSTOMERS_PER_STRATUM]


def make_sample(lines):
    """All lines of the chosen customers, and the two limits of the strata."""
    sizes = order_sizes(lines)
    low, high = sizes.quantile([1 / 3, 2 / 3])
    chosen = first_by_hash(sizes.index[sizes <= low])
    chosen += first_by_hash(sizes.index[sizes >= high])
    return lines.loc[lines["CustomerID"].isin(chosen), COLUMNS], low, high


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    arguments = parser.parse_args()
    sample, low, high = make_sample(read_source(arguments.source))
    text = sample.to_csv(
        index=False, lineterminator="\n", date_format="%Y-%m-%d %H:%M"
    ).encode()
    packed = gzip.compress(text, compresslevel=9, mtime=0)
    arguments.target.write_bytes(packed)
    print(f"lines                {len(sample)}")
    print(f"customers            {sample['CustomerID'].nunique()}")
    print(f"order size limits    {low:g} and {high:g} units")
    print(f"bytes                {len(packed)}")
    print(f"sha256 of the file   {hashlib.sha256(packed).hexdigest()}")
    print(f"sha256 of the text   {hashlib.sha256(text).hexdigest()}")


if __name__ == "__main__":
    main()
