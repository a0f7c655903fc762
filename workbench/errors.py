"""The one error tree: what went wrong and what to do about it, in words for a person.

    WorkbenchError
    ├── InvalidInput   a file, a name or a setting cannot be used
    │   ├── Damaged    a file of the workspace is not as it was written
    │   └── Forbidden  the role of whoever asks does not allow it
    ├── NotFound       no thing of that name exists
    ├── Unavailable    a server, library, model or device is missing or does not answer
    │   ├── Unwritable the disk is full, or the folder may not be written
    │   └── Busy       too much is asked at once; later it works
    ├── Conflict       would overwrite, or mix what does not belong together
    └── Stopped        cancelled, or over its time limit

Exceptions of libraries are mapped to these where the library is called, with `raise … from`.
"""


class WorkbenchError(Exception):
    """`problem` says what went wrong, `fix` what a person can do: a command, a click, a setting."""

    def __init__(self, problem: str, fix: str = "") -> None:
        super().__init__(problem)
        self.problem = problem
        self.fix = fix

    @property
    def kind(self) -> str:
        """The name of its class in the tree above, also where it is a subclass of another file."""
        return next(one.__name__ for one in type(self).__mro__ if one.__module__ == __name__)


class InvalidInput(WorkbenchError):
    """A file, a name or a setting cannot be used."""


class NotFound(WorkbenchError):
    """No thing of that name exists."""


class Unavailable(WorkbenchError):
    """A server, library, model or device is missing or does not answer."""


class Unwritable(Unavailable):
    """The disk is full, or the folder may not be written. What it held before, it still holds."""


class Busy(Unavailable):
    """Too much is asked at once. `wait` is in how many seconds to try again."""

    def __init__(self, problem: str, fix: str, wait: float) -> None:
        super().__init__(problem, fix)
        self.wait = wait


class Damaged(InvalidInput, ValueError):
    """A file of the workspace is not as it was written.

    A ValueError too: who can do without the file goes on without it.
    """

    def __init__(self, problem: str, fix: str = "Run: workbench repair") -> None:
        super().__init__(problem, fix)


class Forbidden(InvalidInput):
    """The role of whoever asks does not allow it."""


class Conflict(WorkbenchError):
    """The step would overwrite something, or mix what does not belong together."""


class Stopped(WorkbenchError):
    """Cancelled by the person, or over its time limit."""
