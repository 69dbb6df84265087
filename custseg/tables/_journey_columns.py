"""The columns that a summary of events has, of those of its customers."""

import narwhals as nw

from custseg.tables._clock import DAY
from custseg.tables._event_plan import MISSING
from custseg.tables._parts import share

__all__ = ["event_figures", "event_zeros"]

_PREFIX = {"payment_method": "payment"}
_COUNTED = {"path_length", "converted", "abandoned"}


def event_figures(plan):
    """Return the columns of the result, as expressions on those of customers."""
    n = nw.col("n")
    found = {
        "n_events": _whole(n),
        "first_time": nw.col("from"),
        "last_time": nw.col("until"),
        "recency": (plan.reference - nw.col("when_until")) / DAY,
        "tenure": (plan.reference - nw.col("when_from")) / DAY,
    }
    if plan.identified:
        found |= {
            "n_aliases": _whole(nw.col("n_aliases").fill_null(0)),
            "identified": _whole("known"),
        }
    for role in plan.levels:
        if role == "payment_method":
            found |= _level_figures(plan, role, None)
            continue
        found |= _touch_figures(plan, role)
        found |= _level_figures(plan, role, n)
    if plan.online:
        found |= _mode_figures()
    if plan.stages:
        found |= _stage_figures(plan)
    if plan.stages and plan.online:
        known = nw.col("bought_known")
        found["browse_online_buy_offline_share"] = share(nw.col("web_to_store"), known)
        found["browse_offline_buy_online_share"] = share(nw.col("store_to_web"), known)
    return found | (_move_figures(plan) if plan.transitions else {})


def event_zeros(plan):
    """Return the columns that are 0 for a customer without events: set of str."""
    return {
        name
        for name in event_figures(plan)
        if name in _COUNTED or name.startswith("n_") or name.endswith("_count")
    }


def _whole(column):
    column = nw.col(column) if isinstance(column, str) else column
    return column.cast(nw.Int64)


def _named(code, names, there=None):
    """Return the level at a place, missing where none is `there`."""
    text = nw.lit(names[-1])
    for place, name in reversed(list(enumerate(names[:-1]))):
        text = nw.when(code == place).then(nw.lit(name)).otherwise(text)
    return text if there is None else nw.when(there).then(text)


def _touch_figures(plan, role):
    names = plan.levels[role]
    first, last = nw.col(f"{role}_first"), nw.col(f"{role}_last")
    return {
        f"first_{role}": _named(first % len(names), names),
        f"last_{role}": _named(last % len(names), names),
    }


def _level_figures(plan, role, n):
    """Return counts and shares by level, of `n` rows or, if None, of their sum."""
    names = plan.levels[role]
    prefix = _PREFIX.get(role, role)
    counts = [nw.col(f"{role} n {i}").fill_null(0) for i in range(len(names))]
    whole = sum(counts[1:], counts[0]) if n is None else n
    found = {}
    if role in ("touchpoint", "channel"):
        several = [
            (count > 0).cast(nw.Int64)
            for name, count in zip(names, counts, strict=True)
            if name != MISSING
        ] or [nw.col("n") * 0]
        found[f"n_{role}s"] = _whole(sum(several[1:], several[0]))
    for name, count in zip(names, counts, strict=True):
        found[f"{prefix}_{name}_count"] = _whole(count)
        found[f"{prefix}_{name}_share"] = share(count, whole)
    return found


def _mode_figures():
    to_online, to_offline = nw.col("to_online"), nw.col("to_offline")
    return {
        "online_share": share(nw.col("online"), nw.col("has_mode")),
        "n_switches": _whole(to_online + to_offline),
        "n_switches_to_online": _whole(to_online),
        "n_switches_to_offline": _whole(to_offline),
    }


def _stage_figures(plan):
    names, n_paid = plan.levels["stage"], nw.col("paid")
    found = {"furthest_stage": _named(nw.col("furthest"), names)}
    start = 0
    for phase, length in plan.phases:
        counts = [nw.col(f"stage n {i}") for i in range(start, start + length)]
        start += length
        if counts:
            whole = sum(counts[1:], counts[0])
            found[f"phase_{phase}_share"] = share(whole, nw.col("n"))
    to_convert = (nw.col("paid_from") - nw.col("when_from")) / DAY
    left_at = nw.col("left_at")
    return found | {
        "n_journeys": _whole("tried"),
        "n_conversions": _whole(n_paid),
        "converted": (n_paid > 0).cast(nw.Int64),
        "path_length": _whole("path"),
        "time_to_convert": nw.when(n_paid > 0).then(to_convert),
        "decision_time": share(nw.col("decided") / DAY, n_paid),
        "abandoned": _whole("abandoned"),
        "drop_off_stage": _named(left_at % len(names), names, left_at > 0),
    }


def _move_figures(plan):
    role = plan.transitions
    names, n_moves = plan.levels[role], nw.col("n") - 1
    found = {}
    for i, left in enumerate(names):
        for j, reached in enumerate(names):
            count = nw.col(f"move {i * len(names) + j}").fill_null(0)
            found[f"{role}_{left}_to_{reached}_share"] = share(count, n_moves)
    return found
