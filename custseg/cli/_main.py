"""Runs a command; what a user can mend becomes one line and exit code 2."""

import contextlib
import os
import sys

from custseg.cli._arguments import check, parser
from custseg.cli._terminal import Terminal

_WRONG_INPUT = 2
_STOPPED = 130  # what shells give a process that Ctrl-C ended


def main(argv=None):
    """Run a command.

    Parameters
    ----------
    argv : list of str, default=None
        Arguments; None takes those of the process.

    Returns
    -------
    code : int
        0 if all went well, 2 if the arguments or the data did not allow it (one line
        on standard error says why), 130 if it was stopped by Ctrl-C. A defect of
        custseg raises, which ends a process with 1 and a traceback.

    Raises
    ------
    SystemExit
        By ``--help`` and ``--version`` with code 0, and by arguments that cannot be
        read with code 2.
    """
    command_line = parser()
    args, unknown = command_line.parse_known_args(argv)
    if unknown:
        # By the parser of the command, which names its own help.
        refuse = getattr(args, "refuse", command_line.error)
        refuse(f"unrecognized arguments: {' '.join(unknown)}")
    if args.command is None:
        command_line.print_help()
        return _WRONG_INPUT
    check(args)
    terminal = Terminal()
    try:
        # Imported here, so that --help and --version answer at once.
        from custseg.cli import _commands

        getattr(_commands, args.command)(args, terminal)
    except BrokenPipeError:
        return _output_was_closed()
    except (OSError, ValueError) as error:
        terminal.clear()
        print(f"custseg: {_one_line(error)}", file=sys.stderr)
        return _WRONG_INPUT
    except KeyboardInterrupt:
        terminal.clear()
        print("custseg: stopped", file=sys.stderr)
        return _STOPPED
    finally:
        terminal.clear()
    return 0


def _one_line(error):
    """Write an error without line breaks, and a system error without its number."""
    if isinstance(error, OSError) and error.strerror and error.filename:
        return f"{error.filename}: {error.strerror}"
    return " ".join(str(error).split())


def _output_was_closed():
    """End quietly when a reader such as `head` closed the output before the end."""
    # Python flushes standard output once more when it ends.
    with contextlib.suppress(OSError, ValueError):
        output = sys.stdout.fileno()
        os.dup2(os.open(os.devnull, os.O_WRONLY), output)
    print("custseg: output was closed before the end", file=sys.stderr)
    return 1
