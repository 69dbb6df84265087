"""Real tables that ship with the package, each with source, licence and checksum."""

import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from types import MappingProxyType

import pandas as pd

from custseg.exceptions import DataQualityError

_DATA = resources.files("custseg.datasets") / "data"


@dataclass(frozen=True)
class DatasetInfo:
    """What a shipped table is, where it is from and how it may be used.

    Attributes
    ----------
    name : str
        The name that `dataset_info` takes, and `load_<name>` has.
    title : str
        One line on what the table holds.
    file : str
        Name of the file in `custseg/datasets/data`.
    source : str
        Author, year, title and repository, as attribution.
    doi : str
        Digital object identifier of the source.
    licence : str
        Licence of the table, which is not that of custseg.
    sha256 : str
        SHA-256 of the file's bytes, checked at every load.
    n_rows : int
        Number of rows.
    columns : mapping of str to str
        Meaning of each column, in the order of the table.

    Examples
    --------
    >>> from custseg.datasets import dataset_info
    >>> info = dataset_info("online_retail_sample")
    >>> info.licence, list(info.columns)[:3]
    ('CC BY 4.0', ['InvoiceNo', 'StockCode', 'Quantity'])
    """

    name: str
    title: str
    file: str
    source: str
    doi: str
    licence: str
    sha256: str
    n_rows: int
    columns: Mapping[str, str]


_WHOLESALE = DatasetInfo(
    name="wholesale",
    title="Yearly spend of a wholesaler's 440 clients on six categories",
    file="wholesale.csv",
    source=(
        "Cardoso, M. (2013). Wholesale customers. "
        "UCI Machine Learning Repository, data set 292."
    ),
    doi="10.24432/C5030X",
    licence="CC BY 4.0",
    sha256="8f79c9a3e0bc677502d545f986bc42a5cd4dc73ddb6c33044b1a2cc14ed0aaba",
    n_rows=440,
    columns=MappingProxyType(
        {
            "Channel": "1 = hotel, restaurant or cafe; 2 = retail",
            "Region": "1 = Lisbon, 2 = Porto, 3 = other",
            "Fresh": "yearly spend on fresh products, monetary units",
            "Milk": "yearly spend on milk products, monetary units",
            "Grocery": "yearly spend on groceries, monetary units",
            "Frozen": "yearly spend on frozen products, monetary units",
            "Detergents_Paper": (
                "yearly spend on detergents and paper, monetary units"
            ),
            "Delicatessen": "yearly spend on delicatessen, monetary units",
        }
    ),
)
_ONLINE_RETAIL_SAMPLE = DatasetInfo(
    name="online_retail_sample",
    title="All invoice lines of 400 customers of a British online gift shop",
    file="online_retail_sample.csv.gz",
    source=(
        "Chen, D. (2015). Online Retail. "
        "UCI Machine Learning Repository, data set 352. A sample of its customers."
    ),
    doi="10.24432/C5BW33",
    licence="CC BY 4.0",
    sha256="ec831acc508ba0d3d49c55ead1f00f9af150d621d4860b63d76a35e3fd29677f",
    n_rows=36071,
    columns=MappingProxyType(
        {
            "InvoiceNo": "invoice, text; a leading C marks a cancellation",
            "StockCode": "product, text",
            "Quantity": "units, negative on a cancellation",
            "InvoiceDate": "date and time of the invoice, to the minute",
            "UnitPrice": "price of a unit, pounds sterling",
            "CustomerID": "customer, whole number",
            "Country": "country of the customer",
        }
    ),
)
_DATASETS = {info.name: info for info in (_ONLINE_RETAIL_SAMPLE, _WHOLESALE)}


def dataset_info(name):
    """Say what a shipped table is, where it is from and how it may be used.

    Parameters
    ----------
    name : {"online_retail_sample", "wholesale"}
        Name of the table, as in `load_<name>`.

    Returns
    -------
    DatasetInfo
        Title, source, DOI, licence, checksum, number of rows, meaning of the columns.

    Raises
    ------
    ValueError
        If there is no table of that name.

    Examples
    --------
    >>> from custseg.datasets import dataset_info
    >>> info = dataset_info("wholesale")
    >>> info.doi, info.licence, info.n_rows
    ('10.24432/C5030X', 'CC BY 4.0', 440)
    >>> info.columns["Channel"]
    '1 = hotel, restaurant or cafe; 2 = retail'
    """
    try:
        return _DATASETS[name]
    except (KeyError, TypeError):
        raise ValueError(
            f"`name` must be one of {sorted(_DATASETS)}. Got {name!r} instead. "
            "Use the part of a loader's name that follows `load_`."
        ) from None


