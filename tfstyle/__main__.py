"""`python -m tfstyle` is the program `tfstyle`."""

from tfstyle import cli

if __name__ == "__main__":
    cli.run()
