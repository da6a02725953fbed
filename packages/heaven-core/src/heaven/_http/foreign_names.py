"""What other frameworks call parts of a request and of a response, and what to write here."""

from typing import NoReturn

OF_REQUEST = {
    'args': "req.queries.get('page')",
    'query': "req.queries.get('page')",
    'query_params': "req.queries.get('page')",
    'path_params': "req.params['id']",
    'view_args': "req.params['id']",
    'match_info': "req.params['id']",
    'data': 'req.body',
    'content': 'req.body',
    'get_json': 'req.json',
    'media': 'req.json',
    'files': "(await req.form)['document']",
    'client': 'req.ip',
    'remote_addr': 'req.ip.address',
    'remote_ip': 'req.ip.address',
    'session': 'ctx.session, which app.sessions(secret_key) turns on',
    'state': 'ctx.user = user, for the rest of the request',
    'user': 'ctx.user = user, for the rest of the request',
    'context': 'ctx.user = user, for the rest of the request',
}
OF_RESPONSE = {
    'json': 'res.body = {...}, which is sent as JSON; res.body reads it back',
    'media': 'res.body = {...}, which is sent as JSON',
    'text': "res.body = 'text'",
    'data': "res.body = b'bytes'",
    'content': "res.body = 'text'",
    'status_code': 'res.status = 201',
    'content_type': "res.header('content-type', 'text/csv')",
    'media_type': "res.header('content-type', 'text/csv')",
    'set_header': "res.header('x-name', 'value')",
    'set_cookie': "res.cookie('name', 'value')",
    'delete_cookie': "res.cookie('name', None)",
}


def explain_missing(kind: str, name: str, instead: str | None) -> NoReturn:
    """Raise the AttributeError of a name that is not there."""
    raise AttributeError(f'{kind} has no {name!r}' + (f': write {instead}' if instead else ''))
