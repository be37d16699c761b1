"""Spans and metrics of OpenTelemetry for what a client sends: an observer, with the extra ``otel``.

The names are those of the semantic conventions for HTTP clients, as far as they are stable.
Source: opentelemetry.io, "Semantic conventions for HTTP spans" and "for HTTP metrics", 1.23.
"""

import re
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote
from weakref import WeakKeyDictionary

from yarl import URL

from creatio_async.errors import ResponseError, TransportError
from creatio_async.runtime.hooks import Exchange, Login, Observer
from creatio_async.version import __version__

if TYPE_CHECKING:
    from opentelemetry.metrics import MeterProvider
    from opentelemetry.propagators.textmap import TextMapPropagator
    from opentelemetry.trace import Span, TracerProvider

__all__ = ["OpenTelemetryObserver"]

_SCHEMA: Final = "https://opentelemetry.io/schemas/1.23.0"
_METHODS: Final = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"}
_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)

_SHOWN: Final = {"$top", "$skip", "$count", "$inlinecount", "$select", "$format"}
"""Query options whose values are no data of the site."""

_SERVICE: Final = re.compile(
    r"/(?P<service>odata|ServiceModel/(?:EntityDataService|ProcessEngineService)\.svc)"
    r"(?P<rest>/.*)?$"
)
_KEY: Final = re.compile(r"\([^()]*\)")
_GUID: Final = re.compile(r"(?<=/)[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}(?=/|$)")

_Attributes = dict[str, str | int]


class OpenTelemetryObserver(Observer):
    """Makes a span of each request and each login, and measures them: ``observe=...``.

    A span of a request is of the kind CLIENT, and its parent is the span of the task that makes
    the call. Its name is the method and what is asked for, without ids: ``GET odata/Contact``,
    ``POST odata/$batch``. A call that waits to be repeated is an event ``creatio.retry`` of the
    parent, and the repeat a span of its own. A login is a span ``creatio.login``. Durations go to
    the histogram ``http.client.request.duration``, in seconds.

    With *propagate* each request has the headers ``traceparent`` and ``tracestate`` (W3C Trace
    Context), so that what the site, or a gateway before it, traces is below these spans. Nothing
    else is sent along: no baggage, which may hold data of the application's.

    Nothing that may be data or a secret is told: no headers, no bodies, no messages of errors, and
    of the query of an address the values of structural options (``$top``, ``$select``) alone.

    Raises:
        ModuleNotFoundError: The extra ``otel`` is not installed.
    """

    def __init__(
        self,
        *,
        tracer_provider: "TracerProvider | None" = None,
        meter_provider: "MeterProvider | None" = None,
        propagate: "bool | TextMapPropagator" = False,
    ) -> None:
        """Take the providers; None is the global one.

        Args:
            tracer_provider: What makes the spans.
            meter_provider: What measures.
            propagate: Send the trace context along, in the headers of W3C Trace Context, or in
                those of a propagator of one's own.
        """
        try:
            from opentelemetry import metrics, trace  # noqa: PLC0415 - an extra
            from opentelemetry.trace.propagation import tracecontext  # noqa: PLC0415 - an extra
        except ModuleNotFoundError as error:
            raise ModuleNotFoundError(
                "OpenTelemetryObserver needs the extra 'otel': pip install 'creatio-async[otel]'",
                name=error.name,
            ) from None
        self._trace = trace
        self._tracer = trace.get_tracer("creatio_async", __version__, tracer_provider, _SCHEMA)
        meter = metrics.get_meter("creatio_async", __version__, meter_provider, _SCHEMA)
        self._duration = meter.create_histogram(
            "http.client.request.duration",
            unit="s",
            description="Duration of HTTP client requests.",
            explicit_bucket_boundaries_advisory=_BUCKETS,
        )
        own = tracecontext.TraceContextTextMapPropagator
        self._propagator: Any = own() if propagate is True else propagate or None
        self._spans: WeakKeyDictionary[Exchange, Span] = WeakKeyDictionary()

    def sent(self, exchange: Exchange, /) -> None:
        """Begin the span of a request."""
        attributes = _asked(exchange)
        attributes["url.full"] = _shown(exchange.url)
        if exchange.attempt > 1:
            attributes["http.request.resend_count"] = exchange.attempt - 1
        if exchange.method not in _METHODS:
            attributes["http.request.method_original"] = exchange.method
        self._spans[exchange] = self._tracer.start_span(
            _name(exchange), kind=self._trace.SpanKind.CLIENT, attributes=attributes
        )

    def headers(self, exchange: Exchange, /) -> Mapping[str, str]:
        """Return the context of the span, where that is to be sent along."""
        carrier: dict[str, str] = {}
        span = self._spans.get(exchange)
        if self._propagator is not None and span is not None:
            self._propagator.inject(carrier, self._trace.set_span_in_context(span))
        return carrier

    def answered(self, exchange: Exchange, /) -> None:
        """End it, and measure the request."""
        outcome = _outcome(exchange)
        span = self._spans.pop(exchange, None)
        if span is not None:
            span.set_attributes(outcome)
            if exchange.error is not None:
                span.set_status(self._trace.StatusCode.ERROR)
            span.end()
        self._duration.record(exchange.seconds or 0.0, _asked(exchange) | outcome)

    def waiting(self, seconds: float, error: TransportError | ResponseError, /) -> None:
        """Note in the caller's span that a call waits to be sent again."""
        self._trace.get_current_span().add_event(
            "creatio.retry", {"error.type": _type(error), "creatio.retry.wait": seconds}
        )

    def login_ended(self, login: Login, /) -> None:
        """Make a span of a login, which has taken place."""
        now = time.time_ns()
        span = self._tracer.start_span(
            "creatio.login",
            kind=self._trace.SpanKind.CLIENT,
            attributes=_server(login.site),
            start_time=now - int(login.seconds * 1e9),
        )
        if login.error is not None:
            span.set_attribute("error.type", _type(login.error))
            span.set_status(self._trace.StatusCode.ERROR)
        span.end(now)


