"""The command line: reads files, calls the public functions, writes files."""

from custseg.cli._main import main

__all__ = ["main"]
