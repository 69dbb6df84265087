"""One row per customer: what happened on the way to a payment, and after it."""

import narwhals as nw

from custseg.exceptions import DataQualityError, SchemaError
from custseg.tables._clock import DAY, read_end, zone_of
from custseg.tables._event_columns import EventColumns
from custseg.tables._event_plan import (
    GIVEN,
    LEVELLED,
    MISSING,
    OTHER,
    Plan,
    check_names,
    check_options,
    in_order,
    read_levels,
    read_modes,
    read_stages,
)
from custseg.tables._identities import with_identities
from custseg.tables._ids import check_customer_type, check_whole_ids, missing, not_whole
from custseg.tables._journey_columns import event_zeros
from custseg.tables._journeys import as_events, summarize
from custseg.tables._lines import check_date_type, impossible_dates
from custseg.tables._listed import with_listed
from custseg.tables._open import open_table
from custseg.tables._questions import Question, bad_counts, refuse_bad, sums_of
from custseg.tables._roles import open_with_roles

__all__ = ["summarize_events"]

_MOST_LEVELS = 50


def summarize_events(
    events,
    columns,
    *,
    stages=None,
    conversion=None,
    touchpoints=None,
    channels=None,
    payment_methods=None,
    online=None,
    transitions=None,
    open_days=0,
    identities=None,
    unknown_aliases="refuse",
    customers=None,
    observation_period_end=None,
):
    """Make one row per customer of the events of their journeys.

    Parameters
    ----------
    events : frame
        One row for each contact of a customer with the seller: pandas or polars data
        frame (also lazy), pyarrow table, DuckDB relation, Spark or Dask data frame. It
        is not changed. Equal rows count as often as they are there.
    columns : EventColumns
        Which column is which.
    stages : mapping of str to sequence of str, default=None
        Stages in their order, of the phases "before", "during" and "after" a purchase.
        None takes ``{"before": ("search", "compare", "consult"), "during": ("choose",
        "pay"), "after": ("feedback", "service", "recommend")}``. The case of letters
        and blanks around a name make no difference.
    conversion : str, default=None
        The stage of payment, which ends a journey. None takes the last one of the phase
        "during".
    touchpoints, channels, payment_methods : sequence of str, default=None
        Levels that have columns, in their order, so that next month's table has the
        same. Rows with others are refused, or counted as "other" if that is among the
        names; rows without one are "missing". None takes the levels that are there
        until the end, by name: of payment methods those at the stage of payment.
    online : sequence of str, default=None
        Channels that are online, in any case of letters; all others but "missing" and
        "other" are offline. None knows online, web, website, webshop, app, mobile,
        internet, email, e-mail, social and chat as online; offline, store, shop,
        branch, counter, phone and catalog as offline; and refuses others.
    transitions : {"stage", "touchpoint", "channel"} or None, default=None
        Of which levels the moves from one event to the next get a column for each pair.
    open_days : float, default=0
        Days of silence before the end until which a journey without payment may still
        go on and is not abandoned.
    identities : frame, default=None
        Key table of the same kind as `events`, of two columns in this order: an alias,
        such as a cookie, a loyalty card or the hash of an e-mail address, and the
        customer behind it. Ids of events are looked up in it; an id that is no alias,
        but is a customer in it, stays.
    unknown_aliases : {"refuse", "keep"}, default="refuse"
        What becomes of events whose id `identities` does not have: an error that counts
        them, or customers under the id they came with, with `identified` 0.
    customers : frame or sequence, default=None
        Customers to have a row whether they have events or not, as a frame of the same
        kind with the column of ids, or for pandas, polars and pyarrow a sequence of
        ids. Counts of one without events are 0, all else is missing.
    observation_period_end : str, date, datetime or pandas.Timestamp, default=None
        Until when customers were observed; what comes after is left out. A date without
        a time, or a time of midnight, means the end of that day, inclusive. None takes
        the latest time of `events`.

    Returns
    -------
    customers : same kind as `events`
        One row per customer, ordered by `customer_id` where rows have an order:

        - `customer_id`: as given, or as `identities` has it;
        - `n_events`: int;
        - `first_time`, `last_time`: times of the first and last event;
        - `recency`, `tenure`: float, days from the last and from the first event to
          the end;
        - `n_aliases`: int, ids that the customer came with; `identified`: 1 if
          `identities` has all of them, else 0 (both only with `identities`).

        Where `touchpoint` is named, and the same where `channel` is:

        - `first_touchpoint`, `last_touchpoint`: text;
        - `n_touchpoints`: int, different ones, "missing" not among them;
        - `touchpoint_<level>_count`, `touchpoint_<level>_share`: int, and float from 0
          to 1 of all events.

        Where `stage` is named:

        - `first_stage`, `last_stage`, `furthest_stage`: text;
        - `stage_<level>_count`, `stage_<level>_share`: as for touchpoints;
        - `payment_<level>_count`, `payment_<level>_share`: int, and float, of the
          events at the stage of payment; shares are missing without payment (only where
          `payment_method` is named);
        - `phase_before_share`, `phase_during_share`, `phase_after_share`: float, of all
          events;
        - `n_journeys`, `n_conversions`: int, journeys, and those that ended with a
          payment;
        - `converted`: 1 if there was a payment, else 0;
        - `path_length`: int, events until all rows of the first payment; without
          payment, all events;
        - `time_to_convert`: float, days from the first event to the first payment,
          missing without payment;
        - `decision_time`: float, mean days from the first touch of a journey to its
          payment, missing without payment;
        - `abandoned`: 1 if the last journey has no payment and has been silent for
          `open_days`, else 0;
        - `drop_off_stage`: text, the last stage of such a journey, missing for others.

        Where `channel` is named:

        - `online_share`: float, events online of those that are online or offline,
          missing without any;
        - `n_switches`, `n_switches_to_online`, `n_switches_to_offline`: int, between
          events that are online or offline, over those that are neither;
        - `browse_online_buy_offline_share`, `browse_offline_buy_online_share`: float,
          of the payments online or offline, those of which the journey had been online
          (offline) in the phase before, and the payment was offline (online); missing
          without such payments (only where `stage` is named).

        With `transitions`:

        - `<role>_<level>_to_<level>_share`: float, of all moves of the customer, also
          those to the same level; missing with one event.

    Raises
    ------
    TypeError
        If a table is of no known kind, or `columns` is no `EventColumns`.
    SchemaError
        If a column is missing or has the wrong type, if a parameter needs a role that
        is not named, if `identities` is of another kind or type, or if two columns of
        the result would have one name.
    DataQualityError
        If customer ids, times or stages are missing, impossible or unknown; if levels
        are not among those given, more than 50 are found, or more than 20 have
        transitions; if the table has no rows, or none is on or before the end; if
        aliases are unknown, or `identities` has rows without ids, an alias of several
        customers, or a customer who is an alias of another.
    ValueError
        If a parameter is not as described, or `online` is needed and not given.

    See Also
    --------
    EventColumns : Which column is which.
    summarize_transactions : How recently, how often and for how much.

    Notes
    -----
    Events are ordered by time; at one time by stage, then by touchpoint, channel and
    payment method in the order of their levels. So a table of days, without times,
    has a search before the payment of the same day.

    Payments cut what a customer did into journeys. Each journey has what comes after
    the payment before, until its own payment, inclusive. Payments of one customer at
    one time are one: two methods on one bill are one conversion, and both are in the
    shares of methods. A journey begins with the first event of a stage up to that of
    payment, so that feedback, service and the like after a payment begin none. What
    follows the last payment is a journey if it has such an event; a customer can have
    one that has ended without payment, at most.

    Browsing online and buying in the store is known as webrooming, the reverse as
    showrooming. A journey can have browsed in both.

    Dates are days of the clock on the wall in the column's own time zone. If all times
    are midnight, an event counts as the end of its day, as in
    `summarize_transactions`. With Dask, the two tables are dealt out by alias, and then
    by customer.

    Examples
    --------
    >>> import pandas as pd
    >>> from custseg.tables import EventColumns, summarize_events
    >>> events = pd.DataFrame({
    ...     "customer_id": ["ana", "ana", "ana", "ben", "ben"],
    ...     "time": pd.to_datetime([
    ...         "2024-03-01", "2024-03-03", "2024-03-04", "2024-03-02", "2024-03-05"]),
    ...     "via": ["web", "web", "store", "store", "web"],
    ...     "step": ["search", "compare", "pay", "consult", "choose"],
    ... })
    >>> journeys = summarize_events(events, EventColumns(channel="via", stage="step"))
    >>> journeys[["customer_id", "path_length", "time_to_convert", "n_switches"]]
      customer_id  path_length  time_to_convert  n_switches
    0         ana            3              3.0           1
    1         ben            2              NaN           1
    >>> journeys[["furthest_stage", "abandoned", "browse_online_buy_offline_share"]]
      furthest_stage  abandoned  browse_online_buy_offline_share
    0            pay          0                              1.0
    1         choose          1                              NaN

    One customer behind a cookie and a card:

    >>> keys = pd.DataFrame({"alias": ["ana", "ben"], "customer": [17, 17]})
    >>> one = summarize_events(
    ...     events, EventColumns(channel="via", stage="step"), identities=keys)
    >>> one[["customer_id", "n_events", "n_aliases", "n_journeys", "n_conversions"]]
       customer_id  n_events  n_aliases  n_journeys  n_conversions
    0           17         5          2           2              1
    """
    table = _open_events(events, columns)
    names, phases, conversion = read_stages(columns, stages, conversion)
    given = read_levels(columns, touchpoints, channels, payment_methods)
    check_options(columns, transitions, open_days, unknown_aliases)
    limit, reference = _period(table, columns, names, observation_period_end)
    if identities is not None:
        events = with_identities(
            events, table, columns.customer_id, identities, unknown_aliases
        )
        table = open_table(events, table.what)
    levels = _levels(table, columns, given, limit, names, conversion)
    if names:
        levels["stage"] = names
    plan = Plan(
        columns=columns,
        limit=limit,
        reference=reference,
        stages=tuple(name.lower() for name in names),
        phases=phases,
        conversion=conversion,
        levels=in_order(levels),
        online=read_modes(levels.get("channel", ()), online, columns.channel),
        transitions=transitions,
        open_days=float(open_days),
        identified=identities is not None,
    )
    check_names(plan)
    found = table.run(summarize, by=columns.customer_id, plan=plan)
    return with_listed(found, customers, columns.customer_id, event_zeros(plan))


