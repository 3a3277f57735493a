"""`python -m codekin`, for where the folder of scripts is not on the path; best as `python -I -m codekin`."""

from codekin.cli import main

if __name__ == "__main__":
    main()
