"""Derivations of degrees of latitude and longitude: on the sphere, and distances."""

import numpy as np

from custseg.exceptions import DataQualityError
from custseg.scoring._derived import Derivation
from custseg.scoring._record import record

EARTH_RADIUS = 6371.0088  # km: (2 a + b) / 3 of the ellipsoid of GRS 80
LIMITS = {"Latitude": 90.0, "Longitude": 180.0}
_REMEDY = "Give degrees with decimals, south and west negative."


@record
class OnSphere(Derivation):
    """Degrees to a unit vector from the centre of the earth.

    Attributes
    ----------
    names : tuple of str
    latitude, longitude : int
    whole : str
    strict : bool
    """

    names: tuple
    latitude: int
    longitude: int
    whole: str
    strict: bool
    weight = 2.0  # a point stands for two columns

    def __call__(self, source):
        """Return the three coordinates.

        To where the meridian of Greenwich meets the equator, to 90 degrees east on the
        equator, and to the north pole.
        """
        phi, lam = map(np.radians, read_degrees(source, self))
        ring = np.cos(phi)
        return [ring * np.cos(lam), ring * np.sin(lam), np.sin(phi)]


@record
class Kilometres(Derivation):
    """Degrees to kilometres to the nearest of some places, by the haversine formula.

    Attributes
    ----------
    names : tuple of str
    latitude, longitude : int
    targets : tuple of ndarray of shape (n_places, 2)
        Degrees of latitude and longitude, for each name.
    strict : bool
    """

    names: tuple
    latitude: int
    longitude: int
    targets: tuple
    strict: bool

    def __call__(self, source):
        """Return the distances."""
        phi, lam = map(np.radians, read_degrees(source, self))
        return [_kilometres(phi, lam, np.radians(places)) for places in self.targets]


def _kilometres(phi, lam, places):
    smallest = np.full(len(phi), np.inf)
    for other_phi, other_lam in places:
        haversine = (
            np.sin((phi - other_phi) / 2) ** 2
            + np.cos(phi) * np.cos(other_phi) * np.sin((lam - other_lam) / 2) ** 2
        )
        smallest = np.minimum(smallest, haversine)
    # Rounding can bring the haversine of antipodes above 1.
    return 2 * EARTH_RADIUS * np.arcsin(np.sqrt(np.minimum(smallest, 1.0)))


def read_degrees(source, derivation):
    """Read latitude and longitude, both NaN where one is missing.

    Both exactly 0 stand for no place, which is told.
    """
    positions = (derivation.latitude, derivation.longitude)
    values = [source.number(position, _REMEDY) for position in positions]
    names = [source.names[position] for position in positions]
    _refuse_outside(names, values)
    nowhere = (values[0] == 0) & (values[1] == 0)
    rows = np.flatnonzero(nowhere)
    if len(rows):
        source.tell(
            f"Columns {names[0]!r} and {names[1]!r} must hold the customers' places. "
            f"Got 0 degrees north and east, where nobody lives, in {len(rows)} of "
            f"{len(nowhere)} rows instead (first: row {rows[0]})",
            "counted as missing",
            "Correct them, or mark them as missing",
            DataQualityError,
            derivation.strict,
        )
    unknown = np.isnan(values[0]) | np.isnan(values[1]) | nowhere
    return [np.where(unknown, np.nan, degrees) for degrees in values]


def _refuse_outside(names, values):
    outside = [
        np.flatnonzero(np.abs(degrees) > limit)
        for degrees, limit in zip(values, LIMITS.values(), strict=True)
    ]
    for name, rows, (what, limit) in zip(names, outside, LIMITS.items(), strict=True):
        if len(rows):
            raise DataQualityError(
                f"{what} {name!r} must lie between -{limit:g} and {limit:g} "
                f"degrees. Got others in {len(rows)} of {len(values[0])} rows "
                f"instead (first: row {rows[0]}). {_hint(what, values, outside)}"
            )


def _hint(what, values, outside):
    """Say what is likely to be wrong with degrees out of range."""
    latitude, longitude = values
    if what == "Longitude":
        return (
            "Take 360 off longitudes that are counted from 0 to 360; metres and "
            "national grids are to be converted to degrees."
        )
    fits = not len(outside[1]) and not np.any(np.abs(longitude) > LIMITS["Latitude"])
    if fits and not np.any(np.abs(latitude) > LIMITS["Longitude"]):
        return "The columns of latitude and longitude seem to be exchanged."
    return "Metres and national grids are to be converted to degrees."
