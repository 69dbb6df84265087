"""Arguments of the commands, with help that teaches."""

import argparse
from datetime import datetime

from custseg import __version__

_MAIN = """\
Customer segments from tables, and new customers assigned to them.

  custseg demo                            see it on the clients of a wholesaler
  custseg segment customers.csv --out results
                                          find segments in a table of your own
  custseg assign new.csv --model results/model.joblib --out new_segments.csv
                                          say which segment new customers belong to
"""
_EXIT = """\
exit codes:
  0    done
  1    a defect of custseg, shown with its traceback: please report it
  2    the arguments or the data did not allow it; one line says what to mend
  130  stopped by Ctrl-C
"""
_SEGMENT = """\
Find segments in a table with one row a customer, in orders, or in both.

Files are CSV (separator and encoding are found and said) or, by the ending .parquet,
Parquet. What each column is for is proposed from its name and values, and printed with
the reason:
  - one column of ids, named as such (customer_id, ClientNo, id) or, failing that, the
    first text that differs in every row;
  - the basis, on which segments are learned: columns of numbers;
  - described for each segment and not learned on: text of up to 20 levels, and whole
    numbers of up to 10 values, which may be codes of categories (Region 1, 2, 3);
  - not used: constants, dates, other ids, text that differs in every row.
Change that by options, or write the proposal to a file, edit it and pass it back.

With --transactions, recency, frequency, spend and the like are worked out from the
orders and join the basis. Without a table of customers, they are all there is.

The number of segments is chosen by silhouette among k-means, Gaussian mixtures and (up
to 5,000 customers) Ward's hierarchy; segments under 2 % of customers are never chosen.
"""
_SEGMENT_END = """\
written to the folder:
  segments.csv    customer_id, segment, segment_name, probability of that segment,
                  and `assigned`: the segment that `custseg assign` would name
  profile.csv     what each segment is like, column by column
  selection.csv   every candidate that was tried, and why it was not chosen
  model.joblib    the fitted model, for `custseg assign`
  selection.png, profile.png, silhouette.png
                  the same as pictures, where matplotlib is installed

examples:
  custseg segment customers.csv --out results
  custseg segment customers.csv --transactions orders.csv --out results
  custseg segment customers.csv --columns visits,spend --segments 4 --out results
  custseg segment customers.csv --write-roles roles.toml
  custseg segment customers.csv --roles roles.toml --out results
"""
_ASSIGN = """\
Give new customers their segments by a model that `custseg segment` wrote.

The file needs the columns that the model assigns by, under the same names; further
columns do no harm. If the model was learned on orders, pass the new customers' orders
as --transactions: the last day of observation must then be that of the orders at
fitting, or be told by --until. Columns, dates and returns are read as at fitting.

Values that are missing are filled as at fitting, and the customers counted in a note.

A model file is a pickle: it can run any code when it is loaded. Use only files that
you trust.
"""
_ASSIGN_END = """\
written:
  customer_id, segment, segment_name, probability, near_border (whether another
  segment was nearly named), and with --reject-alpha at fitting typicality; segment -1
  is none of the above. CSV, or Parquet by the ending .parquet.
  Beside -1, probability is that of the likeliest segment if the customer were in one
  after all, and typicality says how many members are as far out.

example:
  custseg assign new.csv --model results/model.joblib --out new_segments.csv
"""
_DEMO = """\
Segment the 440 clients of a wholesaler that come with the package: learn on nine in
ten, then assign the others as if they were new. A folder that an earlier demo wrote is
written over.
"""


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, and where the help is, not the whole usage."""

    def error(self, message):
        """End with exit code 2."""
        self.exit(2, f"custseg: {message.rstrip('.')}.\nSee {self.prog} --help.\n")


def parser():
    """Return the parser of all commands."""
    main = _parser(_Parser, prog="custseg", description=_MAIN)
    main.add_argument("--version", action="version", version=f"custseg {__version__}")
    commands = main.add_subparsers(dest="command", metavar="COMMAND")
    _add_segment(commands)
    _add_assign(commands)
    demo = _parser(
        commands.add_parser, "demo", help="see it on real clients", description=_DEMO
    )
    demo.set_defaults(refuse=demo.error)
    demo.add_argument(
        "--out",
        default="custseg-demo",
        metavar="DIR",
        help="folder (default: custseg-demo)",
    )
    _add_force(demo)
    return main


def check(args):
    """Refuse arguments that do not go together."""
    if args.command == "demo":
        return
    refuse = args.refuse
    if not args.customers and not args.transactions:
        refuse(
            f"{args.command} must have a table of customers, or orders by "
            "--transactions. Got neither instead. Name a file"
        )
    if not args.out and not getattr(args, "write_roles", None):
        refuse(
            "--out must name the folder for the results. Got nothing instead. Add, for "
            "example, --out results"
        )
    if args.no_id and args.id:
        refuse("--id and --no-id must not both be given. Leave one out")
    if not args.customers and (args.id or args.no_id):
        refuse(
            "--id and --no-id must come with a table of customers. Name the id of the "
            "orders by --transaction-columns customer_id=NAME"
        )


def _parser(make, *args, epilog="", **options):
    return make(
        *args,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=f"{epilog}\n{_EXIT}" if epilog else _EXIT,
        allow_abbrev=False,
        **options,
    )


def _add_segment(commands):
    segment = _parser(
        commands.add_parser,
        "segment",
        help="find segments in a table",
        description=_SEGMENT,
        epilog=_SEGMENT_END,
        usage="custseg segment [CUSTOMERS] --out DIR [options]",
    )
    segment.set_defaults(refuse=segment.error)
    _add_inputs(segment, "one row a customer")
    segment.add_argument(
        "--out",
        metavar="DIR",
        help="folder for the results; required, but for --write-roles",
    )
    _add_force(segment)
    roles = segment.add_argument_group("what columns are for")
    _add_id(roles)
    for option, text in (
        ("--columns", "the basis, in place of the proposed one"),
        ("--exclude", "not in the basis"),
        ("--categories", "numbers that are codes of categories"),
        ("--numbers", "whole numbers that are no codes"),
        ("--descriptors", "assign new customers by these (default: by the basis)"),
    ):
        roles.add_argument(option, type=_names, metavar="A,B", help=text)
    _add_roles(roles)
    roles.add_argument(
        "--write-roles", metavar="FILE", help="write the roles as TOML, and stop"
    )
    _add_orders(segment)
    search = segment.add_argument_group("how segments are found")
    search.add_argument(
        "--segments",
        type=_numbers,
        default=list(range(2, 9)),
        metavar="2-8",
        help="numbers of segments to try, such as 2-8, 4 or 3,5 (default: 2-8)",
    )
    search.add_argument(
        "--seed", type=_seed, default=0, help="random seed (default: 0)"
    )
    search.add_argument(
        "--reject-alpha",
        type=_share,
        metavar="SHARE",
        help="let `assign` answer -1, none of the above, for customers farther out "
        "than all but this share of members, such as 0.01; a fifth of the customers is "
        "then kept from learning",
    )


def _add_assign(commands):
    assign = _parser(
        commands.add_parser,
        "assign",
        help="give new customers their segments",
        description=_ASSIGN,
        epilog=_ASSIGN_END,
        usage="custseg assign [CUSTOMERS] --model FILE --out FILE [options]",
    )
    assign.set_defaults(refuse=assign.error)
    _add_inputs(assign, "one row a new customer")
    assign.add_argument(
        "--model",
        required=True,
        metavar="FILE",
        help="model.joblib of `segment`; required",
    )
    assign.add_argument(
        "--out",
        required=True,
        metavar="FILE",
        help="CSV or Parquet file to write (.csv, .csv.gz or .parquet); required",
    )
    _add_force(assign)
    roles = assign.add_argument_group("what columns are for")
    _add_id(roles)
    _add_roles(roles)
    _add_orders(assign)


def _add_inputs(parser, text):
    parser.add_argument(
        "customers", nargs="?", metavar="CUSTOMERS", help=f"CSV or Parquet file, {text}"
    )


def _add_force(parser):
    parser.add_argument(
        "--force", action="store_true", help="write over files that are there"
    )


def _add_id(group):
    group.add_argument("--id", metavar="COLUMN", help="column of the customers' ids")
    group.add_argument(
        "--no-id", action="store_true", help="customers have no id: number the rows"
    )


def _add_roles(group):
    group.add_argument(
        "--roles", metavar="FILE", help="TOML file of roles, as --write-roles writes it"
    )


def _add_orders(parser):
    orders = parser.add_argument_group("orders")
    orders.add_argument(
        "--transactions",
        metavar="FILE",
        help="CSV or Parquet file, one row an order or a line of one",
    )
    orders.add_argument(
        "--transaction-columns",
        type=_pairs,
        default={},
        metavar="ROLE=COLUMN,...",
        help="columns of the orders where their names do not tell: customer_id, date, "
        "transaction_id, amount (or quantity and unit_price), product",
    )
    orders.add_argument(
        "--date-format",
        metavar="FORM",
        help="how dates are written, such as %%d/%%m/%%Y; needed where day-first and "
        "month-first both fit",
    )
    orders.add_argument(
        "--returns",
        choices=("net", "separate", "drop"),
        help="take returned goods off earlier orders, keep them apart, or leave them "
        "out (default: net; for `assign` as at fitting)",
    )
    orders.add_argument(
        "--until",
        type=_day,
        metavar="DATE",
        help="last day of observation, such as 2024-12-31 (default: the latest order; "
        "`assign` by recency needs it where that is another day than at fitting)",
    )


# -- values of options -------------------------------------------------------------


def _names(text):
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        raise argparse.ArgumentTypeError(
            f"must be names of columns such as A,B. Got {text!r} instead"
        )
    return names


def _pairs(text):
    """Read 'date=InvoiceDate,quantity=Qty' as a dict."""
    pairs = [pair.split("=", 1) for pair in _names(text)]
    if not all(len(pair) == 2 and pair[1].strip() for pair in pairs):
        raise argparse.ArgumentTypeError(
            f"must be like date=Day,amount=Total. Got {text!r} instead"
        )
    return {role.strip(): column.strip() for role, column in pairs}


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
    if not numbers or min(numbers) < 2 or len(set(numbers)) < len(numbers):
        raise argparse.ArgumentTypeError(
            "must be numbers of segments from 2 up, such as 2-8, 4 or 3,5. Got "
            f"{text!r} instead"
        )
    return numbers


def _seed(text):
    if not text.isdecimal() or int(text) >= 2**32:
        raise argparse.ArgumentTypeError(
            f"must be a whole number from 0 to 4294967295. Got {text!r} instead"
        )
    return int(text)


def _share(text):
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0 < share < 1:
        raise argparse.ArgumentTypeError(
            f"must be a number between 0 and 1, such as 0.01. Got {text!r} instead"
        )
    return share


def _day(text):
    try:
        datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"must be a date such as 2024-12-31. Got {text!r} instead"
        ) from None
    return text
