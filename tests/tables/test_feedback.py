"""What customers say, and how they were answered."""

import math
import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from custseg.exceptions import DataQualityError, SchemaError, SegmentWarning
from custseg.tables import FeedbackColumns, summarize_feedback

COLUMNS = FeedbackColumns(
    customer_id="who",
    time="at",
    touchpoint="about",
    satisfaction="stars",
    promoter_score="recommend",
    complaint="angry",
    ticket="case",
    responded="answered",
    resolved="settled",
)
NAMES = [
    "who",
    "at",
    "about",
    "stars",
    "recommend",
    "angry",
    "case",
    "answered",
    "settled",
]
T = datetime
# The end is 31 January 2024. "007": 4 stars for the store, 2 and 3 for delivery (the
# last two at one time: the latest is their mean), recommends with 9, 6, 8: one promoter
# and one detractor of three. Case 1 took 2 hours to an answer and a day to be settled,
# case 2 took 4 hours and is open at the end: it is settled in February.
# "7": one passive answer without stars, no complaint, a case that nobody answered.
# A row of February does not count. "new" said nothing.
ROWS = [
    ("007", T(2024, 1, 2, 10), "store", 4.0, 9.0, False, None, None, None),
    (
        "007",
        T(2024, 1, 10, 10),
        "delivery",
        2.0,
        6.0,
        True,
        "1",
        T(2024, 1, 10, 12),
        T(2024, 1, 11, 10),
    ),
    (
        "007",
        T(2024, 1, 10, 10),
        "delivery",
        3.0,
        8.0,
        True,
        "2",
        T(2024, 1, 10, 14),
        T(2024, 2, 1, 0),
    ),
    ("007", T(2024, 1, 20, 12), None, None, None, False, None, None, None),
    ("7", T(2024, 1, 31, 12), "store", None, 7.0, False, "3", None, None),
    ("7", T(2024, 2, 1, 0), "store", 1.0, 0.0, True, "4", None, None),
]
EXPECTED = {
    "customer_id": ["007", "7", "new"],
    "n_feedback": [4, 1, 0],
    "feedback_recency": [11.5, 0.5, None],
    "n_satisfaction": [3, 0, 0],
    "satisfaction_mean": [3.0, None, None],
    "satisfaction_last": [2.5, None, None],
    "satisfaction_delivery_mean": [2.5, None, None],
    "satisfaction_missing_mean": [None, None, None],
    "satisfaction_store_mean": [4.0, None, None],
    "n_promoter_score": [3, 1, 0],
    "promoter_score_mean": [23 / 3, 7.0, None],
    "promoter_score_last": [7.0, 7.0, None],
    "promoter_score_delivery_mean": [7.0, None, None],
    "promoter_score_missing_mean": [None, None, None],
    "promoter_score_store_mean": [9.0, 7.0, None],
    "promoter_share": [1 / 3, 0.0, None],
    "detractor_share": [1 / 3, 0.0, None],
    "net_promoter_score": [0.0, 0.0, None],
    "n_complaints": [2, 0, 0],
    "complaint_share": [0.5, 0.0, None],
    "n_tickets": [2, 1, 0],
    "n_open_tickets": [1, 1, 0],
    "response_hours_mean": [3.0, None, None],
    "resolution_hours_mean": [24.0, None, None],
}


def table(**changed):
    return dict(zip(NAMES, map(list, zip(*ROWS, strict=True)), strict=True)) | changed


def test_every_figure(engine):
    listed = engine.frame({"who": ["new"]})
    found = summarize_feedback(
        engine.frame(table()),
        COLUMNS,
        customers=listed,
        observation_period_end="2024-01-31",
    )
    expected = pd.DataFrame(EXPECTED)
    for name in ("satisfaction_missing_mean", "promoter_score_missing_mean"):
        expected[name] = np.nan
    pd.testing.assert_frame_equal(engine.read(found), expected, check_dtype=False)


def test_next_month_has_the_same_columns(make_frame):
    given = {"touchpoints": ["hotline", "store"]}
    with pytest.warns(SegmentWarning, match="Column 'about' has levels that touchpoi"):
        found = summarize_feedback(make_frame(table()), COLUMNS, **given)
    assert "satisfaction_hotline_mean" in found.columns
    assert "satisfaction_delivery_mean" not in found.columns
    # All six rows count: the end is the last of them.
    assert list(found["n_feedback"]) == [4, 2]
    assert list(found["n_open_tickets"]) == [0, 2]


