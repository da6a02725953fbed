"""What one request costs through `heaven_testing.AsyncClient`, beside the same one through httpx's own ASGITransport.

Both clients call the same raw ASGI app, in turns within one process; printed are the medians of the rounds, in
microseconds of processor time, and their ratio: `python benchmarks/testing_client.py [--rounds 15] [--requests 300]`.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import platform
import statistics
import time
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
from heaven_testing import AsyncClient

BODY = b'x' * 1000


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Read the request, wait if the path says so, and answer a kilobyte."""
    while (await receive()).get('more_body'):
        pass
    if scope['path'] == '/waits':
        await asyncio.sleep(0)
    headers = [(b'content-type', b'text/plain'), (b'content-length', b'1000')]
    await send({'type': 'http.response.start', 'status': 200, 'headers': headers})
    await send({'type': 'http.response.body', 'body': BODY})


PATHS = itertools.cycle([f'/v1/patients/{number}' for number in range(7000)])  # a client that never repeats itself

ROWS: dict[str, Callable[[httpx.AsyncClient], Awaitable[httpx.Response]]] = {
    'GET': lambda client: client.get('/v1/patients/7?full=1'),
    'GET, rotating paths': lambda client: client.get(next(PATHS)),
    'GET, handler awaits': lambda client: client.get('/waits'),
    'POST 1 KB JSON': lambda client: client.post('/v1/patients', json={'name': 'x' * 1000}),
}


async def cost(client: httpx.AsyncClient, row: str, requests: int) -> float:
    ask = ROWS[row]
    assert (await ask(client)).content == BODY
    began = time.process_time()
    for _ in range(requests):
        await ask(client)
    return (time.process_time() - began) / requests * 1e6


async def main(rounds: int, requests: int) -> None:
    print(f'Python {platform.python_version()}, httpx {httpx.__version__}, {rounds} rounds of {requests} requests')
    print(f'{"":22} {"httpx us":>9} {"heaven us":>9} {"ratio":>6}')
    httpx_client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url='http://localhost')
    async with httpx_client as theirs, AsyncClient(app, lifespan='off') as ours:
        for row in ROWS:
            pairs = [(await cost(theirs, row, requests), await cost(ours, row, requests)) for _ in range(rounds)]
            ratio = statistics.median(mine / his for his, mine in pairs)
            his, mine = (statistics.median(column) for column in zip(*pairs, strict=True))
            print(f'{row:22} {his:9.1f} {mine:9.1f} {ratio:6.2f}')


if __name__ == '__main__':
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--rounds', type=int, default=15)
    parser.add_argument('--requests', type=int, default=300)
    options = parser.parse_args()
    asyncio.run(main(options.rounds, options.requests))
