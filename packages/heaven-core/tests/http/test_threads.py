"""Worker threads: a pool of Heaven's own for handlers, hooks, files and streams, and what a thread may hold up."""

import asyncio
import contextvars
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from asks import Live, ask, stream
from heaven import App, Disconnected
from waiting import turns, until


class Crowd:
    """Threads that stay until they are let go; `inside` counts them."""

    def __init__(self):
        self.inside, self.most, self.gate, self.lock = 0, 0, threading.Event(), threading.Lock()

    def stay(self):
        with self.lock:
            self.inside += 1
            self.most = max(self.most, self.inside)
        self.gate.wait(60)
        with self.lock:
            self.inside -= 1

    def handler(self, req, res, ctx):
        self.stay()

    def chunks(self):
        self.stay()
        yield 'x'


@pytest.fixture
def crowd():
    crowd = Crowd()
    yield crowd
    crowd.gate.set()


def test_forty_handlers_run_in_threads_at_a_time_and_the_rest_waits_its_turn(crowd):
    app = App()
    app.GET('/', crowd.handler, threaded=True)

    async def main():
        async with Live(app) as live:
            waiting = [live.stream().start() for _ in range(60)]
            await until(lambda: crowd.inside == 40)
            await turns(200)
            assert crowd.inside == 40
            crowd.gate.set()
            replies = [await exchange.reply() for exchange in waiting]
            return {reply.status for reply in replies}

    assert asyncio.run(main()) == {200}
    assert crowd.most == 40


def test_synchronous_streams_have_twenty_of_them_and_leave_the_rest_to_handlers(crowd):
    app = App()
    app.GET('/stream', lambda req, res, ctx: res.stream(crowd.chunks()))
    app.GET('/handler', lambda req, res, ctx: res.out(200, 'handled'), threaded=True)

    async def main():
        async with Live(app) as live:
            waiting = [live.stream('GET', '/stream').start() for _ in range(45)]
            await until(lambda: crowd.inside == 20)
            await turns(200)
            assert crowd.inside == 20
            assert (await live.asking('GET', '/handler')).text == 'handled'
            crowd.gate.set()
            return {(await exchange.reply()).text for exchange in waiting}

    assert asyncio.run(main()) == {'x'}
    assert crowd.most == 20


def test_the_pool_is_our_own_and_not_that_of_the_loop(crowd, tmp_path):
    (tmp_path / 'a.txt').write_text('file')
    app = App()
    app.GET('/', lambda req, res, ctx: res.out(200, 'handled'), threaded=True)
    app.GET('/file', lambda req, res, ctx: res.file(tmp_path / 'a.txt'))
    app.GET('/stream', lambda req, res, ctx: res.stream(iter(['s'])))

    async def main():
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(1) as executor:
            loop.set_default_executor(executor)
            blocked = loop.run_in_executor(None, crowd.stay)
            await until(lambda: crowd.inside == 1)
            async with Live(app) as live:
                texts = [(await live.asking('GET', path)).text for path in ('/', '/file', '/stream')]
            crowd.gate.set()
            await blocked
        return texts

    assert asyncio.run(main()) == ['handled', 'file', 's']


def test_synchronous_daemons_have_threads_of_their_own(crowd):
    app = App()
    for _ in range(45):
        app.DAEMON(lambda app: crowd.stay())
    app.GET('/', lambda req, res, ctx: res.out(200, 'handled'), threaded=True)

    async def main():
        async with Live(app) as live:
            await until(lambda: crowd.inside == 45)
            text = (await live.asking()).text
            crowd.gate.set()
            return text

    assert asyncio.run(main()) == 'handled'


def test_a_thread_sees_the_context_variables_and_what_it_sets_stays_there():
    var, seen = contextvars.ContextVar('var', default='outside'), []

    def handler(req, res, ctx):
        seen.append(var.get())
        var.set('thread')

    def hook(req, res, ctx):
        seen.append(var.get())
        var.set('hook in a thread')

    app = App()
    app.BEFORE('/*', lambda req, res, ctx: var.set('loop') and None)
    app.BEFORE('/*', hook, threaded=True)
    app.AFTER('/*', lambda req, res, ctx: seen.append(var.get()))
    app.GET('/', handler, threaded=True)
    assert ask(app).status == 200
    assert seen == ['loop', 'loop', 'loop']


def test_a_synchronous_stream_sees_the_context_variables():
    var, seen = contextvars.ContextVar('var', default='outside'), []

    def chunks():
        seen.append(var.get())
        yield 'x'
        seen.append(var.get())

    async def handler(req, res, ctx):
        var.set('handler')
        res.body = chunks()

    ask(handler)
    assert seen == ['handler', 'handler']


