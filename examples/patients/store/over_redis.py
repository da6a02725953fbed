"""Two daemons that carry the news from process to process over Redis; no request ever waits for it."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from heaven import App
from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from .database import DB
from .news import News

log = logging.getLogger('clinic')

CHANNEL = 'clinic'
PAUSE = 1  # seconds until a Redis that is away is tried again
PATIENCE = 2  # seconds to wait for its answer


async def tell(app: App) -> int:
    """Tell the other processes that something has changed here; what changes meanwhile is told together."""
    news = news_of(app)
    try:
        async with connected(app) as redis:
            while True:
                await news.untold.wait()
                news.untold.clear()
                await redis.publish(CHANNEL, 'changed')
    except (RedisError, OSError):
        news.untold.set()
        return PAUSE


async def hear(app: App) -> int:
    """Wake whoever watches here when another process has news. Without Redis they look once in every pause."""
    news = news_of(app)
    try:
        async with connected(app) as redis, redis.pubsub() as channel:
            await channel.subscribe(CHANNEL)
            while True:
                if await heard(channel):
                    news.wake()
    except (RedisError, OSError) as error:
        log.warning('Redis is away: %s', error)
        news.wake()
        return PAUSE


async def heard(channel: PubSub) -> bool:
    """Tell whether there is news: a message, or that listening begins, since something may have been missed before.

    A connection on which nothing comes is asked for a sign of life.
    """
    message = await channel.get_message(timeout=PAUSE)
    if message is None:
        await channel.ping()
        message = await channel.get_message(timeout=PATIENCE)
    if message is None:
        raise TimeoutError('no answer to a ping')
    return bool(message['type'] != 'pong')


@asynccontextmanager
async def connected(app: App) -> AsyncIterator[Redis]:
    """Connect without the library's own second tries: after each loss the daemon begins anew and misses nothing."""
    url = app.CONFIG('REDIS')
    never = Retry(NoBackoff(), 0)
    async with Redis.from_url(url, retry=never, socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE) as redis:
        yield redis


def news_of(app: App) -> News:
    db = app.peek(DB)
    assert db is not None, 'connect() runs at startup'
    return db.news
