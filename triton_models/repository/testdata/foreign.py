"""What NVIDIA's own client sees of a Triton: compares metadata, configuration and statistics with what stdin says (JSON)."""

import json
import sys
import time

import numpy as np
import tritonclient.grpc as grpcclient

wanted = json.load(sys.stdin)
client = grpcclient.InferenceServerClient(sys.argv[1])
assert client.is_server_ready()
for name, want in wanted.items():
    assert client.is_model_ready(name), f"{name} is not ready"
    metadata = client.get_model_metadata(name, as_json=True)
    (tensor_in,), (tensor_out,) = metadata["inputs"], metadata["outputs"]
    seen = {
        "input": [tensor_in["name"], tensor_in["datatype"], [int(d) for d in tensor_in["shape"]]],
        "output": [tensor_out["name"], tensor_out["datatype"], [int(d) for d in tensor_out["shape"]]],
    }
    for key, value in seen.items():
        assert value == want[key], f"{name}: the {key} is {value}, the card says {want[key]}"
    config = client.get_model_config(name).config
    assert config.dynamic_batching.priority_levels == 2, f"{name}: {config.dynamic_batching}"
    assert config.parameters["clipseek_model"].string_value == want["model"]

    def count():
        stats = client.get_inference_statistics(name).model_stats[0]
        return stats.inference_count, stats.inference_stats.success.count

    rows, requests = count()
    kind, shape = np.dtype(want["numpy"]), [3, *want["item"]]
    tensor = grpcclient.InferInput(want["input"][0], shape, want["input"][1])
    tensor.set_data_from_numpy(np.ones(shape, kind))
    vectors = client.infer(name, [tensor], priority=1).as_numpy(want["output"][0])
    assert vectors.shape == (3, want["output"][2][1]), f"{name}: {vectors.shape}"
    # Triton counts an answer just after it has sent it.
    wait_until, counted = time.monotonic() + 30, count()
    while counted[1] <= requests and time.monotonic() < wait_until:
        time.sleep(0.02)
        counted = count()
    assert counted == (rows + 3, requests + 1), f"{name}: {counted} after {(rows, requests)}"
