"""`python account.py ada doctor` makes an account, or gives it another role, password and key."""

import argparse
import asyncio
from getpass import getpass

from app import app
from store import accounts
from store.connecting import opened


async def save(name: str, role: str, password: str) -> str:
    """Save an account and return a key for its programs; those that it had hold no longer."""
    async with opened(app.CONFIG('DATABASE')) as db:
        if role == 'gone':
            await accounts.remove(db, name)
            return ''
        account = await accounts.save(db, name, role, password)
        return await accounts.give_key(db, account['id'], lasts=None)


def main() -> None:
    parser = argparse.ArgumentParser(prog='account.py', description=__doc__)
    parser.add_argument('name')
    parser.add_argument('role', choices=[*accounts.ROLES, 'gone'], help='`gone` removes the account')
    given = parser.parse_args()
    password = '' if given.role == 'gone' else getpass(f'A password for {given.name}, of 12 letters or more: ')
    if given.role != 'gone' and len(password) < 12:
        parser.error('the password has fewer than 12 letters')
    key = asyncio.run(save(given.name, given.role, password))
    if key:
        print(f'The key for programs, shown only now:\n  Authorization: Bearer {key}')


if __name__ == '__main__':
    main()
