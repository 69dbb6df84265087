"""One row per customer of what they say, and how they were answered."""

import warnings

import narwhals as nw

from custseg.exceptions import DataQualityError, SchemaError, SegmentWarning
from custseg.tables._clock import (
    DAY,
    moment_of,
    read_end,
    with_clock,
    with_moment,
    zone_of,
)
from custseg.tables._event_plan import read_names
from custseg.tables._feedback_columns import FeedbackColumns
from custseg.tables._ids import (
    check_customer_type,
    check_whole_ids,
    missing,
    not_whole,
    settled_ids,
)
from custseg.tables._lines import (
    check_date_type,
    impossible_dates,
    plain_flag,
    plain_level,
)
from custseg.tables._listed import with_listed
from custseg.tables._open import ROW
from custseg.tables._parts import of_customers, share
from custseg.tables._questions import Question, bad_counts, refuse_bad, sums_of
from custseg.tables._roles import open_with_roles

__all__ = ["summarize_feedback"]

_HOUR = DAY // 24
_WHAT = "A table of feedback"
_MOST_TOUCHPOINTS = 50
_NO_TOUCHPOINT = "missing"
_ANSWERS = ("responded", "resolved")
_SCORES = {"satisfaction": "satisfaction", "promoter_score": "promoter"}


def summarize_feedback(
    feedback,
    columns,
    *,
    satisfaction_scale=(1, 5),
    touchpoints=None,
    customers=None,
    observation_period_end=None,
):
    """Make one row per customer of satisfaction, recommendation, complaints, tickets.

    Parameters
    ----------
    feedback : frame
        One row for each answer, complaint or ticket: a pandas or polars data frame
        (also a lazy one), a pyarrow table, a DuckDB relation, or a Spark or Dask data
        frame. It is not changed.
    columns : FeedbackColumns
        Which column is which.
    satisfaction_scale : tuple (least, most), default=(1, 5)
        Ends of the scale of satisfaction. Answers beyond are refused.
    touchpoints : sequence of str or None, default=None
        Touchpoints that have columns. None takes those of the table, 50 at most; give
        last month's to have the same columns.
    customers : frame or sequence, default=None
        Customers that are to have a row though they said nothing, as in
        `summarize_transactions`. Their counts are 0, all else is missing.
    observation_period_end : str, date, datetime or pandas.Timestamp, default=None
        Until when customers were heard; what comes after is left out, and tickets
        settled later are open. None takes the latest time of the table.

    Returns
    -------
    customers : same kind as `feedback`
        One row per customer, ordered by `customer_id`; a query that has not run yet
        where the engine is lazy. Which columns it has goes by those that are named:

        - `customer_id`: as given;
        - `n_feedback`: int, rows;
        - `feedback_recency`: float, days from the last row to the end;
        - `n_satisfaction`: int, answers on satisfaction;
        - `satisfaction_mean`: float, their mean on the scale, missing without any;
        - `satisfaction_last`: float, the latest answer (the mean of those at one time);
        - `satisfaction_<touchpoint>_mean`: float, of the answers about a touchpoint;
        - `n_promoter_score`, `promoter_score_mean`, `promoter_score_last`,
          `promoter_score_<touchpoint>_mean`: likewise, from 0 to 10;
        - `promoter_share`, `detractor_share`: float, answers from 9 on, and below 7,
          over all, missing without any;
        - `net_promoter_score`: float, 100 times their difference, -100 to 100;
        - `n_complaints`: int, and `complaint_share`: float, over all rows;
        - `n_tickets`: int, rows with a ticket id; `n_open_tickets`: int, those that
          were not settled by the end (only with `resolved`);
        - `response_hours_mean`, `resolution_hours_mean`: float, hours from the opening
          of a ticket to its first answer and to its settlement, missing without any.
          Columns with time zones, which may differ, have the hours that passed.

    Raises
    ------
    SchemaError
        If a column is missing or has the wrong type, or some dates have a time zone
        and others none.
    DataQualityError
        If ids or times are missing, an answer is off its scale, a ticket was answered
        or settled before it was opened, there are more than 50 touchpoints, or the
        table has no rows until the end.
    ValueError
        If the scale is no pair of numbers, touchpoints are no names, or the end cannot
        be read.
    TypeError
        If `columns` is no FeedbackColumns, or `feedback` no table.

    Warns
    -----
    SegmentWarning
        If rows have a touchpoint that `touchpoints` does not have.

    See Also
    --------
    summarize_events : Where customers were on their way.
    custseg.features.net_promoter_score : The score of a group, with its error.

    Notes
    -----
    The classes of answers to how likely one is to recommend are Reichheld's [1]_. The
    score of one customer rests on few answers; that of a segment is the figure to
    report.

    References
    ----------
    .. [1] Reichheld, F. F. (2003). The one number you need to grow. Harvard Business
       Review 81(12), 46-54.

    Examples
    --------
    >>> import pandas as pd
    >>> from custseg.tables import FeedbackColumns, summarize_feedback
    >>> answers = pd.DataFrame({
    ...     "customer_id": ["a", "a", "b"],
    ...     "time": pd.to_datetime(["2024-01-01", "2024-01-05", "2024-01-03"]),
    ...     "stars": [4, 2, None],
    ...     "recommend": [9, 3, 10],
    ... })
    >>> columns = FeedbackColumns(satisfaction="stars", promoter_score="recommend")
    >>> found = summarize_feedback(answers, columns)
    >>> found[["customer_id", "satisfaction_mean", "net_promoter_score"]]
      customer_id  satisfaction_mean  net_promoter_score
    0           a                3.0                 0.0
    1           b                NaN               100.0
    """
    table = _open(feedback, columns)
    scales = {
        "satisfaction": _read_scale(satisfaction_scale),
        "promoter_score": (0, 10),
    }
    plan = {"columns": columns, "scales": scales}
    figures = table.figures(_figures, **plan)
    if not figures["n_rows"]:
        raise DataQualityError(
            f"{_WHAT} must have at least one row. Got 0 rows instead. Check how it was "
            "read."
        )
    refuse_bad(table, figures, _ask, **plan)
    name = columns.customer_id
    check_whole_ids(name, table.schema[name], figures.get("fraction"))
    limit = reference = figures["last"]
    if observation_period_end is not None:
        zone = zone_of(table.frame, columns.time)
        limit, reference = read_end(
            observation_period_end, "observation_period_end", zone
        )
        if figures["first"] > limit:
            raise DataQualityError(
                "observation_period_end must not come before the first row of the "
                f"table. Got {observation_period_end!r} instead. Check the year, and "
                "the order of day and month."
            )
    names = _read_touchpoints(table, columns, touchpoints, limit)
    found = table.run(
        _summarize,
        by=columns.customer_id,
        columns=columns,
        touchpoints=names,
        limit=limit,
        reference=reference,
    )
    zeros = ["n_feedback", *_counts(columns)]
    return with_listed(found, customers, columns.customer_id, zeros)


