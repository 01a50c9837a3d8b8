"""The listener for REST: routes, and how large, how slow and how many requests may be.

It runs beside the process of the model, not in it, so that it answers when that one has ended.
"""

import asyncio
import logging

from starlette import requests, responses

from export import service

STATUS_ROUTE = f"/v1/models/{service.NAME}"
PREDICT_ROUTE = f"{STATUS_ROUTE}:predict"
ROUTES = {"/healthz": "GET", "/readyz": "GET", STATUS_ROUTE: "GET", PREDICT_ROUTE: "POST"}
STATE_S = 5  # in which a process says how it is
HEADERS = {401: {"WWW-Authenticate": "Bearer"}, 503: {"Retry-After": "1"}}


class Rest:
    """An ASGI application.

    Args:
        handle: Ray's, of `service.Service`.
        limits: `service.Limits`.
        places: requests at a time, on all processes of the model.
    """

    def __init__(self, handle, limits, places):
        self._handle, self._limits = handle, limits
        self._places = service.Places(places)

    async def __call__(self, scope, receive, send):
        try:
            response = await self._routed(requests.Request(scope, receive))
        except service.Refused as refused:
            response = _refusal(refused)
        except requests.ClientDisconnect:
            return
        except Exception as error:
            logging.getLogger("serve_ray").exception("a request failed")
            sentence = f"failed with {type(error).__name__}, see the log"
            response = _refusal(service.Refused(500, sentence))
        await response(scope, receive, send)

    async def _routed(self, request):
        path = request.scope["path"]
        if path not in ROUTES:
            raise service.Refused(404, f"expected one of {', '.join(ROUTES)}, received {path}")
        if request.method != ROUTES[path]:
            sentence = f"expected the method {ROUTES[path]}, received {request.method}"
            raise service.Refused(405, sentence)
        if path == "/healthz":
            return responses.JSONResponse({"status": "alive"})
        if path == "/readyz":
            if not self._places.free or not (await self._state())[1]:
                raise service.full()
            return responses.JSONResponse({"status": "ready"})
        service.authorize(self._limits, request.headers.get("authorization", ""))
        if path == STATUS_ROUTE:
            return responses.JSONResponse(_status(*await self._state()))
        with self._places.held():
            code, content = await self._answer(request, await self._body(request))
        if code != 200:
            raise service.Refused(code, content)
        return responses.Response(content, media_type="application/json")

    async def _state(self):
        answer = self._handle.state.remote()
        try:
            return await asyncio.wait_for(answer, STATE_S)
        except Exception as error:  # of Ray, or it is late
            service.drop(answer)
            raise service.lost(error) from error

    async def _body(self, request):
        limit = self._limits.request_bytes
        sentence = f"expected a request of at most {limit} bytes, received more"
        length = request.headers.get("content-length", "0")
        if length.isdecimal() and int(length) > limit:
            raise service.Refused(413, sentence)

        async def whole():
            body = bytearray()  # a body in chunks does not say how long it will be
            async for chunk in request.stream():
                body += chunk
                if len(body) > limit:
                    raise service.Refused(413, sentence)
            return bytes(body)

        try:
            return await asyncio.wait_for(whole(), self._limits.body_timeout_s)
        except asyncio.TimeoutError as error:  # noqa: UP041 - another one in Python 3.10
            seconds = self._limits.body_timeout_s
            raise service.Refused(408, f"expected the whole request in {seconds:g} s") from error

    async def _answer(self, request, body):
        """Code and content, from the process of the model; it drops what nobody waits for."""
        answer = self._handle.rest.remote(body)
        answered, left = (
            asyncio.ensure_future(_outcome(answer)),
            asyncio.ensure_future(_left(request)),
        )
        try:
            await asyncio.wait(
                {answered, left},
                timeout=self._limits.timeout_s,
                return_when=asyncio.FIRST_COMPLETED,
            )
            if answered.done():
                return answered.result()
            if left.done():
                raise requests.ClientDisconnect
            raise service.late(self._limits)
        finally:
            left.cancel()
            if not answered.done():
                answered.cancel()
                service.drop(answer)


async def _outcome(answer):
    try:
        return await answer
    except Exception as error:  # of Ray: the process of the model has ended, for one
        refused = service.lost(error)
        return refused.code, str(refused)


async def _left(request):
    """Ends when the client has left."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _refusal(refused):
    return responses.JSONResponse({"error": str(refused)}, refused.code, HEADERS.get(refused.code))


def _status(version, _):
    """As TensorFlow Serving says it."""
    status = {"error_code": "OK", "error_message": ""}
    state = {"version": str(version), "state": "AVAILABLE", "status": status}
    return {"model_version_status": [state]}
