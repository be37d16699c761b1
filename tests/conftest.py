"""What runs long runs only when asked for: ``pytest -m fuzz``, ``pytest -m soak``."""

import pytest
from hypothesis import HealthCheck, settings

LONG = ("fuzz", "soak")

# What a property says does not depend on how fast the machine is at the moment.
settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any machine")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is marked as long, unless an expression of marks names that mark."""
    left_out = [mark for mark in LONG if mark not in config.option.markexpr]
    long = [item for item in items if any(item.get_closest_marker(mark) for mark in left_out)]
    config.hook.pytest_deselected(items=long)
    items[:] = [item for item in items if item not in long]