def _open(feedback, columns):
    table = open_with_roles(feedback, columns, FeedbackColumns, _WHAT)
    named = columns.named()
    check_customer_type(columns.customer_id, table.schema[columns.customer_id])
    for role in ("time", *_ANSWERS):
        if role in named:
            check_date_type(named[role], table.frame)
            _check_zones(table.frame, columns.time, named[role])
    for role in _SCORES:
        if role in named and not table.schema[named[role]].is_numeric():
            raise SchemaError(
                f"Column {named[role]!r} must hold numbers. Got "
                f"{table.schema[named[role]]} instead. Parse it first, e.g. with "
                "pandas.to_numeric or polars.Expr.cast(polars.Float64)."
            )
    return table


def _check_zones(frame, time, name):
    """Raise if one of two columns has a time zone and the other none."""
    zones = [zone_of(frame, one) for one in (time, name)]
    if (zones[0] is None) != (zones[1] is None):
        raise SchemaError(
            f"Columns {time!r} and {name!r} must both have a time zone, or none. Got "
            f"{zones[0] or 'none'} and {zones[1] or 'none'} instead. Give the one "
            "without the zone that it was written in."
        )


def _read_scale(scale):
    try:
        least, most = (float(one) for one in scale)
    except (TypeError, ValueError):
        least = most = 0.0
    if not least < most:
        raise ValueError(
            "satisfaction_scale must be two numbers, the lower end first. Got "
            f"{scale!r} instead. Write (1, 5)."
        )
    return least, most


def _rows(frame, columns):
    """Columns of the roles under fixed names.

    `time` is in microseconds of the clock on the wall; `opened`, which is the same
    time, `responded` and `resolved` are moments, which can be subtracted.
    """
    named = columns.named()
    schema = frame.collect_schema()
    frame = with_clock(frame, columns.time, "_custseg_time")
    parts = {"customer": nw.col(columns.customer_id), "date": nw.col(columns.time)}
    parts["time"] = nw.col("_custseg_time")
    answers = {role: named[role] for role in _ANSWERS if role in named}
    if answers:
        answers["opened"] = columns.time
    for role, name in answers.items():
        frame = with_moment(frame, name, f"_custseg_{role}")
        parts[role] = nw.col(f"_custseg_{role}")
    for role in _SCORES:
        if role in named:
            parts[role] = _number(nw.col(named[role]))
    if "touchpoint" in named:
        name = named["touchpoint"]
        parts["touchpoint"] = plain_level(nw.col(name), schema[name])
    if "complaint" in named:
        name = named["complaint"]
        parts["complaint"] = plain_flag(nw.col(name), schema[name])
    if "ticket" in named:
        name = named["ticket"]
        has_ticket = ~missing(nw.col(name), schema[name])
        parts["ticket"] = has_ticket.cast(nw.Int64)
    if ROW in schema.names():
        parts[ROW] = nw.col(ROW)
    rows = frame.select(**parts)
    if not rows.implementation.is_pandas():
        return rows
    numbers = {role: "float64" for role in _SCORES if role in named}
    return nw.from_native(rows.to_native().astype(numbers)).lazy()


