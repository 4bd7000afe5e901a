"""`dvsnet report`: one page that says what a drive was put through, and which target to choose."""

from dvsnet_ros.commands.report.command import parser, run

__all__ = ["parser", "run"]
