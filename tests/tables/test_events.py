"""Journeys of fifteen events with every edge case, worked on paper.

The observation ends with 30 April 2024, that is at 1 May 00:00.

Customer "007", in order:
  1 April 10:00  search   ad       web
  2 April 10:00  compare  page     web
  3 April 10:00  choose   counter  store   } at one time: by stage, whatever the rows'
  3 April 10:00  pay      counter  store   } order; card and voucher are one payment
  3 April 10:00  pay      counter  store   }
  10 April 10:00 feedback page     web
  18 April 10:00 consult  counter  store
  22 April 10:00 pay      page     web
  and one event at 1 May 00:00, after the end, with a touchpoint of its own.
  Two journeys: 1 to 3 April (2 days), 18 to 22 April (4 days; feedback belongs to no
  decision), mean 3. The path to the first payment has 5 events. Browsed on the web and
  paid in the store, then the reverse. Seven moves: web-web, web-store, twice
  store-store, store-web, web-store, store-web; four of them between online and offline.
  Last event 8 days 14 hours before the end, first one 29 days 14 hours.
Customer "7", rows not in order of time: search on the web on 28 April 12:00, compare
  over an unknown channel on the 29th, service in the store on the 30th: one switch, to
  offline, over the unknown channel. The last event toward a payment is 1.5 days before
  the end: dropped off at compare, with one day of silence allowed.
Customer 2**53 + 1: a payment out of nothing, of unknown method, on 5 April 06:00.
Customer 2**53: the same search twice on 30 April 12:00, half a day before the end:
  still open.
"""

import pickle
import re
from datetime import date, datetime
from itertools import pairwise

import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl
import pytest

from custseg.exceptions import DataQualityError, SchemaError
from custseg.tables import EventColumns, summarize_events

COLUMNS = EventColumns(
    customer_id="client",
    time="when",
    touchpoint="touch",
    channel="via",
    stage="step",
    payment_method="method",
)
ODD, EVEN = str(2**53 + 1), str(2**53)
NAMES = ["client", "when", "touch", "via", "step", "method"]
EVENTS = [
    ("7", datetime(2024, 4, 29, 12), "page", None, "compare", None),
    ("007", datetime(2024, 4, 1, 10), "ad", "web", " Search ", None),
    ("007", datetime(2024, 4, 2, 10), "page", "web", "compare", "card"),
    ("007", datetime(2024, 4, 3, 10), "counter", "store", "pay", "card"),
    ("007", datetime(2024, 4, 3, 10), "counter", "store", "choose", None),
    ("007", datetime(2024, 4, 3, 10), "counter", "store", "pay", "voucher"),
    ("7", datetime(2024, 4, 28, 12), "ad", "web", "search", None),
    ("007", datetime(2024, 5, 1, 0), "kiosk", "web", "search", None),
    ("007", datetime(2024, 4, 10, 10), "page", "web", "feedback", None),
    ("007", datetime(2024, 4, 22, 10), "page", "web", "PAY", "card"),
    ("007", datetime(2024, 4, 18, 10), "counter", "store", "consult", None),
    ("7", datetime(2024, 4, 30, 12), "counter", "store", "service", None),
    (ODD, datetime(2024, 4, 5, 6), "counter", "store", "pay", None),
    (EVEN, datetime(2024, 4, 30, 12), "ad", "web", "search", None),
    (EVEN, datetime(2024, 4, 30, 12), "ad", "web", "search", None),
]
COUNTS = {
    "touchpoint": {
        "ad": [1, 1, 2, 0],
        "counter": [4, 1, 0, 1],
        "page": [3, 1, 0, 0],
    },
    "channel": {"missing": [0, 1, 0, 0], "store": [4, 1, 0, 1], "web": [4, 1, 2, 0]},
    "stage": {
        "search": [1, 1, 2, 0],
        "compare": [1, 1, 0, 0],
        "consult": [1, 0, 0, 0],
        "choose": [1, 0, 0, 0],
        "pay": [3, 0, 0, 1],
        "feedback": [1, 0, 0, 0],
        "service": [0, 1, 0, 0],
        "recommend": [0, 0, 0, 0],
    },
    "payment": {
        "card": [2, 0, 0, 0],
        "missing": [0, 0, 0, 1],
        "voucher": [1, 0, 0, 0],
    },
}
N_EVENTS = [8, 3, 2, 1]
N_METHODS = [3, None, None, 1]
MOVES = {  # of 7, 2, 1 and no moves
    "missing_to_missing": [0.0, 0.0, 0.0, None],
    "missing_to_store": [0.0, 0.5, 0.0, None],
    "missing_to_web": [0.0, 0.0, 0.0, None],
    "store_to_missing": [0.0, 0.0, 0.0, None],
    "store_to_store": [2 / 7, 0.0, 0.0, None],
    "store_to_web": [2 / 7, 0.0, 0.0, None],
    "web_to_missing": [0.0, 0.5, 0.0, None],
    "web_to_store": [2 / 7, 0.0, 0.0, None],
    "web_to_web": [1 / 7, 0.0, 1.0, None],
}


