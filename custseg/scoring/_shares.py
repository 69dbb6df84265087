"""Parts of a whole as shares, and shares as square roots or log-ratios.

Parts are summed column after column, so that a customer's coordinates are the same
alone and among others to the last bit.
"""

import numpy as np

from custseg.columns import refuse
from custseg.scoring._derived import Derivation
from custseg.scoring._record import record


@record
class Shares(Derivation):
    """Columns that are parts of a whole, as coordinates of their shares.

    Attributes
    ----------
    names : tuple of str
        One for each part.
    positions : tuple of int
    whole : str
    mean_shares : tuple of float
        Of the average customer.
    prior : float
        Orders of the average customer that are added to each; whole numbers are asked
        for if it is above 0.
    zero_share : float
        What a share of zero becomes in log-ratios; 0 for square roots.
    """

    names: tuple
    positions: tuple
    whole: str
    mean_shares: tuple = ()
    prior: float = 0.0
    zero_share: float = 0.0

    def __call__(self, source):
        """Return coordinates, one for each part."""
        shares = self.shares(source)
        if not self.zero_share:  # their distance is sqrt(2) times the Hellinger one
            return [np.sqrt(share) for share in shares]
        logs = _logarithms(shares, self.zero_share)
        mean = _total(logs) / len(logs)
        return [log - mean for log in logs]

    def shares(self, source):
        """Return shares that add up to one; NaN where parts are missing or nothing."""
        parts = self._parts(source)
        if self.prior > 0:
            each = zip(parts, self.mean_shares, strict=True)
            parts = [part + self.prior * share for part, share in each]
        # Relative to the largest, sums cannot overflow.
        largest = parts[0]
        for part in parts[1:]:
            largest = np.maximum(largest, part)
        largest = np.where(largest > 0, largest, np.nan)
        parts = [part / largest for part in parts]
        total = _total(parts)
        return [part / total for part in parts]

    def _parts(self, source):
        """Read the parts, NaN in all where missing."""
        remedy = "Give shares or counts as numbers."
        parts = [source.number(position, remedy) for position in self.positions]
        missing = np.array([np.isnan(part) for part in parts])
        questions = {
            "be 0 or more": (
                np.array([part < 0 for part in parts]),
                "Count returns apart.",
            ),
            "all be there or all be missing": (
                missing & ~np.all(missing, axis=0),
                "Set gaps that stand for none to 0.",
            ),
        }
        if self.prior > 0:
            questions["be whole numbers when prior is given"] = (
                np.array([part % 1 > 0 for part in parts]),
                "Give counts, or leave prior at 0.",
            )
        for constraint, (bad, remedy) in questions.items():
            if bad.any():
                self._refuse(source, bad, constraint, remedy)
        return parts

    def _refuse(self, source, bad, constraint, remedy):
        each = zip(self.positions, bad, strict=True)
        where = [repr(source.names[position]) for position, one in each if one.any()]
        more = f" and {len(where) - 5} more" * (len(where) > 5)
        what = f"Shares or counts of {self.whole!r} ({', '.join(where[:5])}{more})"
        refuse(what, np.any(bad, axis=0), constraint, remedy)


def _logarithms(shares, zero_share):
    """Return logarithms of shares, zeros replaced at the cost of the others."""
    n_zeros = np.sum([share == 0 for share in shares], axis=0)
    left = 1 - n_zeros * zero_share
    return [np.log(np.where(share == 0, zero_share, share * left)) for share in shares]


def _total(columns):
    """Add up column after column, whatever the number of rows."""
    total = columns[0]
    for column in columns[1:]:
        total = total + column
    return total
