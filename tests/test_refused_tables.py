"""Tables that a segmenter or an assigner cannot use: column, count and first row.

scikit-learn's own message shows the cell, which may be a customer's name.
"""

import re

import numpy as np
import pandas as pd
import polars as pl
import pytest

from custseg import DiscriminantAssigner, GaussianMixtureSegmenter, KMeansSegmenter
from custseg.exceptions import DataQualityError, SchemaError

TOWNS = {"spend": [1.0, 2.0, 9.0, 8.0], "town": ["7", "Bonn", "Ulm", "8"]}
GAPS = {"spend": [1.0, 2.0, 9.0, 8.0], "visits": [3.0, 4.0, None, np.inf]}
FITS = {
    "segmenter": lambda X: KMeansSegmenter(2).fit(X),
    "mixture": lambda X: GaussianMixtureSegmenter(2).fit(X),
    "assigner": lambda X: DiscriminantAssigner().fit(X, [0, 0, 1, 1]),
}
FRAMES = {"pandas": pd.DataFrame, "polars": pl.DataFrame}


@pytest.mark.parametrize("fit", FITS.values(), ids=FITS)
@pytest.mark.parametrize("frame", FRAMES.values(), ids=FRAMES)
class TestFrames:
    def test_text(self, fit, frame):
        message = (
            "Columns must hold numbers. Got others in column 'town': 2 of 4 rows "
            "(first: row 1) instead. Turn them into numbers before this step, for "
            "example by DemographicTransformer of custseg.features, or leave them out."
        )
        with pytest.raises(SchemaError, match=re.escape(message)):
            fit(frame(TOWNS))

    def test_missing_and_infinite(self, fit, frame):
        message = (
            "Columns must have no missing value (NaN) and no infinite one (inf). Got "
            "such in column 'visits': 2 of 4 rows (first: row 2) instead. Fill them "
            "before this step, for example by BehaviouralTransformer of "
            "custseg.features, or leave the rows out."
        )
        with pytest.raises(DataQualityError, match=re.escape(message)):
            fit(frame(GAPS))

    def test_dates_beside_numbers(self, fit, frame):
        days = pd.date_range("2024-01-01", periods=4).to_pydatetime().tolist()
        message = "Got others in column 'day': 4 of 4 rows (first: row 0) instead."
        with pytest.raises(SchemaError, match=re.escape(message)):
            fit(frame({"spend": TOWNS["spend"], "day": days}))

    def test_nothing_but_dates(self, fit, frame):
        # scikit-learn would read them as nanoseconds since 1970.
        days = pd.date_range("2024-01-01", periods=4).to_pydatetime().tolist()
        message = "Got others in column 'day': 4 of 4 rows (first: row 0) instead."
        with pytest.raises(SchemaError, match=re.escape(message)):
            fit(frame({"day": days}))


@pytest.mark.parametrize("fit", FITS.values(), ids=FITS)
def test_arrays_have_numbered_columns(fit):
    with pytest.raises(SchemaError, match=re.escape("in column 1: 2 of 4 rows (first")):
        fit(np.array(list(TOWNS.values()), dtype=object).T)
    message = "Got such in column 1: 2 of 4 rows (first: row 2) instead."
    with pytest.raises(DataQualityError, match=re.escape(message)):
        fit(np.array(list(GAPS.values()), dtype=float).T)


def test_at_most_five_columns_are_named():
    table = pd.DataFrame({f"c{i}": ["x", "y", "z"] for i in range(7)})
    message = "column 'c4': 3 of 3 rows (first: row 0) and 2 more columns instead. Turn"
    with pytest.raises(SchemaError, match=re.escape(message)):
        KMeansSegmenter(2).fit(table)


def test_new_customers_are_checked_alike():
    segmenter = KMeansSegmenter(2, random_state=0).fit(pd.DataFrame({"a": [1, 2, 9]}))
    with pytest.raises(SchemaError, match=re.escape("in column 'a': 1 of 2 rows")):
        segmenter.predict(pd.DataFrame({"a": ["Bonn", "3"]}))


def test_other_errors_stay_as_they_are():
    X = np.array([[1.0], [2.0], [3.0]])
    with pytest.raises(ValueError, match="Input y contains NaN"):
        DiscriminantAssigner().fit(X, [0, 1, np.nan])
    fitted = KMeansSegmenter(2).fit(pd.DataFrame({"a": [1, 2, 9]}))
    with pytest.raises(ValueError, match="feature names should match"):
        fitted.predict(pd.DataFrame({"b": ["Bonn"]}))
