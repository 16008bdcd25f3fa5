"""The settings of a run: `[tool.convlint]` of the nearest pyproject.toml, and what the command line adds."""

from convlint.config.error import ConfigError
from convlint.config.inputs import parse_input
from convlint.config.load import Config, load_config
from convlint.config.schema import ModelEntry, Settings, VerifySettings

__all__ = ["Config", "ConfigError", "ModelEntry", "Settings", "VerifySettings", "load_config", "parse_input"]
