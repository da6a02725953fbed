"""A notice board in Starlette: people post notices, export them, and watch new ones arrive."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, TypedDict

from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import JSONResponse, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect


class Board:
    """The notices, and the queues of those who watch."""

    def __init__(self) -> None:
        self.notices: list[dict[str, Any]] = []
        self.watchers: set[asyncio.Queue[dict[str, Any]]] = set()

    def post(self, text: str, author: str) -> dict[str, Any]:
        notice = {'id': len(self.notices) + 1, 'text': text, 'author': author}
        self.notices.append(notice)
        for watcher in self.watchers:
            watcher.put_nowait(notice)
        return notice

    async def watch(self) -> AsyncIterator[dict[str, Any]]:
        queue: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.watchers.add(queue)
        try:
            while True:
                yield await queue.get()
        finally:
            self.watchers.discard(queue)


class State(TypedDict):
    board: Board


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[State]:
    yield {'board': Board()}


def board_of(connection: Request | WebSocket) -> Board:
    board: Board = connection.state.board
    return board


async def post_notice(request: Request) -> JSONResponse:
    body = await request.json()
    if not body.get('text'):
        return JSONResponse({'error': 'a notice needs a text'}, 422)
    board, author = board_of(request), request.headers.get('x-author', 'somebody')
    notice = board.post(body['text'], author)
    welcome = BackgroundTask(board.post, f'Welcome, {author}!', 'the board') if notice['id'] == 1 else None
    return JSONResponse(notice, 201, background=welcome)


async def list_notices(request: Request) -> JSONResponse:
    return JSONResponse(board_of(request).notices)


async def export_notices(request: Request) -> StreamingResponse:
    async def lines() -> AsyncIterator[str]:
        for notice in board_of(request).notices:
            yield json.dumps(notice) + '\n'

    return StreamingResponse(lines(), media_type='application/jsonl')


async def live_notices(request: Request) -> StreamingResponse:
    async def events() -> AsyncIterator[str]:
        async for notice in board_of(request).watch():
            yield f'event: notice\nid: {notice["id"]}\ndata: {json.dumps(notice)}\n\n'

    return StreamingResponse(events(), media_type='text/event-stream')


async def desk(websocket: WebSocket) -> None:
    """Post notices one by one; who does not say who they are is not let in."""
    author = websocket.headers.get('x-author')
    if author is None:
        return await websocket.send_denial_response(JSONResponse({'error': 'who are you?'}, 401))
    await websocket.accept()
    try:
        while True:
            await websocket.send_json(board_of(websocket).post(await websocket.receive_text(), author))
    except WebSocketDisconnect:
        return None


async def fail(request: Request) -> JSONResponse:
    raise LookupError('nobody has written this page')


app = Starlette(
    routes=[
        Route('/notices', post_notice, methods=['POST']),
        Route('/notices', list_notices),
        Route('/notices.jsonl', export_notices),
        Route('/notices/live', live_notices),
        Route('/help', fail),
        WebSocketRoute('/desk', desk),
    ],
    lifespan=lifespan,
)
