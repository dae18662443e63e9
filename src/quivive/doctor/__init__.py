"""`quivive doctor`: what is wrong, what was expected, what to do (docs/doctor.md)."""
