import copy
import pickle
from uuid import UUID

import attrs
import pytest

from creatio_async import UNSET, Model, column

KEY = UUID(int=1)


class Contact(Model):
    Id: UUID = UNSET
    Name: str | None = UNSET
    class_: str = column("class")
    note: str = column("Notes", default="none")


class Employee(Contact):
    Number: int


def test_a_field_that_was_not_given_is_unset_and_reading_it_says_so() -> None:
    contact = Contact(Name=None)
    assert contact.Name is None
    with pytest.raises(AttributeError, match=r"^Contact\.Id is unset: it was neither selected"):
        _ = contact.Id
    with pytest.raises(AttributeError, match="has no attribute 'Nmae'"):
        _ = contact.Nmae  # type: ignore[attr-defined]  # the mistake is the test
    contact.Id = KEY
    assert contact.Id == KEY
    del contact.Id
    assert not hasattr(contact, "Id")


def test_partial_rows_can_be_compared_shown_copied_and_sent_to_another_process() -> None:
    contact = Contact(Id=KEY, class_="a")
    assert repr(contact) == f"Contact(Id={KEY!r}, class_='a', note='none')"
    for other in (copy.copy(contact), copy.deepcopy(contact), pickle.loads(pickle.dumps(contact))):  # noqa: S301 - our own
        assert other == contact
        assert other is not contact
        assert not hasattr(other, "Name")
    assert contact != Contact(Id=KEY, class_="a", Name=None)
    assert contact != Employee(Id=KEY, class_="a", Number=1)
    with pytest.raises(TypeError, match="unhashable"):
        hash(contact)


def test_a_subclass_is_an_attrs_class_and_takes_nothing_else() -> None:
    assert [each.name for each in attrs.fields(Employee)] == [
        *("Id", "Name", "class_", "note", "Number")
    ]
    with pytest.raises(TypeError, match="Number"):
        Employee(Name="Ann")  # type: ignore[call-arg]  # the mistake is the test
    with pytest.raises(TypeError, match="Nmae"):
        Contact(Nmae="Ann")  # type: ignore[call-arg]  # the mistake is the test


def test_unset_is_one_value_everywhere() -> None:
    assert pickle.loads(pickle.dumps(UNSET)) is UNSET  # noqa: S301 - our own
    assert copy.deepcopy(UNSET) is UNSET
    assert not UNSET
    assert repr(UNSET) == "UNSET"
