"""A look-alike of a Creatio site, for tests and trials."""

from creatio_async.emulator.app import Emulator
from creatio_async.emulator.oauth import Client
from creatio_async.emulator.sessions import User
from creatio_async.emulator.troubles import (
    Accepted,
    Answer,
    Cut,
    DropAfter,
    DropBefore,
    Expire,
    Fail,
    Latency,
    Redirect,
    Refuse,
    Rule,
    Trouble,
    Troubles,
)

__all__ = [
    "Accepted",
    "Answer",
    "Client",
    "Cut",
    "DropAfter",
    "DropBefore",
    "Emulator",
    "Expire",
    "Fail",
    "Latency",
    "Redirect",
    "Refuse",
    "Rule",
    "Trouble",
    "Troubles",
    "User",
]
