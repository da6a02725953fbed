"""The course of one request in the plainest words there are: hooks, a handler, ERROR handlers, and what becomes of it.

A case is plain data. What a function does is one word of `ACTIONS`: it sets something, raises something, or waits until
the request is cancelled or the client has left. A failure is the name of its exception. `tell(case)` goes through the
steps of the contract one by one, and says what must be seen from outside.

    case = {
        'ask': 'route',                                  # or 'missing', 'method', 'query', 'large', 'target'
        'hooks': [{'name': 'a', 'place': 'BEFORE', 'pattern': '/*', 'first': 'pass'}, ...],
        'handler': 'out',
        'errors': {500: 'body', 'Ward': 'abort'},        # by status, or by the name of a class
    }

A hook of the place 'BEFORE', or of the route ('route'), that has a `second` goes around: `first` is done before its
`yield`, `second` after it, and `swallows` says whether it lets what is raised at its `yield` go. `ends` says that it
ends before its `yield`. 'AFTER' and 'ALWAYS' are AFTER hooks, the latter with `always=True`.
"""

ACTIONS = {
    # action: (the status that it sets, the body that it sets, what it raises)
    'pass': (None, None, None),
    'header': (None, None, None),
    'status': (202, None, None),
    'body': (None, 'set', None),
    'out': (418, 'out', None),
    'unsendable': (201, 'unsendable', None),
    'ward': (None, None, 'Ward'),
    'bed': (None, None, 'Bed'),
    'abort': (None, None, 'Abort 403'),
    'abort with body': (None, None, 'Abort 409'),
    'set and abort': (418, 'out', 'Abort 403'),
    'client error': (None, None, 'ClientError'),
    'returns': (None, None, 'TypeError'),
    'wait': (None, None, 'CancelledError'),
    'leave': (None, None, 'Disconnected'),
    'twice': (None, None, 'RuntimeError'),
}
CLASSES = {
    # failure: the classes it is of, nearest first
    'Ward': ['Ward', 'Exception'],
    'Bed': ['Bed', 'Ward', 'Exception'],
    'TypeError': ['TypeError', 'Exception'],
    'RuntimeError': ['RuntimeError', 'Exception'],
    'Abort 403': ['Abort'],
    'Abort 409': ['Abort'],
    'ClientError': ['ClientError'],
    'TooLarge': ['TooLarge', 'ClientError'],
    'wrong target': ['ClientError'],
    'wrong query': ['ClientError'],
}
# A failure that is an answer: the status, and the body if there is one. '...' is what Heaven says in its own words.
ANSWERS = {
    'Abort 403': (403, None),
    'Abort 409': (409, 'taken'),
    'ClientError': (400, 'no'),
    'TooLarge': (413, '...'),
    'wrong target': (400, '...'),
    'wrong query': (400, '...'),
}
PHRASES = {403: 'Forbidden', 404: 'Not Found', 405: 'Method Not Allowed', 500: 'Internal Server Error'}
BROADEST_FIRST = ['/*', '/a/*', '/a/b']
COVERING = {'missing': ['/*', '/a/*'], 'target': []}  # of what is asked for; the rest is /a/b


def is_expected(failure):
    return failure in ANSWERS


def is_interruption(failure):
    return failure in ('CancelledError', 'Disconnected')


