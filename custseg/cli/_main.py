"""Arguments of the commands, and errors as one line."""

import argparse
import sys

from custseg import __version__

_SEGMENT_HELP = """\
Find segments in a table with one row a customer.

Numeric columns that describe what customers do or are become the basis of the
segments. Ids, constants, text and integer codes of categories are left out and listed
with the reason; --columns and --exclude overrule that. With --transactions, recency,
frequency, spend and the like are worked out from the orders and join the basis.

The number of segments is chosen by silhouette among k-means, Gaussian mixtures and
(up to 5,000 customers) Ward's hierarchy; segments under 2 % of customers are never
chosen. Into the folder go:
  segments.csv    customer_id, segment, segment_name, probability
  profile.csv     what each segment is like, column by column
  selection.csv   every candidate that was tried
  model.joblib    the fitted model, for `custseg assign`
  *.png           the same as pictures, where matplotlib is installed
"""
_ASSIGN_HELP = """\
Give new customers their segments by a model that `custseg segment` wrote.

The file needs the columns that the model assigns by. A model file can run code when it
is loaded: use only files that you trust.
"""
_DEMO_HELP = """\
Segment the 440 clients of a wholesaler that come with the package: learn on nine in
ten, then assign the others as if they were new.
"""


def _names(text):
    return [name.strip() for name in text.split(",") if name.strip()]


def _numbers(text):
    """Read '2-8' or '3,5' as a list of numbers of segments."""
    try:
        if "-" in text:
            low, high = (int(part) for part in text.split("-"))
            numbers = list(range(low, high + 1))
        else:
            numbers = [int(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if not numbers or min(numbers) < 1:
        raise argparse.ArgumentTypeError(
            f"numbers of segments must be like 2-8, 4 or 3,5. Got {text!r} instead"
        )
    return numbers


def _roles(text):
    """Read 'date=InvoiceDate,quantity=Qty' as a dict."""
    pairs = [pair.split("=", 1) for pair in _names(text)]
    if not all(len(pair) == 2 for pair in pairs):
        raise argparse.ArgumentTypeError(
            f"roles must be like date=Day,amount=Total. Got {text!r} instead"
        )
    return {role.strip(): column.strip() for role, column in pairs}


def _parser():
    parser = argparse.ArgumentParser(
        prog="custseg",
        description="Customer segments from tables, and new customers assigned to them",
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    raw = argparse.RawDescriptionHelpFormatter

    segment = commands.add_parser(
        "segment",
        help="find segments in a table of customers",
        description=_SEGMENT_HELP,
        formatter_class=raw,
    )
    segment.add_argument("customers", help="CSV file with one row a customer")
    segment.add_argument("--out", required=True, help="folder for the results")
    segment.add_argument("--transactions", help="CSV file with the customers' orders")
    segment.add_argument(
        "--transaction-columns",
        type=_roles,
        default={},
        metavar="ROLE=COLUMN,...",
        help="columns of the transactions where their names do not tell: customer_id, "
        "transaction_id, date, amount, quantity, unit_price, product",
    )
    segment.add_argument("--id", help="column with the customers' ids")
    segment.add_argument(
        "--columns", type=_names, metavar="A,B", help="basis of the segments, as given"
    )
    segment.add_argument(
        "--exclude", type=_names, default=[], metavar="A,B", help="not in the basis"
    )
    segment.add_argument(
        "--descriptors",
        type=_names,
        metavar="A,B",
        help="columns to assign new customers by (default: the basis)",
    )
    segment.add_argument(
        "--segments",
        type=_numbers,
        default=list(range(2, 9)),
        metavar="2-8",
        help="numbers of segments to try (default: 2-8)",
    )
    segment.add_argument("--seed", type=int, default=0, help="random seed (default: 0)")
    segment.add_argument("--force", action="store_true", help="overwrite results")

    assign = commands.add_parser(
        "assign",
        help="give new customers their segments",
        description=_ASSIGN_HELP,
        formatter_class=raw,
    )
    assign.add_argument("customers", help="CSV file with one row a customer")
    assign.add_argument("--model", required=True, help="model.joblib of `segment`")
    assign.add_argument("--out", required=True, help="CSV file to write")
    assign.add_argument("--force", action="store_true", help="overwrite the file")

    demo = commands.add_parser(
        "demo",
        help="segment the wholesale clients that come with the package",
        description=_DEMO_HELP,
        formatter_class=raw,
    )
    demo.add_argument(
        "--out", default="custseg-demo", help="folder (default: custseg-demo)"
    )
    return parser


def main(argv=None):
    """Run a command.

    Parameters
    ----------
    argv : list of str, default=None
        Arguments; None takes those of the process.

    Returns
    -------
    code : int
        0 if all went well, 2 if the arguments or the data did not allow it.
    """
    args = _parser().parse_args(argv)
    # Imported here, so that --help and --version answer at once.
    from custseg.cli import _commands

    try:
        getattr(_commands, args.command)(args)
    except (OSError, ValueError) as error:
        print(f"custseg: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    return 0
