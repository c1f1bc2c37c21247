"""Builds models with random weights through the reference packages, and embeds with them.

    reference.py build KIND FILE           writes the weights in the original's own format
    reference.py embed KIND FILE OUT.json  {"texts": [...], "images": [...]} on the standard input -> rows of the reference

KIND is clip:RN50, clip-archive:ViT-B/32, chinese:ViT-B-16, openclip:ViT-B-32,
openclip-folder:ViT-H-14:3, hf-clip, hf-chinese, hf-siglip, resnet50 ...
A number of layers behind a last colon (openclip:ViT-H-14:4) shrinks both towers' depth.
"""

import contextlib
import json
import pathlib
import sys

import torch
from PIL import Image, ImageOps

def shake(model):
    """Random weights that say something: no layer is left at zero, and statistics of batch norms are not those of nothing."""
    torch.manual_seed(11)
    for name, value in model.named_parameters():
        if value.dim() > 1:
            torch.nn.init.normal_(value, std=min(0.05, value[0].numel() ** -0.5))
        elif name.endswith("weight"):
            torch.nn.init.uniform_(value, 0.7, 1.3)
        else:
            torch.nn.init.normal_(value, std=0.02)
    for name, value in model.named_buffers():
        if name.endswith("running_mean"):
            value.normal_(std=0.05)
        if name.endswith("running_var"):
            value.uniform_(0.8, 1.2)
    return model.eval()


