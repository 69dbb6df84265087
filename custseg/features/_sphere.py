"""Degrees of latitude and longitude: checked, on the sphere, and as distances."""

from collections.abc import Mapping

import numpy as np

from custseg.columns import numbers
from custseg.exceptions import DataQualityError

__all__ = ["EARTH_RADIUS", "great_circle", "on_sphere", "read_degrees", "read_targets"]

EARTH_RADIUS = 6371.0088  # km: (2 a + b) / 3 of the ellipsoid of GRS 80
_LIMITS = {"Latitude": 90.0, "Longitude": 180.0}
_REMEDY = "Give degrees with decimals, south and west negative."


def read_degrees(latitude, longitude):
    """Read two columns as degrees.

    Parameters
    ----------
    latitude, longitude : Column

    Returns
    -------
    latitude, longitude : ndarray of shape (n_customers,)
        Both NaN where one is missing.
    nowhere : ndarray of int
        Rows with both exactly 0, which stands for no place; NaN here as well.

    Raises
    ------
    SchemaError
        If a column does not hold numbers.
    DataQualityError
        If degrees are infinite or out of range.
    """
    values = [numbers(column, _REMEDY) for column in (latitude, longitude)]
    outside = [
        np.flatnonzero(np.abs(degrees) > limit)
        for degrees, limit in zip(values, _LIMITS.values(), strict=True)
    ]
    for column, rows, (what, limit) in zip(
        (latitude, longitude), outside, _LIMITS.items(), strict=True
    ):
        if len(rows):
            raise DataQualityError(
                f"{what} {column.name!r} must lie between -{limit:g} and {limit:g} "
                f"degrees. Got others in {len(rows)} of {len(column.values)} rows "
                f"instead (first: row {rows[0]}). {_hint(what, values, outside)}"
            )
    nowhere = (values[0] == 0) & (values[1] == 0)
    unknown = np.isnan(values[0]) | np.isnan(values[1]) | nowhere
    latitude, longitude = (np.where(unknown, np.nan, degrees) for degrees in values)
    return latitude, longitude, np.flatnonzero(nowhere)


def _hint(what, values, outside):
    """Say what is likely to be wrong with degrees out of range."""
    latitude, longitude = values
    if what == "Longitude":
        return (
            "Take 360 off longitudes that are counted from 0 to 360; metres and "
            "national grids are to be converted to degrees."
        )
    fits = not len(outside[1]) and not np.any(np.abs(longitude) > _LIMITS["Latitude"])
    if fits and not np.any(np.abs(latitude) > _LIMITS["Longitude"]):
        return "The columns of latitude and longitude seem to be exchanged."
    return "Metres and national grids are to be converted to degrees."


def on_sphere(latitude, longitude):
    """Return places as unit vectors from the centre of the earth.

    Parameters
    ----------
    latitude, longitude : ndarray of shape (n_customers,)
        Degrees.

    Returns
    -------
    ndarray of shape (n_customers, 3)
        To where the meridian of Greenwich meets the equator, to 90 degrees east on
        the equator, and to the north pole.
    """
    phi, lam = np.radians(latitude), np.radians(longitude)
    ring = np.cos(phi)
    return np.column_stack([ring * np.cos(lam), ring * np.sin(lam), np.sin(phi)])


def great_circle(latitude, longitude, targets):
    """Return kilometres to the nearest of some places, by the haversine formula.

    Parameters
    ----------
    latitude, longitude : ndarray of shape (n_customers,)
        Degrees.
    targets : ndarray of shape (n_places, 2)
        Degrees of latitude and longitude.

    Returns
    -------
    ndarray of shape (n_customers,)
    """
    phi, lam = np.radians(latitude), np.radians(longitude)
    smallest = np.full(len(phi), np.inf)
    for other_phi, other_lam in np.radians(targets):
        haversine = (
            np.sin((phi - other_phi) / 2) ** 2
            + np.cos(phi) * np.cos(other_phi) * np.sin((lam - other_lam) / 2) ** 2
        )
        smallest = np.minimum(smallest, haversine)
    # Rounding can bring the haversine of antipodes above 1.
    return 2 * EARTH_RADIUS * np.arcsin(np.sqrt(np.minimum(smallest, 1.0)))


def read_targets(distance_to):
    """Check the places to which distances are wanted.

    Parameters
    ----------
    distance_to : mapping of str to pair, or to sequence of pairs, or None

    Returns
    -------
    dict of str to ndarray of shape (n_places, 2)

    Raises
    ------
    ValueError
        If it is no mapping, a place is no pair of numbers, or degrees are out of range.
    """
    if distance_to is None:
        return {}
    if not isinstance(distance_to, Mapping):
        raise ValueError(
            "distance_to must be a mapping of name and place. Got "
            f"{type(distance_to).__name__} instead. Write "
            '{"store": (52.52, 13.40)}, latitude first.'
        )
    return {str(name): _read_target(name, one) for name, one in distance_to.items()}


def _read_target(name, place):
    try:
        degrees = np.atleast_2d(np.array(place, dtype=np.float64))
    except (TypeError, ValueError):
        degrees = np.empty((0, 0))
    limits = np.array(list(_LIMITS.values()))
    if degrees.ndim != 2 or degrees.shape[1] != 2 or not len(degrees):
        got = repr(place)
    elif not np.all(np.abs(degrees) <= limits):
        got = f"{np.count_nonzero(~np.all(np.abs(degrees) <= limits, axis=1))} others"
    else:
        return degrees
    raise ValueError(
        f"distance_to[{str(name)!r}] must be a pair of latitude (-90 to 90) and "
        f"longitude (-180 to 180) in degrees, or several. Got {got} instead. Write "
        "(52.52, 13.40), or [(52.52, 13.40), (48.14, 11.58)] for the nearest of two."
    )
