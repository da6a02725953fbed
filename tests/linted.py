"""`pytest -p linted packages/heaven-core` checks what the apps of core's tests send: a server may always send it on.

The tests play servers good and bad, so only what the app sends and how it ends is judged, not what it is sent.
"""

from heaven import App
from heaven_testing.rules import HTTPRules, LifespanRules, WebSocketRules

RULES = {'http': HTTPRules, 'websocket': WebSocketRules, 'lifespan': LifespanRules}
serve = App.__call__


async def linted(self, scope, receive, send):
    if scope['type'] not in RULES:
        return await serve(self, scope, receive, send)
    rules = RULES[scope['type']](scope)

    async def checked_receive():
        message = await receive()
        rules.gone = message['type'].endswith('disconnect')
        if scope['type'] == 'lifespan':
            rules.received(message)
        return message

    async def checked_send(message):
        rules.sent(message)
        try:
            await send(message)
        except OSError:
            rules.gone = True
            raise

    try:
        rules.returned(await serve(self, scope, checked_receive, checked_send))
    finally:
        if rules.broken is not None:
            raise rules.broken


App.__call__ = linted
