"""What a request is told when it is not granted."""


class Refused(Exception):
    """A request that is refused.

    Attributes:
        code: of HTTP.
    """

    def __init__(self, code: int, sentence: str):
        super().__init__(sentence)
        self.code = code
