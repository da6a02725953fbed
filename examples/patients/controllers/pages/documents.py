"""The form for documents, on the page of a patient."""

from heaven import Context, Request, Response
from store import documents
from store.database import database
from store.errors import Invalid

from controllers.flash import flash
from controllers.patients.documents import receive

from .patients import show


async def add(req: Request, res: Response, ctx: Context) -> None:
    try:
        await receive(req, ctx)
    except Invalid as refusal:
        res.status = 422
        await show(req, res, ctx, values={}, problems=refusal.fields)
    else:
        flash(ctx, 'The document is saved.')
        res.redirect(req.url_for('patient', id=ctx.patient['id']))


async def delete(req: Request, res: Response, ctx: Context) -> None:
    await documents.remove(database(req), req.app.CONFIG('DOCUMENTS'), ctx.patient['id'], req.params['document'])
    flash(ctx, 'The document is deleted.')
    res.redirect(req.url_for('patient', id=ctx.patient['id']))
