"""The two doors to the same flows: one that blocks, one that awaits.

A resource method is written once, as a flow, under `@op` (one answer) or `@pages` (a listing). Which
Python type a caller sees, `T` or a coroutine of `T`, follows from the side the resource stands on:

    class _Rooms(Resource):
        @op
        def get(self, id: str) -> Flow[Room]: ...

    class Rooms(_Rooms, SyncResource): ...          # Rooms.get(id) -> Room
    class AsyncRooms(_Rooms, AsyncResource): ...    # await AsyncRooms.get(id) -> Room
"""

from __future__ import annotations

import functools
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from pathlib import Path
from types import MethodType
from typing import IO, Any, Concatenate, Generic, ParamSpec, TypeAlias, TypeVar, overload

import anyio
import httpx2

from agent_sdk._core import Core, Flow, Reply, Request, Sleep
from agent_sdk.errors import ConnectionFailed, TimedOut
from agent_sdk.types import Page

_PIECE = 1024 * 1024

P = ParamSpec("P")
T = TypeVar("T")

Listing: TypeAlias = Callable[[str | None], Flow[Page[T]]]
"""What `@pages` methods return: the flow that fetches the page after a cursor (None for the first)."""


class Resource:
    """A group of calls over one core."""

    _core: Core


class SyncDriver:
    """Runs flows by blocking. `sleep` takes seconds."""

    def __init__(self, http: httpx2.Client, sleep: Callable[[float], None] = time.sleep) -> None:
        self.http = http
        self._sleep = sleep

    def run(self, flow: Flow[T]) -> T:
        """The flow's result; its errors are raised."""
        try:
            effect = next(flow)
            while True:
                try:
                    reply = self._do(effect)
                except ConnectionFailed as lost:
                    effect = flow.throw(lost)
                else:
                    effect = flow.send(reply)
        except StopIteration as stop:
            result: T = stop.value
            return result

    def _do(self, effect: Request | Sleep) -> Reply | None:
        if isinstance(effect, Sleep):
            self._sleep(effect.seconds)
            return None
        try:
            if isinstance(effect.body, Path):
                with effect.body.open("rb") as file:
                    return _reply(self.http.send(_wire(self.http, effect, _pieces(file))))
            return _reply(self.http.send(_wire(self.http, effect, effect.body)))
        except httpx2.RequestError as error:
            raise _lost(effect, error) from error


class AsyncDriver:
    """Runs flows by awaiting, under asyncio or trio. `sleep` takes seconds."""

    def __init__(
        self, http: httpx2.AsyncClient, sleep: Callable[[float], Awaitable[None]] = anyio.sleep
    ) -> None:
        self.http = http
        self._sleep = sleep

    async def run(self, flow: Flow[T]) -> T:
        """The flow's result; its errors are raised."""
        try:
            effect = next(flow)
            while True:
                try:
                    reply = await self._do(effect)
                except ConnectionFailed as lost:
                    effect = flow.throw(lost)
                else:
                    effect = flow.send(reply)
        except StopIteration as stop:
            result: T = stop.value
            return result

    async def _do(self, effect: Request | Sleep) -> Reply | None:
        if isinstance(effect, Sleep):
            await self._sleep(effect.seconds)
            return None
        try:
            body = _apieces(effect.body) if isinstance(effect.body, Path) else effect.body
            return _reply(await self.http.send(_wire(self.http, effect, body)))
        except httpx2.RequestError as error:
            raise _lost(effect, error) from error


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    while piece := file.read(_PIECE):
        yield piece


async def _apieces(path: Path) -> AsyncIterator[bytes]:
    async with await anyio.open_file(path, "rb") as file:
        while piece := await file.read(_PIECE):
            yield piece


def _wire(
    http: httpx2.Client | httpx2.AsyncClient,
    request: Request,
    body: bytes | Iterator[bytes] | AsyncIterator[bytes],
) -> httpx2.Request:
    return http.build_request(
        request.method,
        request.url,
        headers=dict(request.headers),
        content=body,
        timeout=request.timeout,
    )


def _reply(response: httpx2.Response) -> Reply:
    return Reply(response.status_code, {k.lower(): v for k, v in response.headers.items()}, response.content)


def _lost(request: Request, error: httpx2.RequestError) -> ConnectionFailed:
    kind = TimedOut if isinstance(error, httpx2.TimeoutException) else ConnectionFailed
    return kind(f"{request.method} {request.url}: {type(error).__name__} {error}".rstrip())


class SyncResource(Resource):
    """The blocking side: flows are run where they are called."""

    def __init__(self, core: Core, driver: SyncDriver) -> None:
        self._core = core
        self._driver = driver

    def _drive(self, flow: Flow[T]) -> T:
        return self._driver.run(flow)

    def _walk(self, listing: Listing[T]) -> Iterator[T]:
        page = self._drive(listing(None))
        while True:
            yield from page.items
            if page.next is None:
                return
            page = self._drive(listing(page.next))


class AsyncResource(Resource):
    """The awaiting side."""

    def __init__(self, core: Core, driver: AsyncDriver) -> None:
        self._core = core
        self._driver = driver

    async def _drive(self, flow: Flow[T]) -> T:
        return await self._driver.run(flow)

    async def _walk(self, listing: Listing[T]) -> AsyncIterator[T]:
        page = await self._drive(listing(None))
        while True:
            for item in page.items:
                yield item
            if page.next is None:
                return
            page = await self._drive(listing(page.next))


class op(Generic[P, T]):  # noqa: N801  (used as a decorator)
    """A method written as a flow: gives `T` on the blocking side, a coroutine of `T` on the awaiting side."""

    def __init__(self, plan: Callable[Concatenate[Any, P], Flow[T]]) -> None:
        self.plan = plan
        self.__doc__ = plan.__doc__

    @overload
    def __get__(self, instance: SyncResource, owner: type) -> Callable[P, T]: ...
    @overload
    def __get__(self, instance: AsyncResource, owner: type) -> Callable[P, Coroutine[Any, Any, T]]: ...
    @overload
    def __get__(self, instance: None, owner: type) -> op[P, T]: ...
    def __get__(self, instance: SyncResource | AsyncResource | None, owner: type) -> Any:
        if instance is None:
            return self
        plan = MethodType(self.plan, instance)

        @functools.wraps(plan)
        def call(*args: P.args, **kwargs: P.kwargs) -> Any:
            return instance._drive(plan(*args, **kwargs))

        return call


class pages(Generic[P, T]):  # noqa: N801  (used as a decorator)
    """A listing written once: an iterator on the blocking side, an async iterator on the awaiting side."""

    def __init__(self, plan: Callable[Concatenate[Any, P], Listing[T]]) -> None:
        self.plan = plan
        self.__doc__ = plan.__doc__

    @overload
    def __get__(self, instance: SyncResource, owner: type) -> Callable[P, Iterator[T]]: ...
    @overload
    def __get__(self, instance: AsyncResource, owner: type) -> Callable[P, AsyncIterator[T]]: ...
    @overload
    def __get__(self, instance: None, owner: type) -> pages[P, T]: ...
    def __get__(self, instance: SyncResource | AsyncResource | None, owner: type) -> Any:
        if instance is None:
            return self
        plan = MethodType(self.plan, instance)

        @functools.wraps(plan)
        def call(*args: P.args, **kwargs: P.kwargs) -> Any:
            return instance._walk(plan(*args, **kwargs))

        return call
