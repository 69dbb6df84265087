"""What a summary of events is asked to have: stages, levels, channels, moves."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from numbers import Real

from custseg.exceptions import DataQualityError, SchemaError
from custseg.tables._event_columns import EventColumns

__all__ = [
    "GIVEN",
    "LEVELLED",
    "MISSING",
    "OTHER",
    "Plan",
    "check_names",
    "check_options",
    "in_order",
    "read_levels",
    "read_modes",
    "read_names",
    "read_stages",
]

MISSING, OTHER = "missing", "other"
LEVELLED = ("touchpoint", "channel", "payment_method")
_MOST_MOVES = 20
_PHASES = ("before", "during", "after")
_STAGES = {
    "before": ("search", "compare", "consult"),
    "during": ("choose", "pay"),
    "after": ("feedback", "service", "recommend"),
}
_ONLINE = (
    "online",
    "web",
    "website",
    "webshop",
    "app",
    "mobile",
    "internet",
    "email",
    "e-mail",
    "social",
    "chat",
)
_OFFLINE = ("offline", "store", "shop", "branch", "counter", "phone", "catalog")
GIVEN = {
    "touchpoint": "touchpoints",
    "channel": "channels",
    "payment_method": "payment_methods",
}


@dataclass(frozen=True)
class Plan:
    """What a summary of events is to have.

    Attributes
    ----------
    columns : EventColumns
        Which column is which.
    limit, reference : int
        The last microsecond that counts, and from where times are counted.
    stages : tuple of str
        In their order, in lower case to be found by; empty without a stage column.
    phases : tuple of (str, int)
        Each phase with how many of the stages are its own.
    conversion : int
        Place of the stage of payment.
    levels : dict of str to tuple of str
        Levels of each role that has a column; of stages as they were given.
    online : tuple of int
        For each channel 1 if it is online, 0 if offline, -1 if unknown.
    transitions : str or None
        Role whose moves are wanted.
    open_days : float
        Days of silence until which a journey may still go on.
    identified : bool
        Whether the rows come with aliases.
    """

    columns: EventColumns
    limit: int
    reference: int
    stages: tuple = ()
    phases: tuple = ()
    conversion: int = -1
    levels: object = None
    online: tuple = ()
    transitions: str | None = None
    open_days: float = 0.0
    identified: bool = False


def read_stages(columns, stages, conversion):
    """Return names of stages, how many each phase has, and the place of payment."""
    if columns.stage is None:
        for name, value in (("stages", stages), ("conversion", conversion)):
            if value is not None:
                raise SchemaError(
                    f"EventColumns must name stage where {name} is given. Got "
                    f"stage=None and {name}={value!r} instead. Name the column of "
                    "stages."
                )
        return (), (), -1
    phases = _read_phases(_STAGES if stages is None else stages)
    names = tuple(name for phase in phases.values() for name in phase)
    lengths = tuple((phase, len(own)) for phase, own in phases.items())
    if conversion is None:
        conversion = phases["during"][-1]
    known = [name.lower() for name in names]
    if not isinstance(conversion, str) or conversion.strip().lower() not in known:
        raise ValueError(
            f"conversion must be one of the stages {', '.join(map(repr, names))}. Got "
            f"{conversion!r} instead."
        )
    return names, lengths, known.index(conversion.strip().lower())


def _read_phases(stages):
    if not isinstance(stages, Mapping) or set(stages) - set(_PHASES):
        got = sorted(map(repr, stages)) if isinstance(stages, Mapping) else stages
        raise ValueError(
            "stages must be a mapping of 'before', 'during' and 'after' to names of "
            f'stages in their order. Got {got!r} instead. Write {{"before": '
            '("search",), "during": ("pay",), "after": ("service",)}.'
        )
    phases = {p: read_names(stages.get(p, ()), f"stages[{p!r}]") for p in _PHASES}
    names = [name.lower() for own in phases.values() for name in own]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(
            "stages must have names that differ in more than the case of letters. Got "
            f"{', '.join(map(repr, twice))} more than once instead."
        )
    if not phases["during"]:
        raise ValueError(
            "stages must have a stage during the purchase. Got none instead. Add the "
            "stage of payment."
        )
    return phases


def read_names(value, what):
    """Return names as a tuple of text."""
    alone = isinstance(value, str | Mapping) or not isinstance(value, Iterable)
    names = () if alone else tuple(value)
    if alone or not all(isinstance(name, str) and name.strip() for name in names):
        raise ValueError(
            f"{what} must be a sequence of names, as text. Got {value!r} instead."
        )
    names = tuple(name.strip() for name in names)
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(
            f"{what} must have each name once. Got {', '.join(map(repr, twice))} more "
            "than once instead."
        )
    return names


def read_levels(columns, touchpoints, channels, payment_methods):
    """Return the levels that are given, by role."""
    values = (touchpoints, channels, payment_methods)
    found = {}
    for (role, name), value in zip(GIVEN.items(), values, strict=True):
        if value is None:
            continue
        if getattr(columns, role) is None:
            raise SchemaError(
                f"EventColumns must name {role} where {name} are given. Got "
                f"{role}=None instead. Name the column, or leave {name} out."
            )
        found[role] = read_names(value, name)
        if not found[role]:
            raise ValueError(f"{name} must have at least one name. Got none instead.")
    return found


def check_options(columns, transitions, open_days, unknown_aliases):
    roles = ("stage", "touchpoint", "channel")
    if transitions is not None and transitions not in roles:
        raise ValueError(
            f"transitions must be None or one of {', '.join(map(repr, roles))}. Got "
            f"{transitions!r} instead."
        )
    if transitions is not None and getattr(columns, transitions) is None:
        raise SchemaError(
            f"EventColumns must name {transitions} for transitions={transitions!r}. "
            f"Got {transitions}=None instead. Name the column."
        )
    is_number = isinstance(open_days, Real) and not isinstance(open_days, bool)
    if not is_number or not 0 <= open_days < float("inf"):
        raise ValueError(
            f"open_days must be a number of days, 0 or more. Got {open_days!r} instead."
        )
    if unknown_aliases not in ("refuse", "keep"):
        raise ValueError(
            "unknown_aliases must be 'refuse' or 'keep'. Got "
            f"{unknown_aliases!r} instead."
        )


def read_modes(channels, online, name):
    """Tell for each channel whether it is online (1), offline (0) or unknown (-1)."""
    unknown = (MISSING, OTHER)
    if online is None:
        known = dict.fromkeys(_OFFLINE, 0) | dict.fromkeys(_ONLINE, 1)
        known |= dict.fromkeys(unknown, -1)
        strange = [one for one in channels if one.lower() not in known]
        if strange:
            raise ValueError(
                f"online must say which channels of column {name!r} are online. Got "
                f"None with {', '.join(map(repr, strange))} instead. Name the channels "
                "that are online; all others are then offline."
            )
        return tuple(known[one.lower()] for one in channels)
    wanted = {one.lower() for one in read_names(online, "online")}
    if name is None:
        raise SchemaError(
            "EventColumns must name channel where online is given. Got channel=None "
            "instead. Name the column of channels."
        )
    modes = {one: -1 if one in unknown else 0 for one in channels}
    return tuple(1 if one.lower() in wanted else mode for one, mode in modes.items())


def in_order(levels):
    roles = ("touchpoint", "channel", "stage", "payment_method")
    return {role: levels[role] for role in roles if role in levels}


def check_names(plan):
    """Raise if there are too many moves, or two columns would have one name."""
    moved = plan.levels.get(plan.transitions, ())
    if len(moved) > _MOST_MOVES:
        raise DataQualityError(
            f"Column {getattr(plan.columns, plan.transitions)!r} must have at most "
            f"{_MOST_MOVES} levels for transitions. Got {len(moved)} instead. Map them "
            "to a few first."
        )
    names = [f"{role}_{one}" for role, levels in plan.levels.items() for one in levels]
    names += [f"{plan.transitions}_{a}_to_{b}" for a in moved for b in moved]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise SchemaError(
            "Columns of the result must have names of their own. Got "
            f"{', '.join(map(repr, twice))} more than once instead. Name the levels "
            "apart."
        )
