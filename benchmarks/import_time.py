"""What importing creatio_async costs beyond what it stands on.

Usage: python benchmarks/import_time.py

Prints the median time of both imports, each in a fresh interpreter, in turns so that a busy
moment of the machine meets all; the package itself, which loads a name when it is asked for, and
the client with all that it needs; exits with 1 where the ratio is above the bound. The time is that
of the processor, which other programs disturb least.
"""

import os
import subprocess
import sys
from statistics import median
from tempfile import TemporaryDirectory

STANDS_ON = "aiohttp, attrs, yarl, orjson"
RUNS = 21
BOUND = 1.15

_SWITCHES = {"PYTHONDEVMODE", "PYTHONDONTWRITEBYTECODE", "PYTHONPROFILEIMPORTTIME"}

_TIMED = """
from time import process_time
began = process_time()
import {modules}
print(process_time() - began)
"""


def import_time(modules: str, byte_code: str) -> float:
    """Return the seconds that importing *modules* takes in an interpreter of its own.

    *byte_code* is the folder that keeps the compiled modules: what is measured is a second start,
    also where the environment forbids to write byte code.
    """
    environment = {name: value for name, value in os.environ.items() if name not in _SWITCHES}
    run = subprocess.run(
        [sys.executable, "-c", _TIMED.format(modules=modules)],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        env={**environment, "PYTHONPYCACHEPREFIX": byte_code},
    )
    return float(run.stdout)


def main() -> int:
    base: list[float] = []
    ours: list[float] = []
    whole: list[float] = []
    with TemporaryDirectory() as byte_code:
        import_time("creatio_async.client", byte_code)
        for _ in range(RUNS):
            base.append(import_time(STANDS_ON, byte_code))
            ours.append(import_time("creatio_async", byte_code))
            whole.append(import_time("creatio_async.client", byte_code))
    ratio = median(ours) / median(base)
    print(f"{STANDS_ON}: {median(base) * 1000:.1f} ms")
    print(f"creatio_async: {median(ours) * 1000:.1f} ms, {ratio:.3f} of that (at most {BOUND})")
    print(f"with the client: {median(whole) * 1000:.1f} ms, {median(whole) / median(base):.3f}")
    return 0 if ratio <= BOUND else 1


if __name__ == "__main__":
    sys.exit(main())
