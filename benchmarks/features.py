"""Features

A `ColumnTransformer` of `BehaviouralTransformer` and `DemographicTransformer` against
one of scikit-learn's `StandardScaler` and `OneHotEncoder` (dense), on customers with 20
columns of numbers and ten of text with eight levels each, or of pandas' categories.
"Without logarithms" does the same arithmetic as scikit-learn, and numbers must agree;
by default ours takes the logarithm of the ten columns that are skewed. The last cases
transform one customer, and put twelve columns into four balanced bases, which
scikit-learn alone does not have: the peer does not balance. Memory is above that of
the input.
"""

import sys
from functools import cache

from _harness import Call, Case, Target, WrongAnswerError, run

READING = """
Ours reads every column once, refuses what is no number, fills gaps, and counts levels
that it has not seen; indicators are divided by a figure, so they are numbers and not
bits. `OneHotEncoder` looks each level up in a sorted list of text. One customer costs
what scikit-learn's checks of a table of one row cost: `compile_scorer` leaves them out.
"""
N_NUMBERS, N_LEVELS, N_FIT = 20, 10, 10_000
NUMBERS = [f"number_{i}" for i in range(N_NUMBERS)]
LEVELS = [f"level_{i}" for i in range(N_LEVELS)]


@cache
def customers(n, *, category=False):
    import numpy as np
    import pandas as pd

    rng = np.random.default_rng(0)
    names = np.array([f"level {i}" for i in range(8)])
    table = {}
    for place, name in enumerate(NUMBERS):
        table[name] = rng.lognormal(size=n) if place % 2 else rng.normal(size=n)
    for name in LEVELS:
        codes = rng.integers(0, len(names), n)
        category_of = pd.Categorical.from_codes(codes, names)
        table[name] = category_of if category else names[codes]
    return pd.DataFrame(table)


def make_ours(*, log):
    from sklearn.compose import ColumnTransformer

    from custseg import BehaviouralTransformer, DemographicTransformer

    parts = [
        ("numbers", BehaviouralTransformer(log=log), NUMBERS),
        ("levels", DemographicTransformer(), LEVELS),
    ]
    return ColumnTransformer(parts)


def make_peer():
    from sklearn.compose import ColumnTransformer
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    levels = OneHotEncoder(sparse_output=False, handle_unknown="ignore")
    return ColumnTransformer(
        [("numbers", StandardScaler(), NUMBERS), ("levels", levels, LEVELS)]
    )


def transform(make, n, *, category=False):
    table = customers(n, category=category)
    fitted = make().fit(customers(N_FIT, category=category))
    return lambda: sample(fitted.transform(table))


def fit(make, n):
    table = customers(n)
    return lambda: sample(make().fit(table).transform(table.head(100)))


def sample(numbers):
    """Keep the numbers of a few customers: answers are kept while others run."""
    return numbers[:: max(len(numbers) // 100, 1)].copy()


def balanced():
    from custseg import make_customer_features

    places = [slice(0, 3), slice(3, 6), slice(6, 9)]
    names = ("behavioural", "social", "adoption")
    bases = {n: NUMBERS[p] for n, p in zip(names, places, strict=True)}
    return make_customer_features(**bases, demographic=LEVELS[:3])


def unbalanced():
    from sklearn.compose import ColumnTransformer

    (_, numbers, _), (_, levels, _) = make_peer().transformers
    return ColumnTransformer(
        [("numbers", numbers, NUMBERS[:9]), ("levels", levels, LEVELS[:3])]
    )


def told(ours, peer):
    return f"{ours.shape[1]} and {peer.shape[1]} columns"


def the_same(ours, peer):
    import numpy as np

    indicators = ours[:, N_NUMBERS:] > 0
    largest = np.max(np.abs(ours[:, :N_NUMBERS] - peer[:, :N_NUMBERS]))
    if largest > 1e-9 or not np.array_equal(indicators, peer[:, N_NUMBERS:] > 0):
        raise WrongAnswerError(f"numbers differ by up to {largest:.1e}, or levels do")
    return f"numbers differ by less than 1e-9 ({told(ours, peer)})"


def cases(quick):
    n = 2_000 if quick else 1_000_000
    target = Target("at most three times as long", 3)

    def sides(ours, peer):
        return Call("custseg", ours), Call("scikit-learn", peer)

    def plain():
        return make_ours(log="none")

    def default():
        return make_ours(log="auto")

    return [
        Case(
            f"transform, text, without logarithms, n = {n:,}",
            sides(lambda: transform(plain, n), lambda: transform(make_peer, n)),
            the_same,
            target=target,
            repeats=3,
        ),
        Case(
            f"transform, text, n = {n:,}",
            sides(lambda: transform(default, n), lambda: transform(make_peer, n)),
            told,
            target=target,
            repeats=3,
        ),
        Case(
            f"transform, categories, n = {n:,}",
            sides(
                lambda: transform(default, n, category=True),
                lambda: transform(make_peer, n, category=True),
            ),
            told,
            target=target,
            repeats=3,
        ),
        Case(
            f"fit, text, n = {n // 10:,}",
            sides(lambda: fit(default, n // 10), lambda: fit(make_peer, n // 10)),
            told,
            repeats=3,
        ),
        Case(
            "transform, one customer",
            sides(lambda: transform(default, 1), lambda: transform(make_peer, 1)),
            told,
        ),
        Case(
            f"balanced bases, n = {n:,}",
            sides(lambda: transform(balanced, n), lambda: transform(unbalanced, n)),
            told,
            target=target,
            repeats=3,
        ),
    ]


if __name__ == "__main__":
    sys.exit(run(__file__, __doc__, cases, READING))
