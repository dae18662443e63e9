-- Gate states: what may be shown of whom.
SELECT employer, establishment, module, state, reference, demonstration FROM gate_state
ORDER BY employer, establishment, module
