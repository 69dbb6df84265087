"""What becomes of each line when a table is cleaned.

Pure functions, run by every engine. A line is given the code of the rule by which it
goes, or `STAYS`. The user's columns travel along under plain names, so that none
stands in the way of those that are worked out here.
"""

from dataclasses import fields, replace

import narwhals as nw

from custseg.tables._clock import zone_of
from custseg.tables._ids import missing, not_whole, settled_ids
from custseg.tables._lines import as_lines, impossible_dates, not_finite, wanted_roles
from custseg.tables._open import ROW
from custseg.tables._returns import net_returns

__all__ = ["RULES", "count_rows", "drop_rules", "judge", "kept_rows", "rejected_rows"]

STAYS = -1
RULES = (
    "missing_customer_id",
    "missing_date",
    "ancient_date",
    "epoch_date",
    "distant_date",
    "future_date",
    "missing_amount",
    "negative_unit_price",
    "duplicate_line",
    "return",
    "partly_orphan_return",
    "orphan_return",
)
_CODE = {rule: code for code, rule in enumerate(RULES)}
FLAGS = ("duplicate_line", "zero_amount", "missing_transaction_id", "return")


def judge(frame, columns, names, returns, duplicates, limit):
    """Give each line its code, its flags, and what stays of it.

    Besides the user's columns, a line has `code`; 0 or 1 for each of `FLAGS`; `given`,
    its currency as given, 0 where that is no number; `moment`, its time if that is
    possible and observed; `fraction`, 1 for a float id that is no whole number; `kept`,
    `units` and `taken`, the currency and units that stay and the currency that returns
    took off; `orphan` and `orphan_amount`, units and currency returned that were never
    bought.
    """
    frame, columns = _plainly_named(frame, columns, names)
    lines = _first_judgement(frame, columns, len(names), limit)
    lines = _with_duplicates(lines, columns, len(names), duplicates)
    if returns == "net":
        return _netted(lines, columns)
    amount, back = nw.col("amount"), nw.col("return") == 1
    if returns == "drop":
        goes = back & (nw.col("code") == STAYS)
        code = nw.when(goes).then(_CODE["return"]).otherwise(nw.col("code"))
        return _with_figures(lines.with_columns(code=code))
    kept = nw.when(back).then(0.0 - amount.abs()).otherwise(amount)
    return _with_figures(lines, kept=kept)


def _plainly_named(frame, columns, names):
    """Call the columns u0, u1, ...; number the rows of a pandas frame."""
    new = [f"u{place}" for place in range(len(names))]
    called = dict(zip(names, new, strict=True))
    if frame.implementation.is_pandas():
        native = frame.to_native()
        others = [name for name in native.columns if name is ROW or name == ROW]
        frame = nw.from_native(native.set_axis([*others, *new], axis=1)).lazy()
        if not others:
            frame = frame.collect().with_row_index(ROW).lazy()
    else:
        frame = frame.rename(called)
    roles = {one.name: getattr(columns, one.name) for one in fields(columns)}
    roles = {role: called.get(name) for role, name in roles.items()}
    return frame, replace(columns, **roles)


def _first_judgement(frame, columns, n_columns, limit):
    roles = ("transaction_id", "product", "quantity")
    there = frame.collect_schema().names()
    keep = [name for name in there if name == ROW]
    keep += [f"u{place}" for place in range(n_columns)]
    lines = as_lines(frame, columns, roles, keep=keep)
    rules = drop_rules(lines, columns, limit)
    code = nw.lit(STAYS)
    for rule, holds in reversed(rules.items()):
        code = nw.when(holds.fill_null(False)).then(_CODE[rule]).otherwise(code)
    flags = _flags(lines, columns, limit)
    return lines.with_columns(code=code.cast(nw.Int64), **flags)


def drop_rules(lines, columns, limit):
    """Return the rules by which a line is no purchase, in their order."""
    schema = lines.collect_schema()
    broken = not_finite(nw.col("amount"))
    for part in _numbers(columns):
        broken = broken | not_finite(nw.col(part))
    rules = {
        "missing_customer_id": missing(nw.col("customer"), schema["customer"]),
        "missing_date": nw.col("date").is_null(),
        **impossible_dates(zone_of(lines, "date")),
    }
    if limit is not None:
        rules["future_date"] = nw.col("when") > limit
    rules["missing_amount"] = broken
    if columns.amount is None:
        rules["negative_unit_price"] = nw.col("unit_price") < 0
    return rules


def _numbers(columns):
    """Parts that hold numbers; a unit price is not used beside an amount."""
    wanted = wanted_roles(columns, ("quantity",))
    return [part for part in wanted if part in ("amount", "quantity", "unit_price")]


