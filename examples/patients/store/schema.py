"""The tables, version by version, and a few people who do not exist."""

# A file is brought from its version to the last. What clinics have in use is never edited: a change is a new entry.
VERSIONS = (
    (
        """
        CREATE TABLE patients (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            number TEXT NOT NULL UNIQUE,
            name TEXT NOT NULL,
            born TEXT NOT NULL,
            phone TEXT NOT NULL,
            email TEXT NOT NULL,
            notes TEXT NOT NULL
        )
        """,
        'CREATE INDEX patients_by_name ON patients (name COLLATE NOCASE, id)',
        """
        CREATE TABLE visits (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            patient_id INTEGER NOT NULL REFERENCES patients ON DELETE CASCADE,
            at TEXT NOT NULL,
            reason TEXT NOT NULL,
            notes TEXT NOT NULL
        )
        """,
        'CREATE INDEX visits_by_patient ON visits (patient_id, at)',
    ),
    (
        """
        CREATE TABLE documents (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            patient_id INTEGER NOT NULL REFERENCES patients ON DELETE CASCADE,
            name TEXT NOT NULL,
            size INTEGER NOT NULL,
            stored TEXT NOT NULL,
            added TEXT NOT NULL DEFAULT (date('now', 'localtime'))
        )
        """,
        'CREATE INDEX documents_by_patient ON documents (patient_id)',
    ),
    (
        """
        CREATE TABLE arrivals (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            patient_id INTEGER NOT NULL UNIQUE REFERENCES patients ON DELETE CASCADE,
            at TEXT NOT NULL
        )
        """,
    ),
    (
        """
        CREATE TABLE accounts (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            name TEXT NOT NULL UNIQUE,
            role TEXT NOT NULL,
            password TEXT NOT NULL
        )
        """,
        """
        CREATE TABLE keys (
            hash TEXT PRIMARY KEY,
            account_id INTEGER NOT NULL REFERENCES accounts ON DELETE CASCADE,
            until TEXT
        )
        """,
        """
        CREATE TABLE changes (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            at TEXT NOT NULL,
            account TEXT NOT NULL,
            method TEXT NOT NULL,
            path TEXT NOT NULL,
            patient_id INTEGER
        )
        """,
    ),
)

ADD_PATIENT = 'INSERT INTO patients (number, name, born, phone, email, notes) VALUES (?, ?, ?, ?, ?, ?)'
ADD_VISIT = (
    'INSERT INTO visits (patient_id, at, reason, notes) VALUES ((SELECT id FROM patients WHERE number = ?), ?, ?, ?)'
)

PATIENTS = (
    ('C-1001', 'Amara Okafor', '1987-04-12', '+234 803 555 0101', 'amara@example.org', 'Allergic to penicillin.'),
    ('C-1002', 'Björn Lindqvist', '1954-11-30', '+46 70 555 01 02', '', 'Hard of hearing on the left.'),
    ('C-1003', 'Chloé Martin', '2019-06-03', '+33 6 55 50 01 03', 'parents@example.org', ''),
    ('C-1004', 'Diego Fernández', '1972-02-29', '+34 655 500 104', 'diego@example.org', 'Type 2 diabetes since 2015.'),
    ('C-1005', 'Esi Mensah', '1999-09-09', '+233 24 555 0105', '', ''),
    ('C-1006', 'Farah Haddad', '1943-01-17', '+961 3 555 106', '', 'Daughter comes along and translates.'),
    ('C-1007', 'Goran Petrović', '1965-07-21', '+381 60 555 0107', 'goran@example.org', ''),
)

VISITS = (
    ('C-1001', '2026-01-14T09:30', 'Cough and fever', 'Chest clear. Rest, fluids, back in a week if no better.'),
    ('C-1001', '2026-01-22T10:00', 'Follow-up', 'Well again.'),
    ('C-1002', '2026-02-03T14:15', 'Yearly check-up', 'Blood pressure 150/90; measure at home for two weeks.'),
    ('C-1003', '2026-02-10T08:45', 'Vaccination', 'Second dose given in the left arm.'),
    ('C-1004', '2025-11-05T11:00', 'Diabetes review', 'HbA1c 7.1 %.'),
    ('C-1004', '2026-02-05T11:00', 'Diabetes review', 'HbA1c 6.8 %. Goes on as before.'),
)

# Name, role, the hash of the password `demo-doctor` or `demo-reader`, and that of the key, which is the same word.
ADD_ACCOUNT = 'INSERT INTO accounts (name, role, password) VALUES (?, ?, ?)'
ADD_KEY = 'INSERT INTO keys (account_id, hash) VALUES ((SELECT id FROM accounts WHERE name = ?), ?)'

ACCOUNTS = (
    (
        'doctor',
        'doctor',
        (
            '73616c74206f66206120646f63746f72$'
            '91f5f6e7718ae2ea19836bb6467a000d9f651291cd4ae7f7c6ef844c8baa3b72'
            '8f68db7bd8958c5778bf94372f37d91298ddc3919bf90b9badc535d401e774fc'
        ),
        '8966648e64c16fa673ad2aed4c2f49e8c1b66db8af25a72e92442efd7f891e0a',
    ),
    (
        'reader',
        'reader',
        (
            '73616c74206f66206120726561646572$'
            '7bfbeca6e1e46c923d8c3827b6503bf907cab0deb858e1058e6d74546f629fa1'
            '23547ac8a787f930c4386c82004a3660f4f18a1094fe20a257220601d1faa755'
        ),
        '5d5e2faf3d78defb635c8428041aef27c0aad397ce67215275df82b10e5ba617',
    ),
)
