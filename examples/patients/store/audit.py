"""The audit: who has changed what, and when; it outlives the records."""

from datetime import datetime

from .database import Database, Row

SIZE = 50


async def add(db: Database, account: str, method: str, path: str, patient: int | None) -> None:
    now = datetime.now().isoformat(timespec='seconds')
    async with db.transaction(watched=False) as run:
        await run(
            'INSERT INTO changes (at, account, method, path, patient_id) VALUES (?, ?, ?, ?, ?)',
            now, account, method, path, patient,
        )  # fmt: skip


async def find(db: Database, page: int = 1) -> Row:
    """Return a page of the changes, the latest first, each with the number of its patient, if there still is one."""
    [count] = await db.all('SELECT count(*) AS total FROM changes')
    found = await db.all(
        """
        SELECT changes.*, patients.number
        FROM changes LEFT JOIN patients ON patients.id = changes.patient_id
        ORDER BY changes.id DESC LIMIT ? OFFSET ?
        """,
        SIZE, (page - 1) * SIZE,
    )  # fmt: skip
    return {'changes': found, 'page': page, 'pages': -(-count['total'] // SIZE), 'total': count['total']}
