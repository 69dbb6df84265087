"""Mixtures and latent classes

EM with full covariances on 1,000,000 customers in ten columns and eight components
against scikit-learn's `GaussianMixture`, both from the same parameters: ten looks at
the customers and nine new sets of parameters. The answer is the log-likelihood at which
both then stand. Then whole fits: a Gaussian mixture of 100,000 customers; latent
classes of 100,000 customers who answer twenty questions of two levels; and of as many
with five numbers and five columns of four levels, of which 10 % are missing, against
StepMix. Each side has one start and its own rule to end; ours must reach the likelihood
of the peer or a higher one. Memory is above that of the input.
"""

import sys
from functools import cache
from importlib.util import find_spec

from _harness import Call, Case, Target, WrongAnswerError, run

READING = """
One pass of EM over a block of customers is two products: statistics by coefficients,
which gives the logarithms of all densities, and memberships by statistics, which gives
the sums that new parameters are made from; a missing answer has statistics of zero.
After each two passes ours reaches further along the way, so that a fit needs a fraction
of the passes. StepMix takes codes and starts at random; ours reads levels, finds a
start by k-means on a draw of 20,000 customers, numbers the segments, labels the
customers and works out BIC, ICL and the entropy in this time.
"""
N_STEPS = 10
SHAPE, CLASSES = (10, 8), 6


@cache
def customers(n):
    import numpy as np

    rng = np.random.default_rng(0)
    d, k = SHAPE
    means = rng.normal(0, 2, (k, d))
    mix = rng.normal(0, 0.4, (k, d, d)) + np.eye(d)
    of_component = rng.integers(0, k, n)
    X = rng.normal(size=(n, d))
    for component in range(k):
        members = of_component == component
        X[members] = X[members] @ mix[component] + means[component]
    return X


@cache
def start_of(n):
    """Shares, means and covariances near those of the components."""
    import numpy as np

    rng = np.random.default_rng(1)
    X, k = customers(n), SHAPE[1]
    means = X[rng.choice(n, k, replace=False)]
    covariance = np.cov(X[:10_000].T) / 2
    return np.full(k, 1 / k), means, np.repeat(covariance[np.newaxis], k, axis=0)


def steps_of_ours(n):
    import numpy as np

    from custseg.cluster._densities import GaussianDensities
    from custseg.cluster._em import Mixture
    from custseg.cluster._gaussian_frame import Frame

    X, (shares, means, covariances) = customers(n), start_of(n)

    def steps():
        frame = Frame.of(X, None, "full")
        Z = frame.apply(X)
        mixture = Mixture(GaussianDensities(len(Z)), Z)
        T = frame.matrix
        framed = (means - frame.center) @ T, T.T @ covariances @ T
        parameters = tuple(part[np.newaxis] for part in framed)
        at = mixture.pass_over(shares[np.newaxis], parameters)
        for _ in range(N_STEPS - 1):
            at = mixture.pass_over(*mixture.renewed(at))
        return float(at.log_likelihoods[0] / n + frame.log_scale)

    return steps


def steps_of_peer(n):
    import warnings

    import numpy as np
    from sklearn.mixture import GaussianMixture

    class Kept(GaussianMixture):
        """Keeps the likelihood of its last look, which it does not say."""

        def _e_step(self, *args, **kwargs):
            found = super()._e_step(*args, **kwargs)
            self.last = float(found[0])
            return found

    X, (shares, means, covariances) = customers(n), start_of(n)
    peer = Kept(
        SHAPE[1],
        weights_init=shares,
        means_init=means,
        precisions_init=np.linalg.inv(covariances),
        reg_covar=0,
        tol=0,
        max_iter=N_STEPS - 1,  # each with a look, and one look after the last
    )

    def steps():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return peer.fit(X).last

    return steps


def fit_gaussians_of_ours(n):
    from custseg.cluster import GaussianMixtureSegmenter

    X = customers(n)
    mixture = GaussianMixtureSegmenter(SHAPE[1], n_init=1, random_state=0)
    return lambda: mixture.fit(X).log_likelihood_ / n


def fit_gaussians_of_peer(n):
    from sklearn.mixture import GaussianMixture

    X = customers(n)
    peer = GaussianMixture(SHAPE[1], tol=1e-6, max_iter=1000, random_state=0)
    return lambda: peer.fit(X).lower_bound_


