"""What can go wrong with a record, in the clinic's own words; controllers/errors.py turns them into responses."""


class Invalid(Exception):
    """Something sent cannot be kept: `fields` says what is wrong with each."""

    def __init__(self, fields: dict[str, str]) -> None:
        super().__init__('; '.join(f'{name} {problem}' for name, problem in fields.items()))
        self.fields = fields


class NoSuch(Exception):
    """A record that is not there, or not any more."""

    def __init__(self, kind: str, id: object) -> None:
        super().__init__(f'There is no {kind} {id}.')


class Busy(Exception):
    """The database is used by somebody else for longer than it was waited; later it may work."""

    def __init__(self) -> None:
        super().__init__('The clinic is busy. Please try again in a moment.')


class NoRoom(Exception):
    """The disk is full, so that nothing more can be kept."""

    def __init__(self) -> None:
        super().__init__('The clinic has no room left to keep this.')


class Conflict(Exception):
    """A value that only one record may have, and another has it already."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f'The {field} {problem}.')
        self.fields = {field: problem}
