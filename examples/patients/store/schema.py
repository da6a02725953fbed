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