@pytest.mark.parametrize('ending', ['returns', 'fails'])
def test_a_cancelled_request_waits_for_its_thread(crowd, ending):
    events = []

    async def around(req, res, ctx):
        try:
            yield
        finally:
            events.append('second half')

    def handler(req, res, ctx):
        crowd.stay()
        events.append('thread')
        if ending == 'fails':
            raise ValueError

    app = App()
    app.BEFORE('/*', around)
    app.AFTER('/*', lambda req, res, ctx: events.append('after'))
    app.GET('/', handler, threaded=True)

    async def main():
        with stream(app) as exchange:
            await until(lambda: crowd.inside == 1)
            for _ in range(3):
                exchange.task.cancel()
                await turns()
            assert not exchange.task.done() and events == []
            crowd.gate.set()
            await asyncio.wait([exchange.task], timeout=60)
            return exchange.task.cancelled(), exchange.messages

    assert asyncio.run(main()) == (True, [])
    assert events == ['thread', 'second half']


def test_a_client_that_leaves_while_a_thread_runs_changes_nothing_for_the_thread(crowd):
    events = []

    def handler(req, res, ctx):
        crowd.stay()
        events.append('thread')

    app = App()
    app.GET('/', handler, threaded=True)

    async def main():
        with stream(app) as exchange:
            await until(lambda: crowd.inside == 1)
            exchange.leave()
            await turns()
            assert events == []
            crowd.gate.set()
            await exchange.reply()

    asyncio.run(main())
    assert events == ['thread']


def test_an_exception_that_ends_iteration_or_is_ours_comes_out_of_a_thread():
    for error, status in ((StopIteration(), 500), (StopAsyncIteration(), 500), (Disconnected('x'), None)):

        def handler(req, res, ctx, error=error):
            raise error

        reply = ask(handler, options={'threaded': True}, catch=True)
        assert reply.status == status or status is None


SCRIPT = """
import asyncio, sys, threading
sys.path.insert(0, {folder!r})
from asks import Live, stream
from heaven import App

begun, never = threading.Semaphore(0), threading.Event()

def stay(*_):
    begun.release()
    never.wait()

def chunks():
    stay()
    yield 'x'

app = App()
app.GET('/handler', stay, threaded=True)
app.GET('/stream', lambda req, res, ctx: res.stream(chunks()))
app.DAEMON(stay)
loop = asyncio.new_event_loop()

async def main():
    await Live(app).__aenter__()
    tasks = [stream(app, 'GET', path).start() for path in ('/handler', '/stream')]
    for _ in range(3):
        while not begun.acquire(blocking=False):
            await asyncio.sleep(0.001)
    print('begun', flush=True)
    return tasks

kept = loop.run_until_complete(main())
sys.stderr.close()
"""


def test_no_thread_keeps_the_process_alive():
    script = SCRIPT.format(folder=str(Path(__file__).parents[1] / 'helpers'))
    ended = subprocess.run([sys.executable, '-c', script], stdout=subprocess.PIPE, timeout=120, check=False)
    assert ended.stdout == b'begun\n'


FORK = """
import os, sys
sys.path.insert(0, {folder!r})
from asks import ask
from heaven import App

app = App()
app.GET('/', lambda req, res, ctx: res.out(200, 'served'), threaded=True)
app.GET('/stream', lambda req, res, ctx: res.stream(iter(['streamed'])))
for path in ('/', '/stream'):
    ask(app, 'GET', path)
if os.fork():
    sys.exit(os.waitstatus_to_exitcode(os.wait()[1]))
print([ask(app, 'GET', path).text for path in ('/', '/stream')], flush=True)
"""


@pytest.mark.skipif(not hasattr(os, 'fork'), reason='Windows does not fork')
def test_a_process_that_is_forked_has_threads_of_its_own():
    script = FORK.format(folder=str(Path(__file__).parents[1] / 'helpers'))
    ended = subprocess.run([sys.executable, '-c', script], stdout=subprocess.PIPE, timeout=120, check=False)
    assert (ended.returncode, ended.stdout) == (0, b"['served', 'streamed']\n")


def test_a_thread_that_outlives_its_loop_ends_in_silence_and_serves_others(crowd):
    left = []

    def handler(req, res, ctx):
        crowd.stay()
        left.append(threading.current_thread())

    app = App()
    app.GET('/', handler, threaded=True)
    loop = asyncio.new_event_loop()

    async def begin():
        stream(app).start()
        await until(lambda: crowd.inside == 1)

    loop.run_until_complete(begin())
    loop.close()
    crowd.gate.set()
    asyncio.run(until(lambda: left))
    assert ask(lambda req, res, ctx: res.out(200, 'served'), options={'threaded': True}).text == 'served'
