"""The commands: `segment`, `assign` and `demo`."""

from pathlib import Path
from typing import NamedTuple

import joblib
import numpy as np
import pandas as pd

from custseg.assignment import SegmentationModel
from custseg.cli import _order_file, _results
from custseg.cli._column_uses import Wishes, check_basis, propose, settle
from custseg.cli._files import (
    check_ending,
    check_is_file,
    check_outputs,
    read_table,
    write_table,
)
from custseg.cli._id_column import find_id
from custseg.cli._role_file import read_roles, roles_as_toml
from custseg.cli._terminal import counted, listed
from custseg.datasets import load_wholesale
from custseg.exceptions import ModelFileError, SchemaError

_SHOWN_COLUMNS = 60
_DEMO_SEED = 0
_DEMO_MARK = "README.txt"
_DEMO_WORDS = """\
Written by `custseg demo`, which writes over it when it runs again.

segments.csv      the clients, with their segments
profile.csv       what each segment is like
selection.csv     every candidate that was tried
model.joblib      the fitted model
new_segments.csv  clients held back, assigned as new ones
*.png             pictures, where matplotlib is installed
"""


# -- segment -----------------------------------------------------------------------


def segment(args, terminal):
    """``custseg segment``."""
    if args.write_roles:
        outputs = [args.write_roles]
    else:
        out = Path(args.out)
        outputs = [out / name for name in (*_results.TABLES, *_results.PICTURES)]
    check_outputs(outputs, args.force, [args.customers, args.transactions, args.roles])
    wishes = _wishes(args)
    read = _read_customers(args, wishes, terminal)
    table, id_column, id_reason = read.table, read.id_column, read.id_reason
    made = _order_file.MADE if args.transactions else ()
    roles = propose(table, id_column, id_reason, made, read.decimal)
    roles = settle(roles, wishes)
    _say_roles(roles, id_column, id_reason, wishes, terminal)
    if not (args.roles or args.write_roles):
        terminal.say(
            "Change this by --columns, --exclude, --categories, --numbers, or write it "
            "to a file to edit: --write-roles FILE.\n"
        )
    if args.write_roles:
        _write_roles(args, roles, wishes, read.order_columns, terminal)
        return
    check_basis(roles)
    plan = _results.SegmentPlan(
        table=table,
        id_column=id_column,
        roles=roles,
        descriptors=wishes.descriptors,
        segments=args.segments,
        seed=args.seed,
        reject_alpha=args.reject_alpha,
    )
    n_candidates = len(plan.segmenters()) * len(plan.segments)
    terminal.step(f"Trying {n_candidates} candidates on {len(table):,} customers")
    with terminal.notes_of_warnings():
        model = _results.fit(plan)
    if read.orders:
        model.orders_settings_ = read.orders
    terminal.step("Writing")
    _results.write(plan, model, out, terminal)


def _wishes(args):
    """Options, over what the file of roles says."""
    wishes = read_roles(args.roles) if args.roles else Wishes()
    if args.no_id:
        wishes.id = ""
    for option, name in (
        ("id", "id"),
        ("columns", "basis"),
        ("descriptors", "descriptors"),
        ("exclude", "exclude"),
        ("categories", "categories"),
        ("numbers", "numbers"),
    ):
        if getattr(args, option, None):
            setattr(wishes, name, getattr(args, option))
    wishes.transactions = {**wishes.transactions, **args.transaction_columns}
    if args.date_format:
        wishes.transactions["date_format"] = args.date_format
    return wishes


class ReadCustomers(NamedTuple):
    """The customers, with what their orders say where there are orders.

    Attributes
    ----------
    table : DataFrame
        The ids as text.
    id_column : str or None
    id_reason : str
    decimal : {".", ","}
        Decimal sign of the table.
    orders : dict
        How the orders were read, for a model to keep; {} without orders.
    """

    table: pd.DataFrame
    id_column: str | None
    id_reason: str
    decimal: str
    orders: dict

    @property
    def order_columns(self):
        """Columns of the orders by role, with the form of their dates."""
        named = dict(self.orders.get("columns", {}))
        if self.orders.get("date_format"):
            named["date_format"] = self.orders["date_format"]
        return named


def _read_customers(args, wishes, terminal, known=None):
    """Read the customers and their orders; `known` is what a model says of orders."""
    file, id_column, reason, ids = None, None, "", None
    if args.customers:
        terminal.step(f"Reading {args.customers}")
        file = read_table(args.customers)
        terminal.say(f"Customers: {file}")
        _note_doubts(file, terminal)
        id_column, reason, ids = find_id(file, wishes.id)
        if ids is None:
            _note_repeated_rows(file, terminal)
    table = None if file is None else file.frame
    if ids is not None:
        table = table.assign(**{id_column: ids})
    orders = {}
    if args.transactions:
        if file is not None and ids is None:
            raise SchemaError(
                f"Customers of {file.path} must have an id to join orders by. Got no "
                "column that looks like one instead. Name it with --id."
            )
        reading = (args, wishes, known, terminal)
        table, orders = _with_orders(reading, table, ids, id_column)
        if file is None:
            id_column, reason = "customer_id", "from the orders"
    decimal = "." if file is None else file.decimal
    return ReadCustomers(table, id_column, reason, decimal, orders)


