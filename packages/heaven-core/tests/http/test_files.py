"""Files out: what `res.file` says of a file, and how it reads it."""

import asyncio
import contextlib
import os
import resource
import threading
import tracemalloc

import pytest
from asks import Live, ask, raised, stream
from heaven import App
from waiting import turns, until
from watching import descriptors, opening

MODIFIED = 784111777  # Sun, 06 Nov 1994 08:49:37 GMT


@pytest.fixture
def file(tmp_path):
    path = tmp_path / 'file.txt'
    path.write_bytes(b'0123456789')
    os.utime(path, (MODIFIED, MODIFIED))
    return path


def sends(path, *, method='GET', filename=None, within=None, **options):
    """The reply of a handler that sends a file."""
    return ask(lambda req, res, ctx: res.file(path, filename=filename, within=within), method, **options)


# what is said of it


def test_a_file_goes_out_with_type_length_validators_and_ranges(file):
    reply = sends(file)
    assert (reply.status, reply.body) == (200, b'0123456789')
    assert reply.header('content-type') == 'text/plain; charset=utf-8'
    assert reply.header('content-length') == '10'
    assert reply.header('last-modified') == 'Sun, 06 Nov 1994 08:49:37 GMT'
    assert reply.header('accept-ranges') == 'bytes'
    assert reply.header('etag')[0] == reply.header('etag')[-1] == '"'
    assert reply.header('content-disposition') is None


def test_head_has_the_headers_of_get(file):
    get, head = sends(file), sends(file, method='HEAD')
    assert (head.status, head.body, sorted(head.headers)) == (200, b'', sorted(get.headers))


def test_head_of_a_file_of_a_tebibyte_reads_nothing(tmp_path):
    path = tmp_path / 'sparse'
    with path.open('wb') as file:
        try:
            file.truncate(2**40)
        except OSError:
            pytest.skip('no sparse files here')
    reply = sends(path, method='HEAD')
    assert (reply.status, reply.header('content-length'), reply.body) == (200, str(2**40), b'')


def test_the_same_path_may_be_str_bytes_or_path(file):
    assert {sends(path).body for path in (file, str(file), os.fsencode(file))} == {b'0123456789'}


@pytest.mark.parametrize(
    ('name', 'kind'),
    [
        ('a.html', 'text/html; charset=utf-8'),
        ('a.HTML', 'text/html; charset=utf-8'),
        ('a.css', 'text/css; charset=utf-8'),
        ('a.js', 'text/javascript; charset=utf-8'),
        ('a.mjs', 'text/javascript; charset=utf-8'),
        ('a.csv', 'text/csv; charset=utf-8'),
        ('a.md', 'text/markdown; charset=utf-8'),
        ('a.json', 'application/json'),
        ('a.svg', 'image/svg+xml'),
        ('a.png', 'image/png'),
        ('a.jpg', 'image/jpeg'),
        ('a.webp', 'image/webp'),
        ('a.avif', 'image/avif'),
        ('a.ico', 'image/vnd.microsoft.icon'),
        ('a.woff2', 'font/woff2'),
        ('a.wasm', 'application/wasm'),
        ('a.pdf', 'application/pdf'),
        ('a.mp4', 'video/mp4'),
        ('a.docx', 'application/vnd.openxmlformats-officedocument.wordprocessingml.document'),
        ('a.heic', 'image/heic'),
        ('a.heif', 'image/heif'),
        ('a.m3u8', 'application/vnd.apple.mpegurl'),
        ('a.mpd', 'application/dash+xml'),
        ('a.glb', 'model/gltf-binary'),
        ('a.gltf', 'model/gltf+json'),
        ('a.usdz', 'model/vnd.usdz+zip'),
        ('a.geojson', 'application/geo+json'),
        ('a.kml', 'application/vnd.google-earth.kml+xml'),
        ('a.yaml', 'application/yaml'),
        ('a.toml', 'application/toml'),
        ('a.txt', 'text/plain; charset=utf-8'),
        ('a.gif', 'image/gif'),
        ('a.zip', 'application/zip'),
        ('a.tar.gz', 'application/gzip'),
        ('a.unknown', 'application/octet-stream'),
        ('a', 'application/octet-stream'),
        ('.html', 'application/octet-stream'),
    ],
)
def test_the_content_type_is_that_of_the_suffix(name, kind, tmp_path):
    (tmp_path / name).touch()
    assert sends(tmp_path / name).header('content-type') == kind