def clip_model(name, layers):
    """openai/CLIP at full size; layers shrinks the ViT's and the text's depth."""
    from clip.model import CLIP

    vision = {"RN50": (1024, 224, (3, 4, 6, 3), 64, None), "ViT-B/32": (512, 224, 12, 768, 32), "ViT-B/16": (512, 224, 12, 768, 16),
              "ViT-L/14": (768, 224, 24, 1024, 14), "ViT-L/14@336px": (768, 336, 24, 1024, 14)}[name]
    embed, size, depth, width, patch = vision
    text_width = 768 if width == 1024 else 512
    return shake(CLIP(embed, size, layers or depth, width, patch, 77, 49408, text_width, text_width // 64, layers or 12))


def chinese_model(name, layers):
    from cn_clip.clip import model as cn

    folder = pathlib.Path(cn.__file__).with_name("model_configs")
    text = {"RN50": "RBT3-chinese", "ViT-H-14": "RoBERTa-wwm-ext-large-chinese"}.get(name, "RoBERTa-wwm-ext-base-chinese")
    config = {**json.loads((folder / f"{name}.json").read_text()), **json.loads((folder / f"{text}.json").read_text())}
    if isinstance(config["vision_layers"], str):
        config["vision_layers"] = json.loads(config["vision_layers"])
    if layers:
        config["vision_layers"], config["text_num_hidden_layers"] = layers, layers
    return shake(cn.CLIP(**config))


def openclip_config(name, layers):
    import open_clip

    config = open_clip.get_model_config(name)
    if layers:
        config["vision_cfg"]["layers"] = config["text_cfg"]["layers"] = layers
    return config


def openclip_model(name, layers):
    import open_clip

    config = openclip_config(name, layers)
    return shake(open_clip.create_model(name, pretrained=None, vision_cfg=config["vision_cfg"], text_cfg=config["text_cfg"]))


def hf_model(kind):
    import transformers

    if kind == "hf-clip":
        return shake(transformers.CLIPModel(transformers.CLIPConfig(projection_dim=512)))
    if kind == "hf-chinese":
        config = transformers.ChineseCLIPConfig(projection_dim=512)
        config.text_config.vocab_size = 21128
        return shake(transformers.ChineseCLIPModel(config))
    return shake(transformers.SiglipModel(transformers.SiglipConfig(text_config={"vocab_size": PIECES, "max_position_embeddings": 64})))


def hf_processor(kind):
    import transformers

    square = {"height": 224, "width": 224}
    if kind == "hf-clip":
        return transformers.CLIPImageProcessorPil()
    if kind == "hf-chinese":
        return transformers.ChineseCLIPImageProcessorPil(size=square, do_center_crop=False)
    return transformers.SiglipImageProcessorPil(size=square)


PIECES = 128  # in SigLIP's vocabulary, whose own table is not to be had


def hf_tokenizer(path):
    """A SentencePiece table with SigLIP's special ids, learnt from the captions of the sample pictures."""
    import sentencepiece

    captions = pathlib.Path(__file__).resolve().parents[2] / "samples" / "captions.jsonl"
    lines = path / "captions.txt"
    lines.write_text("\n".join(json.dumps(json.loads(line), ensure_ascii=False) for line in captions.read_text().splitlines()))
    sentencepiece.SentencePieceTrainer.train(
        input=str(lines), model_prefix=str(path / "spiece"), vocab_size=PIECES, character_coverage=1.0, pad_id=0, eos_id=1, unk_id=2, bos_id=-1,
        minloglevel=2)
    lines.unlink()


def model(kind):
    family, _, name = kind.partition(":")
    name, _, layers = name.partition(":")
    layers = int(layers or 0)
    if family in ("clip", "clip-archive"):
        return clip_model(name, layers)
    if family == "chinese":
        return chinese_model(name, layers)
    if family in ("openclip", "openclip-folder"):
        return openclip_model(name, layers)
    if family.startswith("hf-"):
        return hf_model(family)
    from torchvision.models import resnet50

    return shake(resnet50(weights=None))


def build(kind, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    made = model(kind)
    if kind.startswith("clip-archive"):
        size = made.visual.input_resolution
        # What openai/CLIP's archives have beside the weights.
        for key, value in (("input_resolution", size), ("context_length", 77), ("vocab_size", 49408)):
            if hasattr(made, key):
                delattr(made, key)
            made.register_buffer(key, torch.tensor(value))
        traced = torch.jit.trace(made, (torch.zeros(1, 3, size, size), torch.ones(1, 77, dtype=torch.long)), check_trace=False)
        torch.jit.save(traced, path)
    elif kind.startswith("chinese"):
        state = {"module." + key: value.half() for key, value in made.state_dict().items()}
        torch.save({"epoch": 1, "step": 2, "name": "made", "state_dict": state}, path)
    elif kind.startswith("openclip-folder"):
        import safetensors.torch

        _, name, layers = kind.split(":")
        path.mkdir()
        safetensors.torch.save_file({key: value.contiguous() for key, value in made.state_dict().items()}, path / "open_clip_model.safetensors")
        (path / "open_clip_config.json").write_text(json.dumps({
            "model_cfg": openclip_config(name, int(layers)),
            "preprocess_cfg": {key: value for key, value in made.visual.preprocess_cfg.items() if key in ("mean", "std", "interpolation", "resize_mode")}}))
    elif kind.startswith("hf-"):
        made.save_pretrained(path)
        hf_processor(kind).save_pretrained(path)
        if kind == "hf-siglip":
            hf_tokenizer(path)
    else:
        torch.save(made.state_dict(), path)


def reload(kind, path):
    """The model with the weights of the file, as the reference would run it in FP32."""
    made = model(kind)
    if kind.startswith(("clip-archive", "hf-", "openclip-folder")):
        return made  # the seed is the same
    state = torch.load(path, weights_only=True)
    if kind.startswith("chinese"):
        state = {key.removeprefix("module."): value for key, value in state["state_dict"].items()}
    made.load_state_dict(state)
    return made.float().eval()


def preprocess(kind, made):
    if kind.startswith("clip"):
        from clip.clip import _transform

        return _transform(made.visual.input_resolution)
    if kind.startswith("chinese"):
        from cn_clip.clip import image_transform

        return image_transform(made.visual.input_resolution)
    if kind.startswith("openclip"):
        import open_clip

        return open_clip.transform.image_transform_v2(open_clip.transform.PreprocessCfg(**made.visual.preprocess_cfg), is_train=False)
    if kind.startswith("hf-"):
        processor = hf_processor(kind)
        return lambda picture: processor(picture, return_tensors="pt")["pixel_values"][0]
    from torchvision import transforms as t

    return t.Compose([t.Resize((224, 224), interpolation=t.InterpolationMode.BICUBIC), t.ToTensor(),
                      t.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))])


def tokenize(kind, path, texts):
    if kind == "hf-siglip":
        from transformers.models.siglip.tokenization_siglip import SiglipTokenizer

        return SiglipTokenizer(str(path / "spiece.model"), model_max_length=64)(texts, padding="max_length", truncation=True, return_tensors="pt")["input_ids"]
    if kind.startswith("chinese") or kind == "hf-chinese":
        from cn_clip.clip import tokenize as cn_tokenize

        return cn_tokenize(texts)
    if kind.startswith("openclip"):
        import open_clip

        return open_clip.get_tokenizer(kind.split(":")[1])(texts)
    import clip

    return clip.tokenize(texts)


def embed(kind, path, asked):
    made = reload(kind, path)
    prepare = preprocess(kind, made)
    pictures = []
    for name in asked["images"]:
        with Image.open(name) as picture:
            pictures.append(prepare(ImageOps.exif_transpose(picture)))
    pixels = torch.stack(pictures)
    rows = {}
    with torch.no_grad():
        if kind == "resnet50":
            made.fc = torch.nn.Identity()
            rows["images"] = made(pixels)
            return {key: value.tolist() for key, value in rows.items()}
        tokens = tokenize(kind, path, asked["texts"]) if asked["texts"] else None
        if kind.startswith("hf-"):
            rows["images"] = pooled(made.get_image_features(pixel_values=pixels))
            mask = (tokens != 0).long() if kind == "hf-chinese" else None
            rows["texts"] = pooled(made.get_text_features(input_ids=tokens, attention_mask=mask))
        else:
            rows["images"] = made.encode_image(pixels)
            rows["texts"] = made.encode_text(tokens)
    return {key: value.tolist() for key, value in rows.items()}


def pooled(value):
    return value if isinstance(value, torch.Tensor) else value.pooler_output


def main():
    action, kind, path = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
    with contextlib.redirect_stdout(sys.stderr):
        if action == "build":
            return build(kind, path)
        rows = embed(kind, path, json.load(sys.stdin))
    pathlib.Path(sys.argv[4]).write_text(json.dumps(rows))


if __name__ == "__main__":
    main()
