"""What demographic and firmographic columns share: years, bands, declared orders."""

import warnings

from custseg.columns import check_names, numbers, order_texts, quoted
from custseg.exceptions import DataQualityError, SchemaError, SegmentWarning
from custseg.features._bands import band_of, read_bands
from custseg.features._mixed import MixedTransformer
from custseg.features._years import read_reference_date, years_until

__all__ = ["DeclaredTransformer"]

_REMEDY = "Convert the column first (pandas.to_numeric), or leave it out of bands."


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
    _schemes : dict of str to Bands
        Bands that have a name.
    """

    _categorical = True

    _since = ""
    _years_name = ""
    _longest = 0
    _schemes = {}

    def _learn(self, columns):
        """Check the declarations, and freeze what `_derive` goes by."""
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

    def _derive(self, columns):
        """Count years, find bands, and give columns the order that was declared."""
        return [self._derive_one(column) for column in columns]

    def _derive_one(self, column):
        if column.name in self._years:
            years, impossible = years_until(self.reference_date_, column, self._longest)
            self._report_impossible(
                column.name,
                f"give from 0 to {self._longest:,} years at {self.reference_date_}",
                impossible,
                len(years),
            )
            column = column._replace(
                name=self._years[column.name], kind="number", values=years
            )
        if column.name in self._bands:
            bands = self._bands[column.name]
            values, impossible = band_of(numbers(column, _REMEDY), bands)
            self._report_impossible(
                column.name,
                f"hold {bands.lowest:g} or more",
                impossible,
                len(values),
            )
            return column._replace(kind="ordered", values=values, levels=bands.names)
        if column.name in self._orders:
            return column._replace(kind="ordered", levels=self._orders[column.name])
        return column

    def _report_impossible(self, name, constraint, rows, n_rows):
        """Warn of values that cannot be, or raise if `strict`."""
        if not len(rows):
            return
        text = (
            f"Column {name!r} must {constraint}. Got others in {len(rows)} of {n_rows} "
            f"rows instead (first: row {rows[0]})"
        )
        if self.strict:
            raise DataQualityError(
                f"{text}. Correct them, mark them as missing, or set strict=False."
            )
        warnings.warn(
            f"{text}, counted as missing. Correct them, or mark them as missing.",
            SegmentWarning,
            stacklevel=5,
        )

    def _kind(self, column):
        """Settle what a column is read as: booleans and declared codes as levels."""
        if column.name in self.nominal or column.kind == "boolean":
            return "nominal"
        return super()._kind(column)
