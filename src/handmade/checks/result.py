"""What a check hands back: a result that displays itself, or an exception whose text is the whole message."""

from __future__ import annotations

from handmade.checks.message import Message


class Shown:
    """Something to read: a notebook displays it, plain Python prints its text."""

    def __init__(self, message: Message) -> None:
        self.message = message

    def __repr__(self) -> str:
        return self.message.text()

    def _ipython_display_(self) -> None:
        # Displayed, not returned as the cell's result: nbgrader would read a result as partial credit.
        from IPython.display import display

        display(self.message.bundle(), raw=True)


class CheckFailed(AssertionError):
    """A check was not passed. `str()` of it is the whole message; `message` has its HTML form too."""

    def __init__(self, message: Message) -> None:
        super().__init__(message.text())
        self.message = message

    def _render_traceback_(self) -> list[str]:
        """Return what IPython shows in place of a traceback, where our own display is not installed."""
        return self.message.text().splitlines()


class NotWritten(CheckFailed):
    """The exercise is still as it was handed out."""
