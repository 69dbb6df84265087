"""What is in an order: lines, products, prices, discounts, and what comes back."""

import numpy as np
import pandas as pd

CATEGORIES = (
    "books",
    "clothing",
    "electronics",
    "food",
    "garden",
    "home",
    "sports",
    "toys",
)
_PRODUCTS_PER_CATEGORY = 40
_PRICE_RANGE = (0.5, 400.0)
_TASTE = 0.5
_SECONDS_A_DAY = 86_400


def _draw_named(pairs, size, rng):
    """Draw names by their shares."""
    names, shares = zip(*pairs, strict=True)
    return np.array(names)[rng.choice(len(names), size=size, p=shares)]


def _split(values, order, rng):
    """Split each order's amount over its lines at random."""
    part = rng.standard_gamma(2.0, len(order))
    total = np.bincount(order, part, minlength=len(values))
    return values[order] * part / total[order]


def _draw_categories(traits, rows, rng):
    """One category a line, by the tastes that go with the customer's traits.

    Each trait draws to one category and away from another, so segments that differ in
    attitudes differ in what they buy.
    """
    n_categories, n_traits = len(CATEGORIES), traits.shape[1]
    number = np.arange(n_categories)
    sign = np.where((number // n_traits) % 2 == 0, 1.0, -1.0)
    weight = np.exp(_TASTE * sign * traits[:, number % n_traits])
    bounds = (weight / weight.sum(axis=1, keepdims=True)).cumsum(axis=1)
    above = rng.random(len(rows))[:, np.newaxis] > bounds[rows]
    return np.minimum(above.sum(axis=1), n_categories - 1)


def _product_codes(category, list_price):
    """Code of the category's product whose catalogue price is nearest."""
    low, high = np.log(_PRICE_RANGE)
    step = (high - low) / (_PRODUCTS_PER_CATEGORY - 1)
    place = np.rint((np.log(np.maximum(list_price, 0.01)) - low) / step).astype(int)
    place = np.clip(place, 0, _PRODUCTS_PER_CATEGORY - 1)
    number = category * _PRODUCTS_PER_CATEGORY + place
    codes = np.array(
        [f"P{i:04d}" for i in range(len(CATEGORIES) * _PRODUCTS_PER_CATEGORY)]
    )
    return codes[number]


def _draw_discounts(buyer, orders, order, quantity, rng):
    """Discount of each line and where it comes from."""
    low, high = buyer.promotion_depth
    offered = rng.random(len(orders)) < buyer.promotion_share
    depth = np.round(rng.uniform(low, high, len(orders)), 2)
    discount = np.where(offered, depth, 0.0)[order]
    kind = np.where(offered, "offer", "none")[order].astype(object)
    for units, share in sorted(buyer.quantity_breaks):
        reached = (quantity >= units) & (share > discount)
        discount = np.where(reached, share, discount)
        kind[reached] = "quantity break"
    return discount, kind


def draw_lines(buyer, latent, orders, rng):
    """Draw the lines of the orders of customers of one type.

    The amounts of an order's lines, quantity x unit_price, sum to its Gamma-Gamma value
    up to the rounding of prices to cents.
    """
    row = orders["row"].to_numpy()
    shape = latent["value_shape"].to_numpy()[row]
    mean = latent["mean_order_value"].to_numpy()[row]
    values = mean * rng.standard_gamma(shape) / shape
    n_lines = 1 + rng.poisson(buyer.lines_per_order - 1.0, len(orders))
    order = np.repeat(np.arange(len(orders)), n_lines)
    packs = 1 + rng.poisson(buyer.packs_per_line - 1.0, len(order))
    quantity = buyer.pack_size * packs
    unit_price = np.maximum(_split(values, order, rng) / quantity, 0.01).round(2)
    traits = latent[[c for c in latent if c.startswith("trait_")]].to_numpy()
    category = _draw_categories(traits, row[order], rng)
    discount, promotion = _draw_discounts(buyer, orders, order, quantity, rng)
    list_price = (unit_price / (1.0 - discount)).round(2)
    second = (orders["day"].to_numpy() * _SECONDS_A_DAY).astype("int64")
    contact = _draw_named(buyer.contacts, len(orders), rng)
    channel = _draw_named(buyer.channels, len(orders), rng)
    return pd.DataFrame(
        {
            "row": row[order],
            "order": order,
            "number": orders["number"].to_numpy()[order],
            "second": second[order],
            "product": _product_codes(category, list_price),
            "category": np.array(CATEGORIES)[category],
            "channel": channel[order],
            "contact": contact[order],
            "quantity": quantity,
            "unit_price": unit_price,
            "list_price": list_price,
            "discount": discount,
            "promotion": promotion,
            "order_value": values[order],
        }
    )


def _draw_returned(buyer, lines, rng):
    """Units of each line that come back, and each line's order's kind of return."""
    order = lines["order"].to_numpy()
    quantity = lines["quantity"].to_numpy()
    n_orders = order[-1] + 1
    n_lines = np.bincount(order)
    units = np.bincount(order, quantity)
    returned = rng.random(n_orders) < buyer.return_share
    # A single unit cannot come back in part.
    partial = returned & (rng.random(n_orders) < buyer.partial_share) & (units > 1)
    first = np.concatenate([[0], np.cumsum(n_lines)[:-1]])
    chosen = first + rng.integers(0, n_lines)
    most = quantity[chosen] - (n_lines == 1)
    some = rng.integers(1, np.maximum(most, 1) + 1)
    back = np.where((returned & ~partial)[order], quantity, 0)
    back[chosen[partial]] = some[partial]
    kind = np.select([partial, returned], ["partial", "full"], "no")
    return back, kind[order]


def draw_returns(buyer, lines, n_days, rng):
    """Add the returns to the lines, as lines of negative quantity.

    Returns after the end of the period are not in the table. Of an orphan, the sale's
    lines that come back are not in the table; first orders are never orphaned.
    """
    lines = lines.assign(line=np.arange(len(lines)))
    if lines.empty:
        return lines.assign(returned="no", orphan=False, is_return=False)
    back, lines["returned"] = _draw_returned(buyer, lines, rng)
    n_orders = lines["order"].iloc[-1] + 1
    lag = rng.standard_normal(n_orders) * buyer.return_lag_sigma
    lag = buyer.return_lag_days * np.exp(lag) * _SECONDS_A_DAY
    orphaned = rng.random(n_orders) < buyer.orphan_share
    order = lines["order"].to_numpy()
    second = lines["second"].to_numpy() + lag[order].astype("int64")
    seen = (back > 0) & (second < n_days * _SECONDS_A_DAY)
    orphan = seen & orphaned[order] & (lines["number"].to_numpy() > 0)
    lines = lines.assign(orphan=orphan, is_return=False)
    returns = lines[seen].assign(
        quantity=-back[seen], second=second[seen], is_return=True
    )
    return pd.concat([lines[~orphan], returns], ignore_index=True)
