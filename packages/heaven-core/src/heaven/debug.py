"""The page that a failure shows in debug, and never otherwise."""

from heaven._debugging.page import as_html
from heaven._debugging.report import report_of
from heaven._debugging.text import as_text
from heaven._http.accept import weights_of
from heaven.request import exchange_of
from heaven.types import Request, Response

POLICY = "default-src 'none'; style-src 'unsafe-inline'"  # the page loads nothing and runs nothing


def show_failure(error: BaseException, req: Request, res: Response) -> None:
    """Show what failed, with the request and its hooks: as HTML to a client that prefers it, else as text."""
    report = report_of(error, exchange_of(req), req)
    if prefers_html(req.headers.get('accept', '')):
        res.html(as_html(report))
        res.header('content-security-policy', POLICY)
    else:
        res.body = as_text(report)
    res.header('cache-control', 'no-store')
    res.header('x-content-type-options', 'nosniff')


def prefers_html(accept: str) -> bool:
    """Tell whether a client names `text/html` and no other type above it, as browsers do."""
    weights = {media_type: weight or 0.0 for media_type, weight in weights_of(accept).items()}
    wanted = weights.get('text/html', 0.0)
    return wanted > 0 and wanted >= max(weights.values())
