"""What can go wrong with a record, in the clinic's own words; controllers/errors.py turns them into responses."""

import errno


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


class Away(Exception):
    """The database does not answer; as soon as it does, everything works again."""

    def __init__(self) -> None:
        super().__init__('The clinic cannot reach its records. Please try again in a moment.')


class NoRoom(Exception):
    """The disk is full, so that nothing more can be kept."""

    def __init__(self) -> None:
        super().__init__('The clinic has no room left to keep this.')


class Conflict(Exception):
    """A value that only one record may have, and another has it already."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f'The {field} {problem}.')
        self.fields = {field: problem}


FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def explained(error: BaseException) -> BaseException:
    """Put a full disk, met while a file is saved, into the clinic's words."""
    if isinstance(error, OSError) and error.errno in FULL:
        return NoRoom()
    return error
