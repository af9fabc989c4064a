"""The Rasa side: thin adapters from Rasa to the core. Nothing here knows a rule of the domain."""

import os

# Rasa reads this at each call: whatever imports our side (a server, a test, ``rasa train``) stays silent.
os.environ.setdefault("RASA_TELEMETRY_ENABLED", "false")
