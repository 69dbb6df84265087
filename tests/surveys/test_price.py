"""Van Westendorp's meter on paper."""

import re

import numpy as np
import pandas as pd
import polars as pl
import pytest

from custseg.exceptions import DataQualityError, SchemaError
from custseg.surveys import price_sensitivity_meter

# Four customers. Shares by price, counted by hand:
#   price          1    2    3    4    5    6    7    8
#   too cheap >=   1   .75  .50  .25   0    0    0    0
#   cheap >=       1    1    1   .75  .50  .25   0    0
#   expensive <=   0    0    0   .25  .50  .75   1    1
#   too exp. <=    0    0    0    0   .25  .50  .75   1
ANSWERS = pd.DataFrame(
    {
        "too_cheap": [1, 2, 3, 4],
        "cheap": [3, 4, 5, 6],
        "expensive": [4, 5, 6, 7],
        "too_expensive": [5, 6, 7, 8],
    }
)


def points(meter):
    """The four prices of a meter."""
    names = ("marginal_cheapness", "marginal_expensiveness", "indifference", "optimum")
    return [getattr(meter, name) for name in names]


@pytest.mark.parametrize("as_frame", [pd.DataFrame, pl.DataFrame])
def test_on_paper(as_frame):
    meter = price_sensitivity_meter(as_frame(ANSWERS.to_dict("list")))
    assert meter.curves["price"].tolist() == [1, 2, 3, 4, 5, 6, 7, 8]
    assert meter.curves["too_cheap"].tolist() == [1, 0.75, 0.5, 0.25, 0, 0, 0, 0]
    assert meter.curves["cheap"].tolist() == [1, 1, 1, 0.75, 0.5, 0.25, 0, 0]
    assert meter.curves["expensive"].tolist() == [0, 0, 0, 0.25, 0.5, 0.75, 1, 1]
    assert meter.curves["too_expensive"].tolist() == [0, 0, 0, 0, 0.25, 0.5, 0.75, 1]
    # Cheap and expensive are both .5 at 5.
    assert meter.indifference == 5
    # Too cheap .25 at 4 and 0 at 5, too expensive 0 and .25: they meet half way.
    assert meter.optimum == pytest.approx(4.5)
    # Not cheap is .25 at 4 as too cheap is; not expensive .25 at 6, too expensive .5,
    # and at 5 they are .5 and .25: half way.
    assert meter.marginal_cheapness == 4
    assert meter.marginal_expensiveness == pytest.approx(5.5)
    assert (meter.n_customers, meter.n_left_out) == (4, 0)


def test_narrow_range():
    # Too cheap meets expensive at 4 (.25 each), too expensive meets cheap between 5
    # (.25 and .5) and 6 (.5 and .25).
    meter = price_sensitivity_meter(ANSWERS, acceptable="narrow")
    assert meter.marginal_cheapness == 4
    assert meter.marginal_expensiveness == pytest.approx(5.5)


def test_the_unit_does_not_matter():
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        np.sort(rng.lognormal(3, 0.4, (200, 4)), axis=1), columns=list(ANSWERS)
    )
    euros = price_sensitivity_meter(table)
    cents = price_sensitivity_meter(table * 100)
    np.testing.assert_allclose(points(cents), np.array(points(euros)) * 100)
    assert euros.marginal_cheapness < euros.indifference < euros.marginal_expensiveness


def test_who_is_left_out_is_counted():
    odd = pd.DataFrame([[9, 3, 4, 5], [1, None, 3, 4]], columns=list(ANSWERS))
    meter = price_sensitivity_meter(pd.concat([ANSWERS, odd]))
    assert (meter.n_customers, meter.n_left_out) == (4, 2)
    assert points(meter) == points(price_sensitivity_meter(ANSWERS))


@pytest.mark.parametrize(
    ("answers", "options", "error", "message"),
    [
        (ANSWERS - 1, {}, DataQualityError, "must be above 0. Got others in 1 of 4"),
        (ANSWERS[::-1], {"cheap": "too_expensive", "too_expensive": "cheap"},
         DataQualityError, "Got none of 4 customers for whom they do instead"),
        (ANSWERS, {"cheap": "bargain"}, SchemaError, "must name columns of the table"),
        (ANSWERS, {"acceptable": "wide"}, ValueError, "Got 'wide' instead"),
        (ANSWERS.astype(str), {}, SchemaError, "Give prices as numbers of one"),
    ],
)  # fmt: skip
def test_refusals(answers, options, error, message):
    with pytest.raises(error, match=re.escape(message)):
        price_sensitivity_meter(answers, **options)
