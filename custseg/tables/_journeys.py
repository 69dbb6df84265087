"""From events to journeys to customers: pure functions of a frame and a plan.

Rows of an event are `customer`, `date` as given, `when` (microseconds of the clock on
the wall) and, as whole numbers, the place of its level among the levels of each role:
`touchpoint`, `channel`, `stage`, `payment_method`. Nothing is read here.
"""

import narwhals as nw

from custseg.tables._clock import DAY, with_clock
from custseg.tables._event_plan import LEVELLED, MISSING, OTHER
from custseg.tables._ids import settled_ids
from custseg.tables._journey_columns import event_figures
from custseg.tables._lines import plain_level
from custseg.tables._open import ROW
from custseg.tables._parts import of_customers

__all__ = ["ALIAS", "KNOWN", "as_events", "summarize"]

ALIAS, KNOWN = "_custseg_alias", "_custseg_known"
_WHEN = "_custseg_when"
_NEVER = 10**17  # microseconds: after all dates
_ORDER = ("when", "turn")


# -- rows under fixed names ------------------------------------------------------------


def as_events(frame, columns, identified=False):
    """Columns of the table under fixed names; levels are text, missing ones null."""
    frame = with_clock(frame, columns.time, _WHEN)
    schema, named = frame.collect_schema(), columns.named()
    parts = {
        "customer": nw.col(columns.customer_id),
        "date": nw.col(columns.time),
        "when": nw.col(_WHEN),
    }
    for role in (*LEVELLED, "stage"):
        if role in named:
            parts[role] = plain_level(nw.col(named[role]), schema[named[role]])
    if "stage" in named:
        parts["stage"] = parts["stage"].str.to_lowercase()
    if identified:
        parts |= {"alias": nw.col(ALIAS), "known": nw.col(KNOWN)}
    if ROW in schema.names():
        parts[ROW] = nw.col(ROW)
    return frame.select(**parts)


def coded_events(frame, plan):
    """Rows until the end, with the places of their levels, and in which turn they come.

    `turn` orders what happened at one time: by stage, then by the other levels, so that
    only rows that are alike are left in no order.
    """
    columns = plan.columns
    events = as_events(frame, columns, plan.identified)
    events = settled_ids(events, columns.customer_id)
    events = events.filter(nw.col("when") <= plan.limit)
    codes = {
        role: _code(nw.col(role), plan.stages if role == "stage" else names)
        for role, names in plan.levels.items()
    }
    events = _plain(events.with_columns(nw.col("when"), **codes), codes)
    turn = nw.col("when") * 0
    for role in ("stage", *LEVELLED):
        if role in plan.levels:
            turn = turn * len(plan.levels[role]) + nw.col(role)
    return events.with_columns(turn=turn)


def _code(text, names):
    """Place of a level among names; one not among them has that of OTHER."""
    text = text.fill_null(MISSING)
    terms = [(text == name).cast(nw.Int64) * place for place, name in enumerate(names)]
    found = sum(terms[1:], terms[0])
    if OTHER not in names:
        return found
    return nw.when(text.is_in(list(names))).then(found).otherwise(names.index(OTHER))


def _plain(events, names):
    """Give numbers of pandas NumPy's own types, which no figure is then without."""
    if not events.implementation.is_pandas():
        return events
    types = dict.fromkeys(["when", *names], "int64")
    return nw.from_native(events.to_native().astype(types)).lazy()


# -- events in their order -------------------------------------------------------------


def ordered_events(events, plan):
    """Give events their numbers, by customer, and journeys, which payments end.

    `paid` marks the first row of a payment (rows at the same time are one), `journey`
    counts the payments before.
    """
    # Not cum_count of a time, by which pandas counts rows in the order of the table.
    events = events.with_columns(one=nw.col("when") * 0 + 1)
    events = events.with_columns(
        place=nw.col("one").cum_sum().over("customer", order_by=_ORDER)
    )
    if plan.stages:
        events = _with_journeys(events, plan)
    else:
        nothing = nw.col("when") * 0
        events = events.with_columns(journey=nothing, paid=nothing)
    return _with_modes(events, plan) if plan.online else events


