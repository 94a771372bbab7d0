"""`python -m oversight`: the command line, where its script is not on the path."""

from oversight.cli import main

if __name__ == "__main__":
    main()
