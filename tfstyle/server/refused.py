"""What a request is told when it is not served, in the words of HTTP and of gRPC."""

LONGEST = 1000  # characters of a sentence; gRPC sends 8 KB at most
GRPC = {  # HTTP's codes as gRPC calls them
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
LEFT = 499  # for the log: the client has left before its answer


class Refused(Exception):
    """A request that is not served: `code`, and one sentence, which may quote the request."""

    def __init__(self, code: int, sentence: str):
        sentence = sentence if len(sentence) <= LONGEST else f"{sentence[:LONGEST]} ..."
        # JSON can write halves of characters, which an answer cannot quote.
        super().__init__(sentence.encode(errors="backslashreplace").decode())
        self.code = code


def full() -> Refused:
    return Refused(503, "expected to be asked later: all places are taken")


def late(seconds: float) -> Refused:
    return Refused(504, f"expected to answer in {seconds:g} s, which was not enough")


def lost() -> Refused:
    return Refused(503, "expected to be asked later: the model's process has ended")


def failed(error: BaseException) -> Refused:
    return Refused(500, f"failed with {type(error).__name__}, see the log")
