"""Parts by name, and objects as they are."""

import collections
import math

import pytest

from tfstyle import registry

TABLE = {"plain": "math:pi", "lazy": "collections:OrderedDict"}


def test_name_gives_the_part():
    assert registry.get(TABLE, "plain", "thing") == math.pi


def test_name_is_imported_when_it_is_asked_for():
    part = registry.get(TABLE, "lazy", "thing")
    assert part == {} and type(part) is collections.OrderedDict
    assert TABLE["lazy"] == "collections:OrderedDict"


def test_a_class_is_made_with_its_parameters():
    assert registry.get(TABLE, "lazy", "thing", {"one": 1, "two": 2}) == {"one": 1, "two": 2}


@pytest.mark.parametrize("part", [3, None, (1, 2), object(), collections.OrderedDict])
def test_an_object_is_returned_itself(part):
    assert registry.get(TABLE, part, "thing", {"one": 1}) is part


def test_listing_imports_nothing():
    broken = {"broken": "no_such_module:Part", "plain": "math:pi"}
    assert registry.get(broken, "plain", "thing") == math.pi
    with pytest.raises(ModuleNotFoundError, match="no_such_module"):
        registry.get(broken, "broken", "thing")


@pytest.mark.parametrize("name", ["", "Plain", "collections:OrderedDict"])
def test_unknown_name(name):
    with pytest.raises(ValueError) as error:
        registry.get(TABLE, name, "thing")
    assert str(error.value) == f"thing: expected one of plain, lazy, received {name!r}"
