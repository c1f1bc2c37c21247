"""Runs a tower's ONNX file in Triton's Python backend, for servers without the ONNX Runtime backend.

It needs the packages onnxruntime (onnxruntime-gpu for KIND_GPU) and numpy, and model.onnx beside this file. Names and
types come from the model's configuration; every request gets an answer of its own, an error included.
"""

import json
import os
import sys

# Some builds of the backend's stub ignore PYTHONPATH.
sys.path.extend(folder for folder in os.environ.get("PYTHONPATH", "").split(os.pathsep) if folder)

import numpy as np
import onnxruntime as ort
import triton_python_backend_utils as pb_utils


class TritonPythonModel:
    def initialize(self, args):
        config = json.loads(args["model_config"])
        (tensor_in,), (tensor_out,) = config["input"], config["output"]
        self.input, self.output = tensor_in["name"], tensor_out["name"]
        self.dtype = pb_utils.triton_string_to_numpy(tensor_out["data_type"])
        path = os.path.join(args["model_repository"], args["model_version"], "model.onnx")
        self.session = ort.InferenceSession(path, session_options(config), providers=providers(args))

    def execute(self, requests):
        """Answers requests in their order. Those of one shape make one run."""
        # Tensors come and go by DLPack: a stub built for NumPy 1 would misread NumPy 2's arrays without a word.
        arrays = [np.from_dlpack(pb_utils.get_input_tensor_by_name(request, self.input)) for request in requests]
        groups = {}
        for i, array in enumerate(arrays):
            groups.setdefault(array.shape[1:], []).append(i)
        answers = [None] * len(requests)
        for members in groups.values():
            for i, answer in zip(members, self.answer([arrays[i] for i in members])):
                answers[i] = answer
        return answers

    def answer(self, arrays):
        try:
            # One array passes as it is, in the server's shared memory; several are copied once.
            rows = self.run(arrays[0] if len(arrays) == 1 else np.concatenate(arrays))
        except Exception as error:
            if len(arrays) == 1:
                return [refusal(error)]
            # One of them is wrong, a token outside the vocabulary for example; the others must not suffer.
            return [answer for array in arrays for answer in self.answer([array])]
        ends = np.cumsum([len(array) for array in arrays])
        return [self.response(rows[end - len(array) : end]) for array, end in zip(arrays, ends)]

    def run(self, array):
        return self.session.run([self.output], {self.input: array})[0].astype(self.dtype, copy=False)

    def response(self, rows):
        return pb_utils.InferenceResponse([pb_utils.Tensor.from_dlpack(self.output, rows)])


def refusal(error):
    message = f"the model does not take this input: {error}"
    return pb_utils.InferenceResponse(error=pb_utils.TritonError(message, pb_utils.TritonError.INVALID_ARG))


def session_options(config):
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads(config)
    options.inter_op_num_threads = 1
    # Threads that spin between runs take the cores from the server's own.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return options


def threads(config):
    """Cores of one instance: those configured, or an equal share of what this process may use."""
    configured = int(config.get("parameters", {}).get("intra_op_thread_count", {}).get("string_value", "0"))
    instances = sum(group["count"] for group in config["instance_group"])
    return configured or max(1, len(os.sched_getaffinity(0)) // instances)


def providers(args):
    if args["model_instance_kind"] != "GPU":
        return ["CPUExecutionProvider"]
    if "CUDAExecutionProvider" not in ort.get_available_providers():
        raise pb_utils.TritonModelException(
            "KIND_GPU needs the package onnxruntime-gpu instead of onnxruntime; "
            f"this one has {', '.join(ort.get_available_providers())}"
        )
    return [("CUDAExecutionProvider", {"device_id": args["model_instance_device_id"]}), "CPUExecutionProvider"]
