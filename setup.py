"""What a package index shows: README.md with absolute links, and links to the repository.

Everything else is in setup.cfg.
"""

import configparser
import pathlib
import re

import setuptools

ROOT = pathlib.Path(__file__).parent
PICTURES = (".jpg", ".png", ".webp")


def absolute(text: str, url: str) -> str:
    """The text with links to files of the repository at `url`."""

    def linked(match):
        start, path = match.groups()
        kind = "raw" if path.endswith(PICTURES) else "blob"
        return f"{start}{url}/{kind}/main/{path}"

    return re.sub(r'(\]\(|src="|href="|srcset=")(?!https?:|#|mailto:)([^)"\s]+)', linked, text)


def main():
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg", "utf-8")
    url = config["metadata"]["url"]
    setuptools.setup(
        long_description=absolute((ROOT / "README.md").read_text("utf-8"), url),
        long_description_content_type="text/markdown",
        project_urls={
            "Documentation": f"{url}/tree/main/docs",
            "Changelog": f"{url}/blob/main/CHANGELOG.md",
            "Issues": f"{url}/issues",
        },
    )


if __name__ == "__main__":
    main()
