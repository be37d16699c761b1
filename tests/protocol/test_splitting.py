from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creatio_async import Condition, F
from creatio_async.protocol.odata.filters import filter_text, node_count
from creatio_async.protocol.odata.nodes import In, conjunction, terms
from creatio_async.protocol.odata.spec import QuerySpec, as_condition, as_order
from creatio_async.protocol.odata.splitting import CHAIN, split

IDS = [str(UUID(int=number)) for number in range(1000)]


def parts(*conditions: Condition | str, **options: Any) -> list[QuerySpec]:
    return list(split(QuerySpec(where=tuple(map(as_condition, conditions)), **options)))


def filters(*conditions: Condition) -> list[str]:
    return [filter_text(condition) for condition in map(whole, parts(*conditions))]


def whole(spec: QuerySpec) -> Condition:
    condition = conjunction(spec.where)
    assert condition is not None
    return condition


def lists(spec: QuerySpec) -> list[list[Any]]:
    """Return the values of each ``in_``."""
    found = (term for condition in spec.where for term in terms(condition))
    return [[value.value for value in term.values] for term in found if isinstance(term, In)]


def test_a_few_values_are_one_chain() -> None:
    assert filters(F.Name.in_(["a", "b"]), F.Age > 1) == [
        "(Name eq 'a' or Name eq 'b') and Age gt 1"
    ]
    assert len(parts(F.Id.in_(IDS[:CHAIN]))) == 1


def test_a_value_given_twice_is_asked_for_once() -> None:
    assert filters(F.Id.in_([IDS[1], UUID(IDS[1]), IDS[1].upper()])) == [f"Id eq {IDS[1]}"]


def test_many_values_are_asked_for_in_parts_that_hold_each_of_them_once() -> None:
    asked = parts(F.Id.in_(IDS), F.Age > 1)
    assert [value for part in asked for value in lists(part)[0]] == IDS
    assert max(len(lists(part)[0]) for part in asked) == CHAIN
    assert all(part.where[1] == (F.Age > 1) for part in asked)


def test_values_that_a_server_may_take_for_equal_stay_together() -> None:
    names = [f"name {number}" for number in range(30)]
    given_names = [*names, "NAME 0", "name 0 ", "straße", "STRASSE"]
    where = {
        name: at
        for at, part in enumerate(parts(F.Name.in_(given_names)))
        for name in lists(part)[0]
    }
    assert set(where) == set(given_names)
    assert where["name 0"] == where["NAME 0"] == where["name 0 "]
    assert where["straße"] == where["STRASSE"]
    numbers = [*range(30), 0.0, Decimal("0.00"), True]
    asked = [lists(part)[0] for part in parts(F.Age.in_(numbers))]
    assert asked[0].count(0) == 3
    assert sum(map(len, asked)) == 33


def test_more_equal_values_than_fit_are_asked_for_in_parts_all_the_same() -> None:
    names = ["a" + " " * number for number in range(45)]
    assert [len(lists(part)[0]) for part in parts(F.Name.in_(names))] == [20, 20, 5]


def test_two_long_lists_share_the_request() -> None:
    asked = parts(F.Name.in_(map(str, range(25))), F.Phone.in_(map(str, range(25))))
    pairs = {(a, b) for part in asked for a in lists(part)[0] for b in lists(part)[1]}
    assert len(pairs) == 625
    assert len(asked) <= 9
    assert all(node_count(whole(part)) <= 95 for part in asked)


def test_a_list_without_values_asks_for_nothing() -> None:
    assert parts(F.Name.in_([])) == []
    assert parts((F.Age > 1) & F.Name.in_([]), "Age gt 2") == []
    assert filters((F.Age > 1) | F.Name.in_([])) == ["Age gt 1 or false"]
    assert filters(~F.Name.in_([])) == ["not (false)"]


@pytest.mark.parametrize(
    "options", [{"order": (as_order("Name"),)}, {"top": 5}, {"top": 0}, {"skip": 1}]
)
def test_a_long_list_next_to_an_order_or_a_limit_is_refused(options: dict[str, Any]) -> None:
    assert len(parts(F.Id.in_(IDS[:CHAIN]), **options)) == 1
    with pytest.raises(ValueError, match=r"in_ of 21 values of Id .* get_many"):
        parts(F.Id.in_(IDS[: CHAIN + 1]), **options)


def test_a_short_list_next_to_an_order_is_left_to_the_server() -> None:
    long_path = F.Account.Type.Id.in_(IDS[:CHAIN])
    (asked,) = parts(long_path, order=(as_order("Name"),))
    assert lists(asked) == [IDS[:CHAIN]]
    assert len(parts(long_path)) == 2


@pytest.mark.parametrize(
    "condition",
    [(F.Age > 1) | F.Id.in_(IDS), ~F.Id.in_(IDS), (F.A == 1) & ~(~F.Id.in_(IDS) & (F.B == 1))],
)
def test_a_long_list_below_the_top_is_refused(condition: Condition) -> None:
    with pytest.raises(ValueError, match=r"in_ of 1000 values of Id below .* get_many"):
        parts(condition)


def test_a_long_list_within_an_and_is_at_the_top() -> None:
    assert len(parts((F.Age > 1) & (F.Id.in_(IDS[:40]) & (F.Age < 9)))) > 1


@given(
    st.lists(
        st.builds(
            lambda column, values: column.in_(values),
            st.sampled_from([F.Id, F.AccountId, F.Account.Type.Id, F.Name]),
            st.lists(st.integers(0, 999).map(IDS.__getitem__), min_size=1, max_size=60),
        )
        | st.builds(lambda number: (F.Age > number) & (F.Name != "x"), st.integers()),
        min_size=1,
        max_size=3,
    )
)
def test_a_part_never_has_more_nodes_than_a_server_takes(conditions: list[Condition]) -> None:
    asked = parts(*conditions)
    assert all(node_count(whole(part)) + 5 <= 100 for part in asked)
    assert all(len(values) <= CHAIN for part in asked for values in lists(part))
    assert len({repr(part) for part in asked}) == len(asked)