def table(make, rows=EVENTS, names=NAMES):
    return make(dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)))


def levels(role):
    """Counts and shares by level, written out from COUNTS."""
    found = {}
    whole = N_METHODS if role == "payment" else N_EVENTS
    for name, counts in COUNTS[role].items():
        found[f"{role}_{name}_count"] = counts
        found[f"{role}_{name}_share"] = [
            None if n is None else count / n
            for count, n in zip(counts, whole, strict=True)
        ]
    return found


def expected():
    times = [datetime(2024, 4, 1, 10), datetime(2024, 4, 28, 12)]
    times += [datetime(2024, 4, 30, 12), datetime(2024, 4, 5, 6)]
    last = [datetime(2024, 4, 22, 10), datetime(2024, 4, 30, 12)]
    last += [datetime(2024, 4, 30, 12), datetime(2024, 4, 5, 6)]
    return {
        "customer_id": ["007", "7", EVEN, ODD],
        "n_events": N_EVENTS,
        "first_time": times,
        "last_time": last,
        "recency": [8 + 14 / 24, 0.5, 0.5, 25.75],
        "tenure": [29 + 14 / 24, 2.5, 0.5, 25.75],
        "first_touchpoint": ["ad", "ad", "ad", "counter"],
        "last_touchpoint": ["page", "counter", "ad", "counter"],
        "n_touchpoints": [3, 3, 1, 1],
        **levels("touchpoint"),
        "first_channel": ["web", "web", "web", "store"],
        "last_channel": ["web", "store", "web", "store"],
        "n_channels": [2, 2, 1, 1],
        **levels("channel"),
        "first_stage": ["search", "search", "search", "pay"],
        "last_stage": ["pay", "service", "search", "pay"],
        **levels("stage"),
        **levels("payment"),
        "online_share": [0.5, 0.5, 1.0, 0.0],
        "n_switches": [4, 1, 0, 0],
        "n_switches_to_online": [2, 0, 0, 0],
        "n_switches_to_offline": [2, 1, 0, 0],
        "furthest_stage": ["feedback", "service", "search", "pay"],
        "phase_before_share": [3 / 8, 2 / 3, 1.0, 0.0],
        "phase_during_share": [4 / 8, 0.0, 0.0, 1.0],
        "phase_after_share": [1 / 8, 1 / 3, 0.0, 0.0],
        "n_journeys": [2, 1, 1, 1],
        "n_conversions": [2, 0, 0, 1],
        "converted": [1, 0, 0, 1],
        "path_length": [5, 3, 2, 1],
        "time_to_convert": [2.0, None, None, 0.0],
        "decision_time": [3.0, None, None, 0.0],
        "abandoned": [0, 1, 0, 0],
        "drop_off_stage": [None, "compare", None, None],
        "browse_online_buy_offline_share": [0.5, None, None, 0.0],
        "browse_offline_buy_online_share": [0.5, None, None, 0.0],
        **{f"channel_{move}_share": shares for move, shares in MOVES.items()},
    }


def assert_same(actual, wanted):
    wanted = pd.DataFrame(wanted)
    assert list(actual.columns) == list(wanted.columns)
    for name in wanted:
        want = wanted[name].tolist()
        if any(isinstance(one, float) and one == one for one in want):
            want = [np.nan if one is None else one for one in want]
            got = actual[name].astype(float)
            np.testing.assert_allclose(got, want, rtol=1e-12, err_msg=name)
        else:
            got = [None if one != one else one for one in actual[name].tolist()]
            assert got == [None if one != one else one for one in want], name


def test_by_hand(engine):
    found = summarize_events(
        engine.frame(
            dict(zip(NAMES, map(list, zip(*EVENTS, strict=True)), strict=True))
        ),
        COLUMNS,
        transitions="channel",
        open_days=1,
        observation_period_end="2024-04-30",
    )
    assert_same(engine.read(found), expected())


# -- against plain loops ---------------------------------------------------------------

STAGES = {"before": ["look"], "during": ["basket", "pay"], "after": ["thank"]}
ORDER = ["look", "basket", "pay", "thank"]


def random_events(seed):
    """Days with many ties, so that stages must order what happens at one time."""
    rng = np.random.default_rng(seed)
    n = 600
    day = rng.integers(0, 40, n)
    return pd.DataFrame(
        {
            "customer_id": rng.integers(0, 60, n),
            "time": pd.Timestamp("2023-02-01") + pd.to_timedelta(day, "D"),
            "touch": rng.choice(["a", "b", "c"], n),
            "via": rng.choice(["web", "store", "app", None], n),
            "step": rng.choice(ORDER, n, p=[0.5, 0.2, 0.15, 0.15]),
        }
    )