def test_the_content_type_is_never_that_of_the_machines_table(tmp_path, monkeypatch):
    import mimetypes

    (tmp_path / 'a.machine').touch()
    (tmp_path / 'a.png').touch()
    mimetypes.init()
    monkeypatch.setitem(mimetypes.types_map, '.machine', 'application/x-machine')
    monkeypatch.setitem(mimetypes.types_map, '.png', 'image/x-machine')
    assert sends(tmp_path / 'a.machine').header('content-type') == 'application/octet-stream'
    assert sends(tmp_path / 'a.png').header('content-type') == 'image/png'


def test_headers_that_a_handler_set_are_kept(file):
    def handler(req, res, ctx):
        res.headers.update({'content-type': 'text/x-own', 'etag': '"own"', 'cache-control': 'no-store'})
        res.file(file)

    reply = ask(handler)
    assert [reply.header(name) for name in ('content-type', 'etag', 'cache-control')] == [
        'text/x-own',
        '"own"',
        'no-store',
    ]
    assert ask(handler, headers={'if-none-match': '"own"'}).status == 304


@pytest.mark.parametrize('status', [404, 412, 416])
def test_a_status_that_a_handler_set_is_kept_and_asks_no_conditions(file, status):
    def handler(req, res, ctx):
        res.status = status
        res.file(file)

    for headers in {'if-none-match': '*'}, {'range': 'bytes=0-1'}, {'if-match': '"x"'}:
        reply = ask(handler, headers=headers)
        assert (reply.status, reply.body) == (status, b'0123456789')


@pytest.mark.parametrize('method', ['POST', 'PUT', 'DELETE', 'PATCH', 'QUERY', 'OPTIONS'])
def test_conditions_and_ranges_are_of_get_and_head_alone(file, method):
    reply = sends(file, method=method, headers={'if-none-match': '*', 'range': 'bytes=0-1'})
    assert (reply.status, reply.body) == (200, b'0123456789')


@pytest.mark.parametrize(
    ('filename', 'header'),
    [
        ('report.pdf', 'attachment; filename="report.pdf"'),
        ('a b;c=d.pdf', 'attachment; filename="a b;c=d.pdf"'),
        ('Größe.pdf', 'attachment; filename="Gr__e.pdf"; filename*=UTF-8\'\'Gr%C3%B6%C3%9Fe.pdf'),
        ('€ 5%.pdf', 'attachment; filename="_ 5_.pdf"; filename*=UTF-8\'\'%E2%82%AC%205%25.pdf'),
        ('a"b.pdf', 'attachment; filename="a_b.pdf"; filename*=UTF-8\'\'a%22b.pdf'),
        ('患者.pdf', 'attachment; filename="__.pdf"; filename*=UTF-8\'\'%E6%82%A3%E8%80%85.pdf'),
        ('../../etc/passwd', 'attachment; filename="passwd"'),
        ('C:\\a\\b.pdf', 'attachment; filename="b.pdf"'),
        ('a\r\nSet-Cookie: x=1', 'attachment; filename="a__Set-Cookie: x=1"'),
        ('a\0b', 'attachment; filename="a_b"'),
        ("'()*.pdf", 'attachment; filename="\'()*.pdf"'),
        ("é'()*", "attachment; filename=\"_'()*\"; filename*=UTF-8''%C3%A9%27%28%29%2A"),
        ('\ud800', 'attachment; filename="_"; filename*=UTF-8\'\'%3F'),
    ],
)
def test_a_download_is_named_by_rfc_6266(file, filename, header):
    assert sends(file, filename=filename).header('content-disposition') == header


# where it is


def test_a_relative_path_is_taken_from_within_or_from_the_working_directory(file, tmp_path, monkeypatch):
    assert sends('file.txt', within=tmp_path).body == b'0123456789'
    assert sends('file.txt').status == 404
    monkeypatch.chdir(tmp_path)
    assert sends('file.txt').body == b'0123456789'
    assert sends('file.txt', within='.').body == b'0123456789'