# -- what the table must be like -------------------------------------------------------


def _open_events(events, columns):
    """Take a table of events through the border, and see that its columns are there."""
    table = open_with_roles(events, columns, EventColumns, "An event table")
    named = columns.named()
    check_customer_type(columns.customer_id, table.schema[columns.customer_id])
    check_date_type(columns.time, table.frame)
    for role, name in named.items():
        dtype = table.schema[name]
        if role in (*LEVELLED, "stage") and (dtype.is_nested() or dtype.is_temporal()):
            raise SchemaError(
                f"Column {name!r} must hold one {role.replace('_', ' ')} a row, as "
                f"text. Got {dtype} instead. Convert it first."
            )
    return table


def _ask(frame, columns, names):
    """Return events, and what none of them may be like."""
    events = as_events(frame, columns)
    schema = events.collect_schema()
    ancient, epoch, distant = impossible_dates(zone_of(events, "date")).values()
    drop = "Drop these rows, or find what is missing."
    years = "a time of the years 1901 to 2099, and not of January 1970,"
    none = "Such times stand for none: drop these rows."
    found = {
        Question(columns.customer_id, "a customer id", drop): missing(
            nw.col("customer"), schema["customer"]
        ),
        Question(columns.time, "a time", drop): nw.col("date").is_null(),
        Question(columns.time, years, none): ancient | epoch | distant,
    }
    if names:
        known = [name.lower() for name in names]
        strange = ~nw.col("stage").fill_null("").is_in(known)
        constraint = f"a stage of {', '.join(map(repr, names))}"
        remedy = "Name these stages too, or give other rows one of them."
        found[Question(columns.stage, constraint, remedy)] = strange
    return events, found


