"""Documents: files that belong to a patient; their bytes lie in a folder, what is known of them in the database."""

import asyncio
from pathlib import Path, PurePath
from uuid import uuid4

from heaven.forms import File

from .database import Database, Row
from .errors import NoSuch, explained


async def find(db: Database, patient: int) -> list[Row]:
    return await db.all('SELECT * FROM documents WHERE patient_id = ? ORDER BY id', patient)


async def get(db: Database, patient: int, id: int) -> Row:
    found = await db.one('SELECT * FROM documents WHERE patient_id = ? AND id = ?', patient, id)
    if not found:
        raise NoSuch('document', id)
    return found


async def add(db: Database, folder: Path, patient: int, file: File) -> Row:
    """Save a file under a name of our own, and then its row; without the row the file goes again."""
    stored = folder / (uuid4().hex + PurePath(file.safe_name).suffix)
    try:
        await file.save(stored)
        async with db.transaction() as run:
            [added] = await run(
                'INSERT INTO documents (patient_id, name, size, stored) VALUES (?, ?, ?, ?) RETURNING *',
                patient, file.safe_name, file.size, stored.name,
            )  # fmt: skip
    except BaseException as error:
        stored.unlink(missing_ok=True)
        raise explained(error) from None
    return added


async def remove(db: Database, folder: Path, patient: int, id: int) -> None:
    async with db.transaction() as run:
        removed = await run('DELETE FROM documents WHERE patient_id = ? AND id = ? RETURNING stored', patient, id)
    if not removed:
        raise NoSuch('document', id)
    await discard(folder, removed)


async def discard(folder: Path, documents: list[Row]) -> None:
    """Delete the files of documents that are no longer in the database."""
    for document in documents:
        await asyncio.to_thread((folder / document['stored']).unlink, missing_ok=True)
