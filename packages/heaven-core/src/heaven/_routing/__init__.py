"""Routes and hooks: what a path means. This room knows nothing of HTTP."""
