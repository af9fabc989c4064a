"""The workshop's own rules and storage, without any web page: what staff see, teach, measure and switch.

| module | holds |
|---|---|
| ``schema`` | the tables and their migrations |
| ``storage`` | the database: SQLite by default, PostgreSQL by a URL |
| ``events`` | what an answered exchange and a vote leave behind |
| ``recorder`` | the background writer that never slows a citizen |
| ``accounts`` | who may enter: roles, passwords, slowed attempts, sessions |
| ``audit`` | the journal of who did what, chained so that tampering shows |
| ``workspace`` | one writer at a time, all or nothing, a commit per change |
| ``corpus_editor``, ``topic_editor``, ``record_editor`` | the YAML files (``yaml_records``); ``kinds`` tables what a person may set |
| ``drafts`` | edits that wait, published and taken back as one batch |
| ``rehearsal`` | a version that waits, talked to beside the public one |
| ``linting`` | what is to be said of a draft while it is typed |
| ``models`` | the registry: go live, go back |
| ``trainings`` | the queue, run in subprocesses (``candidate``, ``work_folders``, ``lifeline``) |
| ``comparison``, ``gate`` | a candidate beside the live model, and whether it may go live |
| ``moves`` | messages of the last month that a candidate sends to another door |
| ``exam`` | messages of the public that judge models, and that no page shows |
| ``review``, ``publication`` | what is to be said against edits, before any model learns from them |
"""
