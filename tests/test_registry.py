"""Parts by name, and objects as they are."""

import collections

import pytest

from tfstyle import registry

TABLE = {"plain": 3.5, "lazy": "collections:OrderedDict"}


def test_name_gives_the_part():
    assert registry.get(TABLE, "plain", "thing") == 3.5


def test_name_is_imported_when_it_is_asked_for():
    assert registry.get(TABLE, "lazy", "thing") is collections.OrderedDict
    assert TABLE["lazy"] == "collections:OrderedDict"


@pytest.mark.parametrize("part", [3, None, (1, 2), object()])
def test_an_object_is_returned_itself(part):
    assert registry.get(TABLE, part, "thing") is part


def test_listing_imports_nothing():
    broken = {"broken": "no_such_module:Part", "plain": 1}
    assert registry.get(broken, "plain", "thing") == 1
    with pytest.raises(ModuleNotFoundError, match="no_such_module"):
        registry.get(broken, "broken", "thing")


@pytest.mark.parametrize("name", ["", "Plain", "collections:OrderedDict"])
def test_unknown_name(name):
    with pytest.raises(ValueError) as error:
        registry.get(TABLE, name, "thing")
    assert str(error.value) == f"thing: expected one of plain, lazy, received {name!r}"
