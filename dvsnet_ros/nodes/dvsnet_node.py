"""The node `dvsnet`: a camera topic goes in, masks and path decisions come out."""

from __future__ import annotations

import dataclasses
import functools
import gc
import sys
import time
from collections.abc import Callable
from typing import TypeAlias

from diagnostic_msgs.msg import DiagnosticArray
from lifecycle_msgs.srv import ChangeState
from rclpy.clock import Clock, ClockType
from rclpy.exceptions import ParameterException
from rclpy.executors import SingleThreadedExecutor
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from rclpy.logging import get_logger
from rclpy.task import Future
from rclpy.utilities import try_shutdown
from std_srvs.srv import Trigger

from dvsnet_ros.core.device import give_back_memory
from dvsnet_ros.core.memory import keep_freed_memory
from dvsnet_ros.core.sentences import one_line
from dvsnet_ros.nodes import diagnostics
from dvsnet_ros.nodes.command_line import check_arguments
from dvsnet_ros.nodes.configured import Configured
from dvsnet_ros.nodes.parameters import TABLE, Parameters, Settings
from dvsnet_ros.nodes.reception import Reception
from dvsnet_ros.nodes.starting import StartError, start_ros
from dvsnet_ros.nodes.statistics import Statistics
from dvsnet_ros.nodes.stop_signal import spin_until, stop_signal
from dvsnet_ros.nodes.throttle import Throttle

NAME = "dvsnet"

Transition: TypeAlias = Callable[["DvsnetNode", LifecycleState], TransitionCallbackReturn]


def _logged(transition: Transition) -> Transition:
    """Logs what a transition raises, which rclpy would drop without a word."""

    @functools.wraps(transition)
    def run(node: DvsnetNode, state: LifecycleState) -> TransitionCallbackReturn:
        try:
            return transition(node, state)
        except Exception as error:
            what = f"{type(error).__name__}: {one_line(error)}"
            node.note_failure(f"{transition.__name__} failed unexpectedly: {what}")
            return TransitionCallbackReturn.ERROR

    return run


