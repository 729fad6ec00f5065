"""Properties are tested without a deadline: machines are shared, and no test is about time."""

from hypothesis import settings

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
