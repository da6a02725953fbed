"""What is measured: the rows, the requests they make, the answers they must get, and the routes of row c."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

ROWS = {
    'a': 'plain text',
    'b': 'one parameter, JSON',
    'b*': 'b, 7,000 rotating paths',
    'c': 'the last of 300 routes',
    'c*': 'c, 7,000 rotating paths',
    'd': '1 KB of JSON in and out',
    'e': '404',
    'f': 'b with one hook before, one after',
    'g': '4 queries, 2 cookies, 3 headers',
}

HEADERS = [
    (b'host', b'127.0.0.1:8000'),
    (b'user-agent', b'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'),
    (b'accept', b'application/json, text/html;q=0.9, */*;q=0.8'),
    (b'accept-language', b'en-GB,en;q=0.7,de;q=0.3'),
    (b'accept-encoding', b'gzip, deflate, br, zstd'),
    (b'referer', b'http://127.0.0.1:8000/patients'),
    (b'authorization', b'Bearer 3f1c9a70b8d24e5f'),
    (b'cookie', b'session=9b1deb4d3b7d; theme=dark'),
    (b'x-request-id', b'7f0a3c52-0d3e-4a57-a5f4-2b9a4f1c7d10'),
    (b'connection', b'keep-alive'),
]

DOCUMENT = {
    'id': 4711,
    'name': {'given': 'Zoë', 'family': 'Lindqvist', 'prefix': None},
    'born': '1984-02-29',
    'address': {'street': '12 Harbour Road', 'city': 'Malmö', 'postcode': '211 20', 'country': 'SE'},
    'contacts': [
        {'kind': 'phone', 'value': '+46 40 555 01 99', 'preferred': True},
        {'kind': 'email', 'value': 'zoe@example.org', 'preferred': False},
    ],
    'visits': [
        {'date': '2026-01-17T09:30:00Z', 'weight': 71.4, 'pulse': 64, 'pressure': [121, 79], 'note': 'Well'},
        {'date': '2026-03-02T11:15:00Z', 'weight': 70.9, 'pulse': 71, 'pressure': [128, 84], 'note': 'Cough, 3 days'},
        {'date': '2026-03-09T08:45:00Z', 'weight': 70.2, 'pulse': 66, 'pressure': [119, 77], 'note': 'Recovered'},
        {
            'date': '2026-09-21T14:00:00Z',
            'weight': 72.0,
            'pulse': 62,
            'pressure': [122, 80],
            'note': 'Yearly check-up; asked about travel vaccines (hepatitis A, typhoid), advised; back in a year',
        },
    ],
    'allergies': ['penicillin', 'birch pollen'],
    'flags': {'active': True, 'insured': True, 'deceased': False, 'consent': [1, 2, 4, 8]},
}
BODY = json.dumps(DOCUMENT, ensure_ascii=False).encode()
POST_HEADERS = [pair for pair in HEADERS if pair[0] not in (b'referer', b'accept-language')] + [
    (b'content-type', b'application/json'),
    (b'content-length', b'%d' % len(BODY)),
]

QUERY = b'page=2&size=50&sort=name&q=lindqvist'
SEARCHED = {
    'page': '2',
    'size': '50',
    'sort': 'name',
    'q': 'lindqvist',
    'session': '9b1deb4d3b7d',
    'theme': 'dark',
    'agent': HEADERS[1][1].decode(),
    'auth': HEADERS[6][1].decode(),
    'request': HEADERS[8][1].decode(),
}

FIXED = """
/ /emojis /events /feeds /gists /gists/public /gists/starred /gitignore/templates /issues /licenses /markdown /meta
/notifications /octocat /organizations /rate_limit /repositories /search/code /search/commits /search/issues
/search/labels /search/repositories /search/topics /search/users /user /user/blocks /user/emails /user/followers
/user/following /user/gpg_keys /user/installations /user/interactions /user/issues /user/keys /user/marketplace
/user/memberships/orgs /user/migrations /user/orgs /user/packages /user/projects /user/public_emails /user/repos
/user/repository_invitations /user/social_accounts /user/ssh_signing_keys /user/starred /user/subscriptions /user/teams
/users /versions /zen /advisories /app /app/hook/config /app/installations /classrooms /codes_of_conduct /enterprises
""".split()
UNDER_REPO = """
actions autolinks branches check-runs codespaces collaborators comments commits contents contributors dependabot
deployments environments forks hooks invitations issues keys labels milestones notifications pages projects pulls
releases rulesets secrets stargazers statuses subscribers tags teams topics traffic
""".split()
UNDER_ORG = """
blocks events failed_invitations hooks installations invitations issues members memberships migrations packages projects
properties repos rulesets secrets teams
""".split()
UNDER_USER = 'events followers following gists gpg_keys keys orgs packages projects received_events repos starred'


def github() -> list[str]:
    """300 routes in the manner of GitHub's API, 242 of them with parameters; parameters are written `:name`."""
    repo, org = '/repos/:owner/:repo', '/orgs/:org'
    routes = list(FIXED)
    for noun in UNDER_REPO:
        routes += [f'{repo}/{noun}', f'{repo}/{noun}/:id', f'{repo}/{noun}/:id/events', f'{repo}/{noun}/latest/:kind']
    for noun in UNDER_ORG:
        routes += [f'{org}/{noun}', f'{org}/{noun}/:id', f'{org}/{noun}/:id/events']
    for noun in UNDER_USER.split():
        routes += [f'/users/:user/{noun}', f'/users/:user/{noun}/:id']
    routes += ['/gists/:gist', '/gists/:gist/comments', '/gists/:gist/comments/:id', '/gists/:gist/commits']
    routes += ['/gists/:gist/forks', '/gists/:gist/star', '/gists/:gist/:sha', '/licenses/:license', repo, org]
    routes += ['/users/:user', '/teams/:team', '/teams/:team/members', '/teams/:team/members/:user']
    routes += ['/teams/:team/repos', '/projects/:project', '/projects/:project/columns', '/gitignore/templates/:name']
    routes += [
        '/projects/:project/collaborators',
        '/projects/:project/collaborators/:user',
        '/projects/columns/:column',
    ]
    routes += ['/teams/:team/discussions', '/teams/:team/discussions/:id', '/teams/:team/discussions/:id/comments']
    routes += ['/networks/:owner/:repo/events', '/advisories/:advisory', '/classrooms/:classroom/assignments']
    routes += ['/app/installations/:id', '/classrooms/:classroom', '/enterprises/:enterprise/teams']
    return [*routes, '/users/:user/subscriptions']


