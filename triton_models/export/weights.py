"""Reads weights without running anything that a file says: safetensors, state dicts, TorchScript archives."""

from __future__ import annotations

import hashlib
import json
import pathlib
import pickle
import re
import warnings
import zipfile

import torch

from model import ExportError

State = dict[str, torch.Tensor]

# Where each of OpenAI's archives is published; the path holds its SHA-256.
OPENAI = "https://openaipublic.azureedge.net/clip/models/{}/{}.pt"
PUBLISHED = {
    "afeb0e10f9e5a86da6080e35cf09123aca3b358a0c3e3b6c78a7b63bc04b6762": "RN50",
    "8fa8567bab74a42d41c5915025a8e4538c3bdbe8804a470a72f30b0d94fab599": "RN101",
    "7e526bd135e493cef0776de27d5f42653e6b4c8bf9e0f653bb11773263205fdd": "RN50x4",
    "52378b407f34354e150460fe41077663dd5b39c54cd0bfd2b27167a4a06ec9aa": "RN50x16",
    "be1cfb55d75a9666199fb2206c106743da0f6468c9d327f3e0d0a543a9919d9c": "RN50x64",
    "40d365715913c9da98579312b702a82c18be219cc2a73407c4526f58eba950af": "ViT-B/32",
    "5806e77cd80f8b59890b7e101eabd078d9fb84e6937f9e85e4ecb61988df416f": "ViT-B/16",
    "b8cca3fd41ae0c99ba7e8951adf17d267cdb84cd88be6f7c2e0eca1737a03836": "ViT-L/14",
    "3035c92b350959924f9f00213499208652fc7ea050643e8b385c2dac08641f02": "ViT-L/14@336px",
}


def sha256(path: pathlib.Path) -> str:
    """The file's SHA-256 in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def is_archive(path: pathlib.Path) -> bool:
    """Whether a file is a TorchScript archive: a program with weights, not weights alone."""
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return any(name.endswith("/constants.pkl") or "/code/" in name for name in archive.namelist())


def load(path: pathlib.Path, trust: bool = False) -> tuple[State, bool]:
    """The tensors of a file in FP32, and whether it was a training checkpoint, which has them below "state_dict".

    A state dict is read weights-only, so a pickle that calls anything is refused. A TorchScript archive is code: it is
    opened only if it is one that OpenAI published, or if trust says so.
    """
    if not path.is_file():
        raise ExportError(f"{path} is not there or not a file; name the weights with --weights")
    nested = False
    if path.suffix == ".safetensors":
        loaded = _safetensors(path)
    elif is_archive(path):
        loaded = _archive(path, trust)
    else:
        loaded = _weights_only(path)
        for key in ("state_dict", "model"):
            if isinstance(loaded.get(key), dict):
                loaded, nested = loaded[key], True
    state = {str(key).removeprefix("module."): value for key, value in loaded.items() if isinstance(value, torch.Tensor)}
    if not state:
        raise ExportError(f"{path} holds no weights; a state dict maps names to tensors")
    return {key: value.float() if value.is_floating_point() else value for key, value in state.items()}, nested


# The names of Hugging Face's weights, the first that is there counts; an index lists the parts of large ones.
FOLDER = ("model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json")


def in_folder(path: pathlib.Path) -> pathlib.Path | None:
    """The file of weights in a Hugging Face folder, or the index of its parts."""
    return next((path / name for name in FOLDER if (path / name).is_file()), None)


def load_folder(path: pathlib.Path) -> State:
    """The tensors of a Hugging Face folder in FP32."""
    file = in_folder(path)
    if file is None:
        raise ExportError(f"{path} holds none of {', '.join(FOLDER)}")
    if file.suffix != ".json":
        return load(file)[0]
    try:
        parts = sorted(set(json.loads(file.read_text(encoding="utf-8"))["weight_map"].values()))
    except (ValueError, KeyError, AttributeError) as err:
        raise ExportError(f"{file} is not an index of weights") from err
    if any(pathlib.PurePath(part).name != part for part in parts):
        raise ExportError(f"{file} names parts outside its folder")
    return {key: value for part in parts for key, value in load(path / part)[0].items()}


def _safetensors(path: pathlib.Path) -> dict:
    import safetensors.torch

    try:
        return safetensors.torch.load_file(path)
    except Exception as err:  # the library has an exception of its own for each fault
        raise ExportError(f"{path} is not a safetensors file or is damaged ({_short(err)}); copy it again") from err


def _archive(path: pathlib.Path, trust: bool) -> dict:
    digest = sha256(path)
    if digest not in PUBLISHED and not trust:
        raise ExportError(f"{path} is a TorchScript archive, which is a program, and none that OpenAI published "
                          f"(SHA-256 {digest[:12]}...); copy it again, or say --trust if you know where it comes from")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return dict(torch.jit.load(path, map_location="cpu").state_dict())
    except Exception as err:
        raise ExportError(f"{path} is a damaged TorchScript archive ({_short(err)}); copy it again") from err


def _weights_only(path: pathlib.Path) -> dict:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            loaded = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as err:
        raise ExportError(f"{path} is not plain weights: it is damaged, or a pickle that wants to run code, which is "
                          "refused; save its state dict, or use a safetensors file") from err
    except Exception as err:  # a damaged file fails in many ways
        raise ExportError(f"{path} cannot be read as weights ({_short(err)}); copy it again") from err
    if not isinstance(loaded, dict):
        raise ExportError(f"{path} holds a {type(loaded).__name__}, not a state dict")
    return loaded


def _short(err: Exception) -> str:
    return (str(err).strip().splitlines() or [type(err).__name__])[0][:120]


def licence(path: pathlib.Path) -> str:
    """What the head of a folder's README.md says of the licence, as Hugging Face has it; "" where it does not."""
    readme = path / "README.md"
    if not readme.is_file():
        return ""
    head = re.match(r"---\n(.*?)\n---", readme.read_text(encoding="utf-8", errors="replace"), re.DOTALL)
    said = re.search(r"^license:\s*['\"]?([\w .+-]{1,60})", head[1], re.MULTILINE) if head else None
    return said[1].strip() if said else ""


def fill(module: torch.nn.Module, state: State, what: str, spare: tuple[str, ...] = ()) -> torch.nn.Module:
    """Puts all of state into module, which must want just that and may want spare, and sets it to evaluation."""
    try:
        missing, unexpected = module.load_state_dict(state, strict=False)
    except RuntimeError as err:
        raise ExportError(f"the weights do not have the shapes of {what}: {_short_shapes(err)}") from err
    missing = [key for key in missing if not key.endswith("num_batches_tracked") and key not in spare]
    if missing or unexpected:
        raise ExportError(f"the weights are not those of {what}: {_some('missing', missing)}{_some('not known', unexpected)}".rstrip("; "))
    return module.float().eval().requires_grad_(False)


def _short_shapes(err: Exception) -> str:
    return " ".join(str(err).splitlines()[1:2]).strip()[:200]


def _some(what: str, keys: list[str]) -> str:
    more = f" and {len(keys) - 3} more" if len(keys) > 3 else ""
    return f"{what} {', '.join(keys[:3])}{more}; " if keys else ""