def test_few_columns(make_frame):
    columns = FeedbackColumns(customer_id="who", time="at", complaint="angry")
    found = summarize_feedback(make_frame(table()), columns)
    assert list(found.columns) == [
        "customer_id",
        "n_feedback",
        "feedback_recency",
        "n_complaints",
        "complaint_share",
    ]


@pytest.mark.parametrize(
    ("changed", "error", "sentence"),
    [
        (
            {"stars": [4.0, 2.0, 6.0, None, None, 0.0]},
            DataQualityError,
            "Column 'stars' must hold numbers from 1 to 5, or none, in every row. Got "
            "2 of 6 rows without instead (row 2, 5). Drop or mend them.",
        ),
        (
            {"recommend": [11.0] * 6},
            DataQualityError,
            "Column 'recommend' must hold numbers from 0 to 10, or none, in every row.",
        ),
        (
            {"who": [None, " ", "a", "a", "a", "a"]},
            DataQualityError,
            "Column 'who' must hold a customer id in every row. Got 2 of 6 rows",
        ),
        (
            {"at": [T(2024, 1, 31), *[T(2024, 1, 20)] * 5]},
            DataQualityError,
            "Column 'answered' must hold a time after the ticket was opened, or none,",
        ),
        (
            {"at": [T(1900, 1, 1), *table()["at"][1:]]},
            DataQualityError,
            "Column 'at' must hold a time of the years 1901 to 2099, and not of "
            "January 1970, in every row.",
        ),
        (
            {"at": [T(1970, 1, 1), *table()["at"][1:]]},
            DataQualityError,
            "Column 'at' must hold a time of the years 1901 to 2099, and not of "
            "January 1970, in every row.",
        ),
        (
            {"stars": ["good"] * 6},
            SchemaError,
            "Column 'stars' must hold numbers. Got String instead.",
        ),
    ],
)
def test_refusals(make_frame, changed, error, sentence):
    with pytest.raises(error, match=re.escape(sentence)):
        summarize_feedback(make_frame(table(**changed)), COLUMNS)


def test_more_refusals(make_frame):
    rows = make_frame(table())
    with pytest.raises(TypeError, match="columns must be a FeedbackColumns"):
        summarize_feedback(rows, {})
    with pytest.raises(SchemaError, match=r"Got a table without 'mood' \(satisf"):
        summarize_feedback(rows, FeedbackColumns("who", "at", satisfaction="mood"))
    with pytest.raises(ValueError, match="satisfaction_scale must be two numbers, the"):
        summarize_feedback(rows, COLUMNS, satisfaction_scale=5)
    with pytest.raises(DataQualityError, match="must not come before the first row"):
        summarize_feedback(rows, COLUMNS, observation_period_end="2023-01-01")
    columns = FeedbackColumns("who", "at", satisfaction="stars")
    with pytest.raises(ValueError, match=r"touchpoints must be .* Got 'store' instead"):
        summarize_feedback(rows, COLUMNS, touchpoints="store")
    with pytest.raises(SchemaError, match="must name touchpoint where touchpoints"):
        summarize_feedback(rows, columns, touchpoints=["store"])


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        (
            {},
            "FeedbackColumns must name one of satisfaction, promoter_score, complaint,",
        ),
        ({"satisfaction": 5}, "satisfaction of FeedbackColumns must be the name of a"),
        (
            {"satisfaction": "x", "promoter_score": "x"},
            "FeedbackColumns must name a different column for each role. Got 'x' for "
            "satisfaction and promoter_score instead.",
        ),
        (
            {"complaint": "x", "resolved": "y"},
            "FeedbackColumns must name ticket where it names responded or resolved.",
        ),
    ],
)
def test_columns(names, sentence):
    with pytest.raises(SchemaError, match=re.escape(sentence)):
        FeedbackColumns(**names)


def zoned(name, clock):
    return datetime(2024, *clock, tzinfo=ZoneInfo(name))


