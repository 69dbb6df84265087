"""Spark and Dask: events, feedback, relations and accounts, over tables of all cases.

As in test_distributed.py, both must come to the same as pandas, whose figures are
worked on paper in the tests of each function.
"""

from datetime import datetime as D
from zoneinfo import ZoneInfo

from custseg.tables import (
    EventColumns,
    FeedbackColumns,
    roll_up_accounts,
    summarize_events,
    summarize_feedback,
    summarize_referrals,
    summarize_relations,
)

BIG = 2**53


def columns_of(names, rows):
    return dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))


# Two journeys with a payment by two methods; rows of one time and out of order; an
# unknown channel; a payment out of nothing; the same event twice; one after the end.
EVENTS = [
    ("7", D(2024, 4, 29, 12), "page", None, "compare", None),
    ("007", D(2024, 4, 1, 10), "ad", "web", " Search ", None),
    ("007", D(2024, 4, 2, 10), "page", "web", "compare", "card"),
    ("007", D(2024, 4, 3, 10), "counter", "store", "pay", "card"),
    ("007", D(2024, 4, 3, 10), "counter", "store", "choose", None),
    ("007", D(2024, 4, 3, 10), "counter", "store", "pay", "voucher"),
    ("7", D(2024, 4, 28, 12), "ad", "web", "search", None),
    ("007", D(2024, 5, 1, 0), "kiosk", "web", "search", None),
    ("007", D(2024, 4, 10, 10), "page", "web", "feedback", None),
    ("007", D(2024, 4, 22, 10), "page", "web", "PAY", "card"),
    ("007", D(2024, 4, 18, 10), "counter", "store", "consult", None),
    ("7", D(2024, 4, 30, 12), "counter", "store", "service", None),
    ("odd", D(2024, 4, 5, 6), "counter", "store", "pay", None),
    ("even", D(2024, 4, 30, 12), "ad", "web", "search", None),
    ("even", D(2024, 4, 30, 12), "ad", "web", "search", None),
]
# Cookie c1 and card k1 are customer 11's, who also came under 11; x9 is nobody's. The
# key table has the others in another order.
VISITS = [
    ("c1", D(2024, 4, 1), "web", "search"),
    ("11", D(2024, 4, 2), "web", "compare"),
    ("k1", D(2024, 4, 3), "store", "pay"),
    ("c2", D(2024, 4, 4), "store", "search"),
    ("x9", D(2024, 4, 5), "web", "search"),
    *((f"d{place}", D(2024, 4, 6), "web", "search") for place in range(6)),
]
KEYS = {
    "alias": ["c1", *(f"d{place}" for place in (5, 3, 1, 4, 2, 0)), "k1", "c2", "c1"],
    "customer": ["11", *"531420", "11", "22", "11"],
}
BIG_KEYS = KEYS | {"customer": [BIG + int(one) for one in KEYS["customer"]]}


def test_events(distributed):
    distributed.meet_pandas(road_of_events)


def road_of_events(engine):
    names = ["client", "when", "touch", "via", "step", "method"]
    events = engine.frame(columns_of(names, EVENTS))
    found = summarize_events(
        events,
        EventColumns(*names),
        transitions="channel",
        open_days=1,
        observation_period_end="2024-04-30",
        customers=engine.frame({"client": ["zoe", "7"]}),
    )
    assert isinstance(found, type(events))
    return {"customers": engine.read(found)}


def test_identities(distributed):
    distributed.meet_pandas(road_of_identities)


def road_of_identities(engine):
    names = ["who", "at", "via", "step"]
    columns = EventColumns("who", "at", channel="via", stage="step")
    found = summarize_events(
        engine.frame(columns_of(names, VISITS)),
        columns,
        identities=engine.frame(KEYS),
        unknown_aliases="keep",
    )
    # Whole numbers for text, none of them unknown, and ids that no float can hold.
    known = [visit for visit in VISITS if visit[0] not in ("11", "x9")]
    numbers = summarize_events(
        engine.frame(columns_of(names[:2], [visit[:2] for visit in known])),
        EventColumns("who", "at"),
        identities=engine.frame(BIG_KEYS),
        customers=engine.frame({"who": [BIG + 7, BIG + 1]}),
    )
    return {"text": engine.read(found), "numbers": engine.read(numbers)}


# Answers on one thing and none, the latest two at one time; cases that were settled,
# that were settled after the end, and that nobody answered; a row after the end.
# fmt: off
FEEDBACK_NAMES = ["who", "at", "about", "stars", "recommend", "angry",
                  "case", "answered", "settled"]
