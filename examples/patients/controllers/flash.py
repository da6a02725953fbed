"""Flash messages: what the next page says once, after a form has led there."""

from collections.abc import Callable

from heaven import Context, Request, Response


def flash(ctx: Context, text: str) -> None:
    """Keep a message for the next page; of many that nobody has seen, the last five."""
    ctx.session.flash = [*ctx.session.get('flash', ()), text][-5:]


def flashes(req: Request, res: Response, ctx: Context) -> dict[str, Callable[[], list[str]]]:
    """Give templates `flashes()`, which returns the messages and forgets them."""
    return {'flashes': lambda: ctx.session.pop('flash', [])}