def _note_doubts(file, terminal):
    for doubt in file.doubts:
        terminal.note(doubt)


def _note_repeated_rows(file, terminal):
    text = file.frame.astype(str)  # rows of lists and the like compare as well
    repeated = int(text.duplicated().sum())
    if repeated:
        terminal.note(
            f"{counted(repeated, 'row')} of {file.path} "
            f"{'repeats' if repeated == 1 else 'repeat'} an earlier one in every "
            "column. Without an id, each row counts as a customer."
        )


def _with_orders(reading, table, ids, id_column):
    args, wishes, known, terminal = reading
    given = dict(wishes.transactions)
    date_format = given.pop("date_format", None)
    terminal.step(f"Reading {args.transactions}")
    file = read_table(args.transactions)
    terminal.say(f"Orders: {file}")
    _note_doubts(file, terminal)
    if known:
        there = set(file.frame.columns) - set(given.values())
        kept = {role: name for role, name in known.columns.items() if name in there}
        given = {**kept, **given}
    columns = _order_file.find_columns(file, given, id_column)
    terminal.say(f"  {_order_file.describe_columns(columns)}")
    terminal.step("Cleaning the orders")
    returns = args.returns or (known and known.returns) or "net"
    found = _order_file.summarize(
        file,
        columns,
        date_format=date_format,
        returns=returns,
        until=args.until,
        known=known,
    )
    terminal.say(f"  dates read as: {found.form}")
    for line in _lines_of(found.report):
        terminal.say(f"  {line}")
    terminal.say(f"  last day of observation: {found.end} ({found.why})")
    settings = {
        "columns": columns.named(),
        "date_format": found.form if found.form.startswith("%") else None,
        "returns": returns,
        "end": found.end,
        "until": args.until,
    }
    if table is None:
        return found.table.reset_index(), settings
    paths = (args.customers, args.transactions)
    table, said = _order_file.join(table, ids, found.table, paths)
    terminal.say(f"  {said}")
    return table, settings


def _lines_of(report):
    """Lines of a report of cleaning, less the last one where nothing was returned."""
    lines = str(report).split("\n")
    if report.returned_amount == 0 and report.orphan_amount == 0:
        return lines[:-1]
    return lines


def _say_roles(roles, id_column, id_reason, wishes, terminal):
    terminal.say(f"\nCustomer id: {id_column or 'none'} ({id_reason})")
    width = max((len(role.column) for role in roles), default=0)
    for use, heading in (
        ("basis", "Segments are learned on:"),
        ("profile", "Described for each segment, not learned on:"),
        ("none", "Not used:"),
    ):
        of_use = [role for role in roles if role.use == use]
        if of_use:
            terminal.say(heading)
        for role in of_use[:_SHOWN_COLUMNS]:
            terminal.say(f"  {role.column:<{min(width, 30)}}  {role.reason}")
        if len(of_use) > _SHOWN_COLUMNS:
            terminal.say(f"  and {len(of_use) - _SHOWN_COLUMNS} more")
    if wishes.descriptors is not None:
        kinds = {role.column: role.kind for role in roles}
        named = [
            f"{name} ({'number' if kinds[name] == 'number' else 'category'})"
            for name in wishes.descriptors
        ]
        terminal.say(f"New customers are assigned by: {', '.join(named)}")
    terminal.say()


def _write_roles(args, roles, wishes, columns, terminal):
    path = Path(args.write_roles)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(roles_as_toml(path, roles, wishes, columns), encoding="utf-8")
    terminal.say(f"Written: {path}. Edit it, then pass it as --roles {path}.")


# -- assign ------------------------------------------------------------------------


def assign(args, terminal):
    """``custseg assign``."""
    check_outputs(
        [args.out],
        args.force,
        [args.customers, args.transactions, args.roles, args.model],
    )
    check_ending(args.out)
    with terminal.notes_of_warnings():
        model = _load(args.model)
    wishes = _wishes(args)
    if wishes.id is None and model.customer_id is not None:
        wishes.id = model.customer_id
    read = _read_customers(args, wishes, terminal, _known_orders(model))
    table, id_column, id_reason = read.table, read.id_column, read.id_reason
    if wishes.id == model.customer_id:
        id_reason = "as in the model"
    terminal.say(f"Customer id: {id_column or 'none'} ({id_reason})\n")
    _check_columns(model, table, args)
    ids = None if id_column is None else table[id_column].to_numpy()
    if model.customer_id is not None and id_column != model.customer_id:
        numbers = np.arange(len(table))
        table = table.assign(**{model.customer_id: numbers if ids is None else ids})
    with terminal.notes_of_warnings():
        assigned = _results.assigned_table(model, table)
    if ids is not None:
        assigned["customer_id"] = ids
    out = Path(args.out)
    out.parent.mkdir(parents=True, exist_ok=True)
    write_table(assigned, out)
    terminal.say(f"{counted(len(assigned), 'customer')} assigned:\n")
    terminal.say(_counts(assigned))
    terminal.say(f"\nWritten: {out}")


