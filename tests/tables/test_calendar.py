"""Places of times in the calendar, held against Python's own on every engine."""

import random
from datetime import date, datetime, timedelta

import narwhals as nw

from custseg.tables._calendar import (
    read_dayparts,
    read_holidays,
    read_seasons,
    read_weekdays,
    read_weekend,
)
from custseg.tables._clock import with_clock

MONTHS = {"one": (1, 3, 5, 7), "two": (2, 4, 6), "three": range(8, 13)}
HOLIDAYS = {
    "leap": ["1904-02-29", date(2000, 2, 29)],
    "easter": ["2024-03-31", datetime(2024, 4, 1, 15)],
    "winter": [("1969-12-20", "1970-01-10")],
}


def times():
    """Draw times of 1901 to 2099, and name those around which something changes."""
    edges = [
        datetime(year, month, day, hour, minute)
        for year, month, day in [
            (1904, 2, 28),
            (1904, 2, 29),
            (1904, 3, 1),
            (1969, 12, 31),
            (1970, 1, 1),
            (2000, 2, 29),
            (2023, 2, 28),
            (2024, 2, 29),
            (2024, 4, 1),
            (2024, 12, 31),
        ]
        for hour, minute in [(0, 0), (5, 59), (6, 0), (21, 30), (23, 59)]
    ]
    edges += [
        at + timedelta(microseconds=step) for at in edges[::5] for step in (-1, 1)
    ]
    rng = random.Random(0)
    span = (datetime(2099, 12, 31) - datetime(1901, 1, 1)) // timedelta(seconds=1)
    start = datetime(1901, 1, 1)
    drawn = [start + timedelta(seconds=rng.randrange(span)) for _ in range(400)]
    return edges + drawn


def daypart(at):
    hour = at.hour + at.minute / 60
    return "late" if hour >= 21.5 or hour < 6 else "day"


def holiday(at):
    for name, days in {
        "leap": [(date(1904, 2, 29),) * 2, (date(2000, 2, 29),) * 2],
        "easter": [(date(2024, 3, 31), date(2024, 4, 1))],
        "winter": [(date(1969, 12, 20), date(1970, 1, 10))],
    }.items():
        if any(first <= at.date() <= last for first, last in days):
            return name
    return "none"


def month(at):
    return next(name for name, months in MONTHS.items() if at.month in months)


def test_places_are_those_of_python(engine):
    check_places(engine)


def test_places_on_spark(spark):
    check_places(spark)


def check_places(engine):
    whole = times()
    frame = engine.frame({"at": whole, "place": list(range(len(whole)))})
    lines = with_clock(nw.from_native(frame).lazy(), "at", "when")
    rules = {
        "daypart": (read_dayparts({"day": 6, "late": 21.5}), daypart),
        "weekday": (read_weekdays(), lambda at: at.strftime("%A").lower()),
        "weekend": (
            read_weekend(("Friday", "saturday")),
            lambda at: "weekend" if at.weekday() in (4, 5) else "workday",
        ),
        "season": (read_seasons(MONTHS), month),
        "holiday": (read_holidays(HOLIDAYS), holiday),
    }
    places = {
        kind: place(nw.col("when"), nw.col("at"))
        for kind, ((_, place), _) in rules.items()
    }
    found = lines.select("place", **places).collect()
    codes = {name: found[name].to_list() for name in found.columns}
    order = codes.pop("place")
    for kind, ((names, _), by_python) in rules.items():
        assert [names[code] for code in codes[kind]] == [
            by_python(whole[at]) for at in order
        ]
