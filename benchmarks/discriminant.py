"""Discriminant analysis

`DiscriminantAssigner` against scikit-learn's `LinearDiscriminantAnalysis` and
`QuadraticDiscriminantAnalysis`: customers with ten columns in five segments that
overlap. The check is that both give the same probabilities, and with shrinkage, which
they define each in its way, that ours are right as often. Memory is above that of
the input.
"""

import sys
from functools import cache

from _harness import Call, Case, Target, WrongAnswerError, run

READING = """
scikit-learn decomposes the table itself, centred by segment, which needs copies of it
and many passes. Ours goes through it once, block by block, sorts the customers of a
block by segment while they lie in the cache, and adds up cross-products about each
segment's mean in the block. What is left is an eigendecomposition of ten by ten. Two
cores share the memory they read from, so a second thread adds little. `predict_proba`
makes the same products as scikit-learn's, block by block, and uses no threads. Tuning
adds up the customers of each fold once, whatever the number of candidates, of which
ours compares 35 (pooling and shrinkage) and the peer's grid has 7.
"""
N_SEGMENTS = 5


@cache
def customers(n):
    import numpy as np

    rng = np.random.default_rng(0)
    labels = rng.integers(0, N_SEGMENTS, n)
    centers = rng.normal(0, 1, (N_SEGMENTS, 10))
    return centers[labels] + rng.normal(0, 1, (n, 10)), labels


def solver_of(which, kind):
    if which == "ours":
        from custseg.assignment import DiscriminantAssigner

        return DiscriminantAssigner(kind, method=method_of_peer(kind))
    from sklearn import discriminant_analysis as peers

    if kind == "linear":
        return peers.LinearDiscriminantAnalysis()
    return peers.QuadraticDiscriminantAnalysis()


@cache
def method_of_peer(kind):
    """What the installed scikit-learn divides covariances by.

    Two segments of two customers each, of variance 1 (moment) or 1/2 (mle): the slope
    of the log-odds in the middle is twice as steep by maximum likelihood.
    """
    X = [[0.0], [2**0.5], [10.0], [10 + 2**0.5]]
    middle = 5 + 0.5**0.5
    model = solver_of("peer", kind).fit(X, [0, 0, 1, 1])
    below, above = model.decision_function([[middle], [middle + 0.1]])
    return "mle" if above - below > 1.5 else "moment"


def fit(which, kind, n):
    X, labels = customers(n)
    solver = solver_of(which, kind)
    some = X[:1_000]
    return lambda: solver.fit(X, labels).predict_proba(some)


def fit_shrunken(which, n):
    X, labels = customers(n)
    if which == "ours":
        from custseg.assignment import DiscriminantAssigner

        solver = DiscriminantAssigner(shrinkage="ledoit_wolf")
    else:
        from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

        solver = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto")
    return lambda: solver.fit(X, labels).score(X[:1_000], labels[:1_000])


def fit_tuned(which, n):
    X, labels = customers(n)
    if which == "ours":
        from custseg.assignment import DiscriminantAssigner

        solver = DiscriminantAssigner("regularized", shrinkage="auto")
    else:
        from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis
        from sklearn.model_selection import GridSearchCV

        grid = {"reg_param": [0, 0.01, 0.05, 0.1, 0.25, 0.5, 1]}
        solver = GridSearchCV(QuadraticDiscriminantAnalysis(), grid, cv=5)
    return lambda: solver.fit(X, labels).score(X[:1_000], labels[:1_000])


@cache
def fitted(which, kind):
    return solver_of(which, kind).fit(*customers(20_000))


def probabilities(which, kind, n):
    model, (X, _) = fitted(which, kind), customers(n)
    return lambda: model.predict_proba(X)


def same_probabilities(ours, peer):
    gap = abs(ours - peer).max()
    if not gap <= 1e-8:
        raise WrongAnswerError(f"probabilities differ by {gap:.0e}")
    return "same probabilities to 1e-8"


def as_often_right(ours, peer):
    if not ours >= peer - 0.02:
        raise WrongAnswerError(f"right for {ours:.3f}, not {peer:.3f}")
    return f"right for {ours:.3f} and {peer:.3f} of 1,000"


def two_threads_and_one(prepare, kind, n):
    """Ours on one thread against scikit-learn on one and on two, and ours on two."""
    return (
        Call("custseg", lambda: prepare("ours", kind, n)),
        Call("scikit-learn", lambda: prepare("peer", kind, n)),
        Call("scikit-learn", lambda: prepare("peer", kind, n), 2),
        Call("custseg", lambda: prepare("ours", kind, n), 2),
    )


def cases(quick):
    n = 20_000 if quick else 1_000_000
    listed = []
    for kind, factor in [("linear", 8), ("quadratic", 5)]:
        target = Target(f"{factor} times faster than scikit-learn", 1 / factor)
        sides = two_threads_and_one(fit, kind, n)
        name = f"fit, n = {n:,}, {kind}"
        listed.append(Case(name, sides, same_probabilities, target=target))
    for kind in ("linear", "quadratic"):
        sides = two_threads_and_one(probabilities, kind, n)[:2]
        name = f"predict_proba, n = {n:,}, {kind}"
        listed.append(Case(name, sides, same_probabilities, rows=n))
    for prepare, size, text in [
        (fit_shrunken, n, "Ledoit and Wolf's shrinkage"),
        (fit_tuned, n // 10, "regularized, tuned in five folds"),
    ]:
        sides = (
            Call("custseg", lambda f=prepare, size=size: f("ours", size)),
            Call("scikit-learn", lambda f=prepare, size=size: f("peer", size)),
        )
        name = f"fit, n = {size:,}, {text}"
        listed.append(Case(name, sides, as_often_right, repeats=3))
    return listed


if __name__ == "__main__":
    sys.exit(run(__file__, __doc__, cases, READING))
