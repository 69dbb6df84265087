"""`GeographicTransformer`: where customers are, as levels, places and distances."""

import warnings
from collections.abc import Mapping
from numbers import Real

from custseg._sklearn import Interval, StrOptions
from custseg.columns import check_names, order_texts, quoted
from custseg.exceptions import SchemaError, SegmentWarning
from custseg.features._batch import derive
from custseg.features._hierarchy import learn_hierarchy
from custseg.features._mixed import MixedTransformer
from custseg.features._places import read_places
from custseg.features._role_checks import check_column_roles
from custseg.features._sphere import read_targets
from custseg.scoring import Hierarchy, Kilometres, OnSphere, Same

__all__ = ["GeographicTransformer"]

_SPHERE = ("sphere_x", "sphere_y", "sphere_z")


class GeographicTransformer(MixedTransformer):
    """Bring where customers are to numbers: regions, places, distances.

    Nested regions become indicators in which a rare city counts as its region; latitude
    and longitude become a point on the sphere, and kilometres to given places; what
    is known of places, such as density, climate or transport, is joined from a table.
    City tiers are ordered. All other columns are read by their type, as
    `DemographicTransformer` reads them. Everything is learned in `fit` and frozen.

    Parameters
    ----------
    hierarchy : tuple of str, default=()
        Columns of nested levels, coarsest first: ``("country", "region", "city")``.
        Together they weigh as one column.
    places : frame, mapping of str to sequence, or None, default=None
        Table of places with one row a place, joined to the customers by `place`. Its
        columns are used as those of the customer table are, and may be named in the
        other parameters.
    place : str or None, default=None
        Column that customers and `places` share, such as a postcode. It is used for
        the join alone, unless `hierarchy`, `ordered` or `nominal` names it.
    place_columns : tuple of str or None, default=None
        Columns of `places` to join; None joins all.
    latitude, longitude : str or None, default=None
        Columns of degrees with decimals, south and west negative.
    sphere : bool, default=True
        Whether latitude and longitude give the point on the sphere; False leaves the
        distances alone.
    distance_to : mapping of str to pair or sequence of pairs, or None, default=None
        Places by name, as latitude and longitude in degrees: ``{"store": (52.52,
        13.40)}`` makes a column `km_to_store`. Of several places under one name the
        nearest counts.
    ordered : mapping of str to tuple, or None, default=None
        Levels of ordered columns, lowest first, as ``{"tier": (3, 2, 1)}``.
    nominal : tuple of str, default=()
        Columns to read as categories whatever their type, such as integer codes.
    min_share : float, default=0.01
        A node of the hierarchy with a smaller share of the training customers counts
        as the node above it; first and other nominal levels are pooled in `other`.
    log : {"auto", "all", "none"} or tuple of str, default="auto"
        Numeric columns and distances that go through the signed logarithm, as in
        `BehaviouralTransformer`: by default the skewed ones, as density mostly is.
    scale : bool, default=True
        Whether each column gets a total variance of one on the training data, the
        hierarchy one in all, and the point on the sphere two, for the two columns that
        it stands for. False leaves units as they are.
    add_indicator : bool, default=False
        Whether numeric and ordered columns with missing values in `fit` are followed
        by a column `<name>=missing` that tells them.
    strict : bool, default=False
        Whether customers whose place is not in `places`, places at 0 degrees north
        and east, and levels that `fit` has not seen raise instead of being counted in
        a warning.

    Attributes
    ----------
    nodes_ : dict of str to tuple of str
        Nodes of each column of the hierarchy that have a number: paths from the top,
        such as `DE/Bavaria/Munich`.
    kinds_ : dict of str to {"numeric", "ordered", "nominal", "plane"}
        What each column is read as, in the order of the output: customer columns,
        joined columns, the hierarchy, the point on the sphere, distances.
    levels_ : dict of str to tuple of str
        Levels of each ordered column, lowest first, and output levels of each nominal
        column: sorted, then `other` and `missing` where there are any.
    pooled_levels_ : dict of str to tuple of str
        Levels of each nominal column behind `other`.
    planes_ : dict of str to tuple
        Names, fill values, means and scale of the hierarchy and the point on the
        sphere.
    log_columns_ : tuple of str
        Columns that go through the logarithm.
    medians_ : ndarray of shape (n_kinds,)
        What replaces missing values; NaN where `kinds_` is nominal or plane.
    units_ : ndarray of shape (n_kinds,)
        Units of the logarithm; NaN where none is taken.
    means_ : ndarray of shape (n_kinds,)
        Subtracted after the logarithm.
    scales_ : ndarray of shape (n_kinds,)
        Divide what is left; infinite for a constant column, which becomes zeros.
    indicator_scales_ : ndarray of shape (n_kinds,)
        Divide the indicators of missing numbers and ranks; NaN where there is none.
    n_features_in_ : int
        Number of columns seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns seen in `fit`, if all are text.

    See Also
    --------
    DemographicTransformer : Numbers, categories and ordered categories.

    Notes
    -----
    **A hierarchy** has a number for each node that `min_share` of the customers have.
    A customer has a one for each of his country, region and city that is a node, so
    two customers of one region are nearer to each other than two of one country. A city
    that is rare, missing or has not been seen in `fit` is no node: its customers are
    then known by their region, midway between its cities, and by their country where
    the region is rare as well. Rare countries are pooled in `other`. Unseen levels are
    counted in a `SegmentWarning`, rare and missing ones are not. What comes below a
    missing level is not used. A node is a whole path: Springfield in one region
    is another city than Springfield in the next.

    The levels share a total variance of one in equal parts. They are one fact told
    more and more finely, as the city says the region, so a hierarchy of four levels
    does not outweigh one of two.

    **The point on the sphere** is the unit vector from the centre of the earth: with
    latitude and longitude as they are, customers at 179.9 and -179.9 degrees would be
    half the world apart, and a degree of longitude would be as long in Oslo as in
    Quito. Distances between the points are straight lines through the earth, which
    differ from the way along its surface by less than 1 % up to 3,000 km. Missing
    places become the mean point.

    **Distances** are along the great circle, by the haversine formula on a sphere of
    the mean radius 6371.0088 km [2]_. They differ from those on the ellipsoid by up to
    .56 %, and say nothing of roads, rivers and borders.

    **Degrees** out of range raise. A place at exactly 0 degrees north and east, in the
    Gulf of Guinea, stands for none: it is treated as missing and counted in a warning.

    **The join** compares keys as levels are compared: as text in Unicode NFC, without
    spaces at the ends, so 1 and "1" are one key. The joined columns of customers whose
    key is missing or not in the table are missing; they are counted in a warning.
    `fit` copies the columns it needs, and later changes of the table change nothing.

    References
    ----------
    .. [1] Sinnott, R. W. (1984). Virtues of the haversine. Sky and Telescope 68(2),
       159.
    .. [2] Moritz, H. (2000). Geodetic Reference System 1980. Journal of Geodesy 74,
       128-133. https://doi.org/10.1007/s001900050278
    .. [3] Mardia, K. V. and Jupp, P. E. (1999). Directional Statistics. Wiley,
       Chichester. https://doi.org/10.1002/9780470316979

    Examples
    --------
    >>> import pandas as pd
    >>> from custseg.features import GeographicTransformer
    >>> customers = pd.DataFrame(
    ...     {
    ...         "country": ["DE", "DE", "DE", "FR"],
    ...         "city": ["Berlin", "Berlin", "Munich", "Paris"],
    ...         "lat": [52.52, 52.50, 48.14, 48.86],
    ...         "lon": [13.40, 13.45, 11.58, 2.35],
    ...     }
    ... )
    >>> transformer = GeographicTransformer(
    ...     hierarchy=("country", "city"),
    ...     latitude="lat",
    ...     longitude="lon",
    ...     sphere=False,
    ...     distance_to={"warehouse": (52.52, 13.40)},
    ...     min_share=0.5,
    ...     scale=False,
    ...     log="none",
    ... ).set_output(transform="pandas")
    >>> transformer.fit_transform(customers).round(1)
       country=DE  country=other  city=DE/Berlin  km_to_warehouse
    0         1.0            0.0             1.0              0.0
    1         1.0            0.0             1.0              4.0
    2         1.0            0.0             0.0            503.8
    3         0.0            1.0             0.0            877.1
    >>> transformer.nodes_
    {'country': ('DE', 'other'), 'city': ('DE/Berlin',)}

    Joined columns are like the customers' own:

    >>> places = pd.DataFrame(
    ...     {"city": ["Berlin", "Munich", "Paris"], "density": [4_200, 4_900, 20_400]}
    ... )
    >>> joined = GeographicTransformer(
    ...     places=places, place="city", scale=False, log="none"
    ... )
    >>> joined.fit_transform(customers[["city"]]).ravel().tolist()
    [4200.0, 4200.0, 4900.0, 20400.0]
    """

    _takes = ("categorical",)
    _read_as_levels = ("boolean",)

    _parameter_constraints = {
        "hierarchy": [tuple, list],
        "places": "no_validation",
        "place": [str, None],
        "place_columns": [tuple, list, None],
        "latitude": [str, None],
        "longitude": [str, None],
        "sphere": ["boolean"],
        "distance_to": [Mapping, None],
        "ordered": [Mapping, None],
        "nominal": [tuple, list],
        "min_share": [Interval(Real, 0, 1, closed="left")],
        "log": [StrOptions({"auto", "all", "none"}), tuple, list],
        "scale": ["boolean"],
        "add_indicator": ["boolean"],
        "strict": ["boolean"],
    }

    def __init__(
        self,
        *,
        hierarchy=(),
        places=None,
        place=None,
        place_columns=None,
        latitude=None,
        longitude=None,
        sphere=True,
        distance_to=None,
        ordered=None,
        nominal=(),
        min_share=0.01,
        log="auto",
        scale=True,
        add_indicator=False,
        strict=False,
    ):
        self.hierarchy = hierarchy
        self.places = places
        self.place = place
        self.place_columns = place_columns
        self.latitude = latitude
        self.longitude = longitude
        self.sphere = sphere
        self.distance_to = distance_to
        self.ordered = ordered
        self.nominal = nominal
        self.min_share = min_share
        self.log = log
        self.scale = scale
        self.add_indicator = add_indicator
        self.strict = strict

    # -- fit -------------------------------------------------------------------------

    def _learn(self, columns):
        """Freeze the table of places, the targets and the nodes of the hierarchy."""
        self._check_pairs()
        names = [column.name for column in columns]
        first = []
        if self.places is not None:
            check_names("place", [self.place], names, "a column of the customer table")
            more = (names.index(self.place), self.strict)
            joined = read_places(self.places, self.place, self.place_columns, *more)
            twice = [name for name in joined.names if name in names]
            if twice:
                raise SchemaError(
                    "Columns of places must have names that customers' columns do not "
                    f"have. Got {quoted(twice)} in both instead. Rename one, or leave "
                    "it out with place_columns."
                )
            first = [Same((name,), position) for position, name in enumerate(names)]
            first.append(joined)
            names = [*names, *joined.names]
        self._targets = read_targets(self.distance_to)
        self._orders = {
            name: order_texts(name, levels)
            for name, levels in (self.ordered or {}).items()
        }
        self._check_roles(names)
        if first:
            self._refuse_no_match(joined, columns)
        rounds = (first,) if first else ()
        together = derive(self._batch(columns), columns, rounds)
        self._levels, self.nodes_ = [], {}
        if self.hierarchy:
            nested = [together[names.index(name)] for name in self.hierarchy]
            self._levels = learn_hierarchy(nested, self.min_share)
            self._warn_of_rare()
            self.nodes_ = {
                level.name: tuple(map("/".join, level.kept)) for level in self._levels
            }
        return (*rounds, self._derivations(names))

    def _derivations(self, names):
        """Return the columns kept, the hierarchy, the point and the distances."""
        derived = [Same((name,), names.index(name)) for name in self._kept(names)]
        if self._levels:
            nodes = tuple(
                f"{k}={one}" for k, many in self.nodes_.items() for one in many
            )
            positions = tuple(map(names.index, self.hierarchy))
            more = (
                "/".join(self.hierarchy),
                tuple(self._levels),
                self.scale,
                self.strict,
            )
            derived.append(Hierarchy(nodes, positions, *more))
        if self.latitude is None:
            return derived
        degrees = [names.index(self.latitude), names.index(self.longitude)]
        if self.sphere:
            whole = f"{self.latitude}/{self.longitude}"
            derived.append(OnSphere(_SPHERE, *degrees, whole, self.strict))
        if self._targets:
            outputs = tuple(f"km_to_{name}" for name in self._targets)
            targets = tuple(self._targets.values())
            derived.append(Kilometres(outputs, *degrees, targets, self.strict))
        return derived

    def _check_pairs(self):
        """Refuse parameters that are of no use without others."""
        if (self.places is None) != (self.place is None):
            given = "place" if self.places is None else "places"
            raise ValueError(
                f"places and place must be given together. Got {given} alone instead. "
                "Name in place the column that customers and places share."
            )
        if (self.latitude is None) != (self.longitude is None):
            given = "longitude" if self.latitude is None else "latitude"
            raise ValueError(
                "latitude and longitude must be given together. Got "
                f"{given} alone instead."
            )
        if self.distance_to and self.latitude is None:
            raise ValueError(
                "latitude and longitude must be given with distance_to. Got neither "
                "instead. Name the columns that hold them."
            )

    def _check_roles(self, names):
        """Refuse columns that the table does not have, or that have two roles."""
        degrees = [name for name in (self.latitude, self.longitude) if name is not None]
        roles = {
            "hierarchy": self.hierarchy,
            "latitude, longitude": degrees,
            "ordered": self._orders,
            "nominal": self.nominal,
        }
        check_column_roles(roles, names)
        made = self.hierarchy or self._targets or (degrees and self.sphere)
        if not made and not self._kept(names):
            raise ValueError(
                "sphere must be True when nothing else is made of the columns. Got "
                "False instead. Give distance_to, or leave sphere as it is."
            )

    def _kept(self, names):
        """Return the names of columns that go on as they are."""
        used = {*self.hierarchy, self.latitude, self.longitude}
        if self.place not in {*self.nominal, *self._orders}:
            used.add(self.place)
        return [name for name in names if name not in used]

    def _refuse_no_match(self, joined, columns):
        """Refuse a table of places that has none of the customers' places."""
        _, wrong = joined.rows(self._batch(columns))
        if wrong.all():
            raise SchemaError(
                f"places must have places of the customers in column {self.place!r}. "
                "Got none of their keys instead. Compare how keys are written: codes "
                "that were read as numbers have lost their leading zeros."
            )

    def _warn_of_rare(self):
        rare = [level.name for level in self._levels if not level.is_named]
        if rare:
            warnings.warn(
                "Each column of hierarchy must have a level shared by "
                f"{self.min_share:.3g} of the customers. Got only rarer ones in "
                f"{quoted(rare)} instead, which tell nothing now. Lower min_share, or "
                "leave the column out.",
                SegmentWarning,
                stacklevel=5,
            )
