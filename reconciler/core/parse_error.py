"""What a text in a file says when it cannot be read as the value that it stands for."""


class ParseError(ValueError):
    """A text breaks `rule`, and `hint` says what to write; a file's loader adds where it is."""

    def __init__(self, rule: str, hint: str) -> None:
        super().__init__(rule)
        self.rule = rule
        self.hint = hint
