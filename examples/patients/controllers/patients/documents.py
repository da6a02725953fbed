"""/v1/patients/:id/documents: files that belong to a patient."""

from heaven import Context, Request, Response
from heaven.forms import File
from store import documents
from store.database import Row, database
from store.errors import Invalid, explained


async def list_documents(req: Request, res: Response, ctx: Context) -> None:
    res.body = {'documents': [shown(document) for document in await documents.find(database(req), ctx.patient['id'])]}


async def add_document(req: Request, res: Response, ctx: Context) -> None:
    document = await receive(req, ctx)
    where = req.url_for('document', id=ctx.patient['id'], document=document['id'])
    res.out(201, shown(document), {'location': where})


async def get_document(req: Request, res: Response, ctx: Context) -> None:
    """Send the file as a download under its own name; a download that broke off goes on where it stopped."""
    document = await documents.get(database(req), ctx.patient['id'], req.params['document'])
    res.file(document['stored'], filename=document['name'], within=req.app.CONFIG('DOCUMENTS'))


async def delete_document(req: Request, res: Response, ctx: Context) -> None:
    await documents.remove(database(req), req.app.CONFIG('DOCUMENTS'), ctx.patient['id'], req.params['document'])
    res.status = 204


async def receive(req: Request, ctx: Context) -> Row:
    """Keep the file that a form sent in its field `document`."""
    try:
        sent = (await req.form).get('document')
    except OSError as error:  # a large form waits in a temporary file
        raise explained(error) from None
    if not isinstance(sent, File) or not sent.filename:
        raise Invalid({'document': 'must be a file'})
    return await documents.add(database(req), req.app.CONFIG('DOCUMENTS'), ctx.patient['id'], sent)


def shown(document: Row) -> Row:
    """Return a document without the name under which it is stored."""
    return {name: value for name, value in document.items() if name != 'stored'}
