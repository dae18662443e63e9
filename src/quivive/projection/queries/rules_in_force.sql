-- Rules in force, and since when in this version. Their texts stand in their files (`detection.rules.load_rules`).
SELECT rule, rule_version, shipped, enabled, version AS since FROM rule_version ORDER BY rule