def _with_journeys(events, plan):
    is_pay = (nw.col("stage") == plan.conversion).cast(nw.Int64)
    events = events.with_columns(
        is_pay=is_pay, pay_time=nw.when(is_pay == 1).then(nw.col("when")).otherwise(-1)
    )
    before = _before("pay_time", "customer", none=-_NEVER)
    events = events.with_columns(before=before)
    again = (nw.col("is_pay") == 1) & (nw.col("before") == nw.col("pay_time"))
    events = events.with_columns(again=again.cast(nw.Int64))
    events = events.with_columns(paid=nw.col("is_pay") - nw.col("again"))
    # Rows that are alike may come in another order than above: the first of a payment
    # comes before the others.
    so_far = nw.col("paid").cum_sum().over("customer", order_by=(*_ORDER, "again"))
    events = events.with_columns(so_far=so_far)
    return events.with_columns(journey=nw.col("so_far") - nw.col("is_pay"))


def _with_modes(events, plan):
    """Add whether a channel is online, and if the one known before was not, or was."""
    terms = [
        (nw.col("channel") == place).cast(nw.Int64) * mode
        for place, mode in enumerate(plan.online)
    ]
    events = events.with_columns(mode=sum(terms[1:], terms[0]))
    events = events.with_columns(has_mode=(nw.col("mode") >= 0).cast(nw.Int64))
    events = events.with_columns(mode_before=_before("mode", "customer", "has_mode"))
    mode, before = nw.col("mode"), nw.col("mode_before")
    return events.with_columns(
        online=(mode == 1).cast(nw.Int64),
        to_online=((mode == 1) & (before == 0)).cast(nw.Int64),
        to_offline=((mode == 0) & (before == 1)).cast(nw.Int64),
    )


def _before(column, *keys, none=-1):
    """Value of the event before, whole; `none` where there is none."""
    before = nw.col(column).shift(1).over(*keys, order_by=_ORDER)
    return before.fill_null(none).cast(nw.Int64)


# -- journeys and customers ------------------------------------------------------------


def summarize(frame, plan):
    """Make one row per customer; see `summarize_events`."""
    events = coded_events(frame, plan)
    in_order = ordered_events(events, plan)
    customers = _customers(in_order, plan)
    for role in plan.levels:
        rows = events
        if role == "payment_method":
            rows = events.filter(nw.col("stage") == plan.conversion)
        counts = _counts(rows, role, f"{role} n", len(plan.levels[role]))
        customers = customers.join(counts, on="customer", how="left")
    if plan.transitions:
        counts = _moves(in_order, plan)
        customers = customers.join(counts, on="customer", how="left")
    return of_customers(customers, event_figures(plan))


def _counts(rows, code, called, n_levels):
    """Count rows of each customer at each place of a level, in one column each."""
    rows = rows.group_by("customer", code).agg(nw.len().alias("n"))
    flags = {
        f"{called} {place}": (nw.col(code) == place).cast(nw.Int64) * nw.col("n")
        for place in range(n_levels)
    }
    rows = rows.with_columns(**flags)
    return rows.group_by("customer").agg(*(nw.col(name).sum() for name in flags))


def _moves(events, plan):
    """Count moves of each customer from one level of a role to the next."""
    role = plan.transitions
    n_levels = len(plan.levels[role])
    events = events.with_columns(left=_before(role, "customer"))
    moves = events.filter(nw.col("left") >= 0)
    moves = moves.with_columns(move=nw.col("left") * n_levels + nw.col(role))
    return _counts(moves, "move", "move", n_levels**2)


