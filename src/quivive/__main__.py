"""`python -m quivive`: the same commands as `quivive`."""

from quivive.cli import main

if __name__ == "__main__":
    main()
