"""When customers order: gaps on a clock without seasons, carried to the calendar."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

# The years over which a seasonal pattern is scaled to a mean of 1: 28 years bring
# back the same dates on the same weekdays.
_CYCLE_DAYS = 28 * 365 + 7


@dataclass(frozen=True)
class Clock:
    """Weeks without seasons that have passed at each midnight of the calendar.

    Attributes
    ----------
    elapsed : ndarray of shape (n_days + 1,)
        Expected orders, at one a week, from the start to each midnight.
    """

    elapsed: np.ndarray

    @property
    def end(self):
        """Seasonless weeks of the whole period."""
        return self.elapsed[-1]

    def to_days(self, weeks):
        """Calendar days since the start at which so many seasonless weeks passed."""
        # The right side skips days without orders, on which no clock time passes.
        day = np.searchsorted(self.elapsed, weeks, side="right") - 1
        day = np.clip(day, 0, len(self.elapsed) - 2)
        length = self.elapsed[day + 1] - self.elapsed[day]
        within = (weeks - self.elapsed[day]) / np.where(length > 0, length, 1.0)
        return day + np.clip(within, 0.0, 1.0)

    def at_day(self, day):
        """Seasonless weeks that have passed at a calendar day since the start."""
        return float(np.interp(day, np.arange(len(self.elapsed)), self.elapsed))


def season_factors(buyer, first_day, n_days):
    """Factor on the order rate of each day, of mean 1 over the years."""

    def factors(start, count):
        days = np.datetime64(start, "D") + np.arange(count).astype("timedelta64[D]")
        # 1 January 1970 was a Thursday.
        weekday = (days.astype("int64") + 3) % 7
        month = days.astype("datetime64[M]").astype("int64") % 12
        return np.asarray(buyer.weekdays)[weekday] * np.asarray(buyer.months)[month]

    return factors(first_day, n_days) / factors("2000-01-01", _CYCLE_DAYS).mean()


def make_clock(buyer, first_day, n_days):
    """Clock of a type of buyer over the observed period."""
    factors = season_factors(buyer, first_day, n_days)
    return Clock(np.concatenate([[0.0], np.cumsum(factors) / 7.0]))


class _OwnClock:
    """Clocks that run faster for each customer after the treatment."""

    def __init__(self, clock, speed, treatment_day):
        self.clock = clock
        self.speed = speed
        self.switch = clock.at_day(treatment_day)

    def from_common(self, weeks, rows):
        late = np.maximum(weeks - self.switch, 0.0)
        return np.minimum(weeks, self.switch) + self.speed[rows] * late

    def to_days(self, weeks, rows):
        late = np.maximum(weeks - self.switch, 0.0)
        # A speed of 0 ends all orders, which `draw_orders` sees to by the end.
        speed = np.where(self.speed[rows] > 0, self.speed[rows], 1.0)
        return self.clock.to_days(np.minimum(weeks, self.switch) + late / speed)


def draw_orders(latent, clock, speed, treatment_day, rng):
    """Draw the orders of customers of one type over the observed period.

    Parameters
    ----------
    latent : DataFrame
        Rows of the truth: joined_week, purchase_rate, gap_shape, lifetime_weeks,
        lifetime_orders.
    clock : Clock
        The season.
    speed : ndarray of shape (n_customers,)
        Factor on the order rate after the treatment.
    treatment_day : float
        Day of the treatment since the start.
    rng : Generator
        Source of random numbers.

    Returns
    -------
    orders : DataFrame
        Columns row (position in `latent`), day (days since the start) and number (0
        for the first order), by row and day.
    gone : ndarray of shape (n_customers,)
        Day on which a customer drops out, infinite when not in the period.
    """
    own = _OwnClock(clock, speed, treatment_day)
    everyone = np.arange(len(latent))
    gap_shape = latent["gap_shape"].to_numpy(dtype=float)
    gap_rate = gap_shape * latent["purchase_rate"].to_numpy()
    last_number = latent["lifetime_orders"].to_numpy()
    end = own.from_common(np.full(len(latent), clock.end), everyone)
    now = own.from_common(latent["joined_week"].to_numpy(), everyone)
    first_day = own.to_days(now, everyone)
    gone = first_day + 7.0 * latent["lifetime_weeks"].to_numpy()

    active = np.flatnonzero(now < end)
    rows, days, numbers = [active], [first_day[active]], [np.zeros_like(active)]
    number = 0
    while active.size:
        # 1. The next order of everyone who may still have one.
        number += 1
        with np.errstate(divide="ignore", over="ignore"):
            gap = rng.standard_gamma(gap_shape[active]) / gap_rate[active]
        now[active] += gap
        active = active[now[active] < end[active]]
        # 2. Those who dropped out by then have no order.
        day = own.to_days(now[active], active)
        alive = day <= gone[active]
        active, day = active[alive], day[alive]
        rows.append(active)
        days.append(day)
        numbers.append(np.full(active.size, number))
        # 3. Those who drop out with this order have no further one.
        last = last_number[active] <= number
        gone[active[last]] = day[last]
        active = active[~last]
    orders = pd.DataFrame(
        {
            "row": np.concatenate(rows),
            "day": np.concatenate(days),
            "number": np.concatenate(numbers),
        }
    )
    orders = orders.sort_values(["row", "number"], ignore_index=True)
    n_days = len(clock.elapsed) - 1
    return orders, np.where(gone <= n_days, gone, np.inf)