FEEDBACK = [
    ("007", D(2024, 1, 2, 10), "store", 4.0, 9.0, False, None, None, None),
    ("007", D(2024, 1, 10, 10), "delivery", 2.0, 6.0, True, "1",
     D(2024, 1, 10, 12), D(2024, 1, 11, 10)),
    ("007", D(2024, 1, 10, 10), "delivery", 3.0, 8.0, True, "2",
     D(2024, 1, 10, 14), D(2024, 2, 1, 0)),
    ("007", D(2024, 1, 20, 12), None, None, None, False, None, None, None),
    ("7", D(2024, 1, 31, 12), "store", None, 7.0, None, "3", None, None),
    ("7", D(2024, 2, 1, 0), "store", 1.0, 0.0, True, "4", None, None),
]
# fmt: on


def test_feedback(distributed):
    distributed.meet_pandas(road_of_feedback)


def road_of_feedback(engine):
    columns = FeedbackColumns(*FEEDBACK_NAMES)
    found = summarize_feedback(
        engine.frame(columns_of(FEEDBACK_NAMES, FEEDBACK)),
        columns,
        customers=engine.frame({"who": ["new"]}),
        observation_period_end="2024-01-31",
    )
    return {"customers": engine.read(found)}


# An answer over the hour that the clocks skip on 10 March, 23 hours later, and 25 over
# the one that they repeat on 3 November; a case that was settled just after the end.
# Complaints as numbers and scores, which may be none in two ways.
ZONE = ZoneInfo("America/New_York")
NAN = float("nan")
# fmt: off
MOMENTS = [
    ("a", D(2024, 3, 9, 12), NAN, NAN, "1", D(2024, 3, 10, 12), D(2024, 11, 5, 0)),
    ("b", D(2024, 11, 2, 12), 4.0, 0.5, "2", D(2024, 11, 3, 12), D(2024, 11, 4, 23)),
    ("b", D(2024, 11, 4, 23), None, 0.0, None, None, None),
    ("b", D(2024, 11, 5, 0), 5.0, 1.0, None, None, None),
    ("c", D(2024, 5, 1), None, None, None, None, None),
]
# fmt: on


def test_moments_of_feedback(distributed):
    distributed.on_clocks_of(ZONE.key).meet_pandas(road_of_moments)


def road_of_moments(engine):
    names = ["who", "at", "stars", "angry", "case", "answered", "settled"]
    lines = columns_of(names, MOMENTS)
    for name in ("at", "answered", "settled"):
        lines[name] = [at and at.replace(tzinfo=ZONE) for at in lines[name]]
    columns = FeedbackColumns(
        "who",
        "at",
        satisfaction="stars",
        complaint="angry",
        ticket="case",
        responded="answered",
        resolved="settled",
    )
    found = summarize_feedback(
        engine.frame(lines), columns, observation_period_end="2024-11-04"
    )
    return {"customers": engine.read(found)}


RELATIONS = {
    "who": ["ann", "ann", "ben", "ann", "cy", "dee"],
    "whom": ["ben", "ben", "ann", "cy", "ben", "ann"],
    "times": [1.0, 2.0, 1.0, 1.0, 4.0, 1.0],
}


def test_relations(distributed):
    distributed.meet_pandas(road_of_relations)


def road_of_relations(engine):
    table = engine.frame(RELATIONS)
    found = summarize_relations(
        table,
        source="who",
        target="whom",
        weight="times",
        customers=engine.frame({"who": ["eve"]}),
    )
    assert isinstance(found, type(table))
    brought = engine.frame({"source": [1, 1, 3], "target": [2, 3, BIG + 1]})
    brought = summarize_relations(brought, kind="referral")
    chain = {"customer_id": [1, 2, BIG + 1, BIG, 5], "by": [None, 1, 2, 1, 9]}
    chain = summarize_referrals(engine.frame(chain), referred_by="by")
    return {
        "directed": engine.read(found),
        "brought": engine.read(brought),
        "chain": engine.read(chain),
    }


def test_accounts(distributed):
    distributed.meet_pandas(road_of_accounts)


def road_of_accounts(engine):
    accounts = {
        "customer_id": ["shop2", "grand", "bistro", "lounge", "corner", "shop1"],
        "parent_id": ["chain", None, "grand", "bistro", None, "chain"],
        "trade": ["kiosk", "hotel", "restaurant", "restaurant", "cafe", "grocer"],
        "spend": [70, 900, 400, 100, 50, 30],
        "orders": [1, 6, 3, 1, 2, 3],
        "rating": [2.0, 4.0, None, 1.0, None, 3.0],
        "recency": [5.0, 12.0, 3.0, 40.0, 8.0, 9.0],
        "vat": [True, False, True, False, False, True],
        "since": [D(2020, 1, day) for day in (5, 4, 3, 9, 8, 7)],
    }
    rules = {
        "trade": ("most", "spend"),
        "spend": "sum",
        "orders": "max",
        "rating": ("mean", "orders"),
        "recency": "min",
        "vat": "sum",
        "since": "min",
    }
    table = engine.frame(accounts)
    companies = roll_up_accounts(table, parent_id="parent_id", how=rules)
    assert isinstance(companies, type(table))
    return {"companies": engine.read(companies)}
