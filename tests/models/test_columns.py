from types import ModuleType
from uuid import UUID

import pytest
from attrs import define, field

from creatio_async import AnyColumns, F, Model, column, columns
from creatio_async.protocol.odata.spec import as_columns, as_expands, as_order

KEY = UUID(int=1)


def test_a_column_makes_the_conditions_that_f_makes(made: ModuleType) -> None:
    of = columns(made.Contact)
    assert isinstance(of, made.ContactColumns)
    assert (of.Name == "Ann") == (F.Name == "Ann")
    assert (of.AccountId != KEY) == (F.AccountId != KEY)
    assert (of.Age < 3) == (F.Age < 3)
    assert (of.Age <= 3) == (F.Age <= 3)
    assert (of.Age > 3) == (F.Age > 3)
    assert (of.Age >= 3) == (F.Age >= 3)
    assert of.Name.in_(["a", "b"]) == F.Name.in_(["a", "b"])
    assert of.Account.City.Name.contains("x") == F.Account.City.Name.contains("x")
    assert of.Name.startswith("x") == F.Name.startswith("x")
    assert of.Name.endswith("x") == F.Name.endswith("x")
    assert (of.Name.lower() == "x") == (F.Name.lower() == "x")
    many = columns(made.Account).ContactCollectionByAccount
    same = F.ContactCollectionByAccount
    assert many.any(lambda a: a.City.Name == "x") == same.any(lambda a: a.City.Name == "x")
    assert many.all(lambda a: a.Age > 1) == same.all(lambda a: a.Age > 1)
    assert many.any() == same.any()


def test_columns_go_wherever_a_column_is_named(made: ModuleType) -> None:
    of = columns(made.Contact)
    assert as_columns([of.Name, of.Id]) == ("Name", "Id")
    assert as_order(of.Account.Name) == as_order(F.Account.Name)
    assert as_order(of.Age.desc()) == as_order(F.Age.desc())
    many = columns(made.Account).ContactCollectionByAccount
    wanted = as_expands(["Account/City", "ContactCollectionByAccount"])
    assert as_expands([of.Account.City, many]) == wanted
    with pytest.raises(ValueError, match="is not a"):
        as_expands([of])


def test_a_name_that_the_class_has_not_is_an_attribute_error(made: ModuleType) -> None:
    with pytest.raises(AttributeError, match="'Contact' has no column 'Nmae'"):
        _ = columns(made.Contact).Nmae
    with pytest.raises(AttributeError, match="'City' has no column 'Nmae'"):
        _ = columns(made.Contact).City.Nmae
    assert repr(columns(made.Contact).City) == "<columns of City behind City>"


@define
class City:
    name: str = field(metadata={"creatio_async column": "Name"})


class Contact(Model):
    name: str = column("Name")
    odd: str = column("not a name")
    city: City | None = column("City")
    friends: list["Contact"] = column("Friends")


def test_a_class_written_by_hand_has_columns_by_its_own_names() -> None:
    of = columns(Contact)
    assert isinstance(of, AnyColumns)
    assert (of.name == "x") == (F.Name == "x")
    assert (of.city.name == "x") == (F.City.Name == "x")
    found = of.friends.any(lambda one: one.city.name == "x")
    assert found == F.Friends.any(lambda one: one.City.Name == "x")
    with pytest.raises(ValueError, match="is not a column"):
        _ = of.odd


def test_what_is_no_class_for_rows_has_no_columns() -> None:
    with pytest.raises(TypeError, match="not of <class 'str'>"):
        columns(str)
