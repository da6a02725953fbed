"""Visits: when a patient came, why, and what was found."""

from .checks import Check, moment, text
from .database import Database, Row
from .errors import NoSuch

FIELDS: dict[str, Check] = {'at': moment, 'reason': text(200), 'notes': text(5000, required=False)}


async def find(db: Database, patient: int, since: str = '') -> list[Row]:
    """Return the visits of a patient from that day on, the latest first."""
    return await db.all(
        'SELECT * FROM visits WHERE patient_id = ? AND at >= ? ORDER BY at DESC, id DESC', patient, since
    )


async def get(db: Database, patient: int, id: int) -> Row:
    found = await db.one('SELECT * FROM visits WHERE patient_id = ? AND id = ?', patient, id)
    if not found:
        raise NoSuch('visit', id)
    return found


async def add(db: Database, patient: int, values: Row) -> Row:
    names = ', '.join(values)
    marks = ', ?' * len(values)
    async with db.transaction() as run:
        [added] = await run(
            f'INSERT INTO visits (patient_id, {names}) VALUES (?{marks}) RETURNING *', patient, *values.values()
        )
    return added


async def change(db: Database, patient: int, id: int, values: Row) -> Row:
    settings = ''.join(f', {name} = ?' for name in values)
    async with db.transaction() as run:
        changed = await run(
            f'UPDATE visits SET id = id{settings} WHERE patient_id = ? AND id = ? RETURNING *',
            *values.values(), patient, id,
        )  # fmt: skip
    if not changed:
        raise NoSuch('visit', id)
    return changed[0]


async def remove(db: Database, patient: int, id: int) -> None:
    async with db.transaction() as run:
        removed = await run('DELETE FROM visits WHERE patient_id = ? AND id = ? RETURNING id', patient, id)
    if not removed:
        raise NoSuch('visit', id)
