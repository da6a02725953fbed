"""The recipes of PostgreSQL while the server stops, dies, hangs, is full, and comes back."""

import asyncio
import threading

import asyncpg
import pytest
from heaven_testing import AsyncClient, Client, LifespanFailed
from sqlalchemy import text
from test_docs import ROOT

PAGE = ROOT / 'docs/cookbook/postgresql.md'
AWAY = (503, '5', {'error': 'Try again later'})


class Recipe:
    """A recipe, with two routes of ours: one sleeps in the database, one makes a mistake."""

    def __init__(self, module, path):
        self.module, self.path = module, path
        self.app = module.app.copy()
        self.app.GET(f'{path}/sleep', lambda req, res, ctx: self.execute(ctx, 'SELECT pg_sleep(60)'))
        self.app.GET(f'{path}/mistake', lambda req, res, ctx: self.execute(ctx, 'SELECT nothing'))

    async def execute(self, ctx, statement):
        is_sqlalchemy = self.module.__name__ == 'medicines'
        await ctx.peek(self.module.DB).execute(text(statement) if is_sqlalchemy else statement)


@pytest.fixture(params=['beds', 'medicines'])
def tried(request, postgresql, recipe):
    return Recipe(recipe(request.param), f'/{request.param}')


def said(reply):
    return reply.status_code, reply.headers.get('retry-after'), reply.json()


def test_a_server_that_stopped_is_a_503_and_the_app_goes_on_when_it_is_back(tried, postgresql):
    with Client(tried.app) as client:
        before = client.get(tried.path).json()

        postgresql.stop()
        assert [said(client.get(tried.path)) for _ in range(2)] == [AWAY, AWAY]
        postgresql.start()

        assert client.get(tried.path).json() == before


@pytest.mark.parametrize('end', ['stop', 'kill'])
def test_a_server_that_ends_in_the_middle_of_a_request_is_a_503(tried, postgresql, end):
    replies = []
    with Client(tried.app) as client:
        asking = threading.Thread(target=lambda: replies.append(client.get(f'{tried.path}/sleep')))
        asking.start()
        wait_until_it_sleeps(postgresql)
        getattr(postgresql, end)()
        asking.join()
        postgresql.start()

        assert [said(reply) for reply in replies] == [AWAY]
        assert client.get(tried.path).status_code == 200


def wait_until_it_sleeps(postgresql):
    async def wait():
        connection = await asyncpg.connect(postgresql.url)
        while not await connection.fetchval("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"):
            pass
        await connection.close()

    asyncio.run(wait())


def test_a_server_that_hangs_is_a_503_in_time(tried, postgresql):
    with Client(tried.app, timeout=30) as client:
        assert client.get(tried.path).status_code == 200
        postgresql.freeze()
        assert [said(client.get(tried.path)) for _ in range(2)] == [AWAY, AWAY]
        postgresql.thaw()
        assert client.get(tried.path).status_code == 200


async def fill(url):
    """Take every connection that the server still has."""
    taken = []
    try:
        while True:
            taken.append(await asyncpg.connect(url))
    except asyncpg.TooManyConnectionsError:
        return taken


def test_a_server_without_a_free_connection_is_a_503(tried, postgresql):
    held, release = asyncio.Event(), asyncio.Event()

    async def hold(req, res, ctx):
        await tried.execute(ctx, 'SELECT 1')
        held.set()
        await release.wait()

    async def ask():
        tried.app.GET(f'{tried.path}/hold', hold)
        async with AsyncClient(tried.app) as client:
            holding = asyncio.create_task(client.get(f'{tried.path}/hold'))
            await held.wait()
            taken = await fill(postgresql.url)
            reply = await client.get(tried.path)
            release.set()
            await holding
            for connection in taken:
                await connection.close()
            return said(reply), (await client.get(tried.path)).status_code

    assert asyncio.run(ask()) == (AWAY, 200)


