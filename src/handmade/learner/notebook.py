"""Calm messages in a notebook: a failed check, or a cell that needs an exercise not written yet, shows no traceback.

In IPython an exception of these kinds is displayed as our own message. The cell still counts as failed, so that
nbgrader gives it no points; a cell tagged `raises-exception` does not stop Run All.
"""

from __future__ import annotations

import ast
import sys
from types import TracebackType
from typing import Any

from handmade import checks
from handmade.checks.message import Message
from handmade.checks.result import CheckFailed, Shown

NOT_WRITTEN = "not written yet"  # what the stub of an exercise says when it is called

_missing: dict[str, str] = {}  # a variable that was not made, and the exercise that its cell waits for


def install() -> None:
    """Show our own messages in the running IPython, if there is one."""
    if "IPython" not in sys.modules:
        return
    shell = sys.modules["IPython"].get_ipython()
    if shell is not None:
        shell.set_custom_exc((CheckFailed, NotImplementedError, NameError), _display)


def _display(
    shell: Any, kind: type, error: BaseException, trace: TracebackType, tb_offset: int | None = None
) -> None:
    message = _message_for(shell, error, trace)
    if message is None:
        shell.showtraceback((kind, error, trace), tb_offset=tb_offset)
    else:
        Shown(message)._ipython_display_()


def _message_for(shell: Any, error: BaseException, trace: TracebackType) -> Message | None:
    """Return the calm message for an error, or None where the ordinary traceback tells more."""
    if isinstance(error, CheckFailed):
        return error.message
    if isinstance(error, NotImplementedError) and str(error) == NOT_WRITTEN:
        name = _function_that_raised(trace)
        _remember_what_the_cell_makes(shell, name)
        return _waiting_for(name)
    if isinstance(error, NameError) and error.name is not None:
        if error.name in _missing:
            name = _missing[error.name]
            _remember_what_the_cell_makes(shell, name)
            return _waiting_for(name)
        message = does_not_exist(error)
        if message is not None:
            _remember_what_the_cell_makes(shell, error.name)
        return message
    return None


def does_not_exist(error: BaseException) -> Message | None:
    """Return the calm message for a NameError about an exercise, or None for any other error."""
    if not isinstance(error, NameError) or error.name is None or checks.find(error.name) is None:
        return None
    step = f"Run the cell that defines `{error.name}` first. If that cell shows an error, mend it, then run this one again."
    return Message("○", f"{error.name} does not exist yet", (("prose", step),))


def _waiting_for(name: str) -> Message:
    step = f"It calls `{name}`, which is not written yet. Write it, run its cell, then run this one again."
    return Message("○", f"this cell waits for {name}", (("prose", step),))


def _function_that_raised(trace: TracebackType) -> str:
    while trace.tb_next is not None:
        trace = trace.tb_next
    code = trace.tb_frame.f_code
    return getattr(code, "co_qualname", code.co_name).split(".")[0]


def _remember_what_the_cell_makes(shell: Any, exercise: str) -> None:
    """Note which names this cell would have assigned, so that a later NameError about them can be explained."""
    try:
        tree = ast.parse(shell.user_ns["In"][-1])
    except (KeyError, IndexError, SyntaxError, TypeError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            _missing[node.id] = exercise
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            _missing[node.name] = exercise
