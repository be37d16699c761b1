"""The same site and client as in the tests of the API."""

from tests.api.conftest import crm, emulator

__all__ = ["crm", "emulator"]
