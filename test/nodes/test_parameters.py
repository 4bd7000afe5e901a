"""The table of parameters, and what is said of it elsewhere."""

import re

import pytest
import yaml

from dvsnet_ros.core.schedule import Schedule
from dvsnet_ros.nodes.parameters import AT_START, LIVE, NOT_LIVE, TABLE, Settings, Spec

LIVE_NAMES = {
    "target", "schedule", "dynamic_decrease", "dynamic_increase", "rising_share", "max_share",
    "max_gap", "overlay_opacity", "lazy", "max_rate",
}  # fmt: skip


def table_row(spec: Spec) -> str:
    """The parameter's row in the documentation."""
    types = {str: "string", bool: "bool", int: "integer", float: "double"}
    default = f'"{spec.default}"' if isinstance(spec.default, str) else str(spec.default).lower()
    values = ", ".join(f"`{choice}`" for choice in spec.choices)
    if spec.limits:
        values = "{}–{}".format(*spec.limits)
    kind, live = types[type(spec.default)], "yes" if spec.live else "no"
    return f"| `{spec.name}` | {kind} | `{default}` | {values} | {live} | {spec.description} |"


def test_exactly_these_change_live():
    assert {name for name, spec in TABLE.items() if spec.live} == LIVE_NAMES


def test_every_parameter_is_in_the_documentation(repository):
    text = (repository / "README.md").read_text()
    missing = [row for row in map(table_row, TABLE.values()) if row not in text.splitlines()]
    assert not missing, "\n".join(missing)


def test_configuration_file_holds_every_default_in_order(repository):
    text = (repository / "config" / "dvsnet.yaml").read_text()
    values = yaml.safe_load(text)["/**"]["ros__parameters"]
    assert list(values.items()) == [(spec.name, spec.default) for spec in TABLE.values()]
    assert [type(value) for value in values.values()] == [type(s.default) for s in TABLE.values()]


@pytest.mark.parametrize("name", TABLE)
def test_every_parameter_has_a_comment_in_the_configuration_file(repository, name):
    text = (repository / "config" / "dvsnet.yaml").read_text()
    assert re.search(rf"^    # .+\n    {name}: ", text, re.MULTILINE)


@pytest.mark.parametrize("spec", TABLE.values(), ids=TABLE)
def test_descriptor_says_all_there_is_to_say(spec):
    descriptor = spec.descriptor()
    assert descriptor.description.startswith(spec.description)
    at_start = spec.name == "autostart"
    assert descriptor.description.endswith(
        AT_START if at_start else LIVE if spec.live else NOT_LIVE
    )
    for choice in spec.choices:
        assert choice in descriptor.additional_constraints
    ranges = [*descriptor.integer_range, *descriptor.floating_point_range]
    assert [(r.from_value, r.to_value) for r in ranges] == ([spec.limits] if spec.limits else [])
    assert bool(descriptor.floating_point_range) == (type(spec.default) is float)


@pytest.mark.parametrize("spec", TABLE.values(), ids=TABLE)
def test_defaults_are_not_refused(spec):
    assert spec.refusal(spec.default) is None
    if spec.limits:
        assert spec.limits[0] <= spec.default <= spec.limits[1]


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("device", "cuda:12", "cuda:"),
        ("device", "cpu", "gpu"),
        ("precision", "bfloat16", "int8"),
        ("schedule", "dynamic", "Dynamic"),
        ("schedule", "rising", "falling"),
        ("image_transport", "compressed", "theora"),
        ("reliability", "reliable", ""),
    ],
)
def test_strings_outside_the_choices_are_refused_with_the_choices(name, good, bad):
    assert TABLE[name].refusal(good) is None
    refusal = TABLE[name].refusal(bad)
    assert refusal is not None
    assert f"'{bad}'" in refusal
    assert all(choice in refusal for choice in TABLE[name].choices)


@pytest.mark.parametrize(("name", "value"), [("target", 100.00001), ("rising_share", -1e-9)])
def test_a_range_ends_where_it_ends(name, value):
    assert f"{name} is {value}; it must be from 0.0 to " in TABLE[name].refusal(value)


@pytest.mark.parametrize("spec", TABLE.values(), ids=TABLE)
def test_no_value_is_refused(spec):
    assert spec.refusal(None).startswith(f"{spec.name} has no value; leave it out, or ")


def test_schedule_of_the_settings():
    moves = {"dynamic_decrease": 2.0, "dynamic_increase": 0.5, "rising_share": 0.3}
    settings = Settings(schedule="rising", target=80.0, max_share=0.4, **moves)
    assert settings.frame_schedule() == Schedule(
        "rising", target=80.0, decrease=2.0, increase=0.5, share=0.3, max_share=0.4
    )