ROUTES = github()
PATHS = 7000


@dataclass
class Row:
    """One kind of request: how it is made, which app serves it, and what the answer is."""

    app: str  # the factory in apps/*.py: small, hooked or many
    paths: list[str]
    answer: Callable[[str], Any]  # of a path: text, a JSON value, or None where any body will do
    status: int = 200
    method: str = 'GET'
    headers: list[tuple[bytes, bytes]] | None = None
    query: bytes = b''
    body: bytes = b''
    sent: tuple[bytes, bytes] | None = None  # a header that the response must carry


def user(path: str) -> Any:
    return {'id': path.split('/')[2], 'active': True}


MANY = [f'/users/{n}' for n in range(10_000, 10_000 + PATHS)]
MANY_LAST = [f'{path}/subscriptions' for path in MANY]
REQUESTS = {
    'a': Row('small', ['/plain'], lambda path: 'Hello, world!'),
    'b': Row('small', MANY[:1], user),
    'b*': Row('small', MANY, user),
    'c': Row('many', MANY_LAST[:1], user),
    'c*': Row('many', MANY_LAST, user),
    'd': Row('small', ['/echo'], lambda path: DOCUMENT, method='POST', headers=POST_HEADERS, body=BODY),
    'e': Row('small', ['/no/such/page'], lambda path: None, status=404),
    'f': Row('hooked', MANY[:1], user, sent=(b'x-user', b'ada')),
    'g': Row('small', ['/search'], lambda path: SEARCHED, query=QUERY),
}