def _counts(assigned):
    # Of a customer who is none of the above, no segment is probable.
    known = assigned["probability"].where(assigned["segment"] >= 0)
    groups = assigned.assign(probability=known).groupby(["segment", "segment_name"])
    table = groups["probability"].agg(customers="size", mean_probability="mean")
    table = table.reset_index().rename(columns={"segment_name": "name"})
    return table.round({"mean_probability": 2}).to_string(index=False, na_rep="")


def _needed(model):
    """Columns that a model assigns by; none if it does not name them."""
    needed = model.descriptors if model.descriptors is not None else model.basis
    return () if needed is None else needed


def _known_orders(model):
    """Return what a model says of the orders that it was learned on."""
    settings = getattr(model, "orders_settings_", {})
    needs_end = bool({*_needed(model)} & {*_order_file.OF_THE_END})
    return _order_file.Known(needs_end, **settings)


def _check_columns(model, table, args):
    """Refuse customers without the columns that the model assigns by."""
    needed = _needed(model)
    missing = [name for name in needed if name not in table]
    if not missing:
        return
    remedy = "Add them, or fit a model by other --descriptors."
    if {*missing} & {*_order_file.MADE} and not args.transactions:
        remedy = "Pass the customers' orders as --transactions, from which these come."
    raise SchemaError(
        "New customers must have all columns that the model assigns by: "
        f"{listed(needed, 40)}. Got no {listed(missing)} instead. {remedy}"
    )


def _load(path):
    check_is_file(path)
    try:
        model = joblib.load(path)
    except OSError:
        raise
    except Exception as error:  # a pickle can fail in any way
        raise ModelFileError(
            f"{path} must be a model that `custseg segment` wrote. Got a file that "
            f"cannot be read as one instead ({type(error).__name__}). It may be cut "
            "short, or of another version."
        ) from error
    if not isinstance(model, SegmentationModel):
        raise ModelFileError(
            f"{path} must hold a SegmentationModel. Got {type(model).__name__} "
            "instead. Pass the model.joblib that `custseg segment` wrote."
        )
    return model


# -- demo --------------------------------------------------------------------------


def demo(args, terminal):
    """``custseg demo``."""
    out = Path(args.out)
    names = (*_results.TABLES, *_results.PICTURES, "new_segments.csv", _DEMO_MARK)
    check_outputs([out / name for name in names], args.force or _is_demo(out))
    clients = load_wholesale()
    clients.insert(0, "client", np.arange(1, len(clients) + 1).astype(str))
    held_back = clients.sample(frac=0.1, random_state=_DEMO_SEED)
    known = clients.drop(held_back.index)
    terminal.say(
        "Annual spend of 440 clients of a wholesaler (UCI 292, CC BY 4.0);\n"
        f"{len(known)} to learn from, {len(held_back)} held back as new clients."
    )
    reason = "by its name; a different one in each row"
    roles = propose(known, "client", reason)
    _say_roles(roles, "client", reason, Wishes(), terminal)
    plan = _results.SegmentPlan(known, "client", roles, seed=_DEMO_SEED)
    terminal.step("Trying candidates")
    with terminal.notes_of_warnings():
        model = _results.fit(plan)
    _results.write(plan, model, out, terminal)
    (out / _DEMO_MARK).write_text(_DEMO_WORDS, encoding="utf-8")

    new = _results.assigned_table(model, held_back)
    path = out / "new_segments.csv"
    write_table(new, path)
    terminal.say(f"\nThe {len(new)} clients held back, assigned as new ones -> {path}")
    codes = model.segmenter_.predict(held_back[list(model.basis)])
    learned = model.segmenter_ids_[codes]
    agreement = np.mean(learned == new["segment"].to_numpy())
    terminal.say(f"(agrees with the segmenter itself for {agreement:.0%} of them):\n")
    terminal.say(_trades(model, held_back, new).to_string())


def _is_demo(out):
    """Whether a folder was written by an earlier demo."""
    mark = out / _DEMO_MARK
    return mark.is_file() and mark.read_text(encoding="utf-8") == _DEMO_WORDS


def _trades(model, clients, assigned):
    """Count the clients of each trade, which no segment was learned on."""
    trades = clients["Channel"].map({1: "hotels and cafes", 2: "retailers"})
    table = pd.crosstab(assigned["segment_name"], trades)
    table = table.reindex(model.segment_names_.values(), fill_value=0)
    return table.rename_axis(index=None, columns=None)
