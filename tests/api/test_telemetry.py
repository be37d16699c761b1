import asyncio
import sys
from typing import Any

import pytest
from attrs import define
from opentelemetry.baggage import set_baggage
from opentelemetry.context import attach, detach
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    StatusCode,
    TraceFlags,
    TraceState,
    get_current_span,
    set_span_in_context,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from creatio_async import (
    AuthenticationError,
    Creatio,
    F,
    NotFoundError,
    OpenTelemetryObserver,
    Password,
    RetryPolicy,
    TransportError,
)
from creatio_async.emulator import DropAfter, DropBefore, Emulator, Expire, Latency, Refuse
from tests.api.canned import AT_ONCE, AUTH, SITE, client

GUID = "410006e1-ca4e-4502-a9ec-e54d922d2c00"


@define
class Telemetry:
    """Providers that keep what they are given, and an observer that gives it to them."""

    exporter: InMemorySpanExporter
    reader: InMemoryMetricReader
    tracers: TracerProvider
    observer: OpenTelemetryObserver

    def spans(self) -> list[ReadableSpan]:
        """Return the spans that have ended, in their order."""
        return list(self.exporter.get_finished_spans())

    def names(self) -> list[str]:
        """Return their names."""
        return [span.name for span in self.spans()]

    def points(self) -> list[tuple[dict[str, Any], int]]:
        """Return the attributes of the durations, and how many each has."""
        data: Any = self.reader.get_metrics_data()
        [metric] = data.resource_metrics[0].scope_metrics[0].metrics
        assert (metric.name, metric.unit) == ("http.client.request.duration", "s")
        return [(dict(point.attributes), point.count) for point in metric.data.data_points]


@pytest.fixture
def told() -> Telemetry:
    exporter, reader = InMemorySpanExporter(), InMemoryMetricReader()
    tracers, meters = TracerProvider(shutdown_on_exit=False), MeterProvider([reader])
    tracers.add_span_processor(SimpleSpanProcessor(exporter))
    observer = OpenTelemetryObserver(tracer_provider=tracers, meter_provider=meters)
    return Telemetry(exporter, reader, tracers, observer)


