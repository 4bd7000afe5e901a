"""A drive through a street that is drawn from a seed."""

from dvsnet_ros.drives.synthetic.drive import SyntheticDrive, parse_synthetic

__all__ = ["SyntheticDrive", "parse_synthetic"]