def _flags(lines, columns, limit):
    schema, amount = lines.collect_schema(), nw.col("amount")
    back = amount < 0
    if columns.quantity is not None:
        back = back | (nw.col("quantity") < 0)
    possible = ~nw.col("date").is_null()
    for holds in impossible_dates(zone_of(lines, "date")).values():
        possible = possible & ~holds
    if limit is not None:
        possible = possible & (nw.col("when") <= limit)
    no_id = nw.lit(False)
    if columns.transaction_id is not None:
        no_id = missing(nw.col("transaction"), schema["transaction"])
    fraction = not_whole(schema["customer"])
    flags = {
        "return": back,
        "zero_amount": amount == 0,
        "missing_transaction_id": no_id,
        "fraction": nw.lit(False) if fraction is None else fraction,
    }
    found = {name: holds.fill_null(False) for name, holds in flags.items()}
    found = {name: holds.cast(nw.Int64) for name, holds in found.items()}
    found["given"] = nw.when(~not_finite(amount)).then(amount).otherwise(0.0)
    return found | {"moment": nw.when(possible).then(nw.col("when"))}


def _with_duplicates(lines, columns, n_columns, duplicates):
    """Find the lines that repeat an earlier one in every column.

    Columns of objects or lists count only where `columns` names them, because they
    need not be comparable.
    """
    schema, named = lines.collect_schema(), set(columns.named().values())
    compared = [f"u{place}" for place in range(n_columns)]
    compared = [
        name
        for name in compared
        if name in named
        or not (schema[name].is_nested() or isinstance(schema[name], nw.Object))
    ]
    good = nw.col("code") == STAYS
    if ROW in schema.names():
        first = nw.col(ROW).min().alias("first")
        firsts = lines.filter(good).group_by(compared).agg(first)
        firsts = firsts.select("first", is_first=nw.lit(1))
        lines = lines.join(firsts, left_on=ROW, right_on="first", how="left")
        repeats = good & nw.col("is_first").is_null()
    else:
        lines = lines.with_columns(one=nw.lit(1), good=good.cast(nw.Int64))
        place = nw.col("one").cum_sum().over(*compared, "good", order_by="when")
        lines = lines.with_columns(place=place)
        repeats = good & (nw.col("place") > 1)
    lines = lines.with_columns(duplicate_line=repeats.cast(nw.Int64))
    if duplicates == "keep":
        return lines
    goes = nw.col("duplicate_line") == 1
    code = nw.when(goes).then(_CODE["duplicate_line"]).otherwise(nw.col("code"))
    return lines.with_columns(code=code)


# -- returns ---------------------------------------------------------------------------


def _netted(lines, columns):
    """Take returns off purchases, and scale what is left of their amounts."""
    by = "amount" if columns.quantity is None else "quantity"
    lines = lines.with_columns(measure=nw.col(by).abs())
    good = nw.col("code") == STAYS
    bad = lines.filter(~good).with_columns(left=nw.lit(0.0), stray=nw.lit(0.0))
    settled = net_returns(lines.filter(good), has_product=columns.product is not None)
    lines = nw.concat([settled.select(bad.collect_schema().names()), bad])
    sized, measure = nw.col("measure") > 0, nw.col("measure")
    lines = lines.with_columns(
        share=nw.when(sized).then(nw.col("left") / measure).otherwise(1.0),
        astray=nw.when(sized).then(nw.col("stray") / measure).otherwise(1.0),
        is_back=(nw.col("code") == STAYS) & (nw.col("return") == 1),
    )
    astray = nw.col("astray")
    rule = nw.when(astray == 1).then(_CODE["orphan_return"])
    rule = rule.otherwise(
        nw.when(astray > 0)
        .then(_CODE["partly_orphan_return"])
        .otherwise(_CODE["return"])
    )
    back, amount = nw.col("is_back"), nw.col("amount")
    kept = amount * nw.col("share")
    has_units = by == "quantity"
    return _with_figures(
        lines.with_columns(code=nw.when(back).then(rule).otherwise(nw.col("code"))),
        kept=kept,
        units=nw.col("left"),
        taken=amount - kept,
        orphan=nw.when(back).then(nw.col("stray")) if has_units else None,
        orphan_amount=nw.when(back).then(astray * amount.abs()),
    )


def _with_figures(lines, *, kept=None, **others):
    """Add what stays of a line that stays, and what was returned in vain."""
    stays = nw.col("code") == STAYS
    kept = nw.col("amount") if kept is None else kept
    lines = lines.with_columns(
        kept=nw.when(stays).then(kept + 0.0).otherwise(0.0),
        units=nw.when(stays).then(others.get("units", nw.lit(0.0))).otherwise(0.0),
        taken=nw.when(stays).then(others.get("taken", nw.lit(0.0))).otherwise(0.0),
        orphan=_or_zero(others.get("orphan")),
        orphan_amount=_or_zero(others.get("orphan_amount")),
    )
    there = lines.collect_schema().names()
    user = [name for name in there if name[0] == "u" and name[1:].isdigit()]
    own = ["code", *FLAGS, "given", "moment", "fraction"]
    own += ["kept", "units", "taken", "orphan", "orphan_amount"]
    rows = [ROW] if ROW in there else []
    return lines.select(*rows, *user, *own)


