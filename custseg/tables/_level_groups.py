"""Shares by category and channel, and the levels that they have."""

import narwhals as nw

from custseg.tables._lines import as_lines
from custseg.tables._parts import Parts, positive, share, x_log_x

NO_LEVEL = "missing"


def level_sums(frame, columns, role, with_prices, limit):
    """Sum currency and units by level of a role, for what was bought for money.

    Currency and units are those of lines with units, from which prices are made. What
    comes after the microsecond `limit` is left out.
    """
    roles = (role, "quantity") if with_prices else (role,)
    lines = _until(as_lines(frame, columns, roles), limit)
    lines = lines.filter(nw.col("amount") > 0).with_columns(level=nw.col(role))
    # polars 1.36 sums no column that is made of a literal alone.
    units = nw.col("quantity") if with_prices else 0.0 * nw.col("amount")
    has_units = units > 0
    lines = lines.with_columns(
        spent=nw.when(has_units).then(nw.col("amount")).otherwise(0.0),
        units=nw.when(has_units).then(units).otherwise(0.0),
    )
    return lines.group_by("level").agg(nw.col("spent").sum(), nw.col("units").sum())


def _until(lines, limit):
    return lines.filter(nw.col("when") <= limit)


def levels_of(settings, role):
    """Return the levels of a role: tuple of str."""
    return dict(settings.levels or ()).get(role, ())


def unseen(frame, columns, levels, limit):
    """Count the lines until the limit whose level of a role is none of those given.

    As in `level_sums`, only what was bought for money counts.
    """
    roles = [role for role, _ in levels]
    lines = _until(as_lines(frame, columns, roles), limit)
    counts = {}
    for role, names in levels:
        known = nw.col(role).is_in([str(name) for name in names])
        absent = nw.col(role).is_null()
        is_new = ~known & ~absent
        if NO_LEVEL not in names:
            is_new = is_new | absent
        is_new = is_new & (nw.col("amount") > 0)
        counts[f"{role}_sum"] = is_new.fill_null(False).cast(nw.Int64)
    return lines.with_columns(**counts).select(
        nw.len().alias("n_rows_sum"), *(nw.col(name).sum() for name in counts)
    )


def is_level(role, level):
    column, level = nw.col(role), str(level)
    if level == NO_LEVEL:
        return column.is_null() | (column == level)
    return (column == level).fill_null(False)


def level_shares(role, names, *, entropy=False):
    """Shares of currency and of orders by level of a column of lines."""
    n, total = nw.col("frequency"), nw.col("monetary_total")
    parts = [f"{role}_{place}" for place in range(len(names))]
    lines = {
        part: nw.when(is_level(role, name)).then(nw.col("kept")).otherwise(0.0)
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
        figures[f"{role}_entropy"] = _entropy(spends)
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


def _entropy(spends):
    """Shannon's entropy of shares of the currency of known levels, in nats."""
    total = sum(spends[1:], spends[0])
    terms = [x_log_x(spend) for spend in spends]
    mixed = sum(terms[1:], terms[0])
    entropy = positive(total).log() - mixed / total
    entropy = nw.when(entropy < 0).then(0.0).otherwise(entropy)  # rounding
    return nw.when(total > 0).then(entropy)


def category_parts(settings, columns, period):
    """Shares by category, number of categories and their entropy."""
    return level_shares("category", levels_of(settings, "category"), entropy=True)


def channel_parts(settings, columns, period):
    """Shares by channel, their mix, and online against offline."""
    levels = level_shares("channel", levels_of(settings, "channel"), entropy=True)
    wanted = [str(name).lower() for name in settings.online]
    n, total = nw.col("frequency"), nw.col("monetary_total")
    online = nw.col("channel").str.to_lowercase().is_in(wanted).fill_null(False)
    spent = {"online_kept": nw.when(online).then(nw.col("kept")).otherwise(0.0)}
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
        lines=levels.lines | spent,
        sums=(*levels.sums, *spent),
        marks=(*levels.marks, order),
        totals=levels.totals | totals,
        figures=levels.figures | figures,
        zeros=levels.zeros,
    )
