"""A small clinic: its patients, their visits and documents, as a JSON API over one SQLite file and a folder."""

import os
from pathlib import Path

from heaven import STARTUP, App, ClientError
from store.errors import Conflict, Invalid, NoSuch

HERE = Path(__file__).resolve().parent
DATABASE = Path(os.environ.get('PATIENTS_DB', HERE / 'patients.db')).absolute()
WRITING = ['POST', 'PUT', 'PATCH', 'DELETE']
UPLOAD = 20 * 2**20  # bytes

app = App({'DATABASE': DATABASE, 'DOCUMENTS': DATABASE.with_suffix('.documents')})

app.ON(STARTUP, 'store.database.connect')

app.BEFORE('/*', 'controllers.guards.protect')
app.BEFORE('/*', 'controllers.guards.refuse_other_sites', methods=WRITING)

for kind in (Invalid, NoSuch, Conflict, ClientError, 404, 405, 500):
    app.ERROR(kind, 'controllers.errors.failure')

api = app.group('/v1')

api.BEFORE('/patients/:id/*', 'controllers.guards.find_patient')
api.GET('/patients?page:int=1&size:int=20&q=', 'controllers.patients.records.list_records', name='records')
api.POST('/patients', 'controllers.patients.records.add_record')
api.GET('/patients/:id:int', 'controllers.patients.records.get_record_by_id', name='record')
api.PUT('/patients/:id:int', 'controllers.patients.records.replace_record')
api.PATCH('/patients/:id:int', 'controllers.patients.records.change_record')
api.DELETE('/patients/:id:int', 'controllers.patients.records.delete_record')

api.GET('/patients/:id:int/visits?since:date', 'controllers.patients.visits.list_visits')
api.POST('/patients/:id:int/visits', 'controllers.patients.visits.add_visit')
api.GET('/patients/:id:int/visits/:visit:int', 'controllers.patients.visits.get_visit', name='visit')
api.PATCH('/patients/:id:int/visits/:visit:int', 'controllers.patients.visits.change_visit')
api.DELETE('/patients/:id:int/visits/:visit:int', 'controllers.patients.visits.delete_visit')

api.GET('/patients/:id:int/documents', 'controllers.patients.documents.list_documents')
api.POST(
    '/patients/:id:int/documents', 'controllers.patients.documents.add_document', stream=True, max_body_size=UPLOAD
)
api.GET('/patients/:id:int/documents/:document:int', 'controllers.patients.documents.get_document', name='document')
api.DELETE('/patients/:id:int/documents/:document:int', 'controllers.patients.documents.delete_document')
