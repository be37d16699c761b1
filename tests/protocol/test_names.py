from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creatio_async.protocol.ids import SeededIds, new_ids
from creatio_async.protocol.names import (
    as_guid,
    check_name,
    check_path,
    key_text,
    quote_segment,
)

GUID = "410006E1-CA4E-4502-A9EC-E54D922D2C00"


@pytest.mark.parametrize("name", ["Name", "_x", "UsrИмя", "名前", "a" * 128, "Ünïcode1"])
def test_an_identifier_of_any_script_is_a_name(name: str) -> None:
    assert check_name(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        "a b",
        "1a",
        "a-b",
        "a.b",
        "a/b",
        "a'b",
        "a$b",
        "a)",
        "a%20b",
        "a" * 129,
        "Name eq 1",
        "Id;x",
        "a\n",
        "a\x00",
        "@odata.id",
        "a,b",
        "a?b",
        "a#b",
        "a&b",
        "a\\b",
    ],
)
def test_anything_else_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="letters, digits and underscores"):
        check_name(name)


@pytest.mark.parametrize("name", [None, 5, b"Name", 1.5])
def test_what_is_no_text_is_a_mistake_of_type(name: object) -> None:
    with pytest.raises(TypeError, match="is a string"):
        check_name(name)
    with pytest.raises(TypeError, match="is a string"):
        check_path(name)  # type: ignore[arg-type]


def test_a_path_is_names_between_slashes() -> None:
    assert check_path("Account/Type/Name") == ("Account", "Type", "Name")


@pytest.mark.parametrize("path", ["/Name", "Account/", "Account//Name", "Account/ Name", ""])
def test_a_path_has_no_empty_step(path: str) -> None:
    with pytest.raises(ValueError, match="letters, digits"):
        check_path(path)


@given(st.text())
def test_no_text_that_passes_as_a_name_can_change_an_address(text: str) -> None:
    try:
        segment = quote_segment(check_name(text))
    except ValueError:
        return
    assert segment.isascii()
    assert not set(segment) & set("/?#&='()$,;:@+ ")


@given(st.uuids())
def test_a_guid_is_bare_and_in_lower_case_however_it_is_written(guid: UUID) -> None:
    text = str(guid)
    assert as_guid(guid) == as_guid(text.upper()) == key_text(text.upper()) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        GUID.replace("-", ""),
        f"{{{GUID}}}",
        f"{GUID} ",
        f" {GUID}",
        f"{GUID}\n",
        GUID.replace("0", "٠"),
        f"urn:uuid:{GUID}",
        GUID[:-1],
        f"{GUID}0",
    ],
)
def test_what_only_looks_like_a_guid_is_none(text: str) -> None:
    assert as_guid(text) is None
    with pytest.raises(ValueError, match="found by a UUID"):
        key_text(text)


@pytest.mark.parametrize("key", [None, 5, b"x", 1.5, UUID])
def test_a_key_is_a_uuid_or_a_text(key: object) -> None:
    with pytest.raises(TypeError, match="UUID or a string"):
        key_text(key)


def test_new_ids_are_random_uuids_of_version_4() -> None:
    made = new_ids(1000)
    assert len(set(made)) == 1000
    assert all(as_guid(each) == each for each in made)
    assert {UUID(each).version for each in made} == {4}
    assert {UUID(each).variant for each in made} == {"specified in RFC 4122"}
    assert new_ids(0) == []


@given(
    st.binary(min_size=16, max_size=32),
    st.integers(0, 2**40),
    st.lists(st.integers(0, 1_500), min_size=1, max_size=5),
)
def test_ids_of_a_seed_are_the_same_however_many_are_asked_for_at_once(
    seed: bytes, first: int, counts: list[int]
) -> None:
    made = SeededIds(seed)
    parts: list[str] = []
    for count in counts:
        parts += made(first + len(parts), count)
    whole = SeededIds(seed)(first, sum(counts))
    assert parts == whole
    assert len(set(whole)) == sum(counts)
    assert all(as_guid(each) == each and UUID(each).version == 4 for each in whole)
    assert not set(whole) & set(SeededIds(seed[:-1] + bytes([seed[-1] ^ 1]))(first, sum(counts)))
