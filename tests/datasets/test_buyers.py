import re
from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest

from custseg.datasets import BuyerType, Questionnaire
from custseg.datasets._simulated_orders import make_clock, season_factors


def test_means_of_the_presets():
    # Gamma: shape / rate. Gamma-Gamma: p * v / (q - 1).
    household, business = BuyerType.household(), BuyerType.business()
    assert household.mean_order_rate == 1.0
    assert business.mean_order_rate == pytest.approx(3 / 13)
    assert household.mean_order_value == pytest.approx(6.25 * 43.8 / 2.74)
    assert business.mean_order_value == pytest.approx(1001.0)
    assert replace(household, order_value=(2.0, 1.0, 3.0)).mean_order_value == np.inf


@pytest.mark.parametrize("preset", ["household", "business", "cdnow"])
def test_season_has_mean_one_over_the_years(preset):
    buyer = getattr(BuyerType, preset)()
    assert season_factors(buyer, "1996-01-01", 28 * 365 + 7).mean() == pytest.approx(1)
    # A single year has its own weekends and month ends.
    assert season_factors(buyer, "2023-01-01", 365).mean() == pytest.approx(1, abs=0.01)


def test_season_has_the_stated_factors():
    household = season_factors(BuyerType.household(), "2023-01-01", 365)
    by_day = dict(
        zip(
            np.arange("2023-01-01", "2024-01-01", dtype="M8[D]").astype(str),
            household,
            strict=True,
        )
    )
    wednesday = by_day["2023-03-01"]
    assert by_day["2023-03-04"] / wednesday == pytest.approx(1.3)  # a Saturday
    assert by_day["2023-02-01"] / wednesday == pytest.approx(0.65)
    assert by_day["2023-11-01"] / wednesday == pytest.approx(1.6)
    assert by_day["2023-12-31"] / wednesday == pytest.approx(1.3 * 1.6)  # a Sunday


def test_businesses_lead_the_households_by_about_six_weeks():
    # The middle of what exceeds the usual rate: 1 December and 16 October.
    days = np.arange(365)
    middles = []
    for preset in (BuyerType.household(), BuyerType.business()):
        flat = replace(preset, weekdays=(1.0,) * 7)
        factors = season_factors(flat, "2023-01-01", 365)
        excess = np.maximum(factors - np.median(factors), 0)
        middles.append((excess * days).sum() / excess.sum())
    assert (middles[0] - middles[1]) / 7 == pytest.approx(6.5, abs=0.5)


def test_clock_is_undone_by_the_calendar_and_skips_days_without_orders():
    clock = make_clock(BuyerType.business(), "2024-01-01", 28)  # begins on a Monday
    weeks = np.linspace(0.01, clock.end - 0.01, 500)
    days = clock.to_days(weeks)
    assert (np.floor(days) % 7 < 5).all()
    np.testing.assert_allclose([clock.at_day(day) for day in days], weeks, atol=1e-12)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"order_rate": (1.0, 0.0)}, "`order_rate` must be a tuple of 2 numbers above"),
        ({"order_value": (1.0, 2.0)}, "`order_value` must be a tuple of 3 numbers"),
        ({"gap_shape": 0}, "`gap_shape` must be a whole number of 1 or more. Got 0"),
        (
            {"dropout_probability": (1.0, 1.0)},
            "At most one of `dropout_rate` and `dropout_probability` must be given.",
        ),
        ({"dropout_rate": (0.0, 1.0)}, "`dropout_rate` must be a tuple of 2 numbers"),
        ({"months": (1.0,) * 11}, "`months` must be a tuple of 12 factors of 0 or"),
        ({"weekdays": (0.0,) * 7}, "`weekdays` must be a tuple of 7 factors of 0 or"),
        ({"return_share": 1.5}, "`return_share` must be a number from 0 to 1. Got 1.5"),
        ({"lines_per_order": 0.5}, "`lines_per_order` must be a number of 1 or more."),
        ({"contacts": (("email", 0.5),)}, "`contacts` must be pairs of a name and a"),
        ({"quantity_breaks": ((5, 1.0),)}, "`promotion_depth and quantity_breaks`"),
    ],
)
def test_buyers_that_cannot_be_are_refused(change, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        replace(BuyerType.household(), **change)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"n_factors": 0}, "`n_factors` must be a whole number from 1 to 10. Got 0"),
        ({"loadings": (0.5, 1.2)}, "`loadings` must be a number from 0 to 1. Got 1.2"),
        ({"factor_correlation": 1.0}, "`factor_correlation` must be a number from 0"),
        ({"straight_liners": -0.1}, "`straight_liners` must be a number from 0 to 1."),
        ({"extremity": np.nan}, "`extremity` must be a number of 0 or more. Got nan"),
    ],
)
def test_questionnaires_that_cannot_be_are_refused(fields, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        Questionnaire(**fields)


def test_settings_cannot_be_changed():
    with pytest.raises(FrozenInstanceError):
        BuyerType.household().gap_shape = 2
    with pytest.raises(FrozenInstanceError):
        Questionnaire().n_factors = 2


def test_a_third_of_the_items_is_reversed_in_every_scale():
    questionnaire = Questionnaire()
    assert len(questionnaire.item_columns) == 20
    assert len(questionnaire.reverse_keyed) == 7
    for items in questionnaire.scales.values():
        assert 1 <= len(set(items) & set(questionnaire.reverse_keyed)) <= 2
    assert Questionnaire(reverse_share=0.0).reverse_keyed == ()
    assert len(Questionnaire(reverse_share=1.0).reverse_keyed) == 20
