"""DVSNet for ROS 2: semantic segmentation of a camera drive, region by region, by two paths."""

from pkgutil import extend_path

__version__ = "0.1.0"

# The generated messages (dvsnet_ros.msg) lie in the environment's site-packages, the source tree
# of an editable install beside it: both are this package.
__path__ = extend_path(__path__, __name__)
