"""The context of a request: what hooks and handlers leave for one another."""

import pytest
from asks import ask, raised, see
from heaven import App, Context, Key


@pytest.fixture
def ctx():
    return Context()


def test_what_is_kept_is_peeked_at_read_and_let_go(ctx):
    assert ctx.peek('user') is None and ctx.peek('user', 7) == 7 and 'user' not in ctx
    ctx.keep('user', 'ann')
    assert ctx.peek('user') == ctx.user == 'ann' and 'user' in ctx
    ctx.user = 'bob'
    assert ctx.peek('user', 7) == ctx.user == 'bob'
    assert ctx.unkeep('user') == 'bob' and 'user' not in ctx
    with pytest.raises(KeyError, match='user'):
        ctx.unkeep('user')


def test_none_is_a_value_like_another(ctx):
    ctx.user = None
    assert 'user' in ctx and ctx.user is None and ctx.peek('user', 7) is None


def test_a_typed_key_stands_in_place_of_a_string(ctx):
    user = Key[str]('user')
    assert user not in ctx and ctx.peek(user) is None and ctx.peek(user, 'x') == 'x'
    ctx.keep(user, 'ann')
    assert user in ctx and ctx.peek(user) == 'ann'
    assert ctx.unkeep(user) == 'ann' and user not in ctx


def test_an_absent_attribute_names_itself_and_what_is_there(ctx):
    ctx.user, ctx.basket = 'ann', []
    with pytest.raises(AttributeError) as caught:
        ctx.usr
    assert all(word in str(caught.value) for word in ('usr', 'user', 'basket'))
    assert getattr(ctx, 'usr', 'default') == 'default' and not hasattr(ctx, 'usr')


def test_an_absent_attribute_of_an_empty_context_is_an_error_too(ctx):
    with pytest.raises(AttributeError, match='user'):
        ctx.user


@pytest.mark.parametrize('name', ['session', 'app', 'request', 'response', 'headers', 'cookies'])
def test_reserved_names_cannot_be_assigned(ctx, name):
    with pytest.raises((AttributeError, ValueError), match=name):
        setattr(ctx, name, 1)
    assert name not in ctx


@pytest.mark.parametrize('name', ['session', 'app', 'request', 'keep'])
def test_reserved_names_are_not_there_to_be_peeked_at_or_removed(ctx, name):
    assert ctx.peek(name, 7) == 7
    with pytest.raises(AttributeError, match=f'ctx.{name} is reserved'):
        ctx.unkeep(name)


def test_a_hook_leaves_something_for_the_handler_and_the_next_request_does_not_see_it():
    app, seen = App(), []

    def hook(req, res, ctx):
        seen.append('user' in ctx)
        ctx.user = req.queries.get('user')

    def handler(req, res, ctx):
        res.body = ctx.user

    app.BEFORE('/*', hook)
    app.GET('/', handler)
    assert [ask(app, 'GET', f'/?user={name}').text for name in ('ann', 'bob')] == ['ann', 'bob']
    assert seen == [False, False]


def test_the_three_arguments_are_of_the_three_classes():
    from heaven import Request, Response

    kinds = []
    ask(lambda req, res, ctx: kinds.append((type(req), type(res), type(ctx))))
    assert kinds == [(Request, Response, Context)]


def test_a_missing_attribute_nobody_catches_is_a_500():
    def handler(req, res, ctx):
        res.body = ctx.user

    assert ask(handler).status == 500
    assert isinstance(raised(lambda req, res, ctx: ctx.user), AttributeError)
    assert see(lambda req: 1) == 1


@pytest.mark.parametrize('name', ['keep', 'peek', 'unkeep'])
def test_the_verbs_are_no_names_to_keep_a_value_under(name):
    with pytest.raises(AttributeError, match='reserved'):
        Context().keep(name, 1)


def test_the_reserved_names_are_there_for_those_who_look_at_the_class():
    names = ['app', 'cookies', 'headers', 'request', 'response', 'session']
    assert all(hasattr(Context, name) and name in dir(Context) for name in names)