def by_loops(rows):
    """What one customer's figures are, event by event."""
    mode = {"web": 1, "app": 1, "store": 0, None: None}
    rows = rows.assign(
        at=rows["step"].map(ORDER.index), c=rows["via"].fillna("missing")
    ).sort_values(["time", "at", "touch", "c"])
    day = (rows["time"] - pd.Timestamp("2023-02-01")).dt.days.tolist()
    step = rows["step"].tolist()
    via = [None if one != one else one for one in rows["via"]]
    decisions, tries, start, browsed, last_paid = [], 0, None, set(), None
    left = first_paid = path = None
    known = to_store = to_web = 0
    for i, (when, what) in enumerate(zip(day, step, strict=True)):
        if what == "pay" and last_paid == when:
            path = i + 1 if first_paid == when else path
            continue
        if what in ("look", "basket"):
            start, left = (when if start is None else start), what
        if what == "look":
            browsed.add(mode[via[i]])
        if what == "pay":
            tries += 1
            decisions.append(when - (when if start is None else start))
            known += mode[via[i]] is not None
            to_store += mode[via[i]] == 0 and 1 in browsed
            to_web += mode[via[i]] == 1 and 0 in browsed
            start, left, browsed, last_paid = None, None, set(), when
            if first_paid is None:
                first_paid, path = when, i + 1
    modes = [mode[one] for one in via if mode[one] is not None]
    turns = list(pairwise(modes))
    moves = list(pairwise(step))
    return {
        "n_events": len(rows),
        "recency": float(39 - day[-1]),
        "first_touchpoint": rows["touch"].tolist()[0],
        "last_touchpoint": rows["touch"].tolist()[-1],
        "n_channels": len({one for one in via if one is not None}),
        "n_switches_to_online": turns.count((0, 1)),
        "n_switches_to_offline": turns.count((1, 0)),
        "first_stage": step[0],
        "last_stage": step[-1],
        "furthest_stage": ORDER[max(map(ORDER.index, step))],
        "n_journeys": tries + (start is not None),
        "n_conversions": len(decisions),
        "path_length": path or len(rows),
        "time_to_convert": float(first_paid - day[0]) if decisions else np.nan,
        "decision_time": np.mean(decisions) if decisions else np.nan,
        "abandoned": int(start is not None),
        "drop_off_stage": left,
        "browse_online_buy_offline_share": to_store / known if known else np.nan,
        "browse_offline_buy_online_share": to_web / known if known else np.nan,
        "stage_look_to_look_share": (
            moves.count(("look", "look")) / len(moves) if moves else np.nan
        ),
        "stage_basket_to_pay_share": (
            moves.count(("basket", "pay")) / len(moves) if moves else np.nan
        ),
    }


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_against_loops(make_frame, seed):
    rows = random_events(seed)
    columns = EventColumns(touchpoint="touch", channel="via", stage="step")
    given = {name: rows[name].tolist() for name in rows}
    given["via"] = [None if one != one else one for one in given["via"]]
    found = summarize_events(
        make_frame(given),
        columns,
        stages=STAGES,
        transitions="stage",
        observation_period_end="2023-03-12",
    )
    found = nw.from_native(found).to_pandas().set_index("customer_id")
    wanted = {who: by_loops(own) for who, own in rows.groupby("customer_id")}
    wanted = pd.DataFrame.from_dict(wanted, orient="index")
    assert found["n_conversions"].sum() > 50
    assert 0 < found["abandoned"].mean() < 1
    found = found[wanted.columns].rename_axis(None)
    assert_same(found, wanted)
    assert found.index.tolist() == wanted.index.tolist()


# -- one customer behind several ids ---------------------------------------------------

# Cookie c1 and card k1 are customer 11's, who also came under 11; c2 is 22's. x9 is
# nobody's. 11 browsed on the web as a cookie and paid in the store with a card.
VISITS = [
    ("c1", datetime(2024, 4, 1), "web", "search"),
    ("11", datetime(2024, 4, 2), "web", "compare"),
    ("k1", datetime(2024, 4, 3), "store", "pay"),
    ("c2", datetime(2024, 4, 4), "store", "search"),
    ("x9", datetime(2024, 4, 5), "web", "search"),
]
VISIT_NAMES = ["who", "at", "via", "step"]
VISIT_COLUMNS = EventColumns("who", "at", channel="via", stage="step")
KEYS = {"alias": ["c1", "k1", "c2", "c1"], "customer": ["11", "11", "22", "11"]}
SOME = [
    "customer_id",
    "n_events",
    "n_aliases",
    "identified",
    "n_conversions",
    "time_to_convert",
    "browse_online_buy_offline_share",
]


def test_identities(engine):
    found = summarize_events(
        table(engine.frame, VISITS, VISIT_NAMES),
        VISIT_COLUMNS,
        identities=engine.frame(KEYS),
        unknown_aliases="keep",
    )
    wanted = {
        "customer_id": ["11", "22", "x9"],
        "n_events": [3, 1, 1],
        "n_aliases": [3, 1, 1],
        "identified": [1, 1, 0],
        "n_conversions": [1, 0, 0],
        "time_to_convert": [2.0, None, None],
        "browse_online_buy_offline_share": [1.0, None, None],
    }
    assert_same(engine.read(found)[SOME], wanted)


