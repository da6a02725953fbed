"""Patients: what a record holds, and how it is found, added, changed and removed."""

from .checks import Check, birthday, text
from .database import Database, Row, fold
from .errors import NoSuch

FIELDS: dict[str, Check] = {
    'number': text(20, '[A-Z0-9-]+', 'must be capital letters, digits and hyphens'),
    'name': text(100, r'[^\n\t]+', 'must be on one line'),
    'born': birthday,
    'phone': text(30, r'\+?[0-9 ()/.-]+', 'must be a phone number such as +44 20 5555 0100', required=False),
    'email': text(200, r'[^@\s]+@[^@\s]+\.[^@\s]+', 'must be an address such as ada@example.org', required=False),
    'notes': text(5000, required=False),
}


async def find(db: Database, q: str = '', page: int = 1, size: int = 20) -> Row:
    """Return a page of the patients whose name or number has every word of `q`, by name."""
    words = fold(q).replace('\0', '').split()[:10]  # a character that PostgreSQL does not know
    where = ' AND '.join("instr(fold(name || ' ' || number), ?) > 0" for _ in words) or 'TRUE'
    [count] = await db.all(f'SELECT count(*) AS total FROM patients WHERE {where}', *words)
    found = await db.all(
        f'SELECT * FROM patients WHERE {where} ORDER BY name COLLATE NOCASE, id LIMIT ? OFFSET ?',
        *words, size, (page - 1) * size,
    )  # fmt: skip
    return {'patients': found, 'page': page, 'pages': -(-count['total'] // size), 'total': count['total']}


async def get(db: Database, id: int) -> Row:
    found = await db.one('SELECT * FROM patients WHERE id = ?', id)
    if not found:
        raise NoSuch('patient', id)
    return found


async def add(db: Database, values: Row) -> Row:
    names = ', '.join(values)
    marks = ', '.join('?' * len(values))
    async with db.transaction() as run:
        [added] = await run(f'INSERT INTO patients ({names}) VALUES ({marks}) RETURNING *', *values.values())
    return added


async def change(db: Database, id: int, values: Row) -> Row:
    settings = ''.join(f', {name} = ?' for name in values)
    async with db.transaction() as run:
        changed = await run(f'UPDATE patients SET id = id{settings} WHERE id = ? RETURNING *', *values.values(), id)
    if not changed:
        raise NoSuch('patient', id)
    return changed[0]


async def remove(db: Database, id: int) -> list[Row]:
    """Remove a patient and, by the foreign keys, all that belongs to the patient; return the documents to discard."""
    async with db.transaction() as run:
        documents = await run('SELECT stored FROM documents WHERE patient_id = ?', id)
        removed = await run('DELETE FROM patients WHERE id = ? RETURNING id', id)
    if not removed:
        raise NoSuch('patient', id)
    return documents
