"""Traits of those who buy like wholesale customers."""

import narwhals as nw

from custseg.tables._calendar import day_of
from custseg.tables._level_groups import level_shares, levels_of
from custseg.tables._parts import Parts, share


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
        found.append(level_shares("contact", levels_of(settings, "contact")))
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
