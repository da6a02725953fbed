"""A blog: people register, log in and write posts, which only they can change."""

import os
import secrets
from pathlib import Path

from heaven import STARTUP, App
from pages import messages

CONFIG = {
    'DATABASE': os.environ.get('BLOG_DB', Path(__file__).with_name('blog.db')),
    'SCRYPT': {'n': 2**14, 'r': 8, 'p': 5},  # what hashing a password costs: 16 MiB and a good part of a second
}

app = App(CONFIG)
app.sessions(os.environ.get('SECRET_KEY') or secrets.token_urlsafe(32))  # a new one logs everybody out
app.TEMPLATES('templates', relative_to=__file__, context=[messages])
app.ASSETS('assets', relative_to=__file__)
app.ON(STARTUP, 'database.prepare')

site = app.group('/', before=['database.connect', 'accounts.find_user'])
site.GET('/', 'posts.list_posts', name='posts')

accounts = site.group('/accounts')
accounts.GET('/register', 'accounts.registration_page', name='register')
accounts.POST('/register', 'accounts.register')
accounts.GET('/login', 'accounts.login_page', name='log_in')
accounts.POST('/login', 'accounts.log_in')
accounts.POST('/logout', 'accounts.log_out', name='log_out')

writing = site.group('/posts', before='accounts.log_in_first')
writing.GET('/new', 'posts.new_page', name='new_post')
writing.POST('/new', 'posts.add')

post = writing.group('/:id:int', before='posts.find_own')
post.GET('/', 'posts.edit_page', name='post')
post.POST('/', 'posts.change')
post.POST('/delete', 'posts.delete', name='delete_post')
