"""The faults: what each does to the world, and the alert it raises.

A fault that lives in the hosts' or the registry's files is on for as long as the files say so: a
runbook that repairs them has switched it off.
"""

from collections import Counter
from dataclasses import dataclass
from typing import Callable

from . import registry_world
from .world import BAD_VERSION, GOOD_VERSION, MODEL, OLD_VERSION, SERVING_HOSTS, STALE_BY_S

CRASH_HOST = "serving-02"
OLD_HOST = "serving-03"


@dataclass(frozen=True)
class Fault:
    name: str
    alert: str
    does: str
    switch: Callable  # (lab, on)
    is_on: Callable  # (lab)


def _flag(attribute):
    def switch(lab, on):
        setattr(lab.world, attribute, on)

    return {"switch": switch, "is_on": lambda lab: getattr(lab.world, attribute)}


def _bad_model(lab, on):
    """A release goes host by host, the registry first; back goes all at once."""
    if on:
        registry_world.release(lab.models, BAD_VERSION, fall_back=GOOD_VERSION)
        lab.roll_out(BAD_VERSION)
        return
    lab.stop_roll_out()
    for host in SERVING_HOSTS:
        if lab.files.active(host, MODEL) == BAD_VERSION:
            lab.files.activate(host, MODEL, GOOD_VERSION)
    if lab.champion() == BAD_VERSION:
        registry_world.release(lab.models, GOOD_VERSION, fall_back=OLD_VERSION)


def _bad_model_is_on(lab):
    return lab.rolling_out == BAD_VERSION or any(
        lab.files.active(host, MODEL) == BAD_VERSION for host in SERVING_HOSTS)


def _errors(lab, on):
    if lab.world.errors != on:
        lab.world.errors = on
        for web in lab.world.web.values():
            web.set_build(web.build())


def _crash(lab, on):
    if on:
        lab.files.crash(CRASH_HOST)
    else:
        lab.files.restart(CRASH_HOST)


def _stale_model(lab, on):
    """Training stopped long ago: the dates of the versions say so in the registry too."""
    if lab.world.stale_model != on:
        lab.world.stale_model = on
        registry_world.make_older(lab.models, STALE_BY_S if on else -STALE_BY_S)


def _served_mostly(lab):
    return Counter(lab.files.active(host, MODEL) for host in SERVING_HOSTS).most_common(1)[0][0]


def _mismatch(lab, on):
    """The alias moves (or has moved) without the hosts."""
    served = _served_mostly(lab)
    registry_world.release(
        lab.models, OLD_VERSION if on and served != OLD_VERSION else GOOD_VERSION if on else served)


def _mismatch_is_on(lab):
    return not lab.rolling_out and lab.champion() != _served_mostly(lab)


def _one_host_old(lab, on):
    """A release has missed one host, or reaches it after all."""
    if on:
        lab.files.activate(OLD_HOST, MODEL, OLD_VERSION)
    elif lab.files.active(OLD_HOST, MODEL) == OLD_VERSION:
        lab.files.activate(OLD_HOST, MODEL, lab.files.active(SERVING_HOSTS[0], MODEL))


def _one_host_old_is_on(lab):
    return lab.files.active(OLD_HOST, MODEL) == OLD_VERSION != _served_mostly(lab)


FAULTS = {fault.name: fault for fault in (
    Fault("bad-model", "SpamFalsePositiveRateHigh",
          "version 7 goes out to the serving hosts: it takes good posts with links for spam",
          _bad_model, _bad_model_is_on),
    Fault("slow", "LatencyHigh", "the spam filter takes 14 times as long", **_flag("slow")),
    Fault("errors", "WebErrorsHigh", "a bad web build goes out: 15 % of requests fail",
          _errors, lambda lab: lab.world.errors),
    Fault("crash", "InstanceDown", f"the spam filter on {CRASH_HOST} dies and stays down",
          _crash, lambda lab: lab.files.is_down(CRASH_HOST)),
    Fault("drift", "FeatureDrift", "posts have more links than the training data", **_flag("drift")),
    Fault("telemetry-gap", "TelemetryMissing", "the serving hosts report nothing about the model",
          **_flag("telemetry_gap")),
    Fault("feedback-stopped", "FeedbackStopped", "no labels arrive from the moderators",
          **_flag("feedback_stopped")),
    Fault("stale-model", "ModelStale", "the model is 48 days old: training has stopped",
          _stale_model, lambda lab: lab.world.stale_model),
    Fault("registry-mismatch", "ModelVersionMismatch",
          "the registry's champion is version 5, the hosts serve another", _mismatch, _mismatch_is_on),
    Fault("one-host-old", "ModelVersionMismatch",
          f"{OLD_HOST} serves version {OLD_VERSION}, the others and the registry are ahead",
          _one_host_old, _one_host_old_is_on),
)}
