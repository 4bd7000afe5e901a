"""The DVSNet pipeline itself: networks, regions, warping, schedule, video segmenter, checkpoints.

Nothing in this room knows ROS. `label_sets`, `precisions`, `regions`, `schedule` and `sentences` do
not import torch either, so that the rooms above can use them cheaply; this file imports nothing for
the same reason.
"""
