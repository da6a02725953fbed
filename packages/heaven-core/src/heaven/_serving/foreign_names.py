"""What other frameworks and older versions of Heaven call the verbs of registration, and what to write here."""

from heaven._serving.methods import VERBS

FOREIGN_NAMES = {
    'route': "app.GET('/path', handler), or app.METHOD(['GET', 'POST'], '/path', handler)",
    'add_route': "app.GET('/path', handler), or app.METHOD(['GET', 'POST'], '/path', handler)",
    'websocket': "app.WS('/path', handler)",
    'before_request': "app.BEFORE('/*', hook)",
    'after_request': "app.AFTER('/*', hook)",
    'errorhandler': 'app.ERROR(404, handler), or app.ERROR(ValueError, handler)',
    'exception_handler': 'app.ERROR(404, handler), or app.ERROR(ValueError, handler)',
    'add_middleware': 'app.use(Middleware, **options)',
    'middleware': 'app.use(Middleware, **options)',
    'include_router': "app.mount(other, '/prefix')",
    'register_blueprint': "app.mount(other, '/prefix')",
    'state': "app.keep('name', value) and app.peek('name')",
    'on_event': 'app.ON(STARTUP, function)',
    'run': 'app.listen()',
    'plugin': 'app.plug(plugin)',
    'abettor': "app.METHOD('PROPFIND', '/path', handler)",
    'earth': 'heaven_testing.Client(app), in a test',
    'daemons': 'app.DAEMON(function)',
    'ONCE': 'app.ON(STARTUP, function)',
    'WEBSOCKET': "app.WS('/path', handler)",
    'SOCKET': "app.WS('/path', handler)",
} | {verb.lower(): f"app.{verb}('/path', handler)" for verb in VERBS}