class Course:
    """What one request comes to: `trace`, `status` and `body` (None if nothing is sent), `logged`, `raised`."""

    def __init__(self, case):
        self.case = case
        self.status, self.body = 200, None
        self.answered = False  # a status or a body was set
        self.failure = None  # what is raised at every `yield`; `res.error`
        self.unhandled = None  # what goes on through the middlewares
        self.entered = []  # around-hooks that reached their yield
        self.deferred = False
        self.trace, self.logged, self.raised = [], [], []

    # what functions do

    def note(self, *what):
        """Every function notes where it is, and the status, the body and the error that it sees there."""
        self.trace.append((*what, self.status, self.body, self.failure))

    def do(self, action):
        """Do what a function does; give what it raises."""
        status, body, failure = ACTIONS[action]
        if status is not None:
            self.status, self.answered = status, True
        if body is not None:
            self.body, self.answered = body, True
        return failure

    # which hooks there are

    def covering(self):
        """The hooks of this request: the broadest pattern first, those of the route last."""
        asked = self.case['ask']
        patterns = COVERING.get(asked, BROADEST_FIRST)
        hooks = [hook for pattern in patterns for hook in self.case['hooks'] if hook['pattern'] == pattern]
        if asked == 'target':
            return [hook for hook in self.case['hooks'] if hook['place'] == 'ALWAYS' and hook['pattern'] == '/*']
        if asked not in ('missing', 'method'):
            hooks += [hook for hook in self.case['hooks'] if hook['place'] == 'route']
        return hooks

    # steps 2 to 6

    def inside(self, hooks):
        """Go through the steps that may fail; give the failure."""
        if self.case['ask'] == 'target':
            return 'wrong target'
        if self.case['ask'] == 'large':
            return 'TooLarge'
        for hook in hooks:
            if hook['place'] in ('BEFORE', 'route'):
                failure = self.before(hook)
                if failure:
                    return failure
                if self.answered:
                    break
        else:
            failure = self.handle()
            if failure:
                return failure
        for hook in reversed(hooks):
            if hook['place'] == 'AFTER':
                self.note(hook['name'], 'in')
                failure = self.do(hook['first'])
                if failure:
                    return failure
        return None

    def before(self, hook):
        """Run a BEFORE, or the first half of one that goes around."""
        self.note(hook['name'], 'in')
        failure = self.do(hook['first'])
        if failure or 'second' not in hook:
            return failure
        if not hook.get('ends'):
            self.entered.append(hook)
        elif not self.answered:
            return 'RuntimeError'
        return None

    def handle(self):
        """Run the handler, or answer for what has no route."""
        status = {'missing': 404, 'method': 405}.get(self.case['ask'])
        if status:
            return self.no_route(status)
        if self.case['ask'] == 'query':
            return 'wrong query'
        self.note('handler', 'in')
        self.deferred = True
        return self.do(self.case['handler'])

    def no_route(self, status):
        """A 404 or 405 asks ERROR. It is no failure, unless who is asked fails."""
        self.status, self.answered = status, True
        if status not in self.case['errors']:
            self.body = PHRASES[status]
            return None
        self.note('ERROR', status)
        failure = self.do(self.case['errors'][status])
        if failure:
            self.asked_before = [status]
        return failure

    asked_before = ()  # ERROR handlers that have failed when the failure comes up

    # from a failure to its answer

    def fail(self, failure, replaces=False):
        """Take note of a failure; `replaces` says that it was raised by somebody who saw the one before."""
        asked, self.asked_before = self.asked_before, ()
        if is_interruption(self.failure):
            # Nobody waits for an answer any more.
            if failure == 'CancelledError':
                self.failure = failure
            elif not is_interruption(failure) and not is_expected(failure):
                self.logged.append(failure)
            return
        if is_interruption(failure):
            self.failure = failure
            return
        goes_on = self.ask(failure, list(asked))
        if goes_on is None:
            if replaces:
                self.unhandled = None
            return
        if self.unhandled:
            self.logged.append(self.unhandled)
        self.unhandled = goes_on

    def ask(self, failure, asked):
        """Ask the ERROR handlers of a failure; give what goes on: what nobody expected, and no class answered for."""
        if asked and not is_expected(failure):
            self.answer_plainly(failure)
            return failure
        goes_on = None
        while True:
            self.failure = failure
            self.status, body = ANSWERS.get(failure, (500, None))
            self.body, self.answered = None, True
            keys = CLASSES[failure][:]
            if not (failure.startswith('Abort') and body):
                keys.append(self.status)
            key = next((key for key in keys if key in self.case['errors'] and key not in asked), None)
            if not is_expected(failure) and not isinstance(key, str):
                goes_on = failure
            if key is None:
                self.body = body or PHRASES[self.status]
                return goes_on
            asked.append(key)
            self.note('ERROR', key)
            another = self.do(self.case['errors'][key])
            if another is None:
                return goes_on
            if is_expected(another):
                failure = another
                continue
            lost = goes_on if is_expected(failure) else failure
            if is_interruption(another):
                self.failure = another
                return lost
            if lost:
                self.logged.append(lost)
            self.answer_plainly(another)
            return another

    def answer_plainly(self, failure):
        self.failure, self.status, self.body, self.answered = failure, 500, PHRASES[500], True

    # step 7

    def end(self, hooks):
        """Run what must always run, the last to begin first."""
        for hook in reversed(hooks):
            if hook['place'] == 'ALWAYS':
                self.note(hook['name'], 'in')
                failure = self.do(hook['first'])
                if failure:
                    self.fail(failure)
            elif hook in self.entered:
                self.second_half(hook)

    def second_half(self, hook):
        raised = self.failure
        self.note(hook['name'], 'out')
        self.answered = False
        failure = self.do(hook['second'])
        if failure:
            self.fail(failure, replaces=True)
        elif raised and hook['swallows'] and self.answered and not is_interruption(raised):
            self.failure = self.unhandled = None

    # steps 8 and 9

    def send(self):
        if not is_interruption(self.failure):
            self.encode()
        if self.unhandled:
            self.logged.append(self.unhandled)
        if is_interruption(self.failure):
            self.status = self.body = None
            if self.failure == 'CancelledError':
                self.raised.append(self.failure)
        elif self.unhandled:
            self.raised.append(self.unhandled)
        elif self.deferred and self.status != 500:
            self.trace.append(('deferred',))

    def encode(self):
        """What cannot be encoded is a failure; where it was to answer one, the plain 500 follows."""
        if self.body == 'unsendable' and self.failure is None:
            self.fail('TypeError')
        if self.body == 'unsendable' and not is_interruption(self.failure):
            lost = self.unhandled or self.failure
            if not is_expected(lost):
                self.logged.append(lost)
            self.unhandled = 'TypeError'
            self.answer_plainly('TypeError')


def tell(case):
    """The whole course of one request."""
    course = Course(case)
    hooks = course.covering()
    failure = course.inside(hooks)
    if failure:
        course.fail(failure)
    course.end(hooks)
    course.send()
    return course
