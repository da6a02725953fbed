"""The page that a failure shows in debug, and never otherwise."""

from heaven._debugging.page import as_html
from heaven._debugging.report import report_of
from heaven._debugging.text import as_text
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
    """Tell whether a client names `text/html` and no other type above it, as browsers do (RFC 9110, 12.5.1)."""
    weights: dict[str, float] = {}
    for media_range in accept.lower().split(','):
        media_type, *parameters = [part.strip(' \t') for part in media_range.split(';')]
        weights[media_type] = weight_of(parameters)
    wanted = weights.get('text/html', 0.0)
    return wanted > 0 and wanted >= max(weights.values())


def weight_of(parameters: list[str]) -> float:
    """Return the weight `q` among the parameters of a type, 1 without one; 0 if it is no number (RFC 9110, 12.4.2)."""
    for parameter in parameters:
        name, _, value = parameter.partition('=')
        if name.strip() == 'q':
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0
