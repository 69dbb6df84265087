"""The groups of columns of a summary that users choose."""

from collections.abc import Callable
from typing import NamedTuple

import narwhals as nw

from custseg.tables._calendar import (
    day_of,
    read_dayparts,
    read_holidays,
    read_seasons,
    read_weekdays,
)
from custseg.tables._clock import DAY
from custseg.tables._parts import Parts, share
from custseg.tables._purchases import as_lines, missing

__all__ = [
    "GROUPS",
    "LEVELLED",
    "NO_LEVEL",
    "as_given",
    "as_pairs",
    "level_sums",
    "unseen",
]

NO_LEVEL = "missing"
_MONTH = 30  # days


class Group(NamedTuple):
    """A group of columns.

    Attributes
    ----------
    make : callable
        Makes its parts of settings, columns and period.
    needs : tuple of tuple of str
        Roles it cannot do without; one of each tuple is enough.
    numbers : tuple of str
        Roles that must hold finite numbers, if they are named.
    """

    make: Callable
    needs: tuple = ()
    numbers: tuple = ()


def as_given(value):
    """Return a mapping where one was given."""
    if isinstance(value, tuple):
        return dict(value)
    return value


def as_pairs(mapping):
    return tuple((key, _frozen(value)) for key, value in dict(mapping).items())


def _frozen(value):
    if isinstance(value, list | tuple):
        return tuple(_frozen(one) for one in value)
    return value


# -- levels of lines -------------------------------------------------------------------


def level_sums(frame, columns, role, with_prices):
    """Sum currency and units by level of a role, for what was bought for money."""
    roles = (role, "quantity") if with_prices else (role,)
    lines = as_lines(frame, columns, roles)
    units = nw.col("quantity") if with_prices else nw.lit(0.0)
    bought = nw.col("amount") > 0
    lines = lines.with_columns(level=nw.col(role), spent=nw.col("amount"), units=units)
    lines = lines.filter(bought & (nw.col("units") > 0) if with_prices else bought)
    return lines.group_by("level").agg(nw.col("spent").sum(), nw.col("units").sum())


def levels_of(settings, role):
    """Return the levels of a role: tuple of str."""
    return dict(settings.levels or ()).get(role, ())


def unseen(frame, columns, levels):
    """Count the lines whose level of a role is none of those given."""
    roles = [role for role, _ in levels]
    lines = as_lines(frame, columns, roles)
    counts = {}
    for role, names in levels:
        known = nw.col(role).is_in([str(name) for name in names])
        absent = nw.col(role).is_null()
        is_new = ~known & ~absent
        if NO_LEVEL not in names:
            is_new = is_new | absent
        counts[f"{role}_sum"] = is_new.fill_null(False).cast(nw.Int64)
    return lines.with_columns(**counts).select(
        nw.len().alias("n_rows_sum"), *(nw.col(name).sum() for name in counts)
    )


def _is_level(role, level):
    column = nw.col(role)
    if level == NO_LEVEL:
        return column.is_null() | (column == level)
    return (column == level).fill_null(False)


def _levels(role, names, *, entropy=False):
    """Shares of currency and of orders by level of a column of lines."""
    n, total = nw.col("frequency"), nw.col("monetary_total")
    parts = [f"{role}_{place}" for place in range(len(names))]
    lines = {
        part: nw.when(_is_level(role, name)).then(nw.col("kept")).otherwise(0.0)
        for part, name in zip(parts, names, strict=True)
    }
    marks = {f"{p}_order": (nw.col(p) > 0).cast(nw.Int64) for p in parts}
    totals = {f"{p}_spend": (p, "sum") for p in parts}
    totals |= {f"{p}_orders": (f"{p}_order", "sum") for p in parts}
    figures = {}
    for part, name in zip(parts, names, strict=True):
        spend, orders = nw.col(f"{part}_spend"), nw.col(f"{part}_orders")
        figures[f"{role}_{name}_spend_share"] = share(spend, total)
        figures[f"{role}_{name}_order_share"] = share(orders, n)
    if entropy:
        spends = [nw.col(f"{part}_spend") for part in parts]
        several = sum(((s > 0).cast(nw.Int64) for s in spends[1:]), _one(spends[0]))
        figures[_plural(role)] = several
        figures[f"{role}_entropy"] = _entropy(spends, total)
    zeros = frozenset({_plural(role)}) if entropy else frozenset()
    return Parts(
        roles=(role,),
        lines=lines,
        sums=tuple(parts),
        marks=(marks,),
        totals=totals,
        figures=figures,
        zeros=zeros,
    )