@cache
def answers(n):
    """Twenty questions of two levels."""
    import numpy as np

    rng = np.random.default_rng(0)
    chances = rng.uniform(0.1, 0.9, (CLASSES, 20))
    return (rng.random((n, 20)) < chances[rng.integers(0, CLASSES, n)]) * 1


@cache
def mixed(n):
    """Five numbers and five columns of four levels, 10 % missing."""
    import numpy as np
    import pandas as pd

    rng = np.random.default_rng(0)
    k = 5
    of_class = rng.integers(0, k, n)
    table = {}
    for i in range(5):
        table[f"number_{i}"] = rng.normal(rng.normal(0, 1.5, k)[of_class])
        ends = rng.dirichlet(np.ones(4), k).cumsum(axis=1)[of_class]
        levels = (rng.random(n)[:, np.newaxis] >= ends[:, :-1]).sum(axis=1)
        table[f"level_{i}"] = levels * 1.0
    table = pd.DataFrame(table)
    return table.mask(rng.random(table.shape) < 0.1)


def fit_classes(table, n, n_classes):
    from custseg.cluster import LatentClassSegmenter

    X = table(n)
    segmenter = LatentClassSegmenter(
        n_classes, prior_count=0, n_init=1, tol=1e-8, random_state=0
    )
    return lambda: segmenter.fit(X).log_likelihood_ / n


def fit_step_mix(table, n, n_classes):
    from stepmix.stepmix import StepMix
    from stepmix.utils import get_mixed_descriptor

    X = table(n)
    measurement = "binary"
    if table is mixed:
        X, measurement = get_mixed_descriptor(
            dataframe=X,
            continuous_nan=[name for name in X if name.startswith("number")],
            categorical_nan=[name for name in X if name.startswith("level")],
        )
    peer = StepMix(
        n_classes, measurement=measurement, progress_bar=0, verbose=0, random_state=0
    )

    def fitted():
        peer.fit(X)
        return peer.lower_bound_

    return fitted


def same(ours, peer):
    import math

    if not math.isclose(ours, peer, rel_tol=1e-8):
        raise WrongAnswerError(f"log-likelihood {ours!r} and {peer!r}")
    return f"log-likelihood {ours:.8g} a customer on both sides"


def as_likely(ours, peer):
    if ours < peer - 1e-6:
        raise WrongAnswerError(f"log-likelihood {ours!r} and {peer!r}")
    return f"log-likelihood {ours:.6f} and {peer:.6f} a customer"


def told(ours, peer):
    return f"log-likelihood {ours:.6f} and {peer:.6f} a customer, of another model"


def cases(quick):
    n_steps, n = (20_000, 5_000) if quick else (1_000_000, 100_000)
    tenth = Target("ten times faster than the peer", 0.1)
    threads = 2
    steps = (
        Call("custseg", lambda: steps_of_ours(n_steps), threads=threads),
        Call("scikit-learn", lambda: steps_of_peer(n_steps), threads=threads),
    )
    gaussians = (
        Call("custseg", lambda: fit_gaussians_of_ours(n), threads=threads),
        Call("scikit-learn", lambda: fit_gaussians_of_peer(n), threads=threads),
    )
    made = [
        Case(f"EM steps, full, n = {n_steps:,}", steps, same, target=tenth, repeats=5),
        Case(f"Gaussian fit, n = {n:,}", gaussians, as_likely, repeats=3),
    ]
    kinds = (
        ("latent classes, levels", answers, 6),
        ("latent classes, mixed", mixed, 5),
    )
    for name, table, k in kinds:
        if find_spec("stepmix"):
            peer = Call(
                "StepMix", lambda t=table, k=k: fit_step_mix(t, n, k), threads=threads
            )
            options = {"agree": as_likely, "target": tenth}
        else:
            name = f"{name} (StepMix is not installed)"
            peer = Call(
                "Gaussian fit", lambda: fit_gaussians_of_ours(n), threads=threads
            )
            options = {"agree": told}
        ours = Call(
            "custseg", lambda t=table, k=k: fit_classes(t, n, k), threads=threads
        )
        made.append(Case(f"{name}, n = {n:,}", (ours, peer), repeats=3, **options))
    return made


if __name__ == "__main__":
    sys.exit(run(__file__, __doc__, cases, READING))
