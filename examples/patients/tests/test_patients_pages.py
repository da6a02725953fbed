"""The pages for people, as a browser without scripts would use them."""

import re

import httpx
import pytest
from heaven_testing import Client

ADA = {'number': 'X-1', 'name': 'Ada Obi', 'born': '1990-05-01', 'phone': '', 'email': '', 'notes': ''}
HOSTILE = '<script>alert(1)</script>'


@pytest.fixture
def client(stranger: Client) -> Client:
    """Ask as a doctor who has logged in."""
    stranger.post('/login', data={'name': 'doctor', 'password': 'demo-doctor'})
    return stranger


def test_the_list_shows_everyone_and_a_search_the_found(client: httpx.Client) -> None:
    page = client.get('/', follow_redirects=True)
    assert (page.status_code, page.url.path) == (200, '/patients')
    assert page.headers['content-type'] == 'text/html; charset=utf-8'
    assert page.headers['cache-control'] == 'private, no-cache'
    assert page.text.count('<tr>') == 8
    found = client.get('/patients?q=chloe').text
    assert ('Chloé Martin' in found, 'Amara' in found, 'value="chloe"' in found) == (True, False, True)


def test_htmx_gets_the_found_alone_and_a_restored_page_whole(client: httpx.Client) -> None:
    part = client.get('/patients?q=chloe', headers={'hx-request': 'true'})
    assert 'Chloé Martin' in part.text
    assert '<html' not in part.text
    assert 'hx-request' in part.headers['vary'].split(', ')
    restored = client.get('/patients', headers={'hx-request': 'true', 'hx-history-restore-request': 'true'})
    assert '<html' in restored.text


def test_a_patient_is_added_edited_and_deleted_through_forms(client: httpx.Client) -> None:
    added = client.post('/patients', data=ADA)
    assert added.status_code == 303
    where = added.headers['location']
    assert '<h1>Ada Obi' in client.get(where).text
    assert 'value="Ada Obi"' in client.get(f'{where}/edit').text
    assert client.post(where, data=ADA | {'name': 'Ada King'}).headers['location'] == where
    assert '<h1>Ada King' in client.get(where).text
    assert client.post(f'{where}/delete').headers['location'] == '/patients'
    assert client.get(where).status_code == 404


@pytest.mark.parametrize('where', ['/patients', '/patients/2'])
def test_a_refused_form_comes_back_with_what_was_typed_and_why_not(client: httpx.Client, where: str) -> None:
    answer = client.post(where, data=ADA | {'born': 'May', 'name': HOSTILE, 'number': 'C-1001'})
    assert answer.status_code == 422
    assert 'Date of birth must be a date such as 1970-12-31.' in answer.text
    assert 'value="&lt;script&gt;alert(1)&lt;/script&gt;"' in answer.text
    taken = client.post(where, data=ADA | {'number': 'C-1001'})
    assert (taken.status_code, 'Number is taken by another patient.' in taken.text) == (422, True)


def test_nothing_that_was_typed_becomes_markup(client: httpx.Client) -> None:
    where = client.post('/patients', data=ADA | {'name': HOSTILE, 'notes': HOSTILE}).headers['location']
    client.post(f'{where}/visits', data={'at': '2026-03-01T09:30', 'reason': HOSTILE, 'notes': HOSTILE})
    client.post(f'{where}/documents', files={'document': ('<script>alert(1)<script>.txt', b'x')})
    client.post(f'{where}/arrive')
    for page in (where, f'{where}/edit', '/waiting', '/patients', f'/patients?q={HOSTILE}'):
        answer = client.get(page)
        assert (answer.status_code, '<script>alert' in answer.text) == (200, False), page
        assert answer.headers['content-security-policy'].startswith("default-src 'self'")


def test_visits_documents_and_arrivals_have_their_forms(client: httpx.Client) -> None:
    client.post('/patients/1/visits', data={'at': '2026-03-01T09:30', 'reason': 'Sore throat'})
    client.post('/patients/1/documents', files={'document': ('scan.pdf', b'x')})
    assert client.post('/patients/1/arrive').headers['location'] == '/waiting'
    page = client.get('/patients/1').text
    assert all(word in page for word in ('Sore throat', '2026-03-01 09:30', 'scan.pdf', 'Waiting since'))
    waiting = client.get('/waiting').text
    assert 'Amara Okafor' in waiting
    forms = re.findall(
        r'action="(/(?:patients/1/(?:visits|documents)/\d+/delete|waiting/[1-9]\d*/called))"', page + waiting
    )
    assert len(forms) == 5
    assert {client.post(form).headers['location'] for form in forms} == {'/patients/1'}
    page = client.get('/patients/1').text
    assert all(word in page for word in ('No visits yet', 'No documents yet', 'Has arrived'))


def test_refused_visits_and_documents_say_why_on_the_page_of_the_patient(client: httpx.Client) -> None:
    visit = client.post('/patients/1/visits', data={'at': '', 'reason': ''})
    assert (visit.status_code, 'Time is required.' in visit.text) == (422, True)
    document = client.post('/patients/1/documents', files={'document': ('', b'')})
    assert (document.status_code, 'It must be a file.' in document.text) == (422, True)


def test_errors_are_pages_for_browsers_and_json_for_others(client: httpx.Client) -> None:
    browser = {'accept': 'text/html,application/xhtml+xml;q=0.9'}
    for path in ('/patients/999', '/nothing', '/patients?page=x'):
        answer = client.get(path, headers=browser)
        assert answer.headers['content-type'].startswith('text/html')
        assert f'>{answer.status_code}<' in answer.text
        assert client.get(path).json()['error']


def test_a_page_of_another_site_cannot_post_a_form(client: httpx.Client) -> None:
    for where in ('/patients', '/patients/1/delete', '/patients/1/arrive', '/patients//1/delete', '/x/../patients'):
        answer = client.post(where, data=ADA, headers={'origin': 'https://evil.example'})
        assert answer.status_code == 403
    assert client.get('/v1/patients').json()['total'] == 7


def test_every_asset_of_a_page_is_served_by_the_clinic_itself(client: httpx.Client) -> None:
    assets = re.findall(r'(?:src|href)="([^"]*\.(?:js|css|svg)[^"]*)"', client.get('/patients').text)
    assert len(assets) >= 4
    for asset in assets:
        answer = client.get(asset)
        assert (asset[0], answer.status_code, len(answer.content) > 100) == ('/', 200, True)
        assert answer.headers['x-content-type-options'] == 'nosniff'
        assert answer.headers['cache-control'] == 'public, max-age=31536000, immutable'
