"""What users rely on from a type checker: `nox -s typing` holds it against this file, which never runs."""

from typing import Any, assert_type

from heaven import SHUTDOWN, STARTUP, Abort, App, Context, Key, Overrides, Request, Response
from heaven.websocket import WebSocket


class Connection:
    async def find(self, number: int) -> dict[str, str] | None:
        return None


DB = Key[Connection]('db')
USER = Key[str]('user')

app = App({'SECRET': 'x'}, debug=True, max_body_size=1024)
app.keep(DB, Connection())
assert_type(app.peek(DB), Connection | None)
assert_type(app.peek(DB, Connection()), Connection)
assert_type(app.unkeep(DB), Connection)


async def get_patient(req: Request, res: Response, ctx: Context) -> Response:
    assert_type(req.app, App)
    assert_type(req.method, str)
    assert_type(req.path, str)
    assert_type(req.route, str | None)
    assert_type(req.params, dict[str, Any])
    assert_type(req.headers.get('accept'), str | None)
    assert_type(req.headers['accept'], str)
    assert_type(req.headers.get('accept', ''), str)
    assert_type(req.headers.get('content-length', 0), str | int)
    assert_type(req.cookies.get('theme'), str | None)
    assert_type(req.body, bytes)
    assert_type(req.text, str)
    assert_type(req.ip.address, str | None)
    assert_type(req.ip.port, int | None)
    assert_type(ctx.peek(USER), str | None)
    assert_type(ctx.peek(USER, 'nobody'), str)
    assert_type(ctx.session.get(USER), str | None)
    assert_type(ctx.session.get(USER, 'nobody'), str)
    assert_type(ctx.session[USER], str)
    assert_type(ctx.session.role, Any)
    db = req.app.peek(DB)
    found = await db.find(req.params['id']) if db else None
    if found is None:
        res.abort(404)
    assert_type(found, dict[str, str])
    assert_type(res.headers.get('vary'), str | None)
    assert_type(res.status, int)
    return res.header('X-Seen', 'yes').cookie('theme', 'dark').out(200, found)


async def upload(req: Request, res: Response, ctx: Context) -> None:
    async for chunk in req.stream():
        assert_type(chunk, bytes)
    res.status = 201
    if await req.disconnected():
        raise Abort(400, 'Gone')


@app.GET('/v1/visits/:id:int')
async def get_visit(req: Request, res: Response, ctx: Context) -> Response:
    return res.redirect('/v1/visits')


@app.WS('/v1/echo', origins=['https://example.org'], max_body_size=1024)
async def echo(req: Request, ws: WebSocket, ctx: Context) -> None:
    await ws.accept()
    async for message in ws:
        assert_type(message, str | bytes)
        await ws.send(message)


@app.BEFORE('/v1/*')
def guard(req: Request, res: Response, ctx: Context) -> None:
    ctx.keep(USER, 'Ada')
    ctx.role = 'nurse'


async def open_database(app: App) -> None:
    app.keep(DB, Connection())


app.GET('/v1/patients/:id:int', get_patient, name='patient')
app.POST('/v1/documents', upload, stream=True)
app.AFTER('/*', 'controllers.hooks.log', always=True)
app.ERROR(404, get_patient)
assert_type(app.copy(Overrides([(get_patient, get_visit)])), App)

v2 = app.group('/v2', before=guard)


@v2.POST('/visits', before=[guard, 'controllers.hooks.log'], meta={'role': 'nurse'}, max_body_size=1024)
async def add_visit(req: Request, res: Response, ctx: Context) -> None:
    assert_type(req.meta, Any)


app.ON(STARTUP, open_database)
app.ON(SHUTDOWN, 'controllers.database.close')
assert_type(app.url('patient', id=7), str)


async def call_what_a_decorator_gave_back(req: Request, res: Response, ctx: Context) -> None:
    assert_type(await get_visit(req, res, ctx), Response)
    assert_type(guard(req, res, ctx), None)
