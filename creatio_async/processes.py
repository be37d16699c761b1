"""Business processes: run one by the code of its schema."""

from collections.abc import Mapping
from typing import Any

from attrs import define

from creatio_async.protocol.names import check_name
from creatio_async.protocol.processes import HEADERS, execute_path, read_result
from creatio_async.protocol.retry import Repeat
from creatio_async.runtime.sender import Call, Sender

__all__ = ["Processes"]


@define(eq=False)
class Processes:
    """The processes of a site: ``crm.processes``.

    Nothing here is sent again by itself, but for a request that a lost session kept from running:
    a process that ran twice did its work twice.
    """

    _sender: Sender

    async def execute(
        self, process: str, parameters: Mapping[str, Any] | None = None, /, *, result: str
    ) -> Any:
        """Run a process, wait for it, and return one of its parameters.

        A value that comes back is no proof of success: a process that fails after it set the
        parameter gives the value all the same.

        Args:
            process: The code of its schema, such as ``UsrGetAllContacts``.
            parameters: Values by the codes of the parameters, which are case-sensitive: Creatio
                drops a name that it does not know without a word. str, bool, numbers, UUID,
                datetimes with a zone; lists and dicts go out as JSON; None is left out.
            result: The code of the parameter to return.

        Returns:
            The value decoded from JSON, a text that holds an object or a list decoded once more;
            None where the process has no such parameter.

        Raises:
            ValueError: A name is no identifier, or a value has no text. Nothing was sent.
            TypeError: A value is of a type that no parameter takes. Nothing was sent.
            ResponseError: Creatio refused, or knows no such process.
            TransportError: No answer came; whether the process ran is unknown.
        """
        return await self._execute(process, parameters, check_name(result, "code of a parameter"))

    async def start(self, process: str, parameters: Mapping[str, Any] | None = None, /) -> None:
        """Start a process without waiting for it. Arguments and errors are those of `execute`."""
        await self._execute(process, parameters, None)

    async def _execute(
        self, process: str, parameters: Mapping[str, Any] | None, result: str | None
    ) -> Any:
        path = execute_path(process, {} if parameters is None else parameters, result)
        call = Call(method="GET", path=path, headers=HEADERS, repeat=Repeat.NEVER)
        reply = await self._sender.send(call)
        return read_result(reply.request, reply.response) if result is not None else None