def attributes(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


async def test_a_request_is_a_client_span_below_that_of_the_calling_task(
    emulator: Emulator, told: Telemetry
) -> None:
    tracer = told.tracers.get_tracer("caller")
    async with emulator.served() as url, Creatio(url, AUTH, observe=told.observer) as crm:

        async def page(name: str) -> None:
            with tracer.start_as_current_span(name):
                await crm.odata[name].top(1)

        await asyncio.gather(page("Contact"), page("City"))
        port = int(url.rpartition(":")[2])
    login, *rest = told.spans()
    assert (login.name, login.parent) == ("creatio.login", None)
    own = {"server.address": "127.0.0.1", "server.port": port}
    assert attributes(login) == own
    callers = {span.name: span for span in rest if span.name in {"Contact", "City"}}
    for name, caller in callers.items():
        [span] = [span for span in rest if span.name == f"GET odata/{name}"]
        assert span.kind is SpanKind.CLIENT
        assert span.parent is not None
        assert span.parent.span_id == caller.context.span_id
        assert span.status.status_code is StatusCode.UNSET
        assert attributes(span) == {
            "http.request.method": "GET",
            "http.response.status_code": 200,
            "url.full": f"{url}/0/odata/{name}?$top=1",
            **own,
        }
    assert told.points() == [
        ({"http.request.method": "GET", "http.response.status_code": 200, **own}, 2)
    ]


async def test_a_repeat_is_a_span_of_its_own_and_an_event_of_the_caller(
    emulator: Emulator, told: Telemetry
) -> None:
    emulator.troubles.add(Refuse(429, retry_after=0), path="Contact")
    emulator.troubles.add(DropBefore(), path="Contact", skip=1)
    emulator.troubles.add(Expire(), path="Contact", skip=2)
    async with client(emulator, observe=told.observer) as crm:
        with told.tracers.get_tracer("caller").start_as_current_span("page"):
            await crm.odata["Contact"].top(1)
    *spans, page = told.spans()[1:]
    assert [span.name for span in spans] == [
        "GET odata/Contact",
        "GET odata/Contact",
        "GET odata/Contact",
        "creatio.login",
        "GET odata/Contact",
    ]
    told_of = [attributes(span) for span in spans if span.name != "creatio.login"]
    assert [each.get("http.response.status_code") for each in told_of] == [429, None, 401, 200]
    kinds = ["429", "creatio_async.TransportError", "401", None]
    assert [each.get("error.type") for each in told_of] == kinds
    assert [each.get("http.request.resend_count") for each in told_of] == [None, 1, 2, 2]
    failed = [StatusCode.ERROR] * 3
    assert [span.status.status_code for span in spans[:3]] == failed
    events = [(event.name, dict(event.attributes or {})) for event in page.events]
    assert [(name, told["error.type"]) for name, told in events] == [
        ("creatio.retry", "creatio_async.ThrottledError"),
        ("creatio.retry", "creatio_async.TransportError"),
    ]
    assert all(span.parent == page.context for span in spans)


async def test_names_have_no_ids_and_addresses_no_values(
    emulator: Emulator, told: Telemetry
) -> None:
    @emulator.process("UsrProcess")
    def process(secret: str) -> dict[str, str]:
        return {"Echo": secret}

    async with client(emulator, observe=told.observer) as crm:
        await crm.odata["Contact"].where(F.Name == "S3cret").select("Id").top(1)
        await crm.odata["Contact"].get(GUID, select=["Name"])
        await crm.odata["Contact"].value(GUID, "Name")
        await crm.request("GET", f"odata/Contact/{GUID}/Name")
        batch = crm.odata.batch()
        batch.create("City", {"Name": "S3cret"})
        await batch.send()
        await crm.processes.execute("UsrProcess", {"secret": "S3cret"}, result="Echo")
        with pytest.raises(NotFoundError):
            await crm.request("MERGE", "rest/UsrService/Merge")
    assert told.names()[1:] == [
        "GET odata/Contact",
        "GET odata/Contact({id})",
        "GET odata/Contact({id})/Name",
        "GET odata/Contact/{id}/Name",
        "POST odata/$batch",
        "GET ProcessEngineService.svc/UsrProcess/Execute",
        "HTTP",
    ]
    addresses = [attributes(span)["url.full"] for span in told.spans()[1:]]
    assert addresses[0] == f"{SITE}/0/odata/Contact?$filter=REDACTED&$select=Id,Name&$top=1"
    assert addresses[5].endswith("?ResultParameterName=REDACTED&secret=REDACTED")
    last = attributes(told.spans()[-1])
    assert last["http.request.method"] == "_OTHER"
    assert last["http.request.method_original"] == "MERGE"
    assert last["error.type"] == "404"
    everything = "".join(span.to_json() for span in told.spans())
    assert "S3cret" not in everything


async def test_what_is_cancelled_or_lost_ends_its_span_too(
    emulator: Emulator, told: Telemetry
) -> None:
    emulator.troubles.add(DropAfter(), method="POST", path="Slow")
    emulator.troubles.add(Latency(60), path="Contact")
    once = RetryPolicy(attempts=1)
    async with client(emulator, observe=told.observer, retry=once) as crm:
        with pytest.raises(TransportError):
            await crm.request("POST", "rest/Slow")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await crm.odata["Contact"].top(1)
    lost, cancelled = told.spans()[1:]
    assert attributes(lost)["error.type"] == "creatio_async.TransportError"
    assert attributes(cancelled)["error.type"] == "asyncio.exceptions.CancelledError"
    assert {lost.status.description, cancelled.status.description} == {None}
    assert sorted(each["error.type"] for each, _ in told.points()) == [
        "asyncio.exceptions.CancelledError",
        "creatio_async.TransportError",
    ]


async def test_a_refused_login_is_a_span_with_its_error_and_no_name_or_password(
    emulator: Emulator, told: Telemetry
) -> None:
    auth = Password("S3cretUser", "S3cretWord")
    with pytest.raises(AuthenticationError):
        await Creatio(SITE, auth, transport=emulator, observe=told.observer).__aenter__()
    [login] = told.spans()
    assert login.status.status_code is StatusCode.ERROR
    assert attributes(login)["error.type"] == "creatio_async.AuthenticationError"
    assert "S3cret" not in login.to_json()


@pytest.mark.parametrize("propagate", [False, True])
async def test_it_works_with_the_global_providers_that_do_nothing(
    emulator: Emulator, *, propagate: bool
) -> None:
    observer = OpenTelemetryObserver(propagate=propagate)
    async with client(emulator, observe=observer, retry=AT_ONCE) as crm:
        emulator.troubles.add(Refuse(503), path="Contact")
        assert await crm.odata["Contact"].top(1)
    assert {each.headers.get("traceparent") for each in emulator.requests} == {None}


def contexts(emulator: Emulator) -> list[str | None]:
    """Return the trace context that came with each request but logins."""
    return [
        each.headers.get("traceparent")
        for each in emulator.requests
        if "AuthService" not in each.url.path
    ]


async def test_each_request_and_each_repeat_carries_the_context_of_its_own_span(
    emulator: Emulator, told: Telemetry
) -> None:
    observer = OpenTelemetryObserver(tracer_provider=told.tracers, propagate=True)
    tracer = told.tracers.get_tracer("caller")
    async with emulator.served() as url, Creatio(url, AUTH, observe=observer, retry=AT_ONCE) as crm:
        emulator.troubles.add(Refuse(503, retry_after=0), path="Contact")
        with tracer.start_as_current_span("page") as page:
            await crm.odata["Contact"].top(1)
            await crm.odata["Contact"].count()
            batch = crm.odata.batch()
            batch.create("City", {"Name": "x"})
            await batch.send()
    spans = [span for span in told.spans() if span.name not in {"creatio.login", "page"}]
    assert len(spans) == 4
    assert contexts(emulator) == [
        f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"
        for context in (span.context for span in spans)
    ]
    assert {span.context.trace_id for span in spans} == {page.get_span_context().trace_id}


async def test_no_context_is_sent_along_unless_it_is_asked_for(
    emulator: Emulator, told: Telemetry
) -> None:
    with told.tracers.get_tracer("caller").start_as_current_span("page"):
        async with client(emulator, observe=told.observer) as crm:
            await crm.odata["Contact"].top(1)
    assert contexts(emulator) == [None]


async def test_a_state_goes_along_and_baggage_does_not(emulator: Emulator, told: Telemetry) -> None:
    observer = OpenTelemetryObserver(tracer_provider=told.tracers, propagate=True)
    above = NonRecordingSpan(
        SpanContext(1, 2, True, TraceFlags(1), TraceState([("vendor", "x")]))  # noqa: FBT003 - of the SDK
    )
    token = attach(set_baggage("customer", "Ann", set_span_in_context(above)))
    try:
        async with client(emulator, observe=observer) as crm:
            await crm.odata["Contact"].top(1)
    finally:
        detach(token)
    sent = [each.headers for each in emulator.requests if "odata" in each.url.path]
    assert [each.get("tracestate") for each in sent] == ["vendor=x"]
    assert [each["traceparent"][:36] for each in sent] == [f"00-{1:032x}-"]
    assert "baggage" not in sent[0]


async def test_a_propagator_of_ones_own_takes_the_place_of_the_standard_one(
    emulator: Emulator, told: Telemetry
) -> None:
    class Own(TraceContextTextMapPropagator):
        def inject(self, carrier: Any, context: Any = None, setter: Any = None) -> None:  # noqa: ARG002
            carrier["X-Trace"] = f"{get_current_span(context).get_span_context().span_id:x}"

    observer = OpenTelemetryObserver(tracer_provider=told.tracers, propagate=Own())
    async with client(emulator, observe=observer) as crm:
        await crm.odata["Contact"].top(1)
    [span] = [span for span in told.spans() if span.name == "GET odata/Contact"]
    sent = [each.headers for each in emulator.requests if "odata" in each.url.path]
    assert [each.get("x-trace") for each in sent] == [f"{span.context.span_id:x}"]
    assert contexts(emulator)[-1] is None


def test_without_the_extra_it_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'creatio-async\[otel\]'"):
        OpenTelemetryObserver()
