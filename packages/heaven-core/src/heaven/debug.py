"""The page that a failure shows in debug, and never otherwise."""

from html import escape
from traceback import format_exception

from heaven.types import Request, Response

PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title>
<style>
  :root {{ color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif }}
  body {{ max-width: 75rem; margin: 2rem auto; padding: 0 1rem }}
  h1 {{ font-size: 1.25rem; overflow-wrap: anywhere }}
  pre {{ padding: 1rem; overflow-x: auto; border: 1px solid #8886; border-radius: .5rem; font: 13px/1.5 monospace }}
</style>
<h1>{title}</h1><p>{request}</p><pre>{trace}</pre></html>"""


def show_failure(error: BaseException, req: Request, res: Response) -> None:
    """Show a traceback, escaped, as HTML, or as text to a client that wants no HTML."""
    title, request, trace = (
        text.encode('utf-8', 'replace').decode()
        for text in (f'{type(error).__name__}: {error}', f'{req.method} {req.path}', ''.join(format_exception(error)))
    )
    if 'text/html' in req.headers.get('accept', ''):
        res.html(PAGE.format(title=escape(title), request=escape(request), trace=escape(trace)))
    else:
        res.body = trace