def _one(spend):
    return (spend > 0).cast(nw.Int64)


def _plural(role):
    return "n_categories" if role == "category" else f"n_{role}s"


def _entropy(spends, total):
    """Shannon's entropy of shares of currency, in nats."""
    terms = [_x_log_x(spend) for spend in spends]
    mixed = sum(terms[1:], terms[0])
    entropy = _positive(total).log() - mixed / total
    entropy = nw.when(entropy < 0).then(0.0).otherwise(entropy)  # rounding
    return nw.when(total > 0).then(entropy)


def _positive(column):
    return nw.when(column > 0).then(column).otherwise(1.0)


def _x_log_x(column):
    return column * _positive(column).log()


def category_parts(settings, columns, period):
    """Shares by category, number of categories and their entropy."""
    return _levels("category", levels_of(settings, "category"), entropy=True)


def channel_parts(settings, columns, period):
    """Shares by channel, their mix, and online against offline."""
    names = levels_of(settings, "channel")
    levels = _levels("channel", names, entropy=True)
    wanted = {str(name).lower() for name in settings.online}
    online = [i for i, name in enumerate(names) if str(name).lower() in wanted]
    n, total = nw.col("frequency"), nw.col("monetary_total")
    here = [nw.col(f"channel_{i}") for i in online]
    kept = sum(here[1:], here[0]) if here else nw.lit(0.0) * nw.col("kept")
    spent = {"online_kept": kept}
    order = {"online_order": (nw.col("online_kept") > 0).cast(nw.Int64)}
    totals = {
        "online_spend": ("online_kept", "sum"),
        "online_orders": ("online_order", "sum"),
    }
    figures = {
        "online_spend_share": share(nw.col("online_spend"), total),
        "online_order_share": share(nw.col("online_orders"), n),
    }
    return Parts(
        roles=levels.roles,
        lines=levels.lines,
        sums=levels.sums,
        marks=(*levels.marks, spent, order),
        totals=levels.totals | totals,
        figures=levels.figures | figures,
        zeros=levels.zeros,
    )


# -- levels of orders ------------------------------------------------------------------


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


# -- products, prices, margins ---------------------------------------------------------


def product_parts(settings, columns, period):
    """Entropy of products by currency."""
    return Parts(
        branches=((_product_mix, ("product",)),),
        figures={
            "product_entropy": nw.when(nw.col("product_total") > 0).then(
                _no_less_than_zero(
                    _positive(nw.col("product_total")).log()
                    - nw.col("product_log") / nw.col("product_total")
                )
            ),
        },
    )


def _no_less_than_zero(column):
    return nw.when(column < 0).then(0.0).otherwise(column)


def _product_mix(lines):
    has_product = ~missing(nw.col("product"), lines.collect_schema()["product"])
    kept = lines.filter((nw.col("kept") > 0) & has_product)
    products = kept.group_by("customer", "product").agg(nw.col("kept").sum())
    return (
        products.with_columns(kept_log=_x_log_x(nw.col("kept")))
        .group_by("customer")
        .agg(
            nw.col("kept").sum().alias("product_total"),
            nw.col("kept_log").sum().alias("product_log"),
        )
    )


