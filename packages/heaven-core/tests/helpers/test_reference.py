"""The models are right where the contract gives the answer itself."""

import pytest
from reference import chain, covers, route


@pytest.mark.parametrize(
    'routes, path, index',
    [
        (['/a/b/c', '/a/:x/d'], '/a/b/d', 1),
        (['/:x', '/a/*', '/a'], '/a', 2),
        (['/:x', '/a/*'], '/a', 1),
        (['/:x', '/b/*'], '/a', 0),
        (['/:x', '/:x:int'], '/7', 1),
        (['/*', '/:x'], '/a/b', 0),
    ],
)
def test_the_router_of_the_models(routes, path, index):
    assert route([('GET', pattern) for pattern in routes], 'GET', path)[1] == index


@pytest.mark.parametrize(
    'pattern, path, covered',
    [
        ('/users/*', '/users', True),
        ('/users/*', '/users/', True),
        ('/users/*', '/users/7/visits', True),
        ('/users/*', '/usersx', False),
        ('/admin/*', '/admin%2Fkeys', True),
        ('/admin/*', '/public/../admin/keys', False),
        ('/admin/*', '/admin/./keys', False),
        ('/*', '/public/%2e%2e/admin', True),
        ('/admin/:page', '/admin//', False),
        ('/admin/:page', '/admin//x', True),
        ('/:a/b', '//b', False),
        ('/admin/keys', '//admin%2F%2Fkeys', True),
        ('/admin/*', '//admin', True),
        ('/admin', '/%61dmin', True),
        ('/admin', '/%2561dmin', False),
        ('/users/:id:int', '/users/x', False),
        ('/', '/', True),
        ('/', '/a', False),
    ],
)
def test_the_hooks_of_the_models(pattern, path, covered):
    assert covers(pattern, path) is covered


@pytest.mark.parametrize('path', ['/.', '/a/../b', '/%2e%2E/b', '/a%2F..', '/b//./'])
def test_a_path_with_dots_is_no_path_to_the_models(path):
    assert route([('GET', '/*')], 'GET', path)[0] == 400
    assert chain([('/*', 1, None)], 'GET', path) == []


def test_the_order_of_the_models():
    hooks = [('/a/b', 1, None), ('/a/*', 2, None), ('/a/:x', 3, None), ('/*', 4, ['POST']), ('/a/:y', 3, ['GET'])]
    assert chain(hooks, 'GET', '/a/b') == [2, 3, 1]