def _server(url: URL) -> _Attributes:
    return {"server.address": url.host or "", "server.port": url.port or 0}


def _asked(exchange: Exchange) -> _Attributes:
    method = exchange.method if exchange.method in _METHODS else "_OTHER"
    return {"http.request.method": method, **_server(exchange.url)}


def _outcome(exchange: Exchange) -> _Attributes:
    outcome: _Attributes = {}
    status, error = exchange.status, exchange.error
    if status is not None:
        outcome["http.response.status_code"] = status
    if error is not None:
        is_told = status is not None and status >= 400
        outcome["error.type"] = str(status) if is_told else _type(error)
    return outcome


def _type(error: BaseException) -> str:
    kind = type(error)
    home = kind.__module__.partition(".")[0] if isinstance(error, _OURS) else kind.__module__
    return kind.__name__ if home == "builtins" else f"{home}.{kind.__name__}"


_OURS: Final = (TransportError, ResponseError)


def _name(exchange: Exchange) -> str:
    """The method, and what is asked for: only what a site has few of, so no ids and no addresses.

    Source: the conventions ask for a name of low cardinality.
    """
    method = exchange.method if exchange.method in _METHODS else "HTTP"
    asked = _SERVICE.search(exchange.url.path)
    if asked is None:
        return method
    rest = _GUID.sub("{id}", _KEY.sub("({id})", asked["rest"] or ""))
    return f"{method} {asked['service'].rpartition('/')[2]}{rest}"


def _shown(url: URL) -> str:
    """The address without the values of its query that may be data."""
    query = "&".join(_option(each) for each in url.raw_query_string.split("&") if each)
    address = f"{url.scheme}://{url.host_port_subcomponent}{url.raw_path}"
    return f"{address}?{query}" if query else address


def _option(text: str) -> str:
    name, equals, _ = text.partition("=")
    return text if not equals or unquote(name) in _SHOWN else f"{name}=REDACTED"
