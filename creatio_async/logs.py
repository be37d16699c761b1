"""A log of what a client sends, for ``logging``: one line for each request, wait and login."""

import logging

from creatio_async.errors import ResponseError, TransportError
from creatio_async.runtime.hooks import Exchange, Login, Observer

__all__ = ["LogObserver"]


class LogObserver(Observer):
    """Writes to the logger ``creatio_async``, at the level DEBUG: ``observe=LogObserver()``.

    A line has the method, the address without its query, the status, sizes and times: no bodies,
    no values of filters, no credentials.
    """

    def __init__(self, logger: logging.Logger | None = None) -> None:
        """Keep the logger; None is ``logging.getLogger("creatio_async")``."""
        self._logger = logging.getLogger("creatio_async") if logger is None else logger

    def sent(self, exchange: Exchange, /) -> None:
        """Write what is sent."""
        self._logger.debug(
            "%s %s, attempt %d, %s bytes",
            exchange.method,
            exchange.url.path,
            exchange.attempt,
            "?" if exchange.bytes_sent is None else exchange.bytes_sent,
        )

    def answered(self, exchange: Exchange, /) -> None:
        """Write what came of it."""
        came = type(exchange.error).__name__ if exchange.status is None else exchange.status
        self._logger.debug(
            "%s %s -> %s, %s bytes in %.3f s",
            exchange.method,
            exchange.url.path,
            came,
            "?" if exchange.bytes_received is None else exchange.bytes_received,
            exchange.seconds or 0.0,
        )

    def waiting(self, seconds: float, error: TransportError | ResponseError, /) -> None:
        """Write why a call waits, and for how long."""
        self._logger.debug(
            "%s %s waits %.3f s after %s",
            error.request.method,
            error.request.url.path,
            seconds,
            type(error).__name__,
        )

    def login_ended(self, login: Login, /) -> None:
        """Write who has logged in, or has not."""
        if login.error is None:
            self._logger.debug("logged in as %s in %.3f s", login.user, login.seconds)
        else:
            how = type(login.error).__name__
            self._logger.debug("no login as %s: %s in %.3f s", login.user, how, login.seconds)
