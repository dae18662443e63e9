"""The core process: the only writer outside the spools (DESIGN §3). Composes; decides nothing of its own."""
