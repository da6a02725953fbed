"""The command `heaven`: finding an app, and telling of it."""