def _or_zero(column):
    return nw.lit(0.0) if column is None else column.fill_null(0.0)


# -- what is read of the judgements ----------------------------------------------------


def count_rows(frame, returns):
    """Return the figures of the report, in one row."""
    sums = {"fraction": nw.col("fraction")}
    for name in ("taken", "orphan", "orphan_amount"):
        sums[name] = nw.col(name)
    for code, rule in enumerate(RULES):
        goes = (nw.col("code") == code).cast(nw.Int64)
        sums |= {f"n {rule}": goes, f"amount {rule}": goes * nw.col("given")}
    stays = (nw.col("code") == STAYS).cast(nw.Int64)
    counted = stays
    if returns == "net":  # a return that was netted is counted under its flags as well
        counted = (stays == 1) | (nw.col("code") >= _CODE["return"])
        counted = counted.cast(nw.Int64)
    for flag in FLAGS:
        here = counted * nw.col(flag)
        sums |= {f"n kept {flag}": here, f"amount kept {flag}": here * nw.col("given")}
    sums["n_out"] = stays
    named = {f"f{place}_sum": column for place, column in enumerate(sums.values())}
    return frame.with_columns(**named).select(
        nw.len().alias("n_rows_sum"),
        nw.col("moment").max().alias("last_max"),
        *(nw.col(name).sum() for name in named),
    )


def figure_names():
    """Return the names of the figures of `count_rows`, in their order."""
    names = ["fraction", "taken", "orphan", "orphan_amount"]
    for rule in RULES:
        names += [f"n {rule}", f"amount {rule}"]
    for flag in FLAGS:
        names += [f"n kept {flag}", f"amount kept {flag}"]
    return [*names, "n_out"]


def odd_rows(frame):
    """Return positions, codes and flags of the lines that a rule concerns."""
    odd = nw.col("code") != STAYS
    for flag in FLAGS:
        odd = odd | (nw.col(flag) == 1)
    return frame.filter(odd).select(ROW, "code", *FLAGS)


def kept_rows(frame, columns, names, returns):
    """Return the lines that stay, as they were given but for what cleaning changes."""
    table = _sorted(frame.filter(nw.col("code") == STAYS))
    called = {name: f"u{place}" for place, name in enumerate(names)}
    table = table.rename({called[columns.customer_id]: "customer"})
    table = settled_ids(table, columns.customer_id)
    table = table.rename({"customer": called[columns.customer_id]})
    new, added = {}, []
    if columns.amount is None:
        added.append("amount")
        new[f"u{len(names)}"] = nw.col("kept")
    else:
        new[called[columns.amount]] = nw.col("kept")
    if returns == "net":
        new[f"u{len(names) + len(added)}"] = nw.col("taken")
        added.append("returned_amount")
        if columns.quantity is not None:
            name = called[columns.quantity]
            new[name] = _reduced(nw.col("units"), table.collect_schema()[name])
    table = table.with_columns(**new)
    table = table.select(*(f"u{place}" for place in range(len(names) + len(added))))
    if returns == "net" and columns.quantity is not None:
        table = _as_before(table, frame, called[columns.quantity])
    return _user_named(table, [*names, *added])


def _reduced(units, dtype):
    """Return what is left of quantities; integers keep their type."""
    # narwhals' round() does not run on Spark 3.5.
    return (units + 0.5).floor().cast(dtype) if dtype.is_integer() else units


def _as_before(table, frame, name):
    """Give a column of integers in pandas the very type that it came with."""
    if not table.implementation.is_pandas():
        return table
    kind = frame.to_native()[name].dtype
    if not frame.collect_schema()[name].is_integer():
        return table
    return nw.from_native(table.to_native().astype({name: kind})).lazy()


def rejected_rows(frame, names):
    """Return the lines that go, as they were given, and the rule of each."""
    table = _sorted(frame.filter(nw.col("code") != STAYS))
    rule = nw.lit(RULES[-1])
    for code, name in enumerate(RULES[:-1]):
        rule = nw.when(nw.col("code") == code).then(nw.lit(name)).otherwise(rule)
    user = [f"u{place}" for place in range(len(names))]
    table = table.with_columns(rule=rule).select(*user, "rule")
    return _user_named(table, [*names, "rule"])


def _sorted(frame):
    return frame.sort(ROW) if ROW in frame.collect_schema().names() else frame


def _user_named(table, names):
    if table.implementation.is_pandas():
        native = table.to_native()
        return nw.from_native(native.set_axis(_index(native, names), axis=1)).lazy()
    there = table.collect_schema().names()
    return table.rename(dict(zip(there, names, strict=True)))


def _index(native, names):
    """Return names, which may be tuples, as a flat index of columns."""
    found = native.columns[:0].astype(object)
    return found.append(type(found)(list(names), dtype=object, tupleize_cols=False))
