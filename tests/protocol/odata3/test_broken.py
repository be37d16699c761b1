"""A few of the cases of ``tests/fuzz/test_odata3_fuzz.py``, in every run."""

import random
from collections.abc import Callable

import pytest

from tests.fuzz.targets3 import TARGETS


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.__name__)
def test_documents_are_read_or_refused(target: Callable[[random.Random], None]) -> None:
    for seed in range(150):
        try:
            target(random.Random(seed))  # noqa: S311 - no secret
        except Exception as error:
            raise AssertionError(f"seed {seed}") from error