class DvsnetNode(LifecycleNode):
    """The lifecycle node. Publishers and networks exist while configured, the ear while active."""

    def __init__(self) -> None:
        super().__init__(NAME)
        self._configured: Configured | None = None
        self._reception: Reception | None = None
        self._failure = ""
        self._advised = False
        self._throttle = Throttle(time.monotonic)
        self._statistics = Statistics()
        self._declared = Parameters(self, lambda: self.state == "active")
        self._answer_impossible_transitions()
        self._reset_service = self.create_service(Trigger, "~/reset", self._reset)
        self._reporter = diagnostics.Reporter(self.get_fully_qualified_name().lstrip("/"))
        self._diagnostics = self.create_publisher(DiagnosticArray, "/diagnostics", 10)
        steady = Clock(clock_type=ClockType.STEADY_TIME)  # the ROS clock may stand still
        self._report_timer = self.create_timer(diagnostics.PERIOD, self._report, clock=steady)
        if self._declared.settings.autostart:
            self._start_timer = self.create_timer(0.0, self._start, clock=steady)

    @property
    def state(self) -> str:
        """Label of the lifecycle state."""
        label: str = self._state_machine.current_state[1]
        return label

    @_logged
    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Load the checkpoint, put the networks on the device, make the publishers."""
        try:
            self._configured = Configured(self, self._declared, self._statistics)
        except (ValueError, OSError, RuntimeError) as error:
            self.note_failure(f"could not configure: {one_line(error)}")
            return TransitionCallbackReturn.FAILURE
        self._failure = ""
        self.get_logger().info(f"configured: {self._configured.description}")
        return super().on_configure(state)

    @_logged
    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Begin to receive images; the first is segmented whole."""
        if self._configured is None:
            raise RuntimeError("the node is not configured")
        result = super().on_activate(state)
        self._warn_of_waiting_changes(self._configured.settings)
        self._configured.start()
        self._statistics.begin()
        self._reception = Reception(
            self,
            self._configured.settings,
            self._configured.pipeline.process,
            self._statistics,
        )
        self.get_logger().info(f"active: listening on {self._reception.topic}")
        return result

    @_logged
    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Stop receiving, once the frame in work is answered."""
        self._stop_receiving()
        return super().on_deactivate(state)

    @_logged
    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Let go of networks and publishers."""
        self._release()
        return super().on_cleanup(state)

    @_logged
    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Let go of everything."""
        self._release()
        return super().on_shutdown(state)

    @_logged
    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        """After a transition that failed halfway: back to unconfigured."""
        self._release()
        return super().on_error(state)

    def note_failure(self, sentence: str) -> None:
        """Log why a transition failed, for the diagnostics to say until one succeeds."""
        self.get_logger().error(sentence)
        self._failure = sentence
        self._statistics.error(sentence)

    def _stop_receiving(self) -> None:
        if self._reception is not None:
            self._reception.close()
            self._reception = None

    def _release(self) -> None:
        self._stop_receiving()
        if self._configured is not None:
            self._configured.close()
            self._configured = None
            give_back_memory()

    def _start(self) -> None:
        """Configure and activate; a failure leaves the node waiting for a better configure."""
        self.destroy_timer(self._start_timer)
        if self.state != "unconfigured":  # somebody was faster
            return
        if self.trigger_configure() == TransitionCallbackReturn.SUCCESS:
            self.trigger_activate()

    def _answer_impossible_transitions(self) -> None:
        """Refuse a transition that this state does not have; rclpy's node would die of it."""
        change_state = self._service_change_state.callback

        def answer(
            request: ChangeState.Request, response: ChangeState.Response
        ) -> ChangeState.Response:
            try:
                return change_state(request, response)
            except RuntimeError as error:  # rclpy's RCLError
                self.get_logger().warning(f"no such transition from {self.state}: {error}")
                response.success = False
                return response

        self._service_change_state.callback = answer

    def _warn_of_waiting_changes(self, configured: Settings) -> None:
        current = self._declared.settings
        waiting = [
            name
            for name, spec in TABLE.items()
            if not spec.live and getattr(configured, name) != getattr(current, name)
        ]
        if waiting:
            self.get_logger().warning(
                f"{', '.join(waiting)} changed after configure and will count after the next: "
                "clean up and configure the node again"
            )

    def _reset(self, _request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        response.success = self._configured is not None
        if self._configured is None:
            response.message = "the node is not configured: there are no key frames"
        else:
            self._configured.pipeline.forget_key_frames()
            response.message = "all key frames forgotten; the next frame is segmented whole"
        return response

    def _report(self) -> None:
        if self._reception is not None:
            self._reception.explain_silence()
        summary = self._statistics.summary(time.monotonic())
        report = self._reporter.report(self._condition(), summary, self.get_clock().now().to_msg())
        self._diagnostics.publish(report)
        self._advise(diagnostics.advice(summary))

    def _advise(self, advice: str) -> None:
        """Log what the diagnostics advise when they begin to, but not again and again."""
        if advice and not self._advised:
            line = self._throttle.line("advice", f"nearly all regions are segmented: {advice}")
            if line:
                self.get_logger().info(line)
        self._advised = bool(advice)

    def _condition(self) -> diagnostics.Condition:
        condition = diagnostics.Condition(self.state, self._failure)
        if self._configured is not None:
            condition = dataclasses.replace(
                condition,
                device=str(self._configured.segmenter.device),
                precision=str(self._configured.segmenter.precision).removeprefix("torch."),
                checkpoint=str(self._configured.checkpoint_path),
            )
        if self._reception is not None:
            condition = dataclasses.replace(
                condition,
                silence=self._reception.silence(),
                in_work=self._reception.in_work(),
                topic=self._reception.topic,
            )
        return condition


def main(args: list[str] | None = None) -> None:
    """Run the node until SIGINT or SIGTERM; exits with a sentence where it can't be started."""
    keep_freed_memory()
    stopped = stop_signal()
    try:
        start_ros(args)
    except StartError as error:
        sys.exit(f"{NAME}: {error}")
    check_arguments(args)
    try:
        _spin(DvsnetNode(), stopped)
    except ParameterException as error:
        get_logger(NAME).fatal(f"a parameter can't be used: {error}")
        sys.exit(1)
    finally:
        try_shutdown()
        # Or Python goes through all that torch keeps at the end: for a second, on a busy or slow
        # machine for longer than `ros2 launch` waits before it ends the process by force.
        gc.freeze()


def _spin(node: DvsnetNode, stopped: Future) -> None:
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    try:
        spin_until(stopped, node, executor)
    finally:
        if node.state != "finalized":
            node.trigger_shutdown()
        executor.shutdown()
        node.destroy_node()


if __name__ == "__main__":
    main()
