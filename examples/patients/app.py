"""A small clinic: its patients, their visits and documents, and who is waiting."""

import os
from pathlib import Path

from heaven import STARTUP, App, ClientError
from store.errors import Busy, Conflict, Invalid, NoRoom, NoSuch
from waiting import room

HERE = Path(__file__).resolve().parent
DATABASE = Path(os.environ.get('PATIENTS_DB', HERE / 'patients.db')).absolute()
UPLOAD = 20 * 2**20
WRITING = ['POST', 'PUT', 'PATCH', 'DELETE']

app = App({'DATABASE': DATABASE, 'DOCUMENTS': DATABASE.with_suffix('.documents')})

app.TEMPLATES('templates', relative_to=__file__)
app.ASSETS('assets', relative_to=__file__, cache='public, max-age=31536000, immutable')
app.ON(STARTUP, 'store.database.connect')

app.BEFORE('/*', 'controllers.guards.protect')
app.BEFORE('/*', 'controllers.guards.refuse_other_sites', methods=WRITING)

for path in ('/v1/*', '/patients/*', '/waiting/*'):
    app.BEFORE(path, 'controllers.guards.keep_private')

for kind in (Invalid, NoSuch, Conflict, Busy, NoRoom, ClientError, 404, 405, 500):
    app.ERROR(kind, 'controllers.errors.failure')

app.GET('/health/live', 'controllers.health.live')
app.GET('/health/ready', 'controllers.health.ready')

# The JSON API.
api = app.group('/v1')
api.GET('/patients?page:int=1&size:int=20&q=', 'controllers.patients.records.list_records', name='records')
api.POST('/patients', 'controllers.patients.records.add_record')

record = api.group('/patients/:id:int', before='controllers.guards.find_patient')
record.GET('/', 'controllers.patients.records.get_record_by_id', name='record')
record.PUT('/', 'controllers.patients.records.replace_record')
record.PATCH('/', 'controllers.patients.records.change_record')
record.DELETE('/', 'controllers.patients.records.delete_record')

record.GET('/visits?since:date', 'controllers.patients.visits.list_visits')
record.POST('/visits', 'controllers.patients.visits.add_visit')
record.GET('/visits/:visit:int', 'controllers.patients.visits.get_visit', name='visit')
record.PATCH('/visits/:visit:int', 'controllers.patients.visits.change_visit')
record.DELETE('/visits/:visit:int', 'controllers.patients.visits.delete_visit')

record.GET('/documents', 'controllers.patients.documents.list_documents')
record.POST('/documents', 'controllers.patients.documents.add_document', stream=True, max_body_size=UPLOAD)
record.GET('/documents/:document:int', 'controllers.patients.documents.get_document', name='document')
record.DELETE('/documents/:document:int', 'controllers.patients.documents.delete_document')

app.mount(room, '/v1/waiting', isolated=False)

# The pages. A form can only GET and POST, so deleting has a path of its own.
app.GET('/', lambda req, res, ctx: res.redirect(req.url_for('patients')))
app.GET('/patients?page:int=1&q=', 'controllers.pages.patients.list_page', name='patients')
app.POST('/patients', 'controllers.pages.patients.add')
app.GET('/patients/new', 'controllers.pages.patients.new_page', name='new_patient')
app.GET('/waiting', 'controllers.pages.waiting.room_page', name='waiting')
app.POST('/waiting/:arrival:int/called', 'controllers.pages.waiting.call_in', name='call_in')

patient = app.group('/patients/:id:int', before='controllers.guards.find_patient')
patient.GET('/', 'controllers.pages.patients.patient_page', name='patient')
patient.POST('/', 'controllers.pages.patients.change')
patient.GET('/edit', 'controllers.pages.patients.edit_page', name='edit_patient')
patient.POST('/delete', 'controllers.pages.patients.delete', name='delete_patient')
patient.POST('/visits', 'controllers.pages.visits.add', name='add_visit')
patient.POST('/visits/:visit:int/delete', 'controllers.pages.visits.delete', name='delete_visit')
patient.POST(
    '/documents',
    'controllers.pages.documents.add',
    name='add_document',
    stream=True,
    max_body_size=UPLOAD,
)
patient.POST('/documents/:document:int/delete', 'controllers.pages.documents.delete', name='delete_document')
patient.POST('/arrive', 'controllers.pages.waiting.arrive', name='arrive')
