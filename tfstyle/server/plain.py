"""Plain routes: a picture in, a picture out, and numbers in the query.

There is one for each signature of the model whose inputs are at most a picture and whole numbers,
and whose output is a picture: `stylize` of a style or of a trained network, `invert`, `texture`.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from tfstyle import images
from tfstyle.server import codec
from tfstyle.settings.kinds import Integer

IMAGE, MAX_SIZE = "image", "max_size"
PNG, JPEG = "image/png", "image/jpeg"
NUMBER, SIZES = Integer(), Integer(images.MIN_SIDE)


def signatures(facts: Mapping[str, Any]) -> dict[str, list[str]]:
    """The inputs of each signature that has such a route, by its name.

    Args:
        facts: see `tfstyle.server.model.Model`.
    """
    return {
        name: list(each["inputs"])
        for name, each in facts["signatures"].items()
        if name != codec.SIGNATURE
        and _is_picture(each["outputs"].get(IMAGE))
        and all(_fits(*item) for item in each["inputs"].items())
    }


def parameters(facts: Mapping[str, Any], inputs: list[str]) -> dict[str, int | None]:
    """The numbers of such a route, with their defaults; `None` where it has none."""
    defaults = {"seed": 0, "num_steps": facts["settings"].get("evaluations")}
    numbers = {name: defaults.get(name) for name in inputs if name != IMAGE}
    return numbers | ({MAX_SIZE: facts["settings"].get(MAX_SIZE)} if IMAGE in inputs else {})


def read(query: Mapping[str, str], known: Mapping[str, int | None]) -> dict[str, int | None]:
    """The numbers in a query, and defaults for those that are not; no `max_size` is `None`.

    Raises:
        BadRequest: a number is missing, or none, or not of this route.
    """
    for name in query:
        if name not in known:
            raise codec.BadRequest(
                f"query: expected {' or '.join(known) or 'nothing'}, received {name!r}"
            )
    found: dict[str, int | None] = {}
    for name, default in known.items():
        try:
            kind = SIZES if name == MAX_SIZE else NUMBER
            found[name] = kind.parse(query[name]) if name in query else default
        except ValueError as error:
            raise codec.BadRequest(f"{name}: {error}, received {query[name]!r}") from None
        if found[name] is None and name != MAX_SIZE:
            raise codec.BadRequest(f"{name}: expected a number in the query, received nothing")
    return found


def scalars(numbers: Mapping[str, int]) -> dict[str, Any]:
    """Numbers as inputs of a signature."""
    return {name: np.int32(number) for name, number in numbers.items()}


def form_of(accept: str) -> str:
    """The media type of the answer to a request with that header Accept."""
    return JPEG if JPEG in accept and PNG not in accept else PNG


def _is_picture(spec):
    return spec is not None and (spec["type"], len(spec["shape"] or ())) == ("float32", 4)


def _fits(name, spec):
    is_number = (spec["type"], spec["shape"]) == ("int32", [])
    return _is_picture(spec) if name == IMAGE else is_number
