"""Frozen records: steps that are nothing but their fields, for threads and files."""

from dataclasses import dataclass, fields

import numpy as np

KINDS = {}


def record(cls):
    """Make a class a frozen record whose arrays cannot be written to.

    Its name is the kind under which a file knows it.
    """
    cls = dataclass(frozen=True, eq=False)(cls)
    KINDS[cls.__name__] = cls
    return cls


class Record:
    """What records share: fields that nobody changes."""

    def __post_init__(self):
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, list):
                value = tuple(value)
            object.__setattr__(self, field.name, _read_only(value))
        self._prepare()

    def _prepare(self):
        """Work out once what every answer needs."""

    def _keep(self, **derived):
        for name, value in derived.items():
            object.__setattr__(self, name, _read_only(value))

    def __reduce__(self):
        values = tuple(getattr(self, field.name) for field in fields(self))
        return type(self), values


def _read_only(value):
    if isinstance(value, np.ndarray):
        if value.flags.writeable:
            value = value.copy(order="C")
            value.flags.writeable = False
    elif isinstance(value, tuple):
        value = tuple(_read_only(one) for one in value)
    return value