def _figures(frame, columns, names):
    events, questions = _ask(frame, columns, names)
    counts = bad_counts(questions)
    counts["timed_sum"] = nw.col("when") % DAY != 0
    fraction = not_whole(events.collect_schema()["customer"])
    if fraction is not None:
        counts["fraction_sum"] = fraction
    return events.select(
        nw.len().alias("n_rows_sum"),
        nw.col("when").min().alias("first_min"),
        nw.col("when").max().alias("last_max"),
        *sums_of(counts),
    )


def _period(table, columns, names, end):
    """Refuse rows that are not fit to be counted, and find the end."""
    figures = table.figures(_figures, columns=columns, names=names)
    if not figures["n_rows"]:
        raise DataQualityError(
            f"{table.what} must have at least one row. Got 0 rows instead. Check how "
            "it was read."
        )
    refuse_bad(table, figures, _ask, columns=columns, names=names)
    dtype = table.schema[columns.customer_id]
    check_whole_ids(columns.customer_id, dtype, figures.get("fraction"))
    if end is None:
        return figures["last"], figures["last"]
    zone = zone_of(table.frame, columns.time)
    limit, reference = read_end(end, "observation_period_end", zone)
    if not figures["timed"]:
        reference = limit = limit - limit % DAY
    if figures["first"] > limit:
        raise DataQualityError(
            "observation_period_end must not come before the first event of the "
            f"table. Got {end!r} instead. Check the year, and the order of day and "
            "month."
        )
    return limit, reference


