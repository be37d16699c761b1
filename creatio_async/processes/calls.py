"""`Processes`: the calls that run, continue and cancel business processes."""

from collections.abc import AsyncIterable, Iterable, Mapping, Sequence
from typing import Any, TypeVar, overload
from uuid import UUID

from attrs import define, field

from creatio_async.errors import (
    NotFoundError,
    ProcessError,
    ResponseError,
    ServerError,
    TransportError,
    UnexpectedResponseError,
)
from creatio_async.process_state import ProcessState
from creatio_async.processes.classes import Process, parameters_of, results_of, with_results
from creatio_async.processes.jobs import ProcessJob
from creatio_async.processes.runs import Journal, ProcessRun
from creatio_async.processes.verdicts import described, failure_of, knows_no, may_have_run, unknown
from creatio_async.protocol.dialect4 import Dialect4
from creatio_async.protocol.names import check_name, key_text
from creatio_async.protocol.process_runs import (
    CANCEL_PATH,
    JSON,
    RUN_PATH,
    ProcessLog,
    RunAnswer,
    cancel_body,
    read_run,
    run_body,
)
from creatio_async.protocol.processes import (
    HEADERS,
    decoded_result,
    element_paths,
    execute_path,
    parameter_texts,
    read_result,
)
from creatio_async.protocol.retry import Repeat
from creatio_async.runtime.sender import Call, Reply, Sender
from creatio_async.service import Service

__all__ = ["Processes"]

P = TypeVar("P", bound=Process)