def test_identities_of_another_type(engine):
    visits = [row for row in VISITS if row[0] not in ("x9", "11")]
    keys = {"alias": KEYS["alias"], "customer": [2**53 + 1, 2**53 + 1, 22, 2**53 + 1]}
    found = summarize_events(
        table(engine.make, visits, VISIT_NAMES),
        VISIT_COLUMNS,
        identities=engine.frame(keys),
    )
    found = engine.read(found)
    assert found["customer_id"].tolist() == [22, 2**53 + 1]
    assert found["customer_id"].dtype == np.int64
    assert found["n_aliases"].tolist() == [1, 2]


def test_unknown_aliases_are_refused(make_frame):
    message = (
        "Column 'who' must hold aliases of identities in every row. Got 1 of 5 rows "
        "without instead (row 4). Complete identities, or keep them as customers of "
        'their own with unknown_aliases="keep".'
    )
    with pytest.raises(DataQualityError, match=re.escape(message)):
        summarize_events(
            table(make_frame, VISITS, VISIT_NAMES),
            VISIT_COLUMNS,
            identities=make_frame(KEYS),
        )


@pytest.mark.parametrize(
    ("keys", "error", "message"),
    [
        (
            {"alias": ["c1", None], "customer": ["11", "22"]},
            DataQualityError,
            "Column 'alias' of identities must hold an id in every row. Got 1 of 2 "
            "rows without instead. Drop them, because they identify nobody.",
        ),
        (
            {"alias": ["c1", "c2"], "customer": [" ", "22"]},
            DataQualityError,
            "Column 'customer' of identities must hold an id in every row. Got 1 of 2 "
            "rows without instead. Drop them, because they identify nobody.",
        ),
        (
            {"alias": ["c1", "c1"], "customer": ["11", "22"]},
            DataQualityError,
            "Column 'alias' of identities must name one customer for each alias. Got 1 "
            "aliases of several customers instead. Decide whose they are, or drop "
            "them.",
        ),
        (
            {"alias": ["c1", "11", "22"], "customer": ["11", "22", "22"]},
            DataQualityError,
            "Column 'customer' of identities must hold customers, not aliases of "
            "others. Got 1 rows with such instead. Put the last customer of each chain "
            "beside every alias.",
        ),
        (
            {"alias": ["c1"], "customer": ["11"], "source": ["crm"]},
            SchemaError,
            "identities must have two columns, an alias and the customer behind it. "
            "Got 3 instead. Select the two, in this order.",
        ),
        (
            {"alias": [1], "customer": ["11"]},
            SchemaError,
            "Column 'alias' of identities must hold ids of the type of column 'who' of "
            "the events, integers or text in both. Got integers and text instead. "
            "Convert one of them.",
        ),
        (
            {"alias": ["c1"], "customer": [1.5]},
            SchemaError,
            "Column 'customer' of identities must hold customer ids as integers or "
            "text. Got Float64 instead. Convert it first.",
        ),
        (
            {"alias": ["c1"], "customer": [11]},
            SchemaError,
            "identities must hold aliases and customers of one type to keep unknown "
            "aliases as customers. Got text and integers instead. Convert the "
            "customers.",
        ),
    ],
)
def test_identities_are_checked(make_frame, keys, error, message):
    with pytest.raises(error, match=re.escape(message)):
        summarize_events(
            table(make_frame, VISITS, VISIT_NAMES),
            VISIT_COLUMNS,
            identities=make_frame(keys),
            unknown_aliases="keep",
        )


def test_identities_of_unsigned_64_bits(make_frame):
    cookies = np.array([2**64 - 1, 2**63, 5], dtype=np.uint64)
    cards = np.array([2**63 + 7, 5, 5], dtype=np.uint64)
    events = make_frame({"customer_id": cookies, "time": [datetime(2024, 1, 1)] * 3})
    keys = make_frame({"alias": cookies, "customer": cards})
    found = summarize_events(events, EventColumns(), identities=keys)
    assert list(found["customer_id"]) == [5, 2**63 + 7]
    assert list(found["n_aliases"]) == [2, 1]
    signed = make_frame({"alias": [1, 2, 5], "customer": cards})
    with pytest.raises(SchemaError, match="Got integers and unsigned 64-bit integers"):
        summarize_events(events, EventColumns(), identities=signed)


@pytest.mark.parametrize("unknown", ["refuse", "keep"])
def test_identities_that_are_lazy_or_not(unknown):
    visits, keys = table(pl.DataFrame, VISITS[:4], VISIT_NAMES), pl.DataFrame(KEYS)
    options = {"unknown_aliases": unknown}
    plain = summarize_events(visits, VISIT_COLUMNS, identities=keys, **options)
    for one in (visits, visits.lazy()):
        for other in (keys, keys.lazy()):
            found = summarize_events(one, VISIT_COLUMNS, identities=other, **options)
            assert type(found) is type(one)
            assert found.lazy().collect().equals(plain)


