"""Access logs of web servers: nginx, Apache, HAProxy; URLs become records by patterns (docs/access-logs.md)."""
