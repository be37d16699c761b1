"""What importing creatio_async costs beyond what it stands on.

Usage: python benchmarks/import_time.py

Prints the median time of both imports, each in a fresh interpreter, in turns so that a busy
moment of the machine meets both; exits with 1 where the ratio is above the bound.
"""

import subprocess
import sys
from statistics import median

STANDS_ON = "aiohttp, attrs, yarl, orjson"
RUNS = 21
BOUND = 1.15

_TIMED = """
from time import perf_counter
began = perf_counter()
import {modules}
print(perf_counter() - began)
"""


def import_time(modules: str) -> float:
    """Return the seconds that importing *modules* takes in an interpreter of its own."""
    code = _TIMED.format(modules=modules)
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return float(run.stdout)


def main() -> int:
    base: list[float] = []
    ours: list[float] = []
    import_time("creatio_async")  # the first one writes byte code
    for _ in range(RUNS):
        base.append(import_time(STANDS_ON))
        ours.append(import_time("creatio_async"))
    ratio = median(ours) / median(base)
    print(f"{STANDS_ON}: {median(base) * 1000:.1f} ms")
    print(f"creatio_async: {median(ours) * 1000:.1f} ms, {ratio:.3f} of that (at most {BOUND})")
    return 0 if ratio <= BOUND else 1


if __name__ == "__main__":
    sys.exit(main())
