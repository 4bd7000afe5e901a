"""What goes wrong with a command."""


class CommandError(Exception):
    """A command can't do what it was asked; ``str()`` is for the user: what, and what would work.

    Args:
        sentence: for the user.
        exit_code: of the command; 2 where the input is wrong, 1 where the work failed.
    """

    def __init__(self, sentence: str, exit_code: int = 2) -> None:
        super().__init__(sentence)
        self.exit_code = exit_code
