"""What the command line says: results, notes, and progress on a terminal."""

import sys
import warnings
from contextlib import contextmanager


class Terminal:
    """Results go to standard output; progress to a terminal and nowhere else."""

    def __init__(self):
        self._shows_progress = sys.stderr.isatty()
        self._shown = False

    def say(self, text=""):
        """Print a result."""
        self.clear()
        try:
            print(text)
        except UnicodeEncodeError:  # an old code page
            encoding = sys.stdout.encoding
            print(text.encode(encoding, "replace").decode(encoding))

    def note(self, text):
        """Print what the reader should know about a result, on one line."""
        self.say(f"Note: {' '.join(str(text).split())}")

    def step(self, text):
        """Show what is being done, in place of what was shown before."""
        if self._shows_progress:
            sys.stderr.write(f"\r\x1b[K{text} ...")
            sys.stderr.flush()
            self._shown = True

    def clear(self):
        """Wipe the line of progress."""
        if self._shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
            self._shown = False

    @contextmanager
    def notes_of_warnings(self):
        """Turn what is warned of inside into notes."""
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", UserWarning)
            yield
        for text in dict.fromkeys(str(warning.message) for warning in caught):
            self.note(text)


def listed(names, limit=12):
    """Join names for a message: `'a', 'b' and 3 more`."""
    names = [repr(str(name)) for name in names]
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more


def counted(n, one, many=None):
    """Write a count with its noun: `1 row`, `2,240 rows`."""
    return f"{n:,} {one if n == 1 else many or one + 's'}"
