"""Typing tool

`TypingTool` against scikit-learn's `SequentialFeatureSelector` around
`LinearDiscriminantAnalysis`, forwards, with five folds: 40 questions answered on a
scale of five, six segments, eight questions to choose. Ours also exchanges questions,
and makes the whole choice again without each fold, to say how often it is right; the
peer does neither. The table says how often each is right about 20,000 other customers.
Memory is above that of the input.
"""

import sys
from functools import cache, partial

from _harness import Call, Case, WrongAnswerError, run

READING = """
The peer fits a discriminant to customers for every candidate and fold. Ours sums the
customers of each fold once; every candidate's discriminant is solved from parts of the
sums, and customers are only asked. So it can afford exchanges and five choices more.
Both choose by the same accuracy; questions differ where several are about as good.
"""
N_QUESTIONS, N_SEGMENTS, N_CHOSEN = 40, 6, 8
LEAST_AGREEMENT = 0.01


@cache
def customers(n, seed=0):
    import numpy as np

    rng = np.random.default_rng(seed)
    typical = np.random.default_rng(1).normal(3, 0.5, (N_SEGMENTS, N_QUESTIONS))
    segments = rng.integers(0, N_SEGMENTS, n)
    answers = typical[segments] + rng.normal(0, 1, (n, N_QUESTIONS))
    return np.clip(np.rint(answers), 1, 5), segments


def start_ours(n):
    from custseg import TypingTool

    X, segments = customers(n)
    new, truth = customers(20_000, 2)
    tool = TypingTool(N_CHOSEN, accuracy=1.0)

    def choose():
        import warnings

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that accuracy 1 is not reached
            tool.fit(X, segments)
        return tool.score(new, truth), tool.accuracy_

    return choose


def start_peer(n):
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
    from sklearn.feature_selection import SequentialFeatureSelector
    from sklearn.pipeline import make_pipeline

    X, segments = customers(n)
    new, truth = customers(20_000, 2)
    chosen = SequentialFeatureSelector(
        LinearDiscriminantAnalysis(), n_features_to_select=N_CHOSEN, cv=5
    )
    model = make_pipeline(chosen, LinearDiscriminantAnalysis())
    return lambda: (model.fit(X, segments).score(new, truth), None)


def as_right(ours, peer):
    if ours[0] < peer[0] - LEAST_AGREEMENT:
        raise WrongAnswerError(f"right {ours[0]:.3f}, the peer {peer[0]:.3f}")
    return f"right about {ours[0]:.3f} ({ours[1]:.3f} foretold); the peer {peer[0]:.3f}"


def cases(quick):
    return [
        Case(
            f"{n:,} customers, {N_CHOSEN} of {N_QUESTIONS} questions",
            (
                Call("TypingTool", partial(start_ours, n)),
                Call("SequentialFeatureSelector", partial(start_peer, n)),
            ),
            as_right,
            repeats=3,
        )
        for n in ((1_000,) if quick else (2_000, 20_000))
    ]


if __name__ == "__main__":
    sys.exit(run(__file__, __doc__, cases, READING))
