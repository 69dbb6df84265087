"""When customers buy, how regularly, and how that changes."""

import narwhals as nw

from custseg.tables._calendar import (
    read_dayparts,
    read_holidays,
    read_seasons,
    read_weekdays,
)
from custseg.tables._clock import DAY
from custseg.tables._parts import Parts, as_given, no_less_than_zero, positive, share

_MONTH = 30  # days


def _places(kind, names, place):
    """Shares of currency and of orders by the place that an order's time has."""
    n, total = nw.col("frequency"), nw.col("monetary_total")
    code, is_order = nw.col(f"{kind}_place"), nw.col("is_order")
    marks, totals, figures = {}, {}, {}
    for i, name in enumerate(names):
        here = (code == i).cast(nw.Int64)
        marks[f"{kind}_{i}_order"] = here * is_order
        marks[f"{kind}_{i}_kept"] = here * nw.col("kept")
        totals[f"{kind}_{i}_orders"] = (f"{kind}_{i}_order", "sum")
        totals[f"{kind}_{i}_spend"] = (f"{kind}_{i}_kept", "sum")
        spend, orders = nw.col(f"{kind}_{i}_spend"), nw.col(f"{kind}_{i}_orders")
        figures[f"{kind}_{name}_spend_share"] = share(spend, total)
        figures[f"{kind}_{name}_order_share"] = share(orders, n)
    first = {f"{kind}_place": place(nw.col("order_time"), nw.col("order_date"))}
    return Parts(marks=(first, marks), totals=totals, figures=figures)


def weekday_parts(settings, columns, period):
    """Shares by day of the week."""
    return _places("weekday", *read_weekdays())


def hour_parts(settings, columns, period):
    """Shares by band of hours."""
    return _places("hour", *read_dayparts(as_given(settings.dayparts)))


def season_parts(settings, columns, period):
    """Shares by season."""
    return _places("season", *read_seasons(as_given(settings.seasons)))


def holiday_parts(settings, columns, period):
    """Shares by holiday, and of all other days."""
    return _places("holiday", *read_holidays(as_given(settings.holidays)))


def regularity_parts(settings, columns, period):
    """How even the gaps between orders are, and whether the last is overdue."""
    n = nw.col("frequency")
    span = nw.col("last") - nw.col("first")
    mean = nw.when((n > 1) & (span > 0)).then(span / (n - 1) / DAY)
    silent = (period.reference - nw.col("last")) / DAY
    return Parts(
        figures={"gap_cv": nw.col("gap_sd") / mean, "recency_in_gaps": silent / mean}
    )


def trend_parts(settings, columns, period):
    """Slope of the value of orders over time, by least squares."""
    since = nw.col("time") - nw.col("time").min().over("customer")
    months = (since / (DAY * _MONTH)).fill_null(0.0)
    marks = ({"months": months},)
    marks += (
        {
            "months_2": nw.col("months") * nw.col("months"),
            "months_kept": nw.col("months") * nw.col("kept"),
        },
    )
    n, y = nw.col("frequency"), nw.col("monetary_total")
    x, xx, xy = nw.col("months_sum"), nw.col("months_2_sum"), nw.col("months_kept_sum")
    spread = xx - x * x / n
    is_spread = (n > 2) & (nw.col("last") - nw.col("first") >= DAY)
    return Parts(
        marks=marks,
        totals={
            f"{name}_sum": (name, "sum")
            for name in ("months", "months_2", "months_kept")
        },
        figures={"spend_trend": nw.when(is_spread).then((xy - x * y / n) / spread)},
    )


def recent_parts(settings, columns, period):
    """Orders and currency of the last days against those before."""
    marks, totals, figures = {}, {}, {}
    zeros = set()
    n, total = nw.col("frequency"), nw.col("monetary_total")
    tenure = (period.reference - nw.col("first")) / DAY
    for place, days in enumerate(settings.recent_days):
        name, part = f"{days:g}d", f"window_{place}"  # Spark reads a dot otherwise
        start = period.reference - int(days * DAY)
        # Days count at their end, times from the first microsecond of the window on.
        time = nw.col("order_time")
        late = (time > start if period.daily else time >= start).cast(nw.Int64)
        marks |= {f"{part}_order": late * nw.col("is_order")}
        marks |= {f"{part}_kept": late * nw.col("kept")}
        totals |= {f"{part}_orders": (f"{part}_order", "sum")}
        totals |= {f"{part}_spend": (f"{part}_kept", "sum")}
        n_late = nw.col(f"{part}_orders").cast(nw.Int64)
        late, early = nw.col(f"{part}_spend"), total - nw.col(f"{part}_spend")
        rate, before = late / days, early / (tenure - days)
        change = (rate - before) / positive(rate + before)
        found = {
            f"frequency_last_{name}": n_late,
            f"frequency_before_{name}": (n - n_late).cast(nw.Int64),
            f"monetary_total_last_{name}": late,
            f"monetary_total_before_{name}": no_less_than_zero(early),
        }
        zeros |= set(found)
        figures |= found
        figures[f"spend_change_{name}"] = nw.when(tenure > days).then(change)
    return Parts(marks=(marks,), totals=totals, figures=figures, zeros=frozenset(zeros))
