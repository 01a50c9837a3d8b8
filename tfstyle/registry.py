"""Look up one of several interchangeable parts by name, or take an object as it is."""

import importlib


def get(table: dict, identifier, kind: str):
    """Returns what `table` holds under a name, and any other object unchanged.

    Args:
        table: the registry, name to part. A part given as "module:attribute" is imported now, not
            before: listing the names costs no TensorFlow.
        identifier: a name in `table`, or a ready object.
        kind: the argument that is looked up ("features", "optimizer"), for the message.

    Raises:
        ValueError: a name that `table` does not hold.
    """
    if not isinstance(identifier, str):
        return identifier
    if identifier not in table:
        raise ValueError(f"{kind}: expected one of {', '.join(table)}, received {identifier!r}")
    part = table[identifier]
    if isinstance(part, str):
        module, attribute = part.split(":")
        part = getattr(importlib.import_module(module), attribute)
    return part
