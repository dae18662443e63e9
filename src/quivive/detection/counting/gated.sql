-- Establishments where an agent may be named by the asked modules, all of them active.
SELECT employer, establishment FROM gate_state
WHERE state = 'active' AND list_contains($modules, module)
GROUP BY employer, establishment HAVING COUNT(DISTINCT module) = $module_count
