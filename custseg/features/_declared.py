"""What demographic and firmographic columns share: years, bands, declared orders."""

from custseg.columns import check_names, order_texts, quoted
from custseg.exceptions import SchemaError
from custseg.features._bands import read_bands
from custseg.features._mixed import MixedTransformer
from custseg.features._years import read_reference_date
from custseg.scoring import Bands, Same, YearsSince

__all__ = ["DeclaredTransformer"]


class DeclaredTransformer(MixedTransformer):
    """Read columns by their type, and by what parameters declare of them.

    A subclass has the parameters `ordered`, `nominal`, `bands`, `reference_date` and
    the one that `_since` names.

    Attributes
    ----------
    _since : str
        Parameter that names columns of dates or years from which years are counted.
    _years_name : str
        What the years are called.
    _longest : int
        More years are impossible.
    _schemes : dict of str to tuple
        Bands that have a name, as `read_bands` gives them.
    """

    _takes = ("categorical",)
    _read_as_levels = ("boolean",)
    _since = ""
    _years_name = ""
    _longest = 0
    _schemes = {}

    def _learn(self, columns):
        """Check the declarations, and freeze years and bands."""
        names = [column.name for column in columns]
        self._years = self._read_since(names)
        purpose = f"{self._since} is given"
        self.reference_date_ = (
            read_reference_date(self.reference_date, "reference_date", purpose)
            if self._years
            else None
        )
        derived = [self._years.get(name, name) for name in names]
        ordered, bands = self.ordered or {}, self.bands or {}
        check_names("ordered", ordered, derived)
        check_names("nominal", self.nominal, derived)
        check_names("bands", bands, derived)
        self._refuse_both("ordered", ordered, "nominal", self.nominal)
        self._refuse_both("ordered", ordered, "in bands", bands)
        self._orders = {n: order_texts(n, levels) for n, levels in ordered.items()}
        self._bands = {
            name: self._schemes[edges]
            if isinstance(edges, str) and edges in self._schemes
            else read_bands(name, edges)
            for name, edges in bands.items()
        }
        return self._derivations(names)

    def _derivations(self, names):
        """Return years and then bands."""
        first = [self._first(*one) for one in enumerate(names)]
        derived = [name for one in first for name in one.names]
        return first, [self._second(*one) for one in enumerate(derived)]

    def _first(self, position, name):
        """Return the derivation of a column that came in: years, or itself."""
        if name not in self._years:
            return Same((name,), position)
        reference = self.reference_date_.isoformat()
        years = (self._years[name],)
        return YearsSince(years, position, reference, self._longest, self.strict)

    def _second(self, position, name):
        """Return the derivation of bands, of a column or of years."""
        if name not in self._bands:
            return Same((name,), position)
        return Bands((name,), position, *self._bands[name], self.strict)

    def _read_since(self, names):
        """Return the names of years by the names of the columns they come from."""
        since = getattr(self, self._since) or {}
        since = {since: self._years_name} if isinstance(since, str) else dict(since)
        check_names(self._since, since, names)
        kept = [name for name in names if name not in since]
        called = [str(years) for years in since.values()]
        twice = {name for name in called if (kept + called).count(name) > 1}
        if twice:
            raise SchemaError(
                f"{self._since} must give years a name that no other column has. Got "
                f"{quoted(sorted(twice))} instead. Leave the other column out, or give "
                f"a name as in {self._since}={{{next(iter(since))!r}: 'a name'}}."
            )
        return {str(name): str(years) for name, years in since.items()}

    @staticmethod
    def _refuse_both(one, names, other, others):
        both = [name for name in others if name in names]
        if both:
            raise ValueError(
                f"A column must be {one} or {other}. Got {quoted(both)} in both "
                "instead. Declare each in one."
            )
