"""A live room: who stands behind it, what machines made is shown in it, and what is kept of it."""