def _number(column):
    """Return numbers of which a missing one is missing, and not NaN."""
    column = column.cast(nw.Float64)
    return nw.when(~column.is_nan()).then(column)


def _ask(frame, columns, scales):
    """Return rows under fixed names, and what none of them may be like."""
    rows = _rows(frame, columns)
    named, schema = columns.named(), rows.collect_schema()
    zone = zone_of(rows, "date")
    ancient, epoch, distant = impossible_dates(zone, "time").values()
    found = {
        (columns.customer_id, "a customer id"): missing(
            nw.col("customer"), schema["customer"]
        ),
        (columns.time, "a time"): nw.col("date").is_null(),
        (
            columns.time,
            "a time of the years 1901 to 2099, and not of January 1970,",
        ): ancient | epoch | distant,
    }
    for role in _SCORES:
        if role in named:
            least, most = scales[role]
            beyond = (nw.col(role) < least) | (nw.col(role) > most)
            found[named[role], f"numbers from {least:g} to {most:g}, or none,"] = beyond
    for role in _ANSWERS:
        if role in named:
            before = (nw.col(role) < nw.col("opened")) & (nw.col("ticket") == 1)
            found[named[role], "a time after the ticket was opened, or none,"] = before
    return rows, {Question(*one, "Drop or mend them."): b for one, b in found.items()}


def _figures(frame, columns, scales):
    rows, questions = _ask(frame, columns, scales)
    counts = bad_counts(questions)
    fraction = not_whole(rows.collect_schema()["customer"])
    if fraction is not None:
        counts["fraction_sum"] = fraction
    return rows.select(
        nw.len().alias("n_rows_sum"),
        nw.col("time").min().alias("first_min"),
        nw.col("time").max().alias("last_max"),
        *sums_of(counts),
    )


def _read_touchpoints(table, columns, touchpoints, limit):
    if columns.touchpoint is None:
        if touchpoints is not None:
            raise SchemaError(
                "FeedbackColumns must name touchpoint where touchpoints are given. Got "
                "None instead. Name the column."
            )
        return ()
    if touchpoints is not None:
        names = read_names(touchpoints, "touchpoints")
        found = table.figures(_unlisted, columns=columns, limit=limit, names=names)
        if found["n_unlisted"]:
            warnings.warn(
                f"Column {columns.touchpoint!r} has levels that touchpoints does not "
                f"have in {found['n_unlisted']:,} of {found['n_rows']:,} rows. They "
                "count in the totals, and in no column of their own. Give touchpoints "
                "the new levels if they are to have columns.",
                SegmentWarning,
                stacklevel=3,
            )
        return names
    rows = table.rows(_levels, columns=columns, limit=limit)
    names = {row["touchpoint"] for row in rows}
    names = {_NO_TOUCHPOINT if one is None or one != one else one for one in names}
    if len(names) > _MOST_TOUCHPOINTS:
        raise DataQualityError(
            f"Column {columns.touchpoint!r} must have at most {_MOST_TOUCHPOINTS} "
            f"touchpoints. Got {len(names):,} instead. Map them to a few, or name "
            "those that are to have columns."
        )
    return tuple(sorted(names))


def _unlisted(frame, columns, limit, names):
    rows = _rows(frame, columns).filter(nw.col("time") <= limit)
    known = nw.col("touchpoint").is_in(list(names)).fill_null(_NO_TOUCHPOINT in names)
    return rows.select(
        nw.len().alias("n_rows_sum"),
        (~known).cast(nw.Int64).sum().fill_null(0).alias("n_unlisted_sum"),
    )


def _levels(frame, columns, limit):
    rows = _rows(frame, columns).filter(nw.col("time") <= limit)
    return rows.select("touchpoint").unique()


def _counts(columns):
    """Return the names of figures that count, besides that of all rows."""
    named = columns.named()
    found = {
        "satisfaction": ["n_satisfaction"],
        "promoter_score": ["n_promoter_score"],
        "complaint": ["n_complaints"],
        "ticket": ["n_tickets"],
        "resolved": ["n_open_tickets"],
    }
    return [name for role, names in found.items() if role in named for name in names]


