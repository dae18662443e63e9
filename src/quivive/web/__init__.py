"""The console and the API: pages, JSON twins, intake routes. Reads through `Services`, never through a store."""