def test_identities_of_another_engine():
    message = "identities must be a table of the kind that the events are"
    with pytest.raises(SchemaError, match=re.escape(message)):
        summarize_events(
            table(pd.DataFrame, VISITS, VISIT_NAMES),
            VISIT_COLUMNS,
            identities=pl.DataFrame(KEYS),
        )


def test_whole_number_ids_above_2_to_53_stay_exact(make_frame):
    rows = [(2**53 + 1, *VISITS[0][1:]), (2**53 + 3, *VISITS[1][1:])]
    found = summarize_events(
        table(make_frame, rows, VISIT_NAMES),
        VISIT_COLUMNS,
        identities=make_frame({"alias": [2**53 + 1], "customer": [2**53 + 5]}),
        unknown_aliases="keep",
    )
    ids = nw.from_native(found)["customer_id"]
    assert ids.to_list() == [2**53 + 3, 2**53 + 5]
    assert ids.dtype == nw.Int64


# -- what is asked for -----------------------------------------------------------------


def values(found, *names):
    found = nw.from_native(found)
    return [
        [None if one != one else one for one in found[name].to_list()] for name in names
    ]


def test_given_levels_have_columns_in_their_order(make_frame):
    found = summarize_events(
        table(make_frame),
        COLUMNS,
        touchpoints=("page", "other", "fax"),
        channels=("web", "missing", "store"),
        payment_methods=["cash", "other"],
        observation_period_end="2024-04-30",
    )
    names = [name for name in nw.from_native(found).columns if "_count" in name]
    assert [name for name in names if not name.startswith("stage")] == [
        "touchpoint_page_count",
        "touchpoint_other_count",
        "touchpoint_fax_count",
        "channel_web_count",
        "channel_missing_count",
        "channel_store_count",
        "payment_cash_count",
        "payment_other_count",
    ]
    assert values(found, "touchpoint_page_count", "touchpoint_other_count") == [
        [3, 1, 0, 0],
        [5, 2, 2, 1],
    ]
    assert values(found, "touchpoint_fax_share", "payment_cash_share") == [
        [0.0, 0.0, 0.0, 0.0],
        [0.0, None, None, 0.0],
    ]
    assert values(found, "payment_other_count", "n_switches") == [
        [3, 0, 0, 1],
        [4, 1, 0, 0],
    ]
    assert values(found, "first_touchpoint") == [["other", "other", "other", "other"]]


def test_own_stages_and_channels(make_frame):
    rows = [
        ("a", datetime(2024, 1, 1), "Kiosk", "talk"),
        ("a", datetime(2024, 1, 4), "hub", "SIGN"),
        ("b", datetime(2024, 1, 2), "hub", "sign"),
        ("b", datetime(2024, 1, 3), "hub", "bill"),
    ]
    found = summarize_events(
        table(make_frame, rows, VISIT_NAMES),
        VISIT_COLUMNS,
        stages={"before": ["talk"], "during": ["sign", "Bill"]},
        conversion="Sign",
        online=["KIOSK"],
    )
    assert values(found, "time_to_convert", "browse_online_buy_offline_share") == [
        [3.0, 0.0],
        [1.0, 0.0],
    ]
    assert values(found, "furthest_stage", "stage_Bill_count", "abandoned") == [
        ["sign", "Bill"],
        [0, 1],
        [0, 0],
    ]
    assert "phase_after_share" not in nw.from_native(found).columns


def test_without_roles(make_frame):
    found = summarize_events(table(make_frame), EventColumns("client", "when"))
    found = nw.from_native(found)
    assert found.columns == [
        "customer_id",
        "n_events",
        "first_time",
        "last_time",
        "recency",
        "tenure",
    ]
    # The end is the latest event, at 1 May 00:00 of customer "007".
    assert found["n_events"].to_list() == [9, 3, 2, 1]
    assert found["recency"].to_list() == [0.0, 0.5, 0.5, 25.75]


def test_touchpoints_alone(make_frame):
    columns = EventColumns("client", "when", touchpoint="touch")
    found = summarize_events(table(make_frame), columns, transitions="touchpoint")
    assert values(found, "touchpoint_page_to_counter_share") == [
        # "007": ad page counter counter counter page counter page kiosk
        [2 / 8, 1 / 2, 0.0, None]
    ]


def test_no_payment_in_the_table(make_frame):
    rows = [row for row in EVENTS if row[4].lower() != "pay"]
    found = nw.from_native(summarize_events(table(make_frame, rows), COLUMNS))
    assert not [name for name in found.columns if name.startswith("payment")]
    assert found["converted"].to_list() == [0, 0, 0]


def test_days_without_times(make_frame):
    """A search is before the payment of its day, and the last day is no time ago."""
    rows = [
        ("a", date(2024, 1, 5), "store", "pay"),
        ("a", date(2024, 1, 5), "web", "search"),
        ("b", date(2024, 1, 3), "web", "search"),
    ]
    found = summarize_events(
        table(make_frame, rows, VISIT_NAMES).pipe(with_dates), VISIT_COLUMNS
    )
    assert values(found, "recency", "path_length", "first_channel") == [
        [0.0, 2.0],
        [2, 1],
        ["web", "web"],
    ]