def promotion_parts(settings, columns, period):
    """Share bought on promotion, and how deep discounts were."""
    n, total = nw.col("frequency"), nw.col("monetary_total")
    named = columns.named()
    roles, lines, sums, totals, figures, marks = [], {}, [], {}, {}, {}
    if "promotion" in named or "discount" in named:
        flag = "promotion" if "promotion" in named else "discount"
        roles.append(flag)
        on_offer = nw.when(nw.col(flag) > 0).then(nw.col("kept")).otherwise(0.0)
        lines["promoted"] = on_offer
        sums.append("promoted")
        marks["promoted_order"] = (nw.col("promoted") > 0).cast(nw.Int64)
        totals["promoted_spend"] = ("promoted", "sum")
        totals["promoted_orders"] = ("promoted_order", "sum")
        figures["promotion_spend_share"] = share(nw.col("promoted_spend"), total)
        figures["promotion_order_share"] = share(nw.col("promoted_orders"), n)
    listed = _list_value(named)
    if listed is not None:
        roles += ["list_price", "quantity"] if "list_price" in named else ["discount"]
        has_both = (nw.col("kept") > 0) & listed.is_finite()
        lines["listed"] = nw.when(has_both).then(listed).otherwise(0.0)
        lines["listed_paid"] = nw.when(has_both).then(nw.col("kept")).otherwise(0.0)
        sums += ["listed", "listed_paid"]
        totals["listed_total"] = ("listed", "sum")
        totals["listed_paid_total"] = ("listed_paid", "sum")
        paid = share(nw.col("listed_paid_total"), nw.col("listed_total"))
        figures["discount_depth"] = 1.0 - paid
    return Parts(
        roles=tuple(dict.fromkeys(roles)),
        lines=lines,
        sums=tuple(sums),
        marks=(marks,) if marks else (),
        totals=totals,
        figures=figures,
    )


def _list_value(named):
    """Currency of a line at the list price, if that is known."""
    if "list_price" in named and "quantity" in named:
        return nw.col("list_price") * nw.col("quantity")
    if "discount" in named:
        off = nw.col("discount")
        return nw.when(off < 1).then(nw.col("kept") / (1.0 - off))
    return None


def price_parts(settings, columns, period):
    """Price level against the usual price of the category, and shares of tiers."""
    total = nw.col("monetary_total")
    low, high = settings.price_tiers
    usual = nw.lit(None).cast(nw.Float64)
    for level, price in settings.category_prices:
        usual = nw.when(_is_level("category", level)).then(price).otherwise(usual)
    sold = (nw.col("kept") > 0) & (nw.col("quantity") > 0)
    at_usual = nw.when(sold).then(usual * nw.col("quantity"))
    lines = {"at_usual": at_usual.fill_null(0.0)}
    known = at_usual > 0
    paid = nw.when(known).then(nw.col("kept"))
    ratio = nw.col("kept") / nw.when(known).then(at_usual)
    tiers = {
        "low": ratio < low,
        "middle": (ratio >= low) & (ratio < high),
        "high": ratio >= high,
    }
    lines["paid_usual"] = paid.fill_null(0.0)
    for tier, holds in tiers.items():
        here = nw.when(holds.fill_null(False)).then(nw.col("kept")).otherwise(0.0)
        lines[f"tier_{tier}"] = here
    figures = {"price_index": share(nw.col("paid_usual_t"), nw.col("at_usual_t"))}
    for tier in tiers:
        figures[f"price_{tier}_spend_share"] = share(nw.col(f"tier_{tier}_t"), total)
    return Parts(
        roles=("category", "quantity"),
        lines=lines,
        sums=tuple(lines),
        totals={f"{name}_t": (name, "sum") for name in lines},
        figures=figures,
    )


