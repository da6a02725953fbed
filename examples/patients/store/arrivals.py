"""Arrivals: who sits in the waiting room, in the order in which they came."""

from datetime import datetime

from .database import Database, Row
from .errors import NoSuch

WAITING = """
    SELECT arrivals.id, arrivals.patient_id, arrivals.at, patients.name
    FROM arrivals JOIN patients ON patients.id = arrivals.patient_id
"""


async def find(db: Database) -> list[Row]:
    return await db.all(f'{WAITING} ORDER BY arrivals.id')


async def of(db: Database, patient: int) -> Row | None:
    """Return the arrival of a patient who is waiting, or None."""
    return await db.one(f'{WAITING} WHERE patient_id = ?', patient)


async def add(db: Database, patient: int) -> Row:
    now = datetime.now().isoformat(timespec='minutes')
    async with db.transaction() as run:
        [added] = await run('INSERT INTO arrivals (patient_id, at) VALUES (?, ?) RETURNING *', patient, now)
    return added


async def remove(db: Database, id: int) -> Row:
    async with db.transaction() as run:
        removed = await run('DELETE FROM arrivals WHERE id = ? RETURNING *', id)
    if not removed:
        raise NoSuch('arrival', id)
    return removed[0]