def with_dates(frame):
    if isinstance(frame, pd.DataFrame):
        return frame.assign(at=pd.to_datetime(frame["at"]))
    return frame


def test_dates_of_pyarrow():
    pyarrow = pytest.importorskip("pyarrow")
    days = [date(2024, 1, 5), date(2024, 1, 3)]
    visits = pyarrow.table({"customer_id": ["a", "a"], "time": days})
    end = {"observation_period_end": "2024-01-06"}
    found = summarize_events(visits, EventColumns(), **end)
    assert found["recency"].to_pylist() == [1.0]
    assert found["tenure"].to_pylist() == [3.0]


def test_days_are_those_of_the_wall(make_frame):
    """The clocks go forward on 31 March in London."""
    rows = [
        ("a", datetime(2024, 3, 30, 12), "web", "search"),
        ("a", datetime(2024, 4, 1, 12), "web", "pay"),
    ]
    visits = nw.from_native(table(make_frame, rows, VISIT_NAMES)).with_columns(
        nw.col("at").dt.replace_time_zone("Europe/London")
    )
    found = summarize_events(visits.to_native(), VISIT_COLUMNS)
    assert values(found, "time_to_convert") == [[2.0]]


def test_listed_customers_are_kept(make_frame):
    found = summarize_events(
        table(make_frame), COLUMNS, transitions="channel", customers=["7", "zoe"]
    )
    zoe = (
        nw.from_native(found)
        .filter(nw.col("customer_id") == "zoe")
        .to_dict(as_series=False)
    )
    zoe = {name: None if v[0] != v[0] else v[0] for name, v in zoe.items()}
    zeros = {name for name, value in zoe.items() if value == 0}
    assert {name for name in zeros if not name.endswith("_count")} == {
        "n_events",
        "n_touchpoints",
        "n_channels",
        "n_switches",
        "n_switches_to_online",
        "n_switches_to_offline",
        "n_journeys",
        "n_conversions",
        "converted",
        "path_length",
        "abandoned",
    }
    rest = {name for name, value in zoe.items() if value is not None} - zeros
    assert rest == {"customer_id"}
    assert len(found) == 5


def test_listed_whole_numbers_stay_exact(engine):
    """As floats, 2**53 + 1 would be 2**53, and 2**53 + 3 would be 2**53 + 4."""
    odd, even = 2**53 + 1, 2**53
    visits = engine.frame(
        {"customer_id": [odd, odd + 2], "time": [datetime(2024, 1, 1)] * 2}
    )
    listed = engine.frame({"customer_id": [even, odd]})
    found = engine.read(summarize_events(visits, EventColumns(), customers=listed))
    assert found["customer_id"].tolist() == [even, odd, odd + 2]
    assert found["customer_id"].dtype == "int64"
    assert found["n_events"].tolist() == [0, 1, 1]


@pytest.mark.parametrize("kind", ["pandas", "polars", "pyarrow", "dask"])
def test_listed_customers_need_no_category(kind):
    frame = pd.DataFrame(
        {
            "customer_id": pd.Categorical(["b", "a", "a"], ordered=True),
            "time": [datetime(2024, 1, 1)] * 3,
        }
    )
    listed = pd.DataFrame({"customer_id": ["c", "b"]})
    dask = pytest.importorskip("dask.dataframe") if kind == "dask" else None
    make = {
        "pandas": lambda frame: frame,
        "polars": pl.from_pandas,
        "pyarrow": lambda frame: nw.from_native(frame).to_arrow(),
        "dask": lambda frame: dask.from_pandas(frame, npartitions=1),
    }[kind]
    visits = make(frame)
    if kind == "polars":
        visits = visits.with_columns(pl.col("customer_id").cast(pl.Enum(["a", "b"])))
    found = summarize_events(visits, EventColumns(), customers=make(listed))
    found = nw.from_native(found.compute() if kind == "dask" else found)
    found = found.sort("customer_id").to_dict(as_series=False)
    assert list(found["customer_id"]) == ["a", "b", "c"]
    assert list(found["n_events"]) == [2, 1, 0]


def test_kinds_of_pandas_columns():
    plain = table(pd.DataFrame)
    wanted = summarize_events(plain, COLUMNS, observation_period_end="2024-04-30")
    kinds = [
        {"touch": "category", "via": "category", "step": "category"},
        {"touch": "string", "via": "string", "step": "string", "client": "string"},
        {"touch": object, "via": object, "step": object},
    ]
    for kind in kinds:
        found = summarize_events(
            plain.astype(kind).set_axis([3] * len(plain)),
            COLUMNS,
            observation_period_end="2024-04-30",
        )
        found["customer_id"] = found["customer_id"].astype(wanted["customer_id"].dtype)
        pd.testing.assert_frame_equal(found, wanted)
    assert plain.equals(table(pd.DataFrame))


