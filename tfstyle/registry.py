"""Look up one of several interchangeable parts by name, or take an object as it is."""


def get(table: dict, identifier, kind: str):
    """Returns `table[identifier]` for a name, and any other object unchanged.

    Args:
        table: the registry, name to part.
        identifier: a name in `table`, or a ready object.
        kind: what the parts are ("feature network", "optimizer"), for the message.

    Raises:
        ValueError: a name that `table` does not hold.
    """
    if not isinstance(identifier, str):
        return identifier
    if identifier not in table:
        known = ", ".join(sorted(table))
        raise ValueError(f"unknown {kind} {identifier!r}: expected one of {known}")
    return table[identifier]