# -- levels ----------------------------------------------------------------------------


def _level_rows(frame, columns, roles, limit, paid):
    """Count rows by role and level; of payment methods where the stage is payment."""
    events = as_events(frame, columns).filter(nw.col("when") <= limit)
    found = []
    for role in roles:
        rows = events
        if role == "payment_method":
            rows = events.filter(nw.col("stage") == paid)
        rows = rows.with_columns(level=nw.col(role).fill_null(MISSING))
        rows = rows.group_by("level").agg(nw.len().alias("n"))
        found.append(rows.select(nw.lit(role).alias("role"), "level", "n"))
    return nw.concat(found, how="vertical")


def _levels(table, columns, given, limit, names, conversion):
    """Find the levels of each role, or hold the rows to those that are given."""
    named = columns.named()
    roles = tuple(role for role in LEVELLED if role in named)
    if not roles:
        return {}
    paid = names[conversion].lower() if names else ""
    rows = table.rows(_level_rows, columns=columns, roles=roles, limit=limit, paid=paid)
    counts = {role: {} for role in roles}
    for row in rows:
        n = counts[row["role"]]
        n[row["level"]] = n.get(row["level"], 0) + int(row["n"])
    found = {}
    for role, n in counts.items():
        if role in given:
            _check_given(named[role], role, given[role], n)
            found[role] = given[role]
        elif n:
            _check_few(named[role], role, n)
            found[role] = tuple(sorted(n))
    return found


def _check_given(name, role, levels, counts):
    other = {level: n for level, n in counts.items() if level not in levels}
    if other and OTHER not in levels:
        raise DataQualityError(
            f"Column {name!r} must hold one of {GIVEN[role]} in every row. Got "
            f"{sum(other.values()):,} rows with {len(other):,} others instead. Name "
            "them, or name 'other', which then stands for all of them."
        )


def _check_few(name, role, counts):
    if len(counts) > _MOST_LEVELS:
        raise DataQualityError(
            f"Column {name!r} must have at most {_MOST_LEVELS} levels to be counted "
            f"by. Got {len(counts):,} instead. Map them to a few first, or name some "
            f"and 'other' in {GIVEN[role]}."
        )
