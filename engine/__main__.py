"""`python -P -m engine`: the same as the command `controlroom`."""

from engine.cli.main import main

if __name__ == "__main__":
    main()
