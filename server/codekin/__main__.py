"""`python -m codekin`, for where the folder of scripts is not on the path."""

from codekin.cli import main

if __name__ == "__main__":
    main()
