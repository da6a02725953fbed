"""The form for visits, on the page of a patient."""

from heaven import Context, Request, Response
from store import visits
from store.checks import checked
from store.database import database
from store.errors import Invalid

from controllers.flash import flash

from .patients import show


async def add(req: Request, res: Response, ctx: Context) -> None:
    values = req.form.to_dict()
    try:
        await visits.add(database(req), ctx.patient['id'], checked(values, visits.FIELDS))
    except Invalid as refusal:
        res.status = 422
        await show(req, res, ctx, values=values, problems=refusal.fields)
    else:
        flash(ctx, 'The visit is saved.')
        res.redirect(req.url_for('patient', id=ctx.patient['id']))


async def delete(req: Request, res: Response, ctx: Context) -> None:
    await visits.remove(database(req), ctx.patient['id'], req.params['visit'])
    flash(ctx, 'The visit is deleted.')
    res.redirect(req.url_for('patient', id=ctx.patient['id']))