def test_a_miss_is_a_404_that_asks_the_error_handler(tmp_path):
    app = App()
    app.ERROR(404, lambda req, res, ctx: res.out(404, 'No such file'))
    app.AFTER('/*', lambda req, res, ctx: res.header('x-always', 'yes'), always=True)
    reply = ask(lambda req, res, ctx: res.file(tmp_path / 'none.txt', filename='none.txt'), app=app)
    assert (reply.status, reply.text, reply.header('x-always')) == (404, 'No such file', 'yes')
    assert reply.header('content-disposition') is None and reply.header('etag') is None


def test_the_page_of_an_error_may_be_a_file(file, tmp_path):
    def fails(req, res, ctx):
        raise ValueError

    def missing(req, res, ctx):
        res.file(tmp_path / 'none')

    app = App()
    app.ERROR(500, lambda req, res, ctx: res.file(file))
    app.ERROR(404, lambda req, res, ctx: res.file(file))
    app.ERROR(410, missing)
    app.AFTER('/always', lambda req, res, ctx: res.file(file), always=True)
    app.GET('/gone', lambda req, res, ctx: res.abort(410))
    app.GET('/', fails)
    app.GET('/always', fails)
    app.GET('/missing', missing)
    for route, status in ('/', 500), ('/missing', 404), ('/always', 500):
        reply = ask(app, 'GET', route, headers={'range': 'bytes=0-1', 'if-none-match': '*'})
        assert (reply.status, reply.body, reply.header('content-length')) == (status, b'0123456789', '10')
    assert ask(app, 'GET', '/nowhere').body == b'0123456789'
    reply = ask(app, 'GET', '/gone')
    assert (reply.status, reply.header('content-type')) == (404, 'text/plain; charset=utf-8')


@pytest.mark.parametrize('method', ['GET', 'HEAD'])
def test_what_is_no_regular_file_is_a_miss(tmp_path, method, monkeypatch):
    import socket

    monkeypatch.chdir(tmp_path)  # the path of a socket has 107 bytes at most
    os.mkfifo(tmp_path / 'fifo')
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind('socket')
        for path in (tmp_path, tmp_path / 'fifo', tmp_path / 'socket', '/dev/null', '/dev/zero', tmp_path / 'a' / 'b'):
            assert sends(path, method=method).status == 404


def test_a_file_that_cannot_be_opened_for_want_of_descriptors_is_no_miss(file, caplog):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)

    def exhausted(req, res, ctx):
        free = os.open('/dev/null', os.O_RDONLY)
        os.close(free)
        resource.setrlimit(resource.RLIMIT_NOFILE, (free, hard))
        res.file(file)

    app = App()
    app.GET('/', lambda req, res, ctx: res.file(file))
    app.GET('/exhausted', exhausted)
    with Live(app) as live:
        assert live.ask('GET', '/').status == 200
        try:
            reply = live.ask('GET', '/exhausted', catch=True)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert reply.status == 500 and 'Too many open files' in caplog.text


# how it is read


LARGE = 8 * 2**20