def _customers(events, plan):
    """One row per customer, of events by way of journeys."""
    columns = _event_columns(plan)
    rows = events.with_columns(n=nw.col("when") * 0 + 1, **columns)
    sums = ["n", "paid"]
    most = [name for name in columns if not name.endswith(("_first", "_from"))]
    least = [name for name in columns if name.endswith(("_first", "_from"))]
    if plan.online:
        sums += ["online", "has_mode", "to_online", "to_offline"]
    if plan.identified:
        least += ["known"]
    journeys = rows.group_by("customer", "journey").agg(
        nw.col("date").min().alias("from"),
        nw.col("date").max().alias("until"),
        nw.col("when").min().alias("when_from"),
        nw.col("when").max().alias("when_until"),
        *(nw.col(name).sum() for name in sums),
        *(nw.col(name).max() for name in most),
        *(nw.col(name).min() for name in least),
    )
    marks = _journey_columns(plan)
    customers = (
        journeys.with_columns(nw.col("n"), **marks)
        .group_by("customer")
        .agg(
            *(nw.col(name).min() for name in ("from", "when_from", *least)),
            *(nw.col(name).max() for name in ("until", "when_until", *most)),
            *(nw.col(name).sum() for name in (*sums, *marks)),
        )
    )
    if plan.identified:
        aliases = rows.group_by("customer").agg(n_aliases=nw.col("alias").n_unique())
        customers = customers.join(aliases, on="customer", how="left")
    return customers


def _event_columns(plan):
    """Columns of events: in names that end in _first and _from the least counts."""
    found = {}
    place = nw.col("place")
    for role in ("touchpoint", "channel", "stage"):
        if role in plan.levels:
            key = place * len(plan.levels[role]) + nw.col(role)
            found |= {f"{role}_first": key, f"{role}_last": key}
    if not plan.stages:
        return found
    stage, paid = nw.col("stage"), nw.col("paid") == 1
    ahead = stage < plan.conversion
    key = place * len(plan.stages) + stage
    found["furthest"] = stage
    found["try_from"] = _where(stage <= plan.conversion, nw.col("when"), _NEVER)
    found["paid_from"] = _where(paid, nw.col("when"), _NEVER)
    found["open_last"] = _where(ahead, key, 0)
    found["open_until"] = _where(ahead, nw.col("when"), -_NEVER)
    if plan.online:
        browsing = stage < dict(plan.phases)["before"]
        mode = nw.col("mode")
        found["browsed_online"] = (browsing & (mode == 1)).cast(nw.Int64)
        found["browsed_offline"] = (browsing & (mode == 0)).cast(nw.Int64)
        found["bought"] = _where(paid, mode, -1)
    return found


def _where(condition, value, otherwise):
    return nw.when(condition).then(value).otherwise(otherwise)


def _journey_columns(plan):
    """Columns of journeys, to be summed over a customer's."""
    n, paid = nw.col("n"), nw.col("paid") == 1
    if not plan.stages:
        return {}
    silent = plan.reference - nw.col("open_until") >= int(plan.open_days * DAY)
    is_open = ~paid & (nw.col("open_last") > 0)
    found = {
        "path": _where(nw.col("journey") == 0, n, 0),
        "tried": (nw.col("try_from") < _NEVER).cast(nw.Int64),
        "decided": _where(paid, nw.col("paid_from") - nw.col("try_from"), 0),
        "abandoned": (is_open & silent).cast(nw.Int64),
        "left_at": _where(is_open & silent, nw.col("open_last"), 0),
    }
    if plan.online:
        bought = nw.col("bought")
        online, offline = nw.col("browsed_online"), nw.col("browsed_offline")
        found |= {
            "bought_known": (paid & (bought >= 0)).cast(nw.Int64),
            "web_to_store": (paid & (bought == 0) & (online == 1)).cast(nw.Int64),
            "store_to_web": (paid & (bought == 1) & (offline == 1)).cast(nw.Int64),
        }
    return found
