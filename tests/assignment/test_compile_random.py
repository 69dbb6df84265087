"""Any table: where roles, features and segments are found, the scorer agrees."""

import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.pipeline import make_pipeline

import custseg as cs
from custseg.exceptions import DegenerateFitError
from custseg.scoring._customer_columns import through
from custseg.scoring._sources import Row, columns_of

_WORDS = ("shop", "web", "phone", " Café", "cafe\u0301", "7", "nan", "other", "missing")


def _numbers(rng, n):
    kind = rng.integers(5)
    if kind == 0:
        return rng.poisson(3, n).astype(float)
    if kind == 1:
        return rng.lognormal(3, 1.5, n).round(2)
    if kind == 2:
        return rng.normal(-5, 40, n)
    if kind == 3:
        return rng.integers(0, 2, n).astype(float)
    return np.where(rng.random(n) < 0.9, 0.0, rng.gamma(2, 1e6, n))


def _levels(rng, n):
    levels = rng.permutation(_WORDS)[: rng.integers(2, 7)]
    return rng.choice(levels, n, p=rng.dirichlet(np.ones(len(levels)))).astype(object)


def _days(rng, n):
    return pd.to_datetime("2020-02-29") + pd.to_timedelta(rng.integers(0, 2000, n), "D")


COLUMNS = {
    **dict.fromkeys(("orders", "spend", "recency", "returns", "visits"), _numbers),
    **dict.fromkeys(("income", "balance", "employees", "revenue", "rest"), _numbers),
    **dict.fromkeys(("channel", "gender", "segment_of_trade", "payment"), _levels),
    **dict.fromkeys(("region", "city", "occupation"), _levels),
    "age": lambda rng, n: rng.integers(16, 95, n).astype(float),
    "hour": lambda rng, n: rng.integers(0, 24, n).astype(float),
    "weekday": lambda rng, n: rng.integers(0, 7, n).astype(float),
    "member": lambda rng, n: rng.random(n) < 0.3,
    "newsletter": lambda rng, n: np.array(["yes", "no"], object)[rng.integers(0, 2, n)],
    "store_code": lambda rng, n: rng.integers(101, 106, n),
    "first_order": _days,
    "education": lambda rng, n: pd.Categorical.from_codes(
        rng.integers(0, 3, n), ["school", "college", "degree"], ordered=True
    ),
    "income_band": lambda rng, n: np.array(["0-10", "10-20", "20+"], object)[
        rng.integers(0, 3, n)
    ],
}
ITEMS = ("q1", "q2", "q3", "q4", "q5")


def random_table(rng):
    """Five to fourteen columns of any kind, some with gaps."""
    n = int(rng.integers(60, 160))
    names = rng.permutation(list(COLUMNS))[: rng.integers(5, 14)].tolist()
    table = pd.DataFrame({name: COLUMNS[name](rng, n) for name in names})
    if rng.random() < 0.4:
        for item in ITEMS:
            table[item] = rng.integers(1, 6, n)
    for name in names:
        if rng.random() < 0.4:
            gap = rng.random(n) < rng.uniform(0.01, 0.4)
            table[name] = table[name].astype(
                object if table[name].dtype.kind in "bi" else table[name].dtype
            )
            table.loc[gap, name] = None
        if rng.random() < 0.2 and table[name].dtype == object:
            table[name] = table[name].astype("category")
    return table.convert_dtypes() if rng.random() < 0.15 else table


def later_customers(table, rng):
    """Some of the customers, with gaps and levels that were not there."""
    later = table.sample(20, replace=True, random_state=int(rng.integers(1e6)))
    later = later.reset_index(drop=True)
    for name in later:
        if rng.random() < 0.3:
            later[name] = later[name].astype(object)
            is_text = isinstance(later[name].dropna().head(1).squeeze(), str)
            if is_text and rng.random() < 0.5:
                later.loc[rng.random(20) < 0.3, name] = "never seen"
            else:
                later.loc[rng.random(20) < 0.3, name] = None
    return later


def requests(table):
    return table.astype(object).where(table.notna(), None).to_dict("records")


def fitted(table, rng):
    """Return a model, or None where one cannot be had of the table."""
    seed = int(rng.integers(1e6))
    segmenter = cs.KMeansSegmenter(int(rng.integers(2, 5)), n_init=1, random_state=0)
    if rng.random() < 0.2:
        segmenter = cs.SegmentSearch(
            [cs.KMeansSegmenter(n_init=1)], n_segments=(2, 3), random_state=seed
        )
    try:
        bases = cs.infer_roles(table).bases()
        road = make_pipeline(cs.make_customer_features(**bases), segmenter)
        parameters = {}
        if rng.random() < 0.5:
            features = cs.make_customer_features(**bases)
            parameters["assigner"] = make_pipeline(features, cs.DiscriminantAssigner())
            parameters["descriptors"] = list(table)
        return cs.SegmentationModel(road, random_state=seed, **parameters).fit(table)
    except DegenerateFitError:
        return None


def numbers_agree(scorer, model, customers):
    """What goes into the last step is the same, of a table and of a customer."""
    road, answering = scorer._road, model._route.answering
    expected = answering[:-1].transform(customers[list(answering.feature_names_in_)])
    found = through(road.steps, columns_of(customers, road.columns))
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)
    rows = [Row(row, road.columns) for row in requests(customers)[:10]]
    alone = np.vstack([through(road.steps, row) for row in rows])
    np.testing.assert_allclose(alone, expected[:10], rtol=0, atol=1e-12)


def is_steady(scorer):
    """Whether a model's probabilities have twelve digits.

    Where segments are a rule of one column, coefficients of a discriminant are 1e10,
    and its own answer for a customer in a table is another than alone by 1e-6.
    """
    return np.abs(getattr(scorer._road.last, "coefficients", 0.0)).max() < 1e3


def answers(ask, table):
    try:
        return np.asarray(ask(table))
    except ValueError:
        return None


def agrees_on(seed):
    """Whether there is a model; what differs raises."""
    rng = np.random.default_rng(seed)
    table = random_table(rng)
    model = fitted(table, rng)
    if model is None:
        return False
    scorer = cs.compile_scorer(model)
    for customers in (table, later_customers(table, rng)):
        labels = answers(model.predict, customers)
        if labels is None:  # as of what fit has seen as numbers and is text now
            continue
        numbers_agree(scorer, model, customers)
        np.testing.assert_array_equal(scorer.predict(customers), labels)
        rows = requests(customers)
        as_frame = pl.from_pandas(customers) if rng.random() < 0.3 else rows
        np.testing.assert_array_equal(scorer.predict(as_frame), labels)
        alone = [scorer.predict_one(row) for row in rows[:10]]
        assert alone == labels[:10].tolist()
        if hasattr(model, "predict_proba") and is_steady(scorer):
            asked = [(scorer.predict_proba(customers), customers)]
            for k, row in enumerate(rows[:5]):
                alone = scorer.predict_proba_one(row)[np.newaxis]
                asked.append((alone, customers.iloc[[k]]))
            for found, same in asked:
                expected = model.predict_proba(same)
                np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)
    return True


def check(seeds):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        agreed = [agrees_on(seed) for seed in seeds]
    assert np.mean(agreed) > 0.9


def test_twenty_five_tables():
    check(range(25))


@pytest.mark.simulation
def test_five_hundred_tables():
    check(range(25, 525))
