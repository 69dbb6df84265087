"""Derivations of what customers think and take up: loyalty, promoters, adoption."""

import numpy as np

from custseg.columns import refuse_column
from custseg.scoring._derivations import MeanOfItems
from custseg.scoring._derived import Derivation, levels_of
from custseg.scoring._record import record
from custseg.scoring._sources import Coded

# Without attitude or behaviour, with behaviour, with attitude, with both.
TYPES = ("none", "spurious", "latent", "true", "unknown")
PROMOTERS = ("detractor", "passive", "promoter")
_CORRECTION = "Correct them or mark them as missing."


@record
class Loyalty(Derivation):
    """Attitude and behaviour, each high or low, to types of loyalty.

    Attributes
    ----------
    names : tuple of str
        Empty where the columns are only to be checked.
    behaviour, attitude : MeanOfItems
        Of several columns; of one it is the column itself.
    cuts : tuple of float
        From which value of behaviour, and of attitude, on a customer is high.
    proportions : tuple of int
        Columns that lie between 0 and 1.
    """

    names: tuple
    behaviour: MeanOfItems
    attitude: MeanOfItems
    cuts: tuple
    proportions: tuple

    def __call__(self, source):
        """Return the types."""
        check_proportions(source, self.proportions)
        behaviour, attitude = (
            side_of(source, self.behaviour),
            side_of(source, self.attitude),
        )
        high = 2 * (attitude >= self.cuts[1]) + (behaviour >= self.cuts[0])
        unknown = np.isnan(behaviour) | np.isnan(attitude)
        return [Coded(np.where(unknown, 4, high), TYPES)] * len(self.names)


def check_proportions(source, positions):
    """Refuse columns that are shares and leave 0 to 1."""
    for position in positions:
        values = source.number(position)
        wrong = (values < 0) | (values > 1)
        name = source.names[position]
        refuse_column(name, wrong, "shares from 0 to 1", _CORRECTION)


def side_of(source, mean):
    """Return one number a customer: the column, or the mean of several."""
    if len(mean.positions) == 1:
        return source.number(mean.positions[0])
    return mean(source)[0]


@record
class Promoters(Derivation):
    """Answers from 0 to 10 to detractors, passives and promoters."""

    names: tuple
    position: int
    ordered = True

    def __call__(self, source):
        """Return the class of each answer."""
        answers = source.number(self.position)
        refuse_answers(source.names[self.position], no_answer(answers))
        place = promoter_class(answers).astype(np.float64)
        place[np.isnan(answers)] = np.nan
        return [levels_of(place, PROMOTERS)]


def no_answer(answers):
    """Whether answers are none of 0 to 10; missing ones may be."""
    wrong = (answers < 0) | (answers > 10) | (answers != np.round(answers))
    return wrong & ~np.isnan(answers)


def refuse_answers(name, wrong):
    """Refuse answers that are none."""
    refuse_column(name, wrong, "whole numbers from 0 to 10", _CORRECTION)


def promoter_class(answers):
    """Place of the class of each answer in `PROMOTERS`."""
    return (answers >= 7).astype(int) + (answers >= 9)


@record
class Adoption(Derivation):
    """Times from a launch to adoption, to the categories of adopters.

    Attributes
    ----------
    names : tuple of str
    position : int
    limits : ndarray of shape (n_categories - 2,)
        The last time of each category but the last.
    categories : tuple of str
        With that of those who have not adopted at the end.
    """

    names: tuple
    position: int
    limits: np.ndarray
    categories: tuple

    def __call__(self, source):
        """Return the categories."""
        times = read_times(source, self.position)
        place = np.searchsorted(self.limits, times, side="left")
        missing = len(self.categories) - 1
        return [Coded(np.where(np.isnan(times), missing, place), self.categories)]


def read_times(source, position):
    """Read times from the launch, NaN for not adopted."""
    times = source.number(position)
    constraint = "no time below 0, which is the launch"
    remedy = "Correct them; missing means not adopted."
    refuse_column(source.names[position], times < 0, constraint, remedy)
    return times
