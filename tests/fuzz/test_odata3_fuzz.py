"""Documents of OData 3, whole and broken: right rows, or an error of their own.

Run: ``python -X dev -m pytest tests/fuzz/test_odata3_fuzz.py -m fuzz -s -p no:cacheprovider``

``CREATIO_FUZZ_SECONDS`` is how long each target runs (20 by default); ``CREATIO_FUZZ_SEED`` is the
number of the first case, for running a case again that a failure named. A few cases are part of
every run of the tests: ``tests/protocol/odata3/test_broken.py``.
"""

import os
import random
import sys
import time
from collections.abc import Callable
from itertools import count

import pytest

from tests.fuzz.targets3 import TARGETS

pytestmark = [pytest.mark.fuzz, pytest.mark.timeout(0)]

SECONDS = float(os.environ.get("CREATIO_FUZZ_SECONDS", "20"))
FIRST = int(os.environ.get("CREATIO_FUZZ_SEED", "0")) or random.SystemRandom().randrange(10**9)


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.__name__)
def test_documents_are_read_or_refused(target: Callable[[random.Random], None]) -> None:
    until = time.monotonic() + SECONDS
    for seed in count(FIRST):
        if time.monotonic() > until:
            break
        try:
            target(random.Random(seed))  # noqa: S311 - no secret
        except Exception as error:
            raise AssertionError(f"CREATIO_FUZZ_SEED={seed}") from error
    sys.stdout.write(f"\n{target.__name__}: seeds {FIRST} to {seed - 1}\n")
