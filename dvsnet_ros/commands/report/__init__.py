"""`dvsnet report`: one page that says what a drive was put through, and which target to choose."""

from dvsnet_ros.commands.report.command import run

__all__ = ["run"]
