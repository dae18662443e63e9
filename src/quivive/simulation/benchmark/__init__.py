"""A labelled contact centre generated at once, the runner that judges it, and the measures (issue 3 item 3)."""
