"""/patients: the pages for people; what they show and do is what the JSON API does."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from heaven import Context, Request, Response
from store import arrivals, documents, patients, visits
from store.checks import between, checked
from store.database import database
from store.errors import Conflict, Invalid

from controllers.flash import flash


async def list_page(req: Request, res: Response, ctx: Context) -> None:
    """Show the whole page, or only the part below the search field when HTMX asks while somebody types."""
    q = req.queries['q']
    page = between('page', req.queries['page'], 1, 1_000_000)
    part = 'hx-request' in req.headers and 'hx-history-restore-request' not in req.headers
    res.header('vary', 'hx-request')
    await res.render(
        'patients.html', block='found' if part else None, q=q, **await patients.find(database(req), q, page)
    )


async def new_page(req: Request, res: Response, ctx: Context) -> None:
    await res.render('patient_form.html', values={}, problems={})


async def add(req: Request, res: Response, ctx: Context) -> None:
    values = req.form.to_dict()
    try:
        ctx.patient = await patients.add(database(req), checked(values, patients.FIELDS))
    except (Invalid, Conflict) as refusal:
        res.status = 422
        await res.render('patient_form.html', values=values, problems=refusal.fields)
    else:
        flash(ctx, f'{ctx.patient["name"]} is added.')
        res.redirect(req.url_for('patient', id=ctx.patient['id']))


async def edit_page(req: Request, res: Response, ctx: Context) -> None:
    await res.render('patient_form.html', patient=ctx.patient, values=ctx.patient, problems={})


async def change(req: Request, res: Response, ctx: Context) -> None:
    values = req.form.to_dict()
    try:
        await patients.change(database(req), ctx.patient['id'], checked(values, patients.FIELDS))
    except (Invalid, Conflict) as refusal:
        res.status = 422
        await res.render('patient_form.html', patient=ctx.patient, values=values, problems=refusal.fields)
    else:
        flash(ctx, 'The changes are saved.')
        res.redirect(req.url_for('patient', id=ctx.patient['id']))


async def delete(req: Request, res: Response, ctx: Context) -> None:
    removed = await patients.remove(database(req), ctx.patient['id'])
    await documents.discard(req.app.CONFIG('DOCUMENTS'), removed)
    flash(ctx, f'{ctx.patient["name"]} is deleted.')
    res.redirect(req.url_for('patients'))


async def patient_page(req: Request, res: Response, ctx: Context) -> None:
    await show(req, res, ctx, values={'at': datetime.now().isoformat(timespec='minutes')}, problems={})


async def show(
    req: Request, res: Response, ctx: Context, values: Mapping[str, Any], problems: Mapping[str, str]
) -> None:
    """Show a patient with all that belongs to the patient, and what was wrong with what was sent, if anything was."""
    db = database(req)
    id = ctx.patient['id']
    await res.render(
        'patient.html',
        patient=ctx.patient,
        visits=await visits.find(db, id),
        documents=await documents.find(db, id),
        arrival=await arrivals.of(db, id),
        values=values,
        problems=problems,
    )
