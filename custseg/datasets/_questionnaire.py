"""Attitude items that answer latent factors on five points, with response styles."""

from dataclasses import dataclass

import numpy as np

from custseg.datasets._parameters import check_number, check_whole

N_POINTS = 5
_MIDDLE_THRESHOLDS = np.array([-1.5, -0.5, 0.5, 1.5])
_DIFFICULTY = 0.3
_POINT_SHARES_OF_STRAIGHT_LINERS = (0.1, 0.2, 0.4, 0.2, 0.1)


@dataclass(frozen=True)
class Questionnaire:
    """Likert items on five points that measure correlated attitude factors.

    An item's latent response is loading x factor + noise, of variance 1 within a
    segment, and is cut at four thresholds (Samejima's graded response model with a
    normal ogive). Loadings, thresholds and keying belong to the instrument: they are
    the same at every draw.

    Parameters
    ----------
    n_factors : int
        Number of factors.
    items_per_factor : int
        Items of each factor. Items come factor by factor: att_01 to att_05 measure the
        first.
    loadings : (float, float)
        Lowest and highest loading; a factor's items are spread evenly between them.
    factor_correlation : float
        Correlation of any two factors within a segment.
    reverse_share : float
        Share of reverse-keyed items, spread evenly over the questionnaire.
    acquiescence : float
        Standard deviation, over customers, of the tendency to agree whatever the item
        says, in standard deviations of a latent response.
    extremity : float
        Standard deviation of the logarithm of the factor, over customers, that
        stretches the latent responses to the ends of the scale.
    straight_liners : float
        Share of customers who give one answer to all items.

    References
    ----------
    Samejima, F. (1969). Estimation of latent ability using a response pattern of
    graded scores. Psychometrika 34. https://doi.org/10.1007/BF03372160

    Examples
    --------
    >>> from custseg.datasets import Questionnaire
    >>> short = Questionnaire(n_factors=2, items_per_factor=3)
    >>> short.item_columns
    ('att_01', 'att_02', 'att_03', 'att_04', 'att_05', 'att_06')
    >>> short.reverse_keyed
    ('att_02', 'att_05')
    >>> short.scales["trait_2"]
    ('att_04', 'att_05', 'att_06')
    """

    n_factors: int = 4
    items_per_factor: int = 5
    loadings: tuple = (0.5, 0.8)
    factor_correlation: float = 0.25
    reverse_share: float = 1 / 3
    acquiescence: float = 0.3
    extremity: float = 0.25
    straight_liners: float = 0.05

    def __post_init__(self):
        """Refuse what no questionnaire can be.

        Raises
        ------
        ValueError
            If a field is out of range.
        """
        remedy = "Four factors of five items are the default."
        check_whole("n_factors", self.n_factors, 1, 10, remedy=remedy)
        check_whole("items_per_factor", self.items_per_factor, 1, 100, remedy=remedy)
        for loading in self.loadings:
            check_number("loadings", loading, 0, 1, remedy="Use .5 to .8.")
        check_number(
            "factor_correlation",
            self.factor_correlation,
            0,
            0.95,
            remedy="Use 0 for uncorrelated factors.",
        )
        for name in ("reverse_share", "straight_liners"):
            check_number(name, getattr(self, name), 0, 1, remedy="Give a share.")
        for name in ("acquiescence", "extremity"):
            check_number(name, getattr(self, name), 0, remedy="Use 0 for none.")

    @property
    def n_items(self):
        """Number of items."""
        return self.n_factors * self.items_per_factor

    @property
    def item_columns(self):
        """Names of the items, in order."""
        width = max(2, len(str(self.n_items)))
        return tuple(f"att_{i:0{width}d}" for i in range(1, self.n_items + 1))

    @property
    def scales(self):
        """Names of the items by the trait that they measure."""
        names, size = self.item_columns, self.items_per_factor
        return {
            f"trait_{factor + 1}": names[factor * size : (factor + 1) * size]
            for factor in range(self.n_factors)
        }

    @property
    def item_signs(self):
        """1 for items keyed with their factor, -1 for reverse-keyed ones."""
        # An item is reversed where the running share passes a half, so that the
        # reversed ones are spread evenly over the factors.
        edges = np.arange(self.n_items + 1) * self.reverse_share + 0.5
        return np.where(np.diff(np.floor(edges + 1e-9)) > 0, -1, 1)

    @property
    def reverse_keyed(self):
        """Names of the reverse-keyed items."""
        return tuple(
            name
            for name, sign in zip(self.item_columns, self.item_signs, strict=True)
            if sign < 0
        )

    @property
    def item_loadings(self):
        """Loadings of the items, without the sign of the keying."""
        spread = np.linspace(*self.loadings, self.items_per_factor)
        return np.tile(spread, self.n_factors)

    @property
    def thresholds(self):
        """Thresholds on the latent response, shape (n_items, 4)."""
        steps = (7 * np.arange(self.n_items)) % self.n_items
        difficulty = _DIFFICULTY * (2 * steps / max(self.n_items - 1, 1) - 1)
        return _MIDDLE_THRESHOLDS + difficulty[:, np.newaxis]


def draw_traits(questionnaire, centers, rng):
    """Factor scores around each customer's centre, variance 1 within a segment."""
    size = questionnaire.n_factors
    correlation = np.full((size, size), questionnaire.factor_correlation)
    np.fill_diagonal(correlation, 1.0)
    noise = rng.standard_normal(centers.shape)
    return centers + noise @ np.linalg.cholesky(correlation).T


def draw_answers(questionnaire, traits, missing, response_styles, rng):
    """Answers of 1 to 5 to all items, NaN where missing, and who straight-lines."""
    n_customers = len(traits)
    factor = np.repeat(np.arange(traits.shape[1]), questionnaire.items_per_factor)
    loading = questionnaire.item_loadings
    noise = rng.standard_normal((n_customers, questionnaire.n_items))
    latent = questionnaire.item_signs * loading * traits[:, factor]
    latent += np.sqrt(1.0 - loading**2) * noise
    straight = np.zeros(n_customers, dtype=bool)
    if response_styles:
        stretch = np.exp(questionnaire.extremity * rng.standard_normal(n_customers))
        agree = questionnaire.acquiescence * rng.standard_normal(n_customers)
        latent = latent * stretch[:, np.newaxis] + agree[:, np.newaxis]
        straight = rng.random(n_customers) < questionnaire.straight_liners
    thresholds = questionnaire.thresholds
    answers = 1.0 + (latent[:, :, np.newaxis] > thresholds).sum(axis=2)
    same = rng.choice(N_POINTS, size=n_customers, p=_POINT_SHARES_OF_STRAIGHT_LINERS)
    answers[straight] = 1.0 + same[straight, np.newaxis]
    answers[rng.random(answers.shape) < missing] = np.nan
    return answers, straight
