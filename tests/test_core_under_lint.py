"""The whole suite of core once more, with the lint around every app: what Heaven sends, a server may always send on."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent

# The tests of core play servers good and bad, so only what the app sends and how it ends is judged.
PLUGIN = """
from heaven import App
from heaven_testing.rules import HTTPRules, LifespanRules, WebSocketRules

RULES = {'http': HTTPRules, 'websocket': WebSocketRules, 'lifespan': LifespanRules}
serve, checked = App.__call__, []


async def linted(self, scope, receive, send):
    if scope['type'] not in RULES:
        return await serve(self, scope, receive, send)
    rules = RULES[scope['type']](scope)
    checked.append(scope['type'])

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


def pytest_terminal_summary(terminalreporter):
    terminalreporter.write_line(f'linted: {len(checked)} {sorted(set(checked))}')
"""


def test_the_suite_of_core_passes_through_the_lint(tmp_path):
    (tmp_path / 'linted_core.py').write_text(PLUGIN)
    code = f'import sys, pytest; sys.path.insert(0, {str(tmp_path)!r}); sys.exit(pytest.main(sys.argv[1:]))'
    options = '-q -p linted_core -p no:cacheprovider packages/heaven-core'.split()
    command = [sys.executable, '-P', '-c', code, *options]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False)
    assert result.returncode == 0, result.stdout
    count, kinds = result.stdout.rpartition('linted: ')[2].split(maxsplit=1)
    assert int(count) > 500
    assert kinds.startswith("['http', 'lifespan', 'websocket']")