@pytest.fixture
def large(tmp_path):
    path = tmp_path / 'large.bin'
    path.write_bytes(os.urandom(1024) * (LARGE // 1024) + b'end')
    os.utime(path, (MODIFIED, MODIFIED))
    return path


def test_a_large_file_goes_out_in_chunks(large):
    reply = sends(large)
    assert reply.body == large.read_bytes() and reply.header('content-length') == str(LARGE + 3)
    assert max(len(m.get('body', b'')) for m in reply.messages) <= 2**20


def test_files_are_opened_in_threads(large, file):
    here = threading.get_ident()
    for path in large, file:
        with opening(path) as opened:
            assert sends(path).status == 200
        assert opened and here not in [thread for _, thread in opened]


def test_a_part_of_a_large_file_goes_out_in_chunks(large):
    content = large.read_bytes()
    reply = sends(large, headers={'range': f'bytes=100-{3 * 2**20}'})
    assert (reply.status, reply.body) == (206, content[100 : 3 * 2**20 + 1])
    reply = sends(large, headers={'range': 'bytes=-3'})
    assert (reply.status, reply.body) == (206, b'end')


def test_no_descriptor_stays_open(file, large, tmp_path):
    app = App()
    app.GET('/large', lambda req, res, ctx: res.file(large))
    app.GET('/file', lambda req, res, ctx: res.file(file))
    app.GET('/none', lambda req, res, ctx: res.file(tmp_path / 'none'))
    app.GET('/folder', lambda req, res, ctx: res.file(tmp_path))

    async def run():
        async with Live(app) as live:
            await live.asking('GET', '/large')
            before = descriptors()
            for target in ('/large', '/file', '/none', '/folder'):
                for method in ('GET', 'HEAD'):
                    for headers in {}, {'if-none-match': '*'}, {'range': 'bytes=9999999-'}, {'range': 'bytes=1-'}:
                        await live.asking(method, target, headers=headers)
            for leaving in (
                {'leave_after_sent': 2},
                {'fail_send_after': 0},
                {'fail_send_after': 1},
                {'fail_send_after': 2},
            ):
                await live.asking('GET', '/large', **leaving)
            assert descriptors() <= before

    asyncio.run(run())


def test_a_request_that_is_cancelled_while_its_file_is_opened_leaves_no_descriptor(large, monkeypatch):
    from heaven._http.files import FileIO

    opening, go = threading.Event(), threading.Event()

    def slow(path):
        opening.set()
        assert go.wait(60)
        return FileIO(path)

    app = App()
    app.GET('/', lambda req, res, ctx: res.file(large))

    async def run():
        async with Live(app) as live:
            await live.asking('GET', '/')
            before = descriptors()
            monkeypatch.setattr('heaven._http.files.FileIO', slow)
            with live.stream('GET', '/') as exchange:
                await until(opening.is_set)
                exchange.task.cancel()
                await turns()
                go.set()
                with contextlib.suppress(asyncio.CancelledError):
                    await exchange.task
            assert exchange.task.cancelled() and descriptors() <= before

    asyncio.run(run())


def test_a_slow_client_costs_a_few_chunks_and_not_the_file(tmp_path):
    path = tmp_path / 'sparse'
    with path.open('wb') as file:
        file.truncate(2**27)
    app = App()
    app.GET('/', lambda req, res, ctx: res.file(path))

    async def run():
        with stream(app, takes=2) as exchange:
            await exchange.sent(1)
            await turns()
            used = tracemalloc.get_traced_memory()[0]
            exchange.leave()
            exchange.go.set()
            await exchange.reply()
            return used

    tracemalloc.start()
    try:
        assert asyncio.run(run()) < 8 * 2**20
    finally:
        tracemalloc.stop()


def replace(path):
    path.with_suffix('.new').write_bytes(b'x' * 2 * LARGE)
    path.with_suffix('.new').replace(path)


def grow(path):
    with path.open('ab') as file:
        file.write(b'x' * LARGE)


def changed(path, change, headers, confined):
    """The reply of a file that changes when its first chunk was sent."""
    app = App()
    name, within = (path.name, path.parent) if confined else (path, None)
    app.GET('/', lambda req, res, ctx: res.file(name, within=within))

    async def run():
        with stream(app, 'GET', '/', headers=headers, takes=2, catch=True) as exchange:
            await exchange.sent(1)
            change(path)
            exchange.go.set()
            return await exchange.reply()

    return asyncio.run(run())


@pytest.mark.parametrize('size', [0, 2**20])
@pytest.mark.parametrize('headers', [{}, {'range': 'bytes=5-'}])
@pytest.mark.parametrize('confined', [False, True])
def test_a_file_that_is_truncated_while_it_is_sent_ends_the_response_as_an_error(
    large, size, headers, confined, caplog
):
    content = large.read_bytes()[5 if headers else 0 :]
    reply = changed(large, lambda path: os.truncate(path, size), headers, confined)
    assert reply.error is not None and not reply.complete
    assert content.startswith(reply.body) and len(reply.body) < len(content)
    assert len([record for record in caplog.records if record.levelname == 'ERROR']) == 1


def test_a_file_that_is_written_over_while_it_is_sent_ends_without_a_byte_of_the_new(large, caplog):
    content = large.read_bytes()

    def write_over(path):
        with path.open('r+b') as file:
            file.write(b'x' * len(content))

    reply = changed(large, write_over, {}, False)
    assert isinstance(reply.error, RuntimeError) and 'changed while it was sent' in str(reply.error)
    assert content.startswith(reply.body) and not reply.complete


@pytest.mark.parametrize('change', [grow, replace])
@pytest.mark.parametrize('headers', [{}, {'range': 'bytes=5-'}])
@pytest.mark.parametrize('confined', [False, True])
def test_a_file_that_grows_or_is_replaced_while_it_is_sent_is_sent_as_it_was_opened(
    large, change, headers, confined, caplog
):
    content = large.read_bytes()[5 if headers else 0 :]
    reply = changed(large, change, headers, confined)
    assert (reply.body == content, reply.complete, reply.error, caplog.records) == (True, True, None, [])


def test_a_small_file_that_grows_all_the_time_is_sent_at_the_length_it_had(tmp_path):
    path = tmp_path / 'log.txt'
    path.write_bytes(b'line\n')
    for _ in range(20):
        size = path.stat().st_size
        with path.open('ab') as file:
            reply = sends(path)
            file.write(b'line\n' * 10)
        assert (len(reply.body), reply.header('content-length')) == (size, str(size))


def test_a_file_deleted_while_it_is_sent_is_sent_to_its_end(large):
    content = large.read_bytes()
    app = App()
    app.GET('/', lambda req, res, ctx: res.file(large))

    async def run():
        async with Live(app) as live:
            with live.stream('GET', '/') as exchange:
                await exchange.sent(1)
                large.unlink()
                return await exchange.reply()

    assert asyncio.run(run()).body == content


def test_versions_of_a_file_that_follow_each_other_at_once_have_etags_of_their_own_or_weak_ones(tmp_path):
    path, tags = tmp_path / 'a.txt', []
    for content in (b'1', b'2', b'3', b'4', b'5', b'6'):
        path.write_bytes(content)
        reply = sends(path)
        assert reply.body == content
        tags.append(reply.header('etag'))
    strong = [tag for tag in tags if not tag.startswith('W/')]
    assert len(set(strong)) == len(strong)


@pytest.mark.parametrize(
    ('age', 'tag'),
    [(1_000_000, 'W/"'), (19_000_000, 'W/"'), (21_000_000, '"'), (10**9, '"'), (-(10**9), '"')],
)
def test_an_etag_is_weak_for_a_step_of_the_file_clock(tmp_path, monkeypatch, age, tag):
    path = tmp_path / 'a.txt'
    path.touch()
    written = 1_800_000_000_123_456_789
    os.utime(path, ns=(written, written))
    monkeypatch.setattr('time.time_ns', lambda: written + age)
    assert sends(path).header('etag').startswith(tag)


def test_where_the_file_clock_has_whole_seconds_an_etag_is_weak_for_two(tmp_path, monkeypatch):
    path = tmp_path / 'a.txt'
    path.touch()
    now = 1_800_000_000
    os.utime(path, (now, now))
    monkeypatch.setattr('time.time_ns', lambda: (now + 1) * 10**9)
    assert sends(path).header('etag').startswith('W/"')
    monkeypatch.setattr('time.time_ns', lambda: (now + 3) * 10**9)
    assert sends(path).header('etag').startswith('"')


def test_a_file_that_has_not_changed_for_a_while_has_a_strong_etag_that_every_change_changes(file):
    tags = [sends(file).header('etag'), sends(file).header('etag')]
    assert tags[0] == tags[1] and tags[0].startswith('"')
    os.utime(file, (MODIFIED, MODIFIED + 1))
    tags.append(sends(file).header('etag'))
    file.write_bytes(b'01234567890')
    os.utime(file, (MODIFIED, MODIFIED + 1))
    tags.append(sends(file).header('etag'))
    assert len(set(tags)) == 3


def test_last_modified_is_never_later_than_now(tmp_path):
    from email.utils import parsedate_to_datetime
    from time import time

    path = tmp_path / 'a.txt'
    path.touch()
    os.utime(path, (time() + 86400, time() + 86400))
    assert parsedate_to_datetime(sends(path).header('last-modified')).timestamp() <= time()


def test_a_path_that_is_none_is_a_type_error_where_it_is_given():
    error = raised(lambda req, res, ctx: res.file(None))
    assert isinstance(error, TypeError)


def test_call_without_lifespan_sends_files_too(file):
    app = App()
    app.GET('/', lambda req, res, ctx: res.file(file))
    assert ask(app).body == b'0123456789'
