"""Hooks that run before the handlers."""

from heaven import Context, Request, Response
from store import patients
from store.database import database

POLICY = "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"


def protect(req: Request, res: Response, ctx: Context) -> None:
    """Let pages load nothing from elsewhere, and browsers guess no types."""
    res.header('content-security-policy', POLICY).header('x-content-type-options', 'nosniff')


def keep_private(req: Request, res: Response, ctx: Context) -> None:
    """Keep what is about patients out of shared caches, and browsers from showing it unasked."""
    res.header('cache-control', 'private, no-cache')


async def find_patient(req: Request, res: Response, ctx: Context) -> None:
    """Keep the patient that the path names as `ctx.patient`, so that no handler below it meets a missing one."""
    ctx.patient = await patients.get(database(req), req.params['id'])
