"""Products, promotions, prices, margins and returns."""

import narwhals as nw

from custseg.tables._ids import missing
from custseg.tables._level_groups import is_level
from custseg.tables._parts import Parts, no_less_than_zero, positive, share, x_log_x


def product_parts(settings, columns, period):
    """Entropy of products by currency."""
    return Parts(
        branches=((_product_mix, ("product",)),),
        figures={
            "product_entropy": nw.when(nw.col("product_total") > 0).then(
                no_less_than_zero(
                    positive(nw.col("product_total")).log()
                    - nw.col("product_log") / nw.col("product_total")
                )
            ),
        },
    )


def _product_mix(lines):
    has_product = ~missing(nw.col("product"), lines.collect_schema()["product"])
    has_product = (nw.col("kept") > 0) & has_product
    kept = lines.select("customer", "product", "kept", has_product=has_product)
    kept = kept.filter(nw.col("has_product"))
    products = kept.group_by("customer", "product").agg(nw.col("kept").sum())
    return (
        products.with_columns(kept_log=x_log_x(nw.col("kept")))
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
    list_roles, listed = _list_value(named)
    roles += list_roles
    if listed is not None:
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
    """Currency of a line at the list price, if known, and the roles it is made of."""
    if "list_price" in named and "quantity" in named:
        return ["list_price", "quantity"], nw.col("list_price") * nw.col("quantity")
    if "discount" in named:
        off = nw.col("discount")
        return ["discount"], nw.when(off < 1).then(nw.col("kept") / (1.0 - off))
    return [], None


def price_parts(settings, columns, period):
    """Price level against the usual price of the category, and shares of tiers."""
    total = nw.col("monetary_total")
    low, high = settings.price_tiers
    usual = nw.lit(None).cast(nw.Float64)
    for level, price in settings.category_prices:
        usual = nw.when(is_level("category", level)).then(price).otherwise(usual)
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
