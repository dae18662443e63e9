-- Parts of detection that somebody turned on or off, and the reference behind it. One never set is off.
SELECT switch, is_on, reference, demonstration, version AS set_at FROM switch_state ORDER BY switch
