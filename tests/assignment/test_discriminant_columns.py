"""Choice of columns against published steps, brute force and simulation."""

import re
from itertools import pairwise

import numpy as np
import pytest
from sklearn.datasets import load_iris, load_wine

from custseg.assignment import DiscriminantAssigner
from custseg.assignment._columns_choice import (
    choose_stepwise,
    distances_of_segments,
    sweep,
)
from custseg.assignment._moments import segment_moments
from custseg.exceptions import SegmentWarning

IRIS = load_iris(as_frame=True)
WINE = load_wine(as_frame=True)


@pytest.fixture(scope="module")
def noisy_wine():
    """Wine with seven columns that tell nothing."""
    X, y = WINE.data.to_numpy(), WINE.target.to_numpy()
    noise = np.random.default_rng(0).normal(size=(len(X), 7))
    return np.column_stack([X, noise]), y


def wilks_of(X, y, columns):
    """Lambda as a ratio of determinants, worked out from the rows."""
    X = X[:, columns]
    within = sum(np.cov(X[y == k].T, ddof=0) * (y == k).sum() for k in np.unique(y))
    total = np.cov(X.T, ddof=0) * len(X)
    return np.linalg.det(np.atleast_2d(within)) / np.linalg.det(np.atleast_2d(total))


def test_sweeping_twice_changes_nothing():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(20, 4))
    matrix = X.T @ X
    swept = sweep(sweep(matrix, 1), 3)
    rest = np.ix_([0, 2], [0, 2])
    inside, across = np.ix_([1, 3], [1, 3]), np.ix_([0, 2], [1, 3])
    left = matrix[rest] - matrix[across] @ np.linalg.solve(
        matrix[inside], matrix[across].T
    )
    np.testing.assert_allclose(swept[rest], left)
    np.testing.assert_allclose(swept[inside], -np.linalg.inv(matrix[inside]))
    np.testing.assert_allclose(sweep(sweep(swept, 3), 1), matrix)


def test_steps_published_for_iris():
    # SAS/STAT User's Guide, The STEPDISC Procedure, Example 1, stepwise selection
    # summary: F and Wilks' lambda. SAS enters by significance .15; all four F lie
    # above 3.84 as well.
    fitted = DiscriminantAssigner(columns="stepwise").fit(IRIS.data, IRIS.target)
    steps = fitted.column_steps_
    assert steps["column"].tolist() == [
        "petal length (cm)",
        "sepal width (cm)",
        "petal width (cm)",
        "sepal length (cm)",
    ]
    assert steps["f"].round(2).tolist() == [1180.16, 43.04, 34.57, 4.72]
    lambdas = [0.05862828, 0.03688411, 0.02497554, 0.02343863]
    assert steps["wilks"].round(8).tolist() == lambdas
    assert steps["df2"].tolist() == [147, 146, 145, 144]
    assert set(steps["action"]) == {"entered"}
    assert steps["tolerance"][0] == 1
    # With a higher limit the last column stays out.
    three = DiscriminantAssigner(columns="stepwise", f_to_enter=5)
    three.fit(IRIS.data, IRIS.target)
    assert three.columns_.tolist() == IRIS.data.columns[1:].tolist()
    assert three.support_.tolist() == [False, True, True, True]


def test_each_step_is_the_best_by_brute_force():
    X, y = WINE.data.to_numpy(), WINE.target.to_numpy()
    choice = choose_stepwise(segment_moments(X, y, 3), 3.84, 2.71, 1e-3)
    inside = []
    for step in choice.record:
        column = step["column"]
        if step["action"] == "entered":
            others = {
                j: wilks_of(X, y, [*inside, j]) for j in range(13) if j not in inside
            }
            assert min(others, key=others.get) == column
            inside.append(column)
        else:
            inside.remove(column)
        assert step["wilks"] == pytest.approx(wilks_of(X, y, inside), rel=1e-9)
    # It stops where no other column has an F of 3.84: (before / after - 1) df2 / df1.
    now, df2 = wilks_of(X, y, inside), 178 - 3 - len(inside)
    f = [
        (now / wilks_of(X, y, [*inside, j]) - 1) * df2 / 2
        for j in range(13)
        if j not in inside
    ]
    assert max(f) < 3.84
    assert sorted(inside) == np.flatnonzero(choice.support).tolist()


def test_a_column_goes_when_others_say_it_better():
    # A blend of two columns is the best alone; beside both it adds nothing.
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], 1000)
    parts = rng.normal(size=(2000, 2)) + np.outer(y, [1.1, 0.8])
    blend = parts.sum(axis=1) + 0.3 * rng.normal(size=2000)
    X = np.column_stack([parts, blend])
    fitted = DiscriminantAssigner(columns="stepwise").fit(X, y)
    steps = fitted.column_steps_
    assert steps["action"].tolist() == [*["entered"] * 3, "removed"]
    assert steps["column"].tolist() == [2, 0, 1, 2]
    assert fitted.columns_.tolist() == [0, 1]
    removed = steps.iloc[-1]
    with_all, without = wilks_of(X, y, [0, 1, 2]), wilks_of(X, y, [0, 1])
    assert removed["f"] == pytest.approx((without / with_all - 1) * (2000 - 2 - 2))
    assert removed["wilks"] == pytest.approx(without)


