import hashlib
import re
import shutil
from dataclasses import FrozenInstanceError
from pathlib import Path

import pandas as pd
import pytest
from pandas.api.types import is_datetime64_any_dtype, is_integer_dtype

import custseg.datasets
from custseg.datasets import (
    _load,
    dataset_info,
    load_online_retail_sample,
    load_wholesale,
)
from custseg.exceptions import DataQualityError

DATA = Path(custseg.datasets.__file__).parent / "data"
LOADERS = {
    "wholesale": load_wholesale,
    "online_retail_sample": load_online_retail_sample,
}


@pytest.fixture(scope="module")
def lines():
    return load_online_retail_sample()


@pytest.fixture
def own_data(tmp_path, monkeypatch):
    """A copy of the shipped files that a test may spoil."""
    copy = tmp_path / "data"
    shutil.copytree(DATA, copy)
    monkeypatch.setattr(_load, "_DATA", copy)
    return copy


def test_wholesale_has_the_figures_that_uci_publishes():
    # The descriptive statistics of https://doi.org/10.24432/C5030X.
    clients = load_wholesale()
    assert clients.shape == (440, 8)
    assert all(is_integer_dtype(kind) for kind in clients.dtypes)
    assert clients["Channel"].value_counts().to_dict() == {1: 298, 2: 142}
    assert clients["Region"].value_counts().to_dict() == {3: 316, 1: 77, 2: 47}
    published = pd.DataFrame(
        {
            "Fresh": [3, 112151, 12000.30, 12647.329],
            "Milk": [55, 73498, 5796.27, 7380.377],
            "Grocery": [3, 92780, 7951.28, 9503.163],
            "Frozen": [25, 60869, 3071.93, 4854.673],
            "Detergents_Paper": [3, 40827, 2881.49, 4767.854],
            "Delicatessen": [3, 47943, 1524.87, 2820.106],
        },
        index=["min", "max", "mean", "std"],
    )
    found = clients[published.columns].agg(list(published.index))
    pd.testing.assert_frame_equal(found, published, check_dtype=False, rtol=2e-6)


def test_online_retail_sample_has_the_totals_of_these_customers_in_the_source(lines):
    # Summed over all lines of the 400 customers in the table of
    # https://doi.org/10.24432/C5BW33.
    assert len(lines) == 36_071
    assert lines["CustomerID"].nunique() == 400
    assert lines["InvoiceNo"].nunique() == 1928
    assert lines["StockCode"].nunique() == 2861
    assert lines["Country"].nunique() == 18
    assert lines["Quantity"].sum() == 415_115
    assert (lines["Quantity"] * lines["UnitPrice"]).sum() == pytest.approx(667_405.83)
    cancelled = lines["InvoiceNo"].str.startswith("C")
    assert cancelled.sum() == 623
    assert ((lines["Quantity"] < 0) == cancelled).all()
    assert not lines.isna().any().any()


def test_online_retail_sample_keeps_ids_and_dates_as_what_they_are(lines):
    for column in ("InvoiceNo", "StockCode", "Country"):
        assert lines[column].map(type).eq(str).all()
    assert is_integer_dtype(lines["CustomerID"])
    assert is_datetime64_any_dtype(lines["InvoiceDate"])
    assert lines["InvoiceDate"].min() >= pd.Timestamp("2010-12-01")
    assert lines["InvoiceDate"].max() <= pd.Timestamp("2011-12-09 12:50")


def test_online_retail_sample_follows_its_rule(lines):
    bought = lines[lines["Quantity"] > 0]
    units = bought.groupby(["CustomerID", "InvoiceNo"])["Quantity"].sum()
    size = units.groupby("CustomerID").median()
    assert (size <= 106).sum() == (size >= 214).sum() == 200
    # The 200 lowest of some 1,450 hashes, which are uniform: the highest of them lies
    # near 200 / 1450 = .14 of the range, and above .2 with a chance below 1e-6.
    hashes = [
        int(hashlib.sha256(str(customer).encode()).hexdigest(), 16) / 2**256
        for customer in size.index
    ]
    assert max(hashes) < 0.2


@pytest.mark.parametrize("name", sorted(LOADERS))
def test_info_tells_what_the_loader_gives(name):
    info = dataset_info(name)
    table = LOADERS[name]()
    assert table.shape == (info.n_rows, len(info.columns))
    assert tuple(table.columns) == tuple(info.columns)
    content = (DATA / info.file).read_bytes()
    assert hashlib.sha256(content).hexdigest() == info.sha256
    assert len(content) < 300_000
    page = (DATA / "README.md").read_text(encoding="utf-8")
    assert all(fact in page for fact in (info.file, info.doi, info.sha256))
    assert info.licence == "CC BY 4.0"


def test_info_cannot_be_changed():
    info = dataset_info("wholesale")
    with pytest.raises(FrozenInstanceError):
        info.n_rows = 1
    with pytest.raises(TypeError):
        info.columns["Fresh"] = "stale"


def test_each_load_gives_a_table_of_its_own():
    spoilt = load_wholesale()
    spoilt["Fresh"] = 0
    assert load_wholesale()["Fresh"].sum() > 0


@pytest.mark.parametrize("name", sorted(LOADERS))
def test_a_file_that_was_changed_is_refused(own_data, name):
    info = dataset_info(name)
    LOADERS[name]()
    content = bytearray((own_data / info.file).read_bytes())
    content[-1] ^= 1
    (own_data / info.file).write_bytes(content)
    found = hashlib.sha256(content).hexdigest()
    message = (
        f"The file '{info.file}' must have the SHA-256 {info.sha256}. "
        f"Got {found} instead. "
        "Install custseg again, or restore the file from the repository."
    )
    with pytest.raises(DataQualityError, match=f"^{re.escape(message)}$"):
        LOADERS[name]()


def test_a_file_that_is_missing_is_named(own_data):
    (own_data / "wholesale.csv").unlink()
    message = (
        "The file 'wholesale.csv' must be in custseg/datasets/data. "
        "Got no such file instead. Install custseg again"
    )
    with pytest.raises(DataQualityError, match=re.escape(message)):
        load_wholesale()


@pytest.mark.parametrize("name", ["retail", None, ["wholesale"]])
def test_an_unknown_table_is_named(name):
    message = (
        "`name` must be one of ['online_retail_sample', 'wholesale']. "
        f"Got {name!r} instead."
    )
    with pytest.raises(ValueError, match=re.escape(message)):
        dataset_info(name)
