"""Import

What does `import custseg` add to `import numpy`, and what does the first use of a
stage cost? Each run is a fresh interpreter, its start included; memory is that of the
whole process.
"""

import sys

from _harness import Case, Process, Target, run

READING = """
`import custseg` loads no other library, NumPy included, and looks its names up when
they are first used. A stage costs the libraries it stands on: narwhals for tables,
which load pandas only if they are handed a pandas table, and scikit-learn for
segmenters, beside which our own modules and pandas' checks are small.
"""
EMPTY = ("an empty program", "")


def case(name, ours, peer, **options):
    """Two programs, each a name and its code or code alone."""
    sides = [
        Process(*program) if isinstance(program, tuple) else Process(program, program)
        for program in (ours, peer)
    ]
    return Case(name, tuple(sides), **options)


def cases(quick):
    listed = [
        case(
            "after NumPy",
            "import numpy, custseg",
            "import numpy",
            target=Target("at most 50 ms over `import numpy`", 0.050, "excess"),
        ),
        case("alone", "import custseg", EMPTY),
        case(
            "tables",
            "from custseg.tables import clean_transactions",
            "import pandas",
        ),
        case(
            "a segmenter",
            "from custseg import KMeansSegmenter",
            "from sklearn.cluster import KMeans",
        ),
    ]
    return listed[:3] if quick else listed


if __name__ == "__main__":
    sys.exit(run(__file__, __doc__, cases, READING))
