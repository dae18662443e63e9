"""Tell the relay who acts: a few lines for the application that stands before the customer file (docs/attribution.md).

    from quivive.sdk import acting_as

    with acting_as("camille.r", contact="A-9917"):
        ...  # every statement of this thread or task is attributed

Imported by applications of others: standard library only here, each framework in its own module
(`quivive.sdk.sqlalchemy`, `quivive.sdk.django`, `quivive.sdk.psycopg`). Must never guess an agent, and never let one
agent's statement be attributed to the agent before: without `acting_as` the variables are cleared.
"""

from quivive.sdk.actor import NOBODY, Actor, acting_as, current_actor

__all__ = ["NOBODY", "Actor", "acting_as", "current_actor"]
