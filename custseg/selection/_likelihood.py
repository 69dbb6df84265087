"""Information criteria of mixtures: BIC and ICL."""

import numpy as np

from custseg._utils._pipelines import last_step


def information_criteria(estimator, Z):
    """BIC and ICL of a fitted mixture; smaller is better.

    ICL is the BIC of customers and their segments together, each customer in the most
    probable one, so that overlapping segments count against a mixture (Biernacki,
    Celeux and Govaert, 2000).

    Parameters
    ----------
    estimator : fitted estimator, or Pipeline that ends in one
    Z : array-like of shape (n_customers, n_features)
        What the last step was fitted on.

    Returns
    -------
    bic, icl : float
        NaN where the last step has no BIC, or no probabilities.

    References
    ----------
    Biernacki, C., Celeux, G. and Govaert, G. (2000). Assessing a mixture model for
    clustering with the integrated completed likelihood. IEEE Transactions on Pattern
    Analysis and Machine Intelligence 22(7), 719-725.
    https://doi.org/10.1109/34.865189
    """
    last = last_step(estimator)
    bic = getattr(last, "bic_", None)
    if bic is None and hasattr(last, "bic"):
        bic = last.bic(Z)
    if bic is None:
        return np.nan, np.nan
    if not hasattr(last, "predict_proba"):
        return float(bic), np.nan
    certainty = last.predict_proba(Z).max(axis=1)
    return float(bic), float(bic - 2 * np.log(certainty).sum())