def test_row_order_makes_no_difference(make_frame):
    one = summarize_events(table(make_frame), COLUMNS, transitions="stage")
    other = summarize_events(
        table(make_frame, EVENTS[::-1]), COLUMNS, transitions="stage"
    )
    assert (
        nw.from_native(one).to_dict(as_series=False).keys()
        == dict(nw.from_native(other).to_dict(as_series=False)).keys()
    )
    for name in nw.from_native(one).columns:
        assert values(one, name) == values(other, name), name


# -- errors ----------------------------------------------------------------------------

STAGE_NAMES = (
    "'search', 'compare', 'consult', 'choose', 'pay', 'feedback', 'service', "
    "'recommend'"
)


def changed(make, place, row):
    rows = [list(one) for one in EVENTS]
    for position in row:
        rows[position][place[0]] = place[1]
    return table(make, rows)


@pytest.mark.parametrize(
    ("place", "rows", "message"),
    [
        (
            (0, None),
            [2, 7],
            "Column 'client' must hold a customer id in every row. Got 2 of 15 rows "
            "without instead (row 2, 7). Drop these rows, or find what is missing.",
        ),
        (
            (0, " nan "),
            [1, 2, 3, 4, 5, 6],
            "Column 'client' must hold a customer id in every row. Got 6 of 15 rows "
            "without instead (row 1, 2, 3, 4, 5, ...). Drop these rows, or find what "
            "is missing.",
        ),
        (
            (1, None),
            [0],
            "Column 'when' must hold a time in every row. Got 1 of 15 rows without "
            "instead (row 0). Drop these rows, or find what is missing.",
        ),
        (
            (1, datetime(1900, 1, 1)),
            [14],
            "Column 'when' must hold a time of the years 1901 to 2099, and not of "
            "January 1970, in every row. Got 1 of 15 rows without instead (row 14). "
            "Such times stand for none: drop these rows.",
        ),
        (
            (1, datetime(1970, 1, 1)),
            [3],
            "Got 1 of 15 rows without instead (row 3). Such times stand for none",
        ),
        (
            (4, "daydream"),
            [3, 8],
            f"Column 'step' must hold a stage of {STAGE_NAMES} in every row. Got 2 of "
            "15 rows without instead (row 3, 8). Name these stages too, or give other "
            "rows one of them.",
        ),
        (
            (4, None),
            [8],
            f"Column 'step' must hold a stage of {STAGE_NAMES} in every row. Got 1 of "
            "15 rows without instead (row 8).",
        ),
        (
            (3, "fair"),
            [0],
            "online must say which channels of column 'via' are online. Got None with "
            "'fair' instead. Name the channels that are online; all others are then "
            "offline.",
        ),
    ],
)
def test_rows_are_checked(make_frame, place, rows, message):
    error = ValueError if place[0] == 3 else DataQualityError
    with pytest.raises(error, match=re.escape(message)):
        summarize_events(changed(make_frame, place, rows), COLUMNS)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        (
            {"touchpoints": ["page", "ad"]},
            DataQualityError,
            "Column 'touch' must hold one of touchpoints in every row. Got 7 rows with "
            "2 others instead. Name them, or name 'other', which then stands for all "
            "of them.",
        ),
        (
            {"channels": ["web", "store"]},
            DataQualityError,
            "Column 'via' must hold one of channels in every row. Got 1 rows with 1 "
            "others instead.",
        ),
        (
            {"touchpoints": "page"},
            ValueError,
            "touchpoints must be a sequence of names, as text. Got 'page' instead.",
        ),
        (
            {"touchpoints": ["page", "page "]},
            ValueError,
            "touchpoints must have each name once. Got 'page' more than once instead.",
        ),
        (
            {"channels": []},
            ValueError,
            "channels must have at least one name. Got none instead.",
        ),
        (
            {"stages": ["search", "pay"]},
            ValueError,
            "stages must be a mapping of 'before', 'during' and 'after' to names of "
            "stages in their order. Got ['search', 'pay'] instead. Write {\"before\": "
            '("search",), "during": ("pay",), "after": ("service",)}.',
        ),
        (
            {"stages": {"first": ["search"]}},
            ValueError,
            "stages must be a mapping of 'before', 'during' and 'after' to names of "
            "stages in their order.",
        ),
        (
            {"stages": {"before": ["pay"], "during": ["Pay"]}},
            ValueError,
            "stages must have names that differ in more than the case of letters. Got "
            "'pay' more than once instead.",
        ),
        (
            {"stages": {"before": ["search"]}},
            ValueError,
            "stages must have a stage during the purchase. Got none instead. Add the "
            "stage of payment.",
        ),
        (
            {"conversion": "buy"},
            ValueError,
            f"conversion must be one of the stages {STAGE_NAMES}. Got 'buy' instead.",
        ),
        (
            {"transitions": "method"},
            ValueError,
            "transitions must be None or one of 'stage', 'touchpoint', 'channel'. Got "
            "'method' instead.",
        ),
        (
            {"open_days": -1},
            ValueError,
            "open_days must be a number of days, 0 or more. Got -1 instead.",
        ),
        (
            {"unknown_aliases": "drop"},
            ValueError,
            "unknown_aliases must be 'refuse' or 'keep'. Got 'drop' instead.",
        ),
        (
            {"observation_period_end": "2023-04-30"},
            DataQualityError,
            "observation_period_end must not come before the first event of the table. "
            "Got '2023-04-30' instead. Check the year, and the order of day and month.",
        ),
        (
            {
                "stages": {
                    "before": ["search", "compare", "consult", "choose"],
                    "during": ["pay"],
                    "after": ["feedback", "service", "pay_to_service"],
                },
                "transitions": "stage",
            },
            SchemaError,
            "Columns of the result must have names of their own. Got "
            "'stage_pay_to_service' more than once instead. Name the levels apart.",
        ),
        (
            {
                "stages": {
                    "before": [f"s{i}" for i in range(14)],
                    "during": ["search", "compare", "consult", "choose", "pay"],
                    "after": ["feedback", "service"],
                },
                "transitions": "stage",
            },
            DataQualityError,
            "Column 'step' must have at most 20 levels for transitions. Got 21 "
            "instead. Map them to a few first.",
        ),
    ],
)
def test_parameters_are_checked(options, error, message):
    with pytest.raises(error, match=re.escape(message)):
        summarize_events(table(pd.DataFrame), COLUMNS, **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"touchpoints": ["page"]},
            "EventColumns must name touchpoint where touchpoints are given. Got "
            "touchpoint=None instead. Name the column, or leave touchpoints out.",
        ),
        (
            {"stages": STAGES},
            "EventColumns must name stage where stages is given. Got stage=None and "
            f"stages={STAGES!r} instead. Name the column of stages.",
        ),
        (
            {"transitions": "stage"},
            "EventColumns must name stage for transitions='stage'. Got stage=None "
            "instead. Name the column.",
        ),
        (
            {"online": ["web"]},
            "EventColumns must name channel where online is given. Got channel=None "
            "instead. Name the column of channels.",
        ),
    ],
)
def test_roles_are_needed(options, message):
    with pytest.raises(SchemaError, match=re.escape(message)):
        summarize_events(table(pd.DataFrame), EventColumns("client", "when"), **options)


