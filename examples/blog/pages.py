"""What the handlers of all pages share: text that was sent, messages, and forms that come back."""

from typing import Any

from heaven import Abort, Context, Request, Response


def text(req: Request, name: str) -> str:
    """Return a field of the form. A file in its place is a 400, as a missing field is."""
    value = req.form[name]
    if not isinstance(value, str):
        raise Abort(400, f'{name} has to be text')
    return value


def tell(ctx: Context, message: str) -> None:
    """Show a message on the next page, be it that of this request or of a later one."""
    ctx.session.setdefault('messages', []).append(message)


async def refuse(res: Response, ctx: Context, status: int, why: str, page: str, **values: Any) -> None:
    """Answer with a page that says what is wrong."""
    tell(ctx, why)
    res.status = status
    await res.render(page, **values)


def messages(req: Request, res: Response, ctx: Context) -> dict[str, list[str]]:
    """Give a page the messages that nobody has seen yet."""
    return {'messages': ctx.session.pop('messages', [])}