def margin_parts(settings, columns, period):
    """Currency kept above cost."""
    cost = nw.col("unit_cost") * nw.col("quantity")
    known = (nw.col("kept") > 0) & cost.is_finite()
    lines = {
        "margin": nw.when(known).then(nw.col("kept") - cost).otherwise(0.0),
        "costed": nw.when(known).then(nw.col("kept")).otherwise(0.0),
    }
    return Parts(
        roles=("unit_cost", "quantity"),
        lines=lines,
        sums=tuple(lines),
        totals={"margin_sum": ("margin", "sum"), "costed_sum": ("costed", "sum")},
        figures={
            "margin_total": nw.col("margin_sum"),
            "margin_share": share(nw.col("margin_sum"), nw.col("costed_sum")),
        },
        zeros=frozenset({"margin_total"}),
    )


def returns_parts(settings, columns, period):
    """Share of orders of which something came back."""
    marks = {
        "gave_back": (nw.col("returned") > 0).cast(nw.Int64),
        "paid_order": (nw.col("paid") > 0).cast(nw.Int64),
    }
    n_back = nw.col("n_returned_orders").cast(nw.Int64)
    return Parts(
        marks=(marks,),
        totals={
            "n_returned_orders": ("gave_back", "sum"),
            "n_paid_orders": ("paid_order", "sum"),
        },
        figures={
            "n_returned_orders": n_back,
            "return_order_share": share(n_back, nw.col("n_paid_orders")),
        },
        zeros=frozenset({"n_returned_orders"}),
    )


# -- time ------------------------------------------------------------------------------


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
    is_spread = (n > 2) & (spread > 1e-12 * xx)
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
    for days in settings.recent_days:
        name = f"{days:g}d"
        start = period.reference - int(days * DAY)
        late = (nw.col("order_time") > start).cast(nw.Int64)
        marks |= {f"n_{name}": late * nw.col("is_order")}
        marks |= {f"kept_{name}": late * nw.col("kept")}
        totals |= {f"n_{name}_sum": (f"n_{name}", "sum")}
        totals |= {f"kept_{name}_sum": (f"kept_{name}", "sum")}
        n_late = nw.col(f"n_{name}_sum").cast(nw.Int64)
        late, early = nw.col(f"kept_{name}_sum"), total - nw.col(f"kept_{name}_sum")
        rate, before = late / days, early / (tenure - days)
        change = (rate - before) / _positive(rate + before)
        found = {
            f"frequency_last_{name}": n_late,
            f"frequency_before_{name}": (n - n_late).cast(nw.Int64),
            f"monetary_total_last_{name}": late,
            f"monetary_total_before_{name}": _no_less_than_zero(early),
        }
        zeros |= set(found)
        figures |= found
        figures[f"spend_change_{name}"] = nw.when(tenure > days).then(change)
    return Parts(marks=(marks,), totals=totals, figures=figures, zeros=frozenset(zeros))


# -- wholesale -------------------------------------------------------------------------


def wholesale_parts(settings, columns, period):
    """Traits by which trade customers differ from households."""
    named = columns.named()
    makers = [_order_size]
    if "quantity" in named:
        makers += [_line_size]
    if "quantity" in named and ("pack_size" in named or settings.pack is not None):
        makers += [_packs]
    if "standing" in named:
        makers += [_standing]
    if "promised" in named and "delivered" in named:
        makers += [_on_time]
    found = [make(settings, columns) for make in makers]
    if "contact" in named:
        found.append(_levels("contact", levels_of(settings, "contact")))
    return found


def _order_size(settings, columns):
    n = nw.col("frequency")
    is_line = (nw.col("kept") > 0).cast(nw.Int64)
    value = nw.when(nw.col("is_order") == 1).then(nw.col("kept"))
    mean = nw.when(n > 0).then(nw.col("monetary_total") / n)
    return Parts(
        lines={"is_line": is_line},
        sums=("is_line",),
        marks=({"order_value": value},),
        totals={
            "n_lines": ("is_line", "sum"),
            "order_value_max": ("order_value", "max"),
            "order_value_sd": ("order_value", "std"),
        },
        figures={
            "lines_per_order": share(nw.col("n_lines"), n),
            "order_value_max": nw.col("order_value_max"),
            "order_value_cv": nw.col("order_value_sd") / mean,
        },
    )


