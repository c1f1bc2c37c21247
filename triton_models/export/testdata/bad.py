"""Writes files that must be refused: bad.py FOLDER. None may leave a file called `ran` beside itself when it is read."""

import os
import pathlib
import pickle
import sys
import zipfile

import torch

folder = pathlib.Path(sys.argv[1])


class Touch:
    """Unpickled, it makes a file."""

    def __init__(self, name):
        self.name = name

    def __reduce__(self):
        return os.system, (f"touch '{folder / 'ran'}'",)


class Call(Touch):
    """The same without a shell, through eval."""

    def __reduce__(self):
        return eval, (f"open({str(folder / 'ran')!r}, 'w').close()",)


torch.save({"visual.proj": Touch("a")}, folder / "malicious.pt")
torch.save({"state_dict": {"visual.proj": torch.zeros(2)}, "epoch": Call("b")}, folder / "malicious-checkpoint.pt")
torch.save({"visual.proj": Touch("c")}, folder / "malicious-old.pt", _use_new_zipfile_serialization=False)
with (folder / "bare.pkl").open("wb") as file:
    pickle.dump(Call("d"), file)
(folder / "malicious-folder").mkdir()
torch.save({"text_model.x": Touch("e")}, folder / "malicious-folder" / "pytorch_model.bin")
(folder / "malicious-folder" / "config.json").write_text('{"model_type": "clip"}')


class Small(torch.nn.Module):
    def forward(self, x):
        return x + 1


torch.jit.save(torch.jit.script(Small()), folder / "program.pt")
# An archive that calls itself TorchScript and holds a pickle of the other kind.
torch.save({"visual.proj": Touch("f")}, folder / "disguised.pt")
with zipfile.ZipFile(folder / "disguised.pt", "a") as archive:
    archive.writestr("disguised/constants.pkl", pickle.dumps(Call("g")))

torch.save({"a": torch.zeros(3)}, folder / "other.pt")
torch.save({}, folder / "nothing.pt")
torch.save([torch.zeros(3)], folder / "list.pt")
(folder / "text.pt").write_text("these are no weights\n")
(folder / "empty.pt").write_bytes(b"")
whole = (folder / "other.pt").read_bytes()
(folder / "cut.pt").write_bytes(whole[: len(whole) // 2])
(folder / "cut.safetensors").write_bytes(b"\x10\x00\x00\x00\x00\x00\x00\x00{")
(folder / "plain").mkdir()
(folder / "unknown").mkdir()
(folder / "unknown" / "config.json").write_text('{"model_type": "bert"}')
torch.save({"a": torch.zeros(3)}, folder / "unknown" / "pytorch_model.bin")
