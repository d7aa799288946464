"""The error of a text that cannot be parsed as the value it should be."""


class ParseError(ValueError):
    """A text breaks `rule`; `hint` says what to write. The file loader adds the position."""

    def __init__(self, rule: str, hint: str) -> None:
        super().__init__(rule)
        self.rule = rule
        self.hint = hint
