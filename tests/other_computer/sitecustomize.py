"""Put on PYTHONPATH by a test: makes a process behave as on another computer, as far as these variables say.

`OFFLINE_LOG`: every connection to another machine is refused and noted in this file. (MLflow swallows the errors of its
telemetry, so that a notebook which runs without a network may still have tried.)

`ROUNDING_NOISE`: a seed. Other processors round differently. What that does to a training is imitated by changing the
inputs of each `fit` by a relative 1e-10, and the first weights of each `nn.Linear`, which have fewer digits, by 1e-7.
"""

import contextlib
import errno
import functools
import importlib.util
import ipaddress
import os
import socket
import sys

FIT_NOISE, WEIGHT_NOISE = 1e-10, 1e-7


def refuse_other_machines(log_file):
    """Let sockets reach this computer only."""

    def audit(event, arguments):
        if event == "socket.getaddrinfo":
            host = arguments[0]
        elif event == "socket.connect" and isinstance(arguments[1], tuple):
            host = arguments[1][0]
        else:
            return
        host = host.decode() if isinstance(host, bytes) else host
        with contextlib.suppress(ValueError):
            address = ipaddress.ip_address(host or "::1")
            if address.is_loopback or address.is_unspecified:
                return
        if host not in ("localhost", socket.gethostname()):
            with open(log_file, "a", encoding="utf-8") as log:
                log.write(f"{host}\n")
            raise OSError(errno.ENETUNREACH, "Network is unreachable")

    sys.addaudithook(audit)


class RoundingNoise:
    """Finds the modules whose classes are disturbed, and disturbs them as soon as they are imported."""

    def __init__(self, seed):
        self.seed, self.random = seed, None
        self.modules = {
            "sklearn.linear_model._logistic": "LogisticRegression",
            "sklearn.linear_model._ridge": "Ridge",
            "sklearn.linear_model._stochastic_gradient": "SGDClassifier",
            "torch.nn.modules.linear": "Linear",
        }

    def find_spec(self, name, path=None, target=None):
        """Return the module's real spec, with a loader that disturbs the module; None for all other modules."""
        if name not in self.modules:
            return None
        class_name = self.modules.pop(name)
        spec = importlib.util.find_spec(name)
        load = spec.loader.exec_module

        def load_and_disturb(module):
            load(module)
            changed = getattr(module, class_name)
            if class_name == "Linear":
                self.disturb_first_weights(changed)
            for fit in {"fit", "partial_fit"} & set(dir(changed)):
                setattr(changed, fit, self.noisy(getattr(changed, fit)))

        spec.loader.exec_module = load_and_disturb
        return spec

    def draw(self, shape):
        import numpy as np

        self.random = self.random or np.random.default_rng(self.seed)
        return self.random.standard_normal(shape)

    def noisy(self, fit):
        @functools.wraps(fit)
        def noisy_fit(estimator, X, *args, **kwargs):
            return fit(estimator, X * (1 + FIT_NOISE * self.draw(X.shape)), *args, **kwargs)

        return noisy_fit

    def disturb_first_weights(self, kind):
        import torch

        reset = kind.reset_parameters

        @functools.wraps(reset)
        def noisy_reset(linear):
            reset(linear)
            with torch.no_grad():
                for weights in linear.parameters():
                    noise = torch.tensor(self.draw(tuple(weights.shape)), dtype=weights.dtype)
                    weights *= 1 + WEIGHT_NOISE * noise

        kind.reset_parameters = noisy_reset


if "OFFLINE_LOG" in os.environ:
    refuse_other_machines(os.environ["OFFLINE_LOG"])
if "ROUNDING_NOISE" in os.environ:
    sys.meta_path.insert(0, RoundingNoise(int(os.environ["ROUNDING_NOISE"])))
