"""What runs long runs only when asked for: ``pytest -m fuzz``, ``pytest -m soak``."""

import pytest

LONG = ("fuzz", "soak")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is marked as long, unless an expression of marks was given."""
    if config.option.markexpr:
        return
    long = [item for item in items if any(item.get_closest_marker(mark) for mark in LONG)]
    config.hook.pytest_deselected(items=long)
    items[:] = [item for item in items if item not in long]
