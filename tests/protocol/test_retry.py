import math

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from creatio_async import errors
from creatio_async.errors import ResponseError, TransportError
from creatio_async.messages import Headers, Request, Response
from creatio_async.protocol.faults import refusal
from creatio_async.protocol.retry import Repeat, RetryPolicy, is_doubtful

REQUEST = Request(method="GET", url=URL("http://crm.test/0/odata/Contact"))
LOST = TransportError(REQUEST, "reset")
UNSENT = TransportError(REQUEST, "refused", sent=False)
STILL = RetryPolicy(jitter=lambda: 0.0)


def refused(status: int, body: bytes = b"", **headers: str) -> ResponseError:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    error = refusal(REQUEST, Response(status=status, headers=Headers(named), body=body))
    assert error is not None
    return error


OUTCOMES = [
    LOST,
    UNSENT,
    *map(refused, (301, 400, 401, 403, 404, 408, 409, 412, 413, 424, 429, 500, 501, 502, 503, 504)),
    refused(500, b"MaxEntityRowCount"),
    refused(500, b"duplicate key"),
]
policies = st.builds(
    RetryPolicy,
    attempts=st.integers(1, 3000),
    timeout=st.floats(0, 1e6),
    wait_initial=st.floats(0, 1e3),
    wait_max=st.floats(0, 1e3),
    wait_jitter=st.floats(0, 10),
    wait_exp_base=st.floats(0.01, 1e6),
    jitter=st.floats(0, 1).map(lambda part: lambda: part),
)


@given(
    policies,
    st.sampled_from(OUTCOMES),
    st.sampled_from(Repeat),
    st.integers(1, 2000),
    st.floats(0, 1e6),
)
def test_a_wait_fits_into_what_is_left_of_the_time(
    policy: RetryPolicy,
    error: TransportError | ResponseError,
    repeat: Repeat,
    attempt: int,
    elapsed: float,
) -> None:
    wait = policy.wait(error, repeat=repeat, attempt=attempt, elapsed=elapsed)
    if wait is not None:
        assert attempt < policy.attempts
        assert 0 <= wait <= policy.wait_max + policy.wait_jitter
        assert elapsed + wait <= policy.timeout


@given(policies, st.sampled_from(OUTCOMES), st.sampled_from([Repeat.REFUSED, Repeat.NEVER]))
def test_what_may_have_been_carried_out_is_not_repeated_where_that_would_do_harm(
    policy: RetryPolicy, error: TransportError | ResponseError, repeat: Repeat
) -> None:
    if policy.wait(error, repeat=repeat, attempt=1, elapsed=0) is not None:
        assert repeat is not Repeat.NEVER
        assert not is_doubtful(error)


@pytest.mark.parametrize("base", [2, 2.0, 1e300, 7, 10**9])
def test_the_wait_does_not_overflow(base: float) -> None:
    policy = RetryPolicy(attempts=3000, wait_exp_base=base, jitter=lambda: 0.0)
    assert policy.pause(2000) == policy.wait_max
    still = RetryPolicy(wait_initial=0, wait_exp_base=base, wait_jitter=0)
    assert still.pause(2000) == 0


def test_the_waits_grow_to_the_longest_one() -> None:
    assert [STILL.pause(attempt) for attempt in range(1, 9)] == [
        0.2,
        0.4,
        0.8,
        1.6,
        3.2,
        6.4,
        10.0,
        10.0,
    ]
    assert RetryPolicy(jitter=lambda: 1.0).pause(1) == pytest.approx(0.7)


REPEATED: dict[Repeat, set[object]] = {
    Repeat.READ: {LOST, UNSENT, 408, 429, 500, 502, 503, 504},
    Repeat.IDEMPOTENT: {LOST, UNSENT, 408, 429, 502, 503, 504},
    Repeat.REFUSED: {UNSENT, 429, 503},
    Repeat.NEVER: set(),
}


@pytest.mark.parametrize("repeat", Repeat)
@pytest.mark.parametrize("error", OUTCOMES[:-2], ids=str)
def test_each_request_is_repeated_after_what_it_bears(
    repeat: Repeat, error: TransportError | ResponseError
) -> None:
    key = error.status if isinstance(error, ResponseError) else error
    wait = STILL.wait(error, repeat=repeat, attempt=1, elapsed=0)
    assert (wait is not None) == (key in REPEATED[repeat])