def test_requests_beyond_the_pool_wait_and_then_are_a_503(tried, postgresql):
    waiting, release = [], asyncio.Event()

    async def hold(req, res, ctx):
        await tried.execute(ctx, 'SELECT 1')
        waiting.append(ctx)
        await release.wait()

    async def ask():
        tried.app.GET(f'{tried.path}/hold', hold)
        async with AsyncClient(tried.app, timeout=30) as client:
            holding = [asyncio.create_task(client.get(f'{tried.path}/hold')) for _ in range(10)]
            while len(waiting) < 10:
                await asyncio.sleep(0)
            reply = await client.get(tried.path)
            release.set()
            return said(reply), {(await held).status_code for held in holding}

    assert asyncio.run(ask()) == (AWAY, {200})


def test_a_mistake_in_the_sql_is_a_500(tried, postgresql):
    with Client(tried.app, raise_app_exceptions=False) as client:
        assert client.get(f'{tried.path}/mistake').status_code == 500


def test_the_wrong_number_of_values_is_a_500(postgresql, recipe):
    beds = recipe('beds')

    async def show(req, res, ctx):
        await ctx.peek(beds.DB).fetch('SELECT 1', 'too many')

    app = beds.app.copy()
    app.GET('/beds/show', show)
    with Client(app, raise_app_exceptions=False) as client:
        assert client.get('/beds/show').status_code == 500


@pytest.mark.parametrize(
    ('name', 'method', 'url', 'status'),
    [
        ('beds', 'POST', '/beds/2?', 400),
        ('beds', 'POST', f'/beds/{10**20}', 422),
        ('beds', 'POST', '/beds/2', 422),
        ('medicines', 'PUT', '/medicines/aspirin?boxes=many', 400),
        ('medicines', 'PUT', f'/medicines/aspirin?boxes={10**20}', 422),
        ('medicines', 'PUT', '/medicines/%00?boxes=1', 422),
        ('medicines', 'POST', '/medicines/%00/take', 422),
    ],
)
def test_what_no_column_can_hold_is_never_a_500(postgresql, recipe, name, method, url, status):
    form = {} if status == 400 else {'patient': '\0'}
    with Client(recipe(name).app) as client:
        assert client.request(method, url, data=form).status_code == status


@pytest.mark.parametrize('name', ['beds', 'medicines'])
def test_without_a_server_the_app_does_not_start(postgresql, recipe, name):
    app = recipe(name).app.copy()
    postgresql.stop()
    with pytest.raises(LifespanFailed, match='Connect call failed'), Client(app):
        pass
    postgresql.start()


@pytest.mark.parametrize('name', ['beds', 'medicines'])
def test_several_workers_start_at_once_with_an_empty_database(postgresql, recipe, name):
    module = recipe(name)

    async def start(connection):
        await connection.execute(f'DROP TABLE IF EXISTS {name}')
        starting = [module.connect(module.app.copy()) for _ in range(8)]
        await asyncio.gather(*(anext(each) for each in starting))
        for each in starting:
            assert await anext(each, 'ended') == 'ended'

    async def repeat():
        connection = await asyncpg.connect(postgresql.url)
        for _ in range(5):
            await start(connection)
        await connection.close()

    asyncio.run(repeat())


def test_of_many_who_want_the_last_boxes_only_so_many_get_one(postgresql, recipe):
    async def ask():
        async with AsyncClient(recipe('medicines').app) as client:
            await client.put('/medicines/penicillin?boxes=5')
            replies = await asyncio.gather(*(client.post('/medicines/penicillin/take') for _ in range(20)))
            return sorted(reply.status_code for reply in replies)

    assert asyncio.run(ask()) == [200] * 5 + [409] * 15


def test_of_many_who_want_one_bed_one_gets_it(postgresql, recipe):
    async def ask():
        async with AsyncClient(recipe('beds').app) as client:
            replies = await asyncio.gather(*(client.post('/beds/1', data={'patient': 'Ada'}) for _ in range(20)))
            return sorted(reply.status_code for reply in replies)

    assert asyncio.run(ask()) == [201] + [409] * 19