def _line_size(settings, columns):
    n, total = nw.col("frequency"), nw.col("monetary_total")
    units = nw.when(nw.col("kept") > 0).then(nw.col("quantity")).otherwise(0.0)
    large = nw.col("quantity") >= settings.large_line
    large = nw.when(large.fill_null(False)).then(nw.col("kept")).otherwise(0.0)
    return Parts(
        roles=("quantity",),
        lines={"bought_units": units, "large_kept": large},
        sums=("bought_units", "large_kept"),
        totals={
            "units_sum": ("bought_units", "sum"),
            "large_sum": ("large_kept", "sum"),
        },
        figures={
            "units_per_order": share(nw.col("units_sum"), n),
            "large_line_spend_share": share(nw.col("large_sum"), total),
        },
    )


def _packs(settings, columns):
    has_size = columns.pack_size is not None
    size = nw.col("pack_size") if has_size else nw.lit(float(settings.pack))
    total, units = nw.col("monetary_total"), nw.col("quantity")
    sized = nw.when(size > 0).then(size)
    whole = ((units >= sized) & (units % sized == 0)).fill_null(False)
    return Parts(
        roles=("quantity", *(("pack_size",) if has_size else ())),
        lines={"packed": nw.when(whole).then(nw.col("kept")).otherwise(0.0)},
        sums=("packed",),
        totals={"packed_sum": ("packed", "sum")},
        figures={"pack_spend_share": share(nw.col("packed_sum"), total)},
    )


def _standing(settings, columns):
    n = nw.col("frequency")
    is_standing = ((nw.col("standing") > 0) & (nw.col("is_order") == 1)).cast(nw.Int64)
    return Parts(
        roles=("standing",),
        most=("standing",),
        marks=({"standing_order": is_standing},),
        totals={"n_standing": ("standing_order", "sum")},
        figures={"standing_order_share": share(nw.col("n_standing"), n)},
    )


def _on_time(settings, columns):
    """Count lines that came by the promised day; both dates are micros of the wall."""
    both = ~nw.col("promised").is_null() & ~nw.col("delivered").is_null()
    both = both & (nw.col("kept") > 0)
    on_time = both & (day_of(nw.col("delivered")) <= day_of(nw.col("promised")))
    return Parts(
        roles=("promised", "delivered"),
        lines={
            "due": both.fill_null(False).cast(nw.Int64),
            "kept_date": on_time.fill_null(False).cast(nw.Int64),
        },
        sums=("due", "kept_date"),
        totals={"n_due": ("due", "sum"), "n_on_time": ("kept_date", "sum")},
        figures={"on_time_share": share(nw.col("n_on_time"), nw.col("n_due"))},
    )


GROUPS = {
    "products": Group(product_parts, (("product",),)),
    "category": Group(category_parts, (("category",),)),
    "channel": Group(channel_parts, (("channel",),)),
    "weekday": Group(weekday_parts),
    "hour": Group(hour_parts),
    "season": Group(season_parts),
    "holiday": Group(holiday_parts),
    "promotion": Group(
        promotion_parts,
        (("promotion", "discount", "list_price"),),
        ("discount", "list_price", "quantity"),
    ),
    "price": Group(price_parts, (("category",), ("quantity",)), ("quantity",)),
    "margin": Group(
        margin_parts, (("unit_cost",), ("quantity",)), ("unit_cost", "quantity")
    ),
    "returns": Group(returns_parts),
    "regularity": Group(regularity_parts),
    "trend": Group(trend_parts),
    "recent": Group(recent_parts),
    "wholesale": Group(wholesale_parts, (), ("quantity",)),
}
LEVELLED = {
    "category": ("category",),
    "price": ("category",),
    "channel": ("channel",),
    "wholesale": ("contact",),
}
