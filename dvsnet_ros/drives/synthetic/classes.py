"""The classes of the synthetic street: ids of CamVid's label set."""

from dvsnet_ros.core.label_sets import CAMVID, VOID_LABEL

SKY, BUILDING, POLE, ROAD, PAVEMENT, TREE, SIGN, FENCE, CAR, PEDESTRIAN, BICYCLIST = range(
    len(CAMVID.classes)
)
VOID = VOID_LABEL
