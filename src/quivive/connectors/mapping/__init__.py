"""The mapping engine: a YAML file says how a foreign record becomes a row of the API."""
