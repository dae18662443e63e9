"""What leaves for others' systems: OCSF, CEF over syslog, signed webhooks (docs/outputs.md)."""