def test_one_column_is_kept_when_none_comes_in():
    X, y = WINE.data.iloc[:, :3], WINE.target
    message = (
        "Some column must reach f_to_enter. Got none instead, so the model has column "
        "'alcohol' alone, with F = 135. Lower f_to_enter"
    )
    strict = DiscriminantAssigner(columns="stepwise", f_to_enter=1e6)
    with pytest.warns(SegmentWarning, match=re.escape(message)):
        fitted = strict.fit(X, y)
    assert fitted.columns_.tolist() == ["alcohol"]
    assert fitted.column_steps_["action"].tolist() == ["kept"]
    assert fitted.fallbacks_["used"].tolist() == ["column 'alcohol'"]
    alone = wilks_of(X.to_numpy(), y.to_numpy(), [0])
    assert fitted.column_steps_["wilks"][0] == pytest.approx(alone)


@pytest.mark.parametrize("repeated", [False, True])
def test_more_columns_than_customers(repeated):
    # Rank, not rounding, ends the steps; weights are customers here as well.
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(15, 30)), np.repeat([0, 1, 2], 5)
    weights = np.tile([1, 2, 3, 1, 2], 3) if repeated else np.ones(15, dtype=int)
    fitted = DiscriminantAssigner(columns="stepwise").fit(X, y, sample_weight=weights)
    steps = fitted.column_steps_
    came = (steps["action"] == "entered").sum() - (steps["action"] == "removed").sum()
    assert fitted.support_.sum() == came <= 12
    assert (steps["tolerance"] >= 1e-3).all()
    again = DiscriminantAssigner(columns="stepwise")
    again.fit(np.repeat(X, weights, axis=0), np.repeat(y, weights))
    assert again.column_steps_["column"].tolist() == steps["column"].tolist()


def test_tolerance_keeps_copies_out():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1, 2], 50)
    X = rng.normal(size=(150, 2)) + np.column_stack([y, y % 2])
    X = np.column_stack([X, X[:, 0] + 0.01 * rng.normal(size=150) + 0.01 * y])
    strict = DiscriminantAssigner(columns="stepwise").fit(X, y)
    assert strict.support_.sum() == 2
    loose = DiscriminantAssigner(columns="stepwise", tolerance=1e-6).fit(X, y)
    assert loose.support_.sum() == 3


def test_a_decisive_column_and_a_constant_one():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1, 2], 20)
    X = np.column_stack([np.full(60, 3.0), rng.normal(size=60) + y, y == 2])
    for columns in ("stepwise", "penalized"):
        fitted = DiscriminantAssigner(columns=columns).fit(X, y)
        assert fitted.support_.tolist() == [False, True, True]
        assert fitted.predict([[3, 0, 1]]).tolist() == [2]


@pytest.mark.parametrize("kind", ["linear", "quadratic", "regularized"])
@pytest.mark.parametrize("columns", ["stepwise", "penalized"])
def test_the_model_is_that_of_the_columns_kept(noisy_wine, kind, columns):
    X, y = noisy_wine
    fitted = DiscriminantAssigner(kind, columns=columns, shrinkage=0.1).fit(X, y)
    kept = fitted.columns_
    assert 0 < len(kept) < 20
    alone = DiscriminantAssigner(kind, shrinkage=0.1).fit(X[:, kept], y)
    np.testing.assert_allclose(
        fitted.predict_proba(X), alone.predict_proba(X[:, kept]), atol=1e-10
    )
    np.testing.assert_allclose(fitted.covariances_, alone.covariances_)
    changed = X.copy()
    changed[:, ~fitted.support_] = 0
    np.testing.assert_array_equal(
        fitted.predict_proba(changed), fitted.predict_proba(X)
    )


@pytest.mark.parametrize("columns", ["stepwise", "penalized"])
def test_units_do_not_matter(noisy_wine, columns):
    X, y = noisy_wine
    units = 10.0 ** np.linspace(-6, 6, 20)
    one = DiscriminantAssigner(columns=columns).fit(X, y).support_
    other = DiscriminantAssigner(columns=columns).fit(X * units + units, y).support_
    assert 0 < one.sum() < 20
    np.testing.assert_array_equal(one, other)


def test_distances_of_segments_on_paper():
    # Segments 0, 2 and 5, 7, 9: means 1 and 7 about 4.6, variance within 10 / 3.
    # sqrt(1/2 - 1/5) = .548, sqrt(1/3 - 1/5) = .365; both 3.6 / .548 = 2.4 / .365.
    X, y = np.array([[0.0], [2], [5], [7], [9]]), np.array([0, 0, 1, 1, 1])
    found = distances_of_segments(segment_moments(X, y, 2))
    np.testing.assert_allclose(found, 3.6 / np.sqrt(0.3 * 10 / 3))


def test_penalty_keeps_the_columns_that_tell():
    # Two of 30 columns tell three segments apart; 40 customers each.
    kept = np.zeros(30)
    for seed in range(5):
        rng = np.random.default_rng(seed)
        y = np.repeat([0, 1, 2], 40)
        X = rng.normal(size=(120, 30))
        X[:, 0] += 3 * (y == 1)
        X[:, 1] += 3 * (y == 2)
        fitted = DiscriminantAssigner(columns="penalized").fit(X, y)
        kept += fitted.support_
        steps = fitted.column_steps_
        assert steps["chosen"].sum() == 1
        chosen = steps[steps["chosen"]].iloc[0]
        assert chosen["n_columns"] == fitted.support_.sum()
        best = steps.loc[steps["loss"].idxmin()]
        assert chosen["loss"] <= best["loss"] + best["loss_se"]
    assert kept[:2].tolist() == [5, 5]
    assert kept[2:].sum() <= 5  # of 140


def test_thresholds_leave_out_one_column_more_each():
    fitted = DiscriminantAssigner(columns="penalized").fit(WINE.data, WINE.target)
    numbers = fitted.column_steps_["n_columns"]
    assert numbers.tolist() == list(range(13, 0, -1))
    assert all(a < b for a, b in pairwise(fitted.column_steps_["threshold"]))