def test_tables_are_checked(make_frame):
    with pytest.raises(TypeError, match=r"columns must be an EventColumns\. Got dict"):
        summarize_events(table(make_frame), {"customer_id": "client"})
    message = (
        "An event table must have the columns that EventColumns names. Got a table "
        "without 'who' (customer_id), 'state' (stage) instead; it has 'client', "
    )
    with pytest.raises(SchemaError, match=re.escape(message)):
        summarize_events(table(make_frame), EventColumns("who", "when", stage="state"))
    message = "Column 'when' must hold one touchpoint a row, as text. Got Datetime"
    with pytest.raises(SchemaError, match=re.escape(message)):
        summarize_events(
            nw.from_native(table(make_frame))
            .with_columns(at=nw.col("when"))
            .to_native(),
            EventColumns("client", "at", touchpoint="when"),
        )
    message = "An event table must have at least one row. Got 0 rows instead. Check how"
    with pytest.raises(DataQualityError, match=re.escape(message)):
        summarize_events(nw.from_native(table(make_frame)).head(0).to_native(), COLUMNS)
    with pytest.raises(TypeError, match="An event table must be a pandas or polars"):
        summarize_events([1], COLUMNS)


def test_too_many_levels(make_frame):
    rows = [("a", datetime(2024, 1, 1), f"page {i}") for i in range(51)]
    frame = table(make_frame, rows, ["customer_id", "time", "touch"])
    message = (
        "Column 'touch' must have at most 50 levels to be counted by. Got 51 instead. "
        "Map them to a few first, or name some and 'other' in touchpoints."
    )
    with pytest.raises(DataQualityError, match=re.escape(message)):
        summarize_events(frame, EventColumns(touchpoint="touch"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"customer_id": None},
            "customer_id of EventColumns must be the name of a column, as text. Got "
            "None instead. Rename the column if its name is not text.",
        ),
        (
            {"stage": 3},
            "stage of EventColumns must be the name of a column, as text. Got 3 "
            "instead.",
        ),
        (
            {"channel": "via", "touchpoint": "via"},
            "EventColumns must name a different column for each role. Got 'via' for "
            "touchpoint and channel instead. Leave out the role that the table does "
            "not have.",
        ),
        (
            {"payment_method": "method"},
            "EventColumns must name stage where it names payment_method. Got "
            "stage=None, payment_method='method' instead. Name the column of stages, "
            "because payments are those at the stage of payment.",
        ),
    ],
)
def test_event_columns_are_checked(options, message):
    with pytest.raises(SchemaError, match=re.escape(message)):
        EventColumns(**options)


def test_event_columns_can_be_kept():
    assert pickle.loads(pickle.dumps(COLUMNS)) == COLUMNS
    assert EventColumns(stage="step").named() == {
        "customer_id": "customer_id",
        "time": "time",
        "stage": "step",
    }