@define(eq=False, repr=False)
class Processes:
    """The processes of a site: ``crm.processes``.

    Nothing here is sent again by itself, but for a request that a lost session kept from running:
    a process that ran twice did its work twice. Where no answer came, a note on the error says
    where to look.

    A process is named by the code of its schema or, as ``schema_id=``, by the ``UId`` of it.
    `execute` and `start` look the code up in ``SysSchema`` then, and raise `SystemTableError` where
    that is closed to OData.
    """

    _sender: Sender
    _journal: Journal = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._journal = Journal(Service(self._sender, Dialect4()))

    def __repr__(self) -> str:
        return f"<Processes of {self._sender.session.workspace}>"

    async def execute(
        self,
        process: str | Process | None = None,
        /,
        parameters: Mapping[str, Any] | None = None,
        *,
        result: str,
        schema_id: UUID | str | None = None,
    ) -> Any:
        """Run a process, wait for it, and return one of its parameters (``Execute``).

        The parameters go out in the address, whose length servers limit: long ones are for `run`.
        A value that comes back is no proof of success: a process that fails after it set the
        parameter gives the value all the same. `run` tells whether it failed.

        Args:
            process: The code of its schema, such as ``UsrGetAllContacts``; or a `Process`, which
                has its parameters in it.
            parameters: Values by the codes of the parameters, which are case-sensitive: Creatio
                drops a name that it does not know without a word. str, bool, numbers, UUID,
                datetimes with a zone; lists and dicts go out as JSON; None is left out.
            result: The code of the parameter to return.
            schema_id: The ``UId`` or ``Id`` of its schema, instead of the code.

        Returns:
            The value decoded from JSON, a text that holds an object or a list decoded once more;
            None where the process has no such parameter.

        Raises:
            ValueError: A name is no identifier, an id no UUID, or a value has no text. Nothing was
                sent.
            TypeError: A value is of a type that no parameter takes. Nothing was sent.
            ProcessError: Creatio knows no such process.
            SystemTableError: *schema_id* cannot be looked up.
            ResponseError: Creatio refused otherwise.
            TransportError: No answer came; whether the process ran is unknown.
        """
        check_name(result, "code of a parameter")
        reply = await self._execute(process, parameters, result, schema_id)
        return read_result(reply.request, reply.response)

    async def start(
        self,
        process: str | Process | None = None,
        /,
        parameters: Mapping[str, Any] | None = None,
        *,
        schema_id: UUID | str | None = None,
    ) -> None:
        """Start a process without waiting for it (``Execute`` without a result).

        Nobody tells what becomes of it: use `run` to know. Arguments and errors are those of
        `execute`.
        """
        await self._execute(process, parameters, None, schema_id)

    @overload
    async def run(
        self,
        process: str | None = None,
        /,
        parameters: Mapping[str, Any] | None = None,
        *,
        results: Sequence[str] = (),
        schema_id: UUID | str | None = None,
    ) -> ProcessRun[dict[str, Any]]: ...
    @overload
    async def run(self, process: P, /) -> ProcessRun[P]: ...
    async def run(
        self,
        process: str | Process | None = None,
        /,
        parameters: Mapping[str, Any] | None = None,
        *,
        results: Sequence[str] = (),
        schema_id: UUID | str | None = None,
    ) -> ProcessRun[Any]:
        """Run a process and tell whether it failed (``RunProcess``).

        Creatio answers when the process is done, waits at an element, or was put into a queue: look
        at `ProcessRun.state`, and `ProcessRun.wait` for the end of it. A process that is set to run
        in the background runs at once, and is waited for, where *results* are asked of it.

        Args:
            process: The code of its schema; or a `Process`, which has its parameters in it, and
                comes back as `ProcessRun.results` with its results filled in.
            parameters: As those of `execute`.
            results: The codes of the parameters to return.
            schema_id: The ``UId`` of its schema, instead of the code.

        Raises:
            ValueError: A name is no identifier, an id no UUID, or a value has no text. Nothing was
                sent.
            TypeError: A value is of a type that no parameter takes. Nothing was sent.
            ProcessError: It failed, was cancelled, or was refused: there is no such process or
                result, or it cannot be started by hand. `ProcessError.detail` is what the process
                log says, where that may be read. Or it is done, as `ProcessError.state` tells,
                and a result is not of the type of its field.
            UnexpectedResponseError: The answer cannot be read.
            ResponseError: Creatio refused otherwise.
            TransportError: No answer came; whether the process ran is unknown.
        """
        if isinstance(process, Process):
            _refuse_more(parameters, results, schema_id)
            code, given = parameters_of(process)
            answer, reply = await self._run(code, given, results_of(process), None)
            try:
                filled = with_results(process, answer.results)
            except ValueError as error:
                raise ProcessError(
                    code, str(error), answer.id, answer.state, reply.request, reply.response
                ) from error
            return self._as_run(code, answer, filled)
        answer, _ = await self._run(process, parameters or {}, results, schema_id)
        found = {name: decoded_result(value) for name, value in answer.results.items()}
        if answer.state is ProcessState.DONE:
            found = {**dict.fromkeys(results), **found}
        return self._as_run(process or str(schema_id), answer, found)

    @overload
    def run_many(
        self,
        process: type[P],
        inputs: Iterable[P] | AsyncIterable[P],
        *,
        at_once: int = 4,
    ) -> ProcessJob[P]: ...
    @overload
    def run_many(
        self,
        process: str | None,
        inputs: Iterable[Mapping[str, Any]] | AsyncIterable[Mapping[str, Any]],
        *,
        results: Sequence[str] = (),
        schema_id: UUID | str | None = None,
        at_once: int = 4,
    ) -> ProcessJob[dict[str, Any]]: ...
    def run_many(
        self,
        process: str | type[Process] | None,
        inputs: Iterable[Any] | AsyncIterable[Any],
        *,
        results: Sequence[str] = (),
        schema_id: UUID | str | None = None,
        at_once: int = 4,
    ) -> ProcessJob[Any]:
        """Run a process once for each of *inputs*, several at once, each exactly as `run` does.

        ``await`` the job for its report, or enter it for the outcomes, one for each input::

            report = await crm.processes.run_many("UsrCalcDiscount", inputs, results=["Discount"])

            async with crm.processes.run_many("UsrCalcDiscount", inputs) as outcomes:
                async for outcome in outcomes: ...

        Args:
            process: As that of `run`; or a class of `Process`, of which *inputs* are instances.
            inputs: Parameters, any number of them; read no faster than processes end.
            results: As those of `run`.
            schema_id: As that of `run`.
            at_once: Runs under way at once; `Limits.at_once` holds besides.

        Raises:
            ValueError: *at_once* is out of bounds, or a name is no identifier.
            TypeError: *inputs* are not several.
        """
        if isinstance(process, type):
            _refuse_more(None, results, schema_id)

            async def run_one(one: Any) -> ProcessRun[Any]:
                if not isinstance(one, process):
                    raise TypeError(f"takes inputs of {process.__name__}, not {one!r:.80}")
                return await self.run(one)

            return ProcessJob(process.__name__, run_one, inputs, at_once=at_once)
        schema = _schema(process, schema_id)
        run_body(schema, {}, results)  # a mistake in a name is one of the call, not of each input

        async def run(one: Any) -> ProcessRun[Any]:
            return await self.run(process, one, results=results, schema_id=schema_id)

        return ProcessJob(process or str(schema_id), run, inputs, at_once=at_once)

    async def execute_element(self, element_uid: UUID | str, /) -> None:
        """Run an element of a process that waits at it (``ExecProcElByUId``).

        An element that has run already is not run again. Source: academy.creatio.com,
        "ProcessEngineService.svc".

        Args:
            element_uid: The ``UId`` of the element in the run.

        Raises:
            ValueError: *element_uid* is no UUID. Nothing was sent.
            TypeError: It is neither a UUID nor a string. Nothing was sent.
            ResponseError: Creatio refused.
            TransportError: No answer came; whether the element ran is unknown.
        """
        path, other = element_paths(element_uid)
        note = unknown(f"the element {element_uid}")
        try:
            await self._send(_get(path), note)
        except NotFoundError:  # no such address: nothing was run
            await self._send(_get(other), note)

    async def cancel(
        self, run: ProcessRun[Any] | UUID | str, /, *others: ProcessRun[Any] | UUID | str
    ) -> None:
        """Ask Creatio to cancel runs (``CancelExecution``).

        It may take a while: `log` tells when a run is `ProcessState.CANCELED`.

        Args:
            run: What `run` returned, or the id of it.
            others: More of them, in the same request.

        Raises:
            ValueError: A run is in a queue and has no id, or an id is no UUID. Nothing was sent.
            TypeError: An id is neither a UUID nor a string. Nothing was sent.
            ResponseError: Creatio refused.
            TransportError: No answer came; whether they were cancelled is unknown.
        """
        ids = [each.id if isinstance(each, ProcessRun) else each for each in (run, *others)]
        if "" in ids:
            raise ValueError("a run that is in a queue has no id, and cannot be cancelled")
        note = "whether the runs were cancelled is unknown: their rows in SysProcessLog tell"
        await self._send(_post(CANCEL_PATH, cancel_body(ids)), note)

    async def log(self, run_id: UUID | str, /) -> ProcessLog | None:
        """Return what ``SysProcessLog`` says of a run, or None where it has no row of it.

        Raises:
            ValueError: *run_id* is no UUID. Nothing was sent.
            TypeError: It is neither a UUID nor a string. Nothing was sent.
            SystemTableError: ``SysProcessLog`` is closed to OData.
            ResponseError: Creatio refused otherwise.
            TransportError: No answer came.
        """
        return await self._journal.log(key_text(run_id))

    async def _execute(
        self,
        process: str | Process | None,
        parameters: Mapping[str, Any] | None,
        result: str | None,
        schema_id: UUID | str | None,
    ) -> Reply:
        given: Mapping[str, Any] = {} if parameters is None else parameters
        if isinstance(process, Process):
            _refuse_more(parameters, (), schema_id)
            process, given = parameters_of(process)
        schema = _schema(process, schema_id)
        parameter_texts(given)  # a mistake is told before the id is looked up
        name = schema.get("schemaName") or await self._journal.name_of(schema["schemaUId"])
        try:
            return await self._send(_get(execute_path(name, given, result)), unknown(name))
        except ServerError as error:
            if not knows_no(name, error):
                raise
            detail = f"Creatio knows no such process: {error.detail}"
            raise ProcessError(
                name, detail, request=error.request, response=error.response
            ) from error

    async def _run(
        self,
        process: str | None,
        parameters: Mapping[str, Any],
        results: Sequence[str],
        schema_id: UUID | str | None,
    ) -> tuple[RunAnswer, Reply]:
        """Run a process; return what came of it, unless that is a failure."""
        schema = _schema(process, schema_id)
        (name,) = schema.values()
        call = _post(RUN_PATH, run_body(schema, parameters, results))
        reply = await self._send(call, unknown(name))
        try:
            answer = read_run(reply.request, reply.response)
        except UnexpectedResponseError as error:
            error.add_note(unknown(name))
            raise
        failure = failure_of(name, answer, reply)
        if failure is None:
            return answer, reply
        raise await described(self._journal, failure) if failure.run_id else failure

    def _as_run(self, process: str, answer: RunAnswer, results: Any) -> ProcessRun[Any]:
        return ProcessRun(
            process=process,
            id=answer.id,
            state=answer.state,
            results=results,
            page=answer.page,
            journal=self._journal,
        )

    async def _send(self, call: Call, note: str) -> Reply:
        """Send *call* once; where it may have been carried out without an answer, *note* it."""
        try:
            return await self._sender.send(call)
        except (TransportError, ResponseError) as error:
            if may_have_run(error):
                error.add_note(note)
            raise


def _get(path: str) -> Call:
    return Call(method="GET", path=path, headers=HEADERS, repeat=Repeat.NEVER)


def _post(path: str, body: bytes) -> Call:
    return Call(method="POST", path=path, headers=JSON, body=body, repeat=Repeat.NEVER)


def _refuse_more(parameters: object, results: Sequence[str], schema_id: object) -> None:
    if parameters is not None or results or schema_id is not None:
        raise TypeError("a Process has its code, its parameters and its results in it")


def _schema(process: str | None, schema_id: UUID | str | None) -> dict[str, str]:
    """Return what names the process in a body: its code, or the id of its schema."""
    if (process is None) is (schema_id is None):
        raise TypeError("takes the code of a process or its schema_id=, one of the two")
    if schema_id is None:
        return {"schemaName": check_name(process or "", "code of a process")}
    return {"schemaUId": key_text(schema_id)}
