"""A contact centre that works and misbehaves: demonstration, benchmarks, tests. Imported by the commands only."""
