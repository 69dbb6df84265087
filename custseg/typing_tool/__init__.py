"""The few questions that find the segment of a customer."""

from custseg.typing_tool._typing_tool import TypingTool

__all__ = [name for name in dir() if not name.startswith("_")]
