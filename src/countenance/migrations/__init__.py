"""Alembic migrations, run by countenance.database."""