@pytest.mark.parametrize(
    "body",
    [
        b"Request processing terminated: the RAM consumption limit",
        b"MaxEntityRowCount",
        b"Column by path AccountId not found in schema Contact",
        b"violates foreign key constraint",
    ],
)
def test_a_failure_that_would_come_again_is_not_asked_for_twice(body: bytes) -> None:
    error = refused(500, body)
    assert STILL.wait(error, repeat=Repeat.READ, attempt=1, elapsed=0) is None


@pytest.mark.parametrize(
    ("asked", "wait"),
    [
        ("0", 0.2),
        ("5", 5.0),
        ("60", 60.0),
        ("61", None),
        ("", 0.2),
        ("soon", 0.2),
        ("-5", 0.2),
        ("9" * 400, None),
        ("٣", 0.2),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 30.0),
        ("Wed, 21 Oct 2015 07:00:00 GMT", 0.2),
        ("Wed, 21 Oct 2015 09:28:00 GMT", None),
    ],
)
def test_what_the_server_asks_for_is_honoured_where_it_is_longer(
    asked: str, wait: float | None
) -> None:
    error = refused(429, retry_after=asked, date="Wed, 21 Oct 2015 07:27:30 GMT")
    assert STILL.wait(error, repeat=Repeat.NEVER, attempt=1, elapsed=0) is None
    assert STILL.wait(error, repeat=Repeat.REFUSED, attempt=1, elapsed=0) == wait


@given(policies, st.floats(0, 1e5), st.integers(1, 2000), st.floats(0, 1e5))
def test_jitter_is_added_to_what_was_asked_for_and_is_no_reason_to_give_up(
    policy: RetryPolicy, asked: float, attempt: int, elapsed: float
) -> None:
    asked = float(int(asked))
    error = refused(429, retry_after=f"{asked:.0f}")
    least = max(evolve(policy, wait_jitter=0).pause(attempt), asked)
    wait = policy.wait(error, repeat=Repeat.READ, attempt=attempt, elapsed=elapsed)
    if attempt >= policy.attempts or elapsed + least > policy.timeout:
        assert wait is None
    else:
        assert wait is not None
        assert least <= wait <= least + policy.wait_jitter


def test_those_who_were_told_the_same_do_not_all_come_back_in_the_same_moment() -> None:
    error, policy = refused(503, retry_after="5"), RetryPolicy()
    waits = {policy.wait(error, repeat=Repeat.READ, attempt=1, elapsed=0) for _ in range(100)}
    assert len(waits) > 90
    assert all(wait is not None and 5 <= wait <= 5.5 for wait in waits)


def test_a_date_to_wait_for_means_nothing_without_the_date_of_the_answer() -> None:
    assert refused(503, retry_after="Wed, 21 Oct 2015 07:28:00 GMT").retry_after is None


@pytest.mark.parametrize(
    ("error", "doubtful"),
    [
        (LOST, True),
        (UNSENT, False),
        (refused(500), True),
        (refused(502), True),
        (refused(503), False),
        (refused(429), False),
        (refused(409), False),
        (errors.UnexpectedResponseError(REQUEST, Response(status=201, body=b"{")), True),
        (errors.UnexpectedResponseError(REQUEST, Response(status=302)), False),
        (errors.ProcessError("UsrX"), False),
    ],
    ids=str,
)
def test_what_ended_without_a_clear_no_may_have_been_carried_out(
    error: errors.CreatioError,
    doubtful: bool,  # noqa: FBT001
) -> None:
    assert is_doubtful(error) is doubtful


@pytest.mark.parametrize(
    "options",
    [
        {"attempts": 0},
        {"timeout": -1},
        {"wait_initial": -1},
        {"wait_max": -1},
        {"wait_jitter": -1},
        {"wait_exp_base": 0},
        {"timeout": math.nan},
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(options: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(options))):
        RetryPolicy(**options)  # type: ignore[arg-type]