def _read_checked(info):
    """Bytes of a shipped file, refused when they are not those that were shipped."""
    remedy = "Install custseg again, or restore the file from the repository."
    try:
        content = (_DATA / info.file).read_bytes()
    except FileNotFoundError:
        raise DataQualityError(
            f"The file {info.file!r} must be in custseg/datasets/data. "
            f"Got no such file instead. {remedy}"
        ) from None
    found = hashlib.sha256(content).hexdigest()
    if found != info.sha256:
        raise DataQualityError(
            f"The file {info.file!r} must have the SHA-256 {info.sha256}. "
            f"Got {found} instead. {remedy}"
        )
    return io.BytesIO(content)


def load_wholesale():
    """Load the yearly spend of 440 clients of a wholesaler (UCI 292).

    Returns
    -------
    DataFrame of shape (440, 8)
        One row per client, all columns whole numbers: Channel (1 = hotel, restaurant
        or cafe; 2 = retail), Region (1 to 3) and the yearly spend in monetary units on
        Fresh, Milk, Grocery, Frozen, Detergents_Paper and Delicatessen. Channel and
        Region are codes, not amounts.

    Raises
    ------
    DataQualityError
        If the file in the package is missing or is not the one that was shipped.

    Notes
    -----
    CC BY 4.0. The spend columns are heavily skewed, and a handful of clients spend
    many times the median.

    References
    ----------
    Cardoso, M. (2013). Wholesale customers. UCI Machine Learning Repository.
    https://doi.org/10.24432/C5030X

    Examples
    --------
    >>> from custseg.datasets import load_wholesale
    >>> clients = load_wholesale()
    >>> clients.groupby("Channel")["Grocery"].median().round().to_dict()
    {1: 2684.0, 2: 12390.0}
    """
    return pd.read_csv(_read_checked(_WHOLESALE), dtype="int64")


def load_online_retail_sample():
    """Load all invoice lines of 400 customers of an online gift shop (UCI 352).

    Half of the customers order in small units as households do, half in large units as
    wholesalers do. Cancellations and repeated lines are as in the source.

    Returns
    -------
    DataFrame of shape (36071, 7)
        One row per line of an invoice, in the order of the source: InvoiceNo (text, a
        leading C marks a cancellation), StockCode (text), Quantity (units, negative on
        a cancellation), InvoiceDate (datetime), UnitPrice (pounds), CustomerID (whole
        number) and Country.

    Raises
    ------
    DataQualityError
        If the file in the package is missing or is not the one that was shipped.

    Notes
    -----
    CC BY 4.0. A customer's order size is the median of units over the invoices that
    are no cancellations. The customers of the source fall into thirds by order size;
    from the lower third (106 units or fewer) and the upper third (214 or more) come
    the 200 customers each whose id, as decimal text, has the lowest SHA-256. Customers
    with cancellations only and lines without a customer are left out, as is the
    column Description. `benchmarks/make_online_retail_sample.py` makes the file.

    References
    ----------
    Chen, D. (2015). Online Retail. UCI Machine Learning Repository.
    https://doi.org/10.24432/C5BW33

    Examples
    --------
    >>> from custseg.datasets import load_online_retail_sample
    >>> lines = load_online_retail_sample()
    >>> lines["CustomerID"].nunique(), int((lines["Quantity"] < 0).sum())
    (400, 623)
    """
    return pd.read_csv(
        _read_checked(_ONLINE_RETAIL_SAMPLE),
        compression="gzip",
        dtype={
            "InvoiceNo": str,
            "StockCode": str,
            "Quantity": "int64",
            "UnitPrice": "float64",
            "CustomerID": "int64",
            "Country": str,
        },
        parse_dates=["InvoiceDate"],
        date_format="%Y-%m-%d %H:%M",
        keep_default_na=False,
    )
