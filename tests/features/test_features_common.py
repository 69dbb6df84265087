"""What the feature transformers have in common, and the three together."""

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.utils.fixes import parse_version

from custseg.features import (
    BehaviouralTransformer,
    DemographicTransformer,
    PsychographicTransformer,
)

CUSTOMERS = {
    "orders": [3, 4, 2, None, 5, 1],
    "spend": [90.0, 130.0, 60.0, -20.0, 9000.0, 75.0],
    "age": [31, 45, None, 62, 28, 51],
    "gender": ["f", "m", "f", None, "m", "f"],
    "plan": [5, 4, 2, 1, 4, 3],
    "spur": [1, 2, 4, 4, None, 3],
}


def all_bases(output):
    return ColumnTransformer(
        [
            ("behaviour", BehaviouralTransformer(), ["orders", "spend"]),
            ("who", DemographicTransformer(), ["age", "gender"]),
            (
                "attitude",
                PsychographicTransformer(
                    scales={"orderly": ("plan", "spur")}, reverse=("spur",)
                ),
                ["plan", "spur"],
            ),
        ],
        verbose_feature_names_out=False,
    ).set_output(transform=output)


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])
def test_together_in_a_column_transformer(frame):
    if frame is pl.DataFrame and parse_version(sklearn.__version__) < parse_version(
        "1.9"
    ):
        pytest.skip("this scikit-learn reads polars by a protocol that polars 2 lacks")
    output = {pd.DataFrame: "pandas", pl.DataFrame: "polars"}[frame]
    Z = all_bases(output).fit_transform(frame(CUSTOMERS))
    assert isinstance(Z, frame)
    names = ["orders", "spend", "age", "gender=f", "gender=m", "gender=missing"]
    assert list(Z.columns) == names + ["orderly"]
    # Four customer columns and one score, each with a total variance of one.
    assert Z.to_numpy().var(axis=0).sum() == pytest.approx(5)


@pytest.mark.parametrize(
    ("estimator", "columns"),
    [
        (BehaviouralTransformer(add_indicator=True), ["orders", "spend"]),
        (DemographicTransformer(ordered={"gender": ("f", "m")}), ["age", "gender"]),
        (
            PsychographicTransformer(
                scales={"s": ("plan", "spur")}, reverse="auto", points=(1, 5)
            ),
            ["plan", "spur"],
        ),
    ],
    ids=lambda value: type(value).__name__ if hasattr(value, "fit") else "",
)
def test_a_copy_gives_the_same_numbers(estimator, columns):
    table = pd.DataFrame(CUSTOMERS)[columns]
    fitted = estimator.fit(table)
    expected = fitted.transform(table)
    loaded = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(loaded.transform(table), expected)
    np.testing.assert_array_equal(clone(fitted).fit_transform(table), expected)
    assert loaded.get_feature_names_out().tolist() == list(
        fitted.get_feature_names_out()
    )


@pytest.mark.parametrize(
    "estimator",
    [
        BehaviouralTransformer(log="some"),
        DemographicTransformer(min_share=1.0),
        DemographicTransformer(nominal="gender"),
        PsychographicTransformer(reverse="plan"),
        PsychographicTransformer(scales=("plan", "spur")),
    ],
    ids=repr,
)
def test_illegal_parameters_are_named(estimator):
    name = type(estimator).__name__
    with pytest.raises(ValueError, match=f"parameter of {name} must be"):
        estimator.fit([[1.0], [2.0]])
