"""Turns published weights into a model directory for clipseek.

    python export.py --weights FILE_OR_DIR [--arch NAME] --out DIR [--precision fp32|fp16|int8]

Exit code 0: DIR is a complete model directory. Exit code 1: one line on the standard error says what is wrong, and
there is no DIR.
"""

from __future__ import annotations

import argparse
import logging
import os
import pathlib
import shutil
import signal
import sys
import tempfile
import warnings

HERE = pathlib.Path(__file__).resolve().parent
PICTURES = 32  # that INT8's scales are chosen on


def options(arguments: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", required=True, type=pathlib.Path, help="file (.pt, .pth, .bin, .safetensors) or folder of weights")
    parser.add_argument("--arch", help="architecture, such as ViT-L/14@336px, chinese-clip-vit-b-16 or open_clip's ViT-H-14; "
                                       "may be left out where the weights tell")
    parser.add_argument("--out", required=True, type=pathlib.Path, help="model directory to write; must not be there yet")
    parser.add_argument("--precision", choices=("fp32", "fp16", "int8"), default="fp32")
    parser.add_argument("--trust", action="store_true", help="open a TorchScript archive that is none of OpenAI's: it is a program")
    parser.add_argument("--calibration", type=pathlib.Path, help="folder of pictures that INT8's scales are chosen on")
    return parser.parse_args(arguments)


def run(chosen: argparse.Namespace) -> None:
    """Writes the directory beside its place and moves it there when all is done."""
    import check
    import graph
    import package
    import read
    from model import ExportError

    out = chosen.out.absolute()
    if out.exists():
        raise ExportError(f"{chosen.out} is there already; name another --out or remove it")
    if chosen.calibration and not chosen.calibration.is_dir():
        raise ExportError(f"{chosen.calibration} is not a folder of pictures; correct --calibration")
    model = read.read(chosen.weights, chosen.arch, chosen.trust)
    if chosen.precision != "fp32":
        model.name += "-" + chosen.precision
    out.parent.mkdir(parents=True, exist_ok=True)
    work = pathlib.Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
    try:
        graph.write(model, work)
        agreement = check.compare(model, work)
        if chosen.precision != "fp32":
            agreement = reduce(model, work, chosen)
        package.write(model, work, chosen.precision)
        work.chmod(0o755)
        os.rename(work, out)
    except BaseException:
        shutil.rmtree(work, ignore_errors=True)
        raise
    told = ", ".join(f"{tower} {cosine:.6f}" for tower, cosine in agreement.items())
    print(f"{chosen.out}: {model.title}, {chosen.precision}; least cosine to PyTorch: {told}")


def reduce(model: object, work: pathlib.Path, chosen: argparse.Namespace) -> dict[str, float]:
    """Makes FP16 or INT8 of the FP32 files in place, and compares them with PyTorch."""
    import check
    import pictures
    import precision

    pixels = pictures.batch(chosen.calibration, model, PICTURES)
    tokens = [model.tokens([text]) for text in check.texts(model)] if model.text is not None else []
    precision.convert(work, chosen.precision, pixels, tokens)
    return check.compare(model, work, {"fp16": 0.999, "int8": 0.99}[chosen.precision])


def main() -> int:
    chosen = options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that nothing half done is left
    if not sys.flags.dev_mode:  # what the packages tell each other is nothing for the person who calls this
        logging.disable(logging.ERROR)
        warnings.simplefilter("ignore")
    sys.path.insert(0, str(HERE))
    try:
        from model import ExportError
    except ImportError as err:
        print(f"export: the Python package {err.name} is missing; install what requirements.txt lists", file=sys.stderr)
        return 1
    try:
        run(chosen)
    except ExportError as err:
        print(f"export: {' '.join(str(err).split())}", file=sys.stderr)
        return 1
    except ImportError as err:
        print(f"export: the Python package {err.name} is missing; install what requirements.txt lists", file=sys.stderr)
        return 1
    except OSError as err:
        print(f"export: {err.filename or chosen.out}: {err.strerror or err}", file=sys.stderr)
        return 1
    except MemoryError:
        print("export: there is not enough memory for this model", file=sys.stderr)
        return 1
    except Exception as err:  # a fault of this program; python -X dev shows where
        if sys.flags.dev_mode:
            raise
        print(f"export: {type(err).__name__}: {' '.join(str(err).split())[:300]}; please report it", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