def _summarize(frame, columns, touchpoints, limit, reference):
    rows = settled_ids(_rows(frame, columns), columns.customer_id)
    rows = rows.filter(nw.col("time") <= limit).with_columns(one=nw.lit(1))
    named = columns.named()
    lines, figures = {"n": nw.col("one")}, {}
    for role in _SCORES:
        if role in named:
            own, made = _score(role, touchpoints)
            answered = nw.when(~nw.col(role).is_null()).then(nw.col("time"))
            rows = rows.with_columns(answered.alias(f"{role}_time"))
            latest = nw.col(f"{role}_time").max().over("customer")
            rows = rows.with_columns(latest.alias(f"{role}_latest"))
            lines |= own
            figures |= made
    if "complaint" in named:
        lines["complaints"] = nw.col("complaint")
        figures["n_complaints"] = nw.col("complaints").cast(nw.Int64)
        figures["complaint_share"] = share(nw.col("complaints"), nw.col("n"))
    if "ticket" in named:
        own, made = _tickets(named, moment_of(limit, zone_of(frame, columns.time)))
        lines |= own
        figures |= made
    customers = (
        rows.with_columns(**lines)
        .group_by("customer")
        .agg(nw.col("time").max(), *(nw.col(name).sum() for name in lines))
    )
    figures = {
        "n_feedback": nw.col("n").cast(nw.Int64),
        "feedback_recency": (reference - nw.col("time")) / DAY,
    } | figures
    return _numpy_numbers(of_customers(customers, figures))


def _numpy_numbers(found):
    """Give figures NumPy's types where pandas took others from text of pyarrow."""
    if not found.implementation.is_pandas():
        return found
    types = {
        name: "int64" if dtype.is_integer() else "float64"
        for name, dtype in found.collect_schema().items()
        if name != "customer_id"
    }
    return nw.from_native(found.to_native().astype(types)).lazy()


def _score(role, touchpoints):
    """Return what rows and customers need for the answers on one scale."""
    value = nw.col(role)
    there = (~value.is_null()).cast(nw.Int64)
    known = value.fill_null(0.0)
    last = there * (nw.col(f"{role}_time") == nw.col(f"{role}_latest")).cast(nw.Int64)
    last = last.fill_null(0)
    lines = {f"{role}_n": there, f"{role}_sum": known}
    lines |= {f"{role}_last_n": last, f"{role}_last_sum": last * known}
    n = nw.col(f"{role}_n")
    figures = {
        f"n_{role}": n.cast(nw.Int64),
        f"{role}_mean": share(nw.col(f"{role}_sum"), n),
        f"{role}_last": share(nw.col(f"{role}_last_sum"), nw.col(f"{role}_last_n")),
    }
    for place, name in enumerate(touchpoints):
        here = (nw.col("touchpoint") == name).fill_null(False)
        if name == _NO_TOUCHPOINT:
            here = here | nw.col("touchpoint").is_null()
        here = here.cast(nw.Int64)
        lines[f"{role}_{place}_n"] = here * there
        lines[f"{role}_{place}_sum"] = here * known
        figures[f"{role}_{name}_mean"] = share(
            nw.col(f"{role}_{place}_sum"), nw.col(f"{role}_{place}_n")
        )
    if role == "promoter_score":
        lines["promoters"] = (value >= 9).fill_null(False).cast(nw.Int64)
        lines["detractors"] = (value < 7).fill_null(False).cast(nw.Int64)
        for_it, against = nw.col("promoters"), nw.col("detractors")
        figures["promoter_share"] = share(for_it, n)
        figures["detractor_share"] = share(against, n)
        figures["net_promoter_score"] = share(100.0 * (for_it - against), n)
    return lines, figures


def _tickets(named, limit):
    """Return what rows and customers need for tickets and the time they took.

    `limit` is a moment.
    """
    ticket = nw.col("ticket")
    lines = {"tickets": ticket}
    figures = {"n_tickets": nw.col("tickets").cast(nw.Int64)}
    if "resolved" in named:
        done = (nw.col("resolved") <= limit).fill_null(False).cast(nw.Int64)
        lines["open_tickets"] = ticket * (1 - done)
        figures["n_open_tickets"] = nw.col("open_tickets").cast(nw.Int64)
    for role, name in (("responded", "response"), ("resolved", "resolution")):
        if role in named:
            known = (nw.col(role) <= limit).fill_null(False).cast(nw.Int64) * ticket
            took = (nw.col(role) - nw.col("opened")).fill_null(0) * known
            lines |= {f"{name}_n": known, f"{name}_sum": took}
            hours = nw.col(f"{name}_sum") / _HOUR
            figures[f"{name}_hours_mean"] = share(hours, nw.col(f"{name}_n"))
    return lines, figures
