"""Where levels of a column have their rows in a table of outputs."""

from types import MappingProxyType

import numpy as np

from custseg.scoring._cells import READINGS

MISSING, UNSEEN = -2, -1
# Integer columns that span no more are looked up in a table, not sorted.
_SPAN = 2**16


class Places:
    """The place of each known level; missing ones are -2 and unseen ones -1.

    Parameters
    ----------
    levels : sequence of str, float, bool or None
        None is a place for missing values.
    reading : {"level", "category"}
        As text in which 1 and "1" are the same, or as they are.
    """

    __slots__ = ("_places", "levels", "read", "reading")

    def __init__(self, levels, reading):
        places = {level: place for place, level in enumerate(levels)}
        places.setdefault(None, MISSING)
        self.levels, self.reading = tuple(levels), reading
        self.read = READINGS[reading]
        self._places = MappingProxyType(places)

    def __reduce__(self):
        return Places, (self.levels, self.reading)

    def of_cell(self, name, cell):
        """Place of one cell."""
        return self._places.get(self.read(name, cell), UNSEEN)

    def of_cells(self, name, cells):
        """Places of distinct cells."""
        places = [self.of_cell(name, cell) for cell in cells]
        return np.array(places, dtype=np.intp)

    def of_objects(self, name, cells):
        """Places of an array of Python objects, each distinct one looked up once."""
        cells = cells.tolist()
        # True and 1 are equal and share a hash, so their types go with them.
        keys = list(zip(cells, map(type, cells), strict=True))
        looked_up = _LookedUp(self, name)
        return np.fromiter(map(looked_up.__getitem__, keys), np.intp, len(keys))

    def of_numbers(self, name, values):
        """Places of an array of numbers or booleans, NaN where missing."""
        if values.dtype.kind in "iu" and len(values):
            least, most = int(values.min()), int(values.max())
            if most - least < _SPAN:
                table = self.of_cells(name, range(least, most + 1))
                return table[values - np.array(least, values.dtype)]
        distinct, codes = np.unique(values, return_inverse=True)
        return self.of_cells(name, distinct.tolist())[codes]


class _LookedUp(dict):
    def __init__(self, places, name):
        super().__init__()
        self._places, self._name = places, name

    def __missing__(self, key):
        place = self._places.of_cell(self._name, key[0])
        self[key] = place
        return place
