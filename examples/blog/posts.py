"""Posts: everybody reads them, and their authors change and delete them."""

from database import one
from heaven import Context, Request, Response
from pages import refuse, tell, text

ALL = """
    SELECT posts.*, users.name FROM posts JOIN users ON users.id = posts.author
    ORDER BY posts.created DESC, posts.id DESC
"""


async def find_own(req: Request, res: Response, ctx: Context) -> None:
    """Keep the post that the path names as `ctx.post`, if it is that of who is logged in."""
    id = str(req.params['id'])  # SQLite compares it as a number; one of more than 64 bits would be refused
    ctx.post = await one(ctx.db, 'SELECT * FROM posts WHERE id = ?', id)
    if ctx.post is None:
        res.abort(404, 'There is no such post.')
    if ctx.post['author'] != ctx.user['id']:
        res.abort(403, "This post is somebody else's.")


async def list_posts(req: Request, res: Response, ctx: Context) -> None:
    await res.render('posts.html', posts=await ctx.db.execute_fetchall(ALL))


async def new_page(req: Request, res: Response, ctx: Context) -> None:
    await res.render('new_post.html', sent={'title': '', 'body': ''})


async def edit_page(req: Request, res: Response, ctx: Context) -> None:
    await res.render('edit_post.html', sent=ctx.post)


async def add(req: Request, res: Response, ctx: Context) -> None:
    title, body = text(req, 'title').strip(), text(req, 'body')
    if not title:
        await refuse(res, ctx, 422, 'A title is required.', 'new_post.html', sent=req.form)
        return
    row = (ctx.user['id'], title, body)
    await ctx.db.execute('INSERT INTO posts (author, title, body) VALUES (?, ?, ?)', row)
    res.redirect(req.url_for('posts'))


async def change(req: Request, res: Response, ctx: Context) -> None:
    title, body = text(req, 'title').strip(), text(req, 'body')
    if not title:
        await refuse(res, ctx, 422, 'A title is required.', 'edit_post.html', sent=req.form)
        return
    await ctx.db.execute('UPDATE posts SET title = ?, body = ? WHERE id = ?', (title, body, ctx.post['id']))
    res.redirect(req.url_for('posts'))


async def delete(req: Request, res: Response, ctx: Context) -> None:
    await ctx.db.execute('DELETE FROM posts WHERE id = ?', [ctx.post['id']])
    tell(ctx, f'“{ctx.post["title"]}” is deleted.')
    res.redirect(req.url_for('posts'))
