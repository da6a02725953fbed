"""A small clinic: its patients, their visits and documents, and who is waiting."""

import os
import secrets
from datetime import timedelta
from pathlib import Path

from controllers.accounts import rights
from controllers.flash import flashes
from heaven import STARTUP, App, ClientError
from store.errors import Away, Busy, Conflict, Invalid, NoRoom, NoSuch
from waiting import room

HERE = Path(__file__).resolve().parent
FILE = Path(os.environ.get('PATIENTS_DB', HERE / 'patients.db')).absolute()
DATABASE = os.environ.get('DATABASE_URL') or str(FILE)  # PostgreSQL, for more than one machine
REDIS = os.environ.get('REDIS_URL')  # carries news between several workers
SECRET = os.environ.get('PATIENTS_SECRET') or secrets.token_urlsafe(32)  # a new one ends every session at a restart
ORIGINS = os.environ.get('PATIENTS_ORIGINS', '').split()  # whose pages may use the API
UPLOAD = 20 * 2**20
WRITING = ['POST', 'PUT', 'PATCH', 'DELETE']

app = App({'DATABASE': DATABASE, 'REDIS': REDIS, 'DOCUMENTS': FILE.with_suffix('.documents')})

app.TEMPLATES('templates', relative_to=__file__, context=[rights, flashes])
app.ASSETS('assets', relative_to=__file__, cache='public, max-age=31536000, immutable')
app.ON(STARTUP, 'store.connecting.connect')
if REDIS:
    app.DAEMON('store.over_redis.tell')
    app.DAEMON('store.over_redis.hear')

app.sessions(SECRET, max_age=timedelta(hours=12))  # and refuse the forms of other sites
if ORIGINS:
    app.cors(ORIGINS, headers=['authorization', 'content-type'], expose='location')

app.BEFORE('/*', 'controllers.guards.protect')
app.BEFORE('/*', 'controllers.accounts.permit')

for path in ('/v1/*', '/patients/*', '/waiting/*'):
    app.BEFORE(path, 'controllers.guards.keep_private')
    app.BEFORE(path, 'controllers.audit.write_down', methods=WRITING)
for path in ('/login', '/audit'):
    app.BEFORE(path, 'controllers.guards.keep_private')

for kind in (Invalid, NoSuch, Conflict, Busy, Away, NoRoom, ClientError, 401, 403, 404, 405, 500):
    app.ERROR(kind, 'controllers.errors.failure')

app.GET('/health/live', 'controllers.health.live', meta='anyone')
app.GET('/health/ready', 'controllers.health.ready', meta='anyone')

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

api.GET('/audit?page:int=1', 'controllers.audit.list_changes', meta='doctor')

app.mount(room, '/v1/waiting', isolated=False)

# The pages. A form can only GET and POST, so deleting has a path of its own.
app.GET('/login?next=', 'controllers.accounts.login_page', name='login', meta='anyone')
app.POST('/login', 'controllers.accounts.log_in', meta='anyone', max_body_size=10_000)
app.POST('/logout', 'controllers.accounts.log_out', name='logout', meta='reader')
app.GET('/audit?page:int=1', 'controllers.audit.list_page', name='audit', meta='doctor')

app.GET('/', lambda req, res, ctx: res.redirect(req.url_for('patients')))
app.GET('/patients?page:int=1&q=', 'controllers.pages.patients.list_page', name='patients')
app.POST('/patients', 'controllers.pages.patients.add')
app.GET('/patients/new', 'controllers.pages.patients.new_page', name='new_patient', meta='doctor')
app.GET('/waiting', 'controllers.pages.waiting.room_page', name='waiting')
app.POST('/waiting/:arrival:int/called', 'controllers.pages.waiting.call_in', name='call_in')

patient = app.group('/patients/:id:int', before='controllers.guards.find_patient')
patient.GET('/', 'controllers.pages.patients.patient_page', name='patient')
patient.POST('/', 'controllers.pages.patients.change')
patient.GET('/edit', 'controllers.pages.patients.edit_page', name='edit_patient', meta='doctor')
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