def test_hours_are_those_that_passed(make_frame):
    # Berlin's clocks went from 2 to 3 on 31 March 2024 and from 3 to 2 on 27 October:
    # noon to noon is 23 and 25 hours. New York is 6 hours behind Berlin in May.
    berlin, york = "Europe/Berlin", "America/New_York"
    rows = {
        "customer_id": ["a", "b", "c"],
        "time": [zoned(berlin, one) for one in [(3, 30, 12), (10, 26, 12), (5, 2, 15)]],
        "case": ["1", "2", "3"],
        "answered": [zoned(york, one) for one in [(3, 31, 6), (10, 27, 7), (5, 2, 10)]],
        "settled": [
            zoned(berlin, one) for one in [(3, 31, 12), (10, 27, 12), (5, 2, 17)]
        ],
    }
    columns = FeedbackColumns(ticket="case", responded="answered", resolved="settled")
    frame = make_frame(rows)
    found = summarize_feedback(frame, columns, observation_period_end="2024-12-31")
    assert list(found["response_hours_mean"]) == [23.0, 25.0, 1.0]
    assert list(found["resolution_hours_mean"]) == [23.0, 25.0, 2.0]
    # The last row is opened at 12:00 of Berlin, and settled a day later: open by then.
    found = summarize_feedback(frame, columns)
    assert list(found["n_open_tickets"]) == [0, 1, 0]
    ends = {"observation_period_end": "2024-03-31 12:00", "touchpoints": None}
    assert list(summarize_feedback(frame, columns, **ends)["n_open_tickets"]) == [0]


def test_moments_of_every_engine(engine):
    # In UTC, which sessions of DuckDB and Spark are set to in the tests.
    at = [datetime(2024, 3, 1, 10, tzinfo=UTC), datetime(2024, 3, 31, 0, tzinfo=UTC)]
    rows = {
        "customer_id": ["a", "b"],
        "time": at,
        "case": ["1", "2"],
        "answered": [at[0] + timedelta(hours=1.5), None],
        "angry": [None, True],
    }
    columns = FeedbackColumns(ticket="case", responded="answered", complaint="angry")
    found = engine.read(summarize_feedback(engine.frame(rows), columns))
    np.testing.assert_array_equal(found["response_hours_mean"], [1.5, np.nan])
    assert list(found["n_complaints"]) == [0, 1]


def test_no_number_is_no_complaint(engine):
    rows = {
        "customer_id": ["a", "b", "c"],
        "time": [T(2024, 1, 1)] * 3,
        "angry": [math.nan, 0.5, 0.0],
    }
    columns = FeedbackColumns(complaint="angry")
    found = engine.read(summarize_feedback(engine.frame(rows), columns))
    assert list(found["n_complaints"]) == [0, 1, 0]


@pytest.mark.parametrize(
    "gap",
    [
        pd.Series([None, "yes", "no"], dtype=object),
        pd.Series([None, True, False], dtype=object),
        pd.Series([None, True, False], dtype="boolean"),
        pd.Series(["", "x", "none"]),
        pd.Series([np.nan, 2, 0]),
        pd.Series([None, "yes", "no"], dtype="category"),
    ],
)
def test_nothing_said_is_no_complaint(gap):
    rows = pd.DataFrame({"customer_id": [1, 2, 3], "time": T(2024, 1, 1), "angry": gap})
    found = summarize_feedback(rows, FeedbackColumns(complaint="angry"))
    assert list(found["n_complaints"]) == [0, 1, 0]


def test_times_with_and_without_zones_are_refused(make_frame):
    rows = {
        "customer_id": ["a"],
        "time": [zoned("UTC", (1, 1))],
        "case": ["1"],
        "settled": [T(2024, 1, 2)],
    }
    columns = FeedbackColumns(ticket="case", resolved="settled")
    with pytest.raises(SchemaError, match="'time' and 'settled' must both have a time"):
        summarize_feedback(make_frame(rows), columns)


def test_touchpoints_that_are_not_listed_are_counted(engine):
    tx = engine.frame(table())
    about = [one or "missing" for one in table()["about"]]
    n_others = sum(one != "store" for one in about)
    message = (
        "Column 'about' has levels that touchpoints does not have in "
        f"{n_others} of {len(about)} rows."
    )
    end = {"observation_period_end": "2024-12-31"}
    with pytest.warns(SegmentWarning, match=re.escape(message)):
        found = summarize_feedback(tx, COLUMNS, touchpoints=["store"], **end)
    assert "n_feedback" in engine.read(found).columns
