"""A model of Triton's Python backend, for tests: it runs the ONNX file beside it in whatever types the configuration has.

Without such a file it answers with vectors of its own. The parameter delay_ms makes it slow.
"""
import json
import os
import sys
import time

# The backend's process takes its own folders only.
sys.path.extend(p for p in os.environ.get("PYTHONPATH", "").split(os.pathsep) if p and p not in sys.path)

import numpy as np
import triton_python_backend_utils as pb


class TritonPythonModel:
    def initialize(self, args):
        config = json.loads(args["model_config"])
        self.input, self.output = config["input"][0]["name"], config["output"][0]
        self.type = pb.triton_string_to_numpy(self.output["data_type"])
        self.delay = float(config["parameters"].get("delay_ms", {"string_value": "0"})["string_value"]) / 1000
        self.session = None
        file = os.path.join(args["model_repository"], args["model_version"], "model.onnx")
        if os.path.exists(file):
            import onnxruntime

            options = onnxruntime.SessionOptions()
            options.add_session_config_entry("session.intra_op.allow_spinning", "0")
            self.session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])

    def run(self, rows):
        if self.session is None:
            return np.ones((len(rows), int(self.output["dims"][-1])))
        wanted = self.session.get_inputs()[0]
        types = {"tensor(float)": np.float32, "tensor(int32)": np.int32, "tensor(int64)": np.int64}
        rows = rows.astype(types[wanted.type], copy=False)
        # One by one, as the encoder in process does: small runs keep activations in a CPU's caches.
        return np.concatenate([self.session.run(None, {wanted.name: rows[i : i + 1]})[0] for i in range(len(rows))])

    def execute(self, requests):
        # By DLPack: a stub built for NumPy 1 misreads the arrays of NumPy 2.
        batches = [np.from_dlpack(pb.get_input_tensor_by_name(r, self.input)) for r in requests]
        time.sleep(self.delay)
        vectors = self.run(np.concatenate(batches)).astype(self.type)
        answers, at = [], 0
        for batch in batches:
            part = vectors[at : at + len(batch)]
            at += len(batch)
            answers.append(pb.InferenceResponse(output_tensors=[pb.Tensor.from_dlpack(self.output["name"], part)]))
        return answers
