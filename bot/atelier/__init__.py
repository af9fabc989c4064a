"""The workshop's own rules and storage, without any web page: what staff see, teach, measure and switch.

| module | holds |
|---|---|
| ``schema`` | the tables and their migrations |
| ``storage`` | the database: SQLite by default, PostgreSQL by a URL |
| ``events`` | what an answered exchange and a vote leave behind |
| ``recorder`` | the background writer that never slows a citizen |
| ``accounts`` | who may enter: roles, passwords, slowed attempts, sessions |
| ``audit`` | the journal of who did what, chained so that tampering shows |
"""
