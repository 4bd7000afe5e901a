"""The explanation of silence."""

import subprocess
import sys

import pytest
from rclpy.node import TopicEndpointInfo
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy

from dvsnet_ros.nodes.silence import (
    PATIENCE,
    REPEAT,
    Listening,
    SilenceWatch,
    describe,
    images_lost,
    loss_advice,
)

IMAGE = "sensor_msgs/msg/Image"
COMPRESSED = "sensor_msgs/msg/CompressedImage"

LYRICAL = """
import sys
import rclpy.node
sys.modules["rclpy.topic_endpoint_info"] = None
import dvsnet_ros.nodes.silence
"""
"""Imports the module where rclpy has no such submodule: it is called `endpoint_info` there."""


def qos(reliability: ReliabilityPolicy) -> QoSProfile:
    return QoSProfile(depth=5, reliability=reliability, durability=DurabilityPolicy.VOLATILE)


RELIABLE = qos(ReliabilityPolicy.RELIABLE)
BEST_EFFORT = qos(ReliabilityPolicy.BEST_EFFORT)


def publisher(
    profile: QoSProfile, topic_type: str = IMAGE, namespace: str = "/front"
) -> TopicEndpointInfo:
    return TopicEndpointInfo(
        node_name="camera", node_namespace=namespace, topic_type=topic_type, qos_profile=profile
    )


def test_watch_speaks_after_its_patience_and_then_once_in_a_while():
    watch = SilenceWatch(now=10.0)
    assert not watch.must_speak(10.0 + PATIENCE - 0.1)
    assert watch.must_speak(10.0 + PATIENCE)
    assert not watch.must_speak(10.0 + PATIENCE + 1)
    assert watch.must_speak(10.0 + PATIENCE + REPEAT)
    assert watch.is_silent(10.0 + PATIENCE + REPEAT)


def test_an_image_ends_the_silence_and_the_next_one_is_told_again():
    watch = SilenceWatch(now=0.0)
    assert watch.must_speak(PATIENCE)
    watch.image_received(PATIENCE + 1)
    assert not watch.is_silent(PATIENCE + 2)
    assert watch.must_speak(2 * PATIENCE + 1)


@pytest.mark.parametrize(
    ("own", "theirs", "verdict"),
    [
        (RELIABLE, BEST_EFFORT, "can't match"),
        (RELIABLE, RELIABLE, "matches"),
        (BEST_EFFORT, RELIABLE, "matches"),
        (BEST_EFFORT, BEST_EFFORT, "matches"),
    ],
)
def test_every_combination_of_reliabilities(own, theirs, verdict):
    sentence = describe(Listening("/image", IMAGE, own), [publisher(theirs)], [])
    assert sentence.startswith(f"listening on /image ({IMAGE}, {own.reliability.name.lower()}, ")
    reliability = theirs.reliability.name.lower()
    assert f"/front/camera ({IMAGE}, {reliability}, volatile) {verdict}" in sentence
    assert ("set the parameter reliability to best_effort" in sentence) == (verdict[0] == "c")


def test_another_type_can_not_match():
    sentence = describe(
        Listening("/image", IMAGE, RELIABLE), [publisher(RELIABLE, COMPRESSED, "/")], []
    )
    assert sentence.endswith(
        f"/camera ({COMPRESSED}, reliable, volatile) can't match: another type; start with "
        "--ros-args -r image/compressed:=/image -p image_transport:=compressed"
    )
    strange = describe(
        Listening("/image", IMAGE, RELIABLE), [publisher(RELIABLE, "std_msgs/msg/String")], []
    )
    assert strange.endswith("another type, which holds no images")


def test_every_publisher_is_named():
    there = [publisher(RELIABLE, namespace="/left"), publisher(RELIABLE, namespace="/right")]
    sentence = describe(Listening("/image", IMAGE, RELIABLE), there, [])
    assert "/left/camera" in sentence
    assert "/right/camera" in sentence


@pytest.mark.parametrize(
    ("topic", "topic_type", "arguments"),
    [
        ("/camera/image_raw", IMAGE, "-r image:=/camera/image_raw -p image_transport:=raw"),
        (
            "/camera/image_raw/compressed", COMPRESSED,
            "-r image:=/camera/image_raw -p image_transport:=compressed",
        ),
        (
            "/usb_cam/jpeg", COMPRESSED,
            "-r image/compressed:=/usb_cam/jpeg -p image_transport:=compressed",
        ),
    ],
)  # fmt: skip
def test_images_elsewhere_are_pointed_to(topic, topic_type, arguments):
    sentence = describe(Listening("/image", IMAGE, RELIABLE), [], [(topic, topic_type)])
    assert sentence.endswith(
        f"nobody publishes there, but images are on {topic} ({topic_type}): start with --ros-args "
        f"{arguments}"
    )


def test_all_topics_with_images_are_told():
    elsewhere = [("/left", IMAGE), ("/right", IMAGE)]
    sentence = describe(Listening("/image", IMAGE, RELIABLE), [], elsewhere)
    assert "-r image:=/left -p image_transport:=raw; or /right (" in sentence


def test_why_images_get_lost():
    with_profile, reliable = "need the Fast DDS profile", "reliability set to reliable"
    smaller = "smaller ones a network and a machine that are less busy"
    for own, theirs, wanted in (
        (BEST_EFFORT, [RELIABLE], (True, True)),
        (BEST_EFFORT, [RELIABLE, BEST_EFFORT], (True, False)),
        (BEST_EFFORT, [], (True, False)),
        (RELIABLE, [RELIABLE], (False, False)),
    ):
        said = loss_advice(Listening("/image", IMAGE, own), list(map(publisher, theirs)))
        assert (with_profile in said, reliable in said) == wanted
        assert (smaller in said) == (own is BEST_EFFORT)
        assert ("larger depth" in said) == (own is RELIABLE)


@pytest.mark.parametrize(("change", "lost"), [(1, 1), (7, 7), (2**31 - 1, 0), (2**64 - 2**31, 0)])
def test_where_the_middleware_has_lost_count_no_images_are(change, lost):
    assert images_lost(change) == lost


def test_no_images_anywhere():
    sentence = describe(Listening("/image", IMAGE, RELIABLE), [], [])
    assert "nobody publishes there, and no image is published elsewhere" in sentence
    assert sentence.endswith("with the same ROS_DOMAIN_ID?")


def test_the_module_of_endpoints_may_have_another_name():
    subprocess.run([sys.executable, "-c", LYRICAL], check=True, timeout=60)
