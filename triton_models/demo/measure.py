"""Measures the program itself on a folder of Grocery layout: pictures per second, precision and time per query.

    python triton_models/demo/measure.py --data DIR [--part train] [--program bin/clipseek] [--model MODEL]

Indexes DIR/PART into a new data folder, serves it on a free port and asks plain queries over HTTP, one after the other; a
model with templates (text.prompts) is asked with them and without.
Needs Python alone; the queries are the class names of DIR/classes.csv.
"""

import argparse
import json
import pathlib
import re
import statistics
import subprocess
import tempfile
import time
import urllib.request

TOP = 16
TEMPLATES = ("{}", "a photo of {}")
ABSENT = ("a car", "a bridge", "a dog", "a laptop", "a mountain", "an aeroplane", "a church", "汽车", "桥", "狗")


def spelt(name):
    return name.replace("-", " ").lower()


def wanted(data, part):
    """{query group: {query: set of paths that answer it}} of a part of the data folder."""
    names = {}
    for line in (data / "classes.csv").read_text(encoding="utf-8").splitlines()[1:]:
        fine, number, coarse, *_ = line.split(",")
        names[int(number)] = (spelt(fine), spelt(coarse))
    groups = {"fine": {}, "coarse": {}}
    for line in (data / f"{part}.txt").read_text(encoding="utf-8").splitlines():
        path, fine, _ = line.split(", ")
        for group, name in zip(groups.values(), names[int(fine)]):
            group.setdefault(name, set()).add(str(data / path))
    return groups


def ingest(program, folder, model, pictures):
    done = subprocess.run([program, "ingest", "--data", folder, "--model", model, "--json", pictures], stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)


class Service:
    """The program serving a data folder, ended by its own id."""

    def __init__(self, program, folder, model):
        command = [program, "serve", "--data", folder, "--model", model, "--listen", "127.0.0.1:0"]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        self.url = re.search(r"http://\S+", self.process.stderr.readline())[0]
        with urllib.request.urlopen(f"{self.url}/v1/info") as info:
            self.templates = json.load(info)["model"]["prompts"]

    def search(self, text, prompts=False):
        """(hits, milliseconds as the client sees them, milliseconds by step as the service says)."""
        body = json.dumps({"text": text, "limit": TOP, "prompts": prompts}).encode()
        request = urllib.request.Request(f"{self.url}/v1/collections/text_image_vector/search", body, {"Content-Type": "application/json"})
        start = time.perf_counter()
        with urllib.request.urlopen(request) as answer:
            found = json.load(answer)
        return found["hits"], (time.perf_counter() - start) * 1000, found["took_ms"]

    def close(self):
        self.process.terminate()
        self.process.wait()


def precision(hits, relevant):
    """Precision among the best 16, or among as many as there are to be found."""
    top = min(TOP, len(relevant))
    return sum(hit["path"] in relevant for hit in hits[:top]) / top


def report(service, groups):
    times, steps, best = [], [], []
    for group, queries in groups.items():
        ways = [(template, False) for template in TEMPLATES] + ([("{}", True)] if service.templates else [])
        for template, prompts in ways:
            scores = []
            for name, relevant in queries.items():
                hits, took, by_step = service.search(template.format(name), prompts)
                scores.append(precision(hits, relevant))
                times.append(took)
                steps.append(by_step)
                best.append((hits[0]["score"], template.format(name)))
            way = f"{len(service.templates)} templates" if prompts else template
            print(f"{group:7} {way:15} precision@{TOP} {statistics.mean(scores):.3f} over {len(scores)} classes")
    absent = max((service.search(text)[0][0]["score"], text) for text in ABSENT)
    print(f"lowest best hit of what is there: {min(best)}; highest of what is not: {absent}")
    times.sort()
    print(f"{len(times)} queries: p50 {statistics.median(times):.1f} ms, p95 {times[len(times) * 95 // 100]:.1f} ms at the client")
    for step in steps[0]:
        print(f"  {step}: p50 {statistics.median(one[step] for one in steps):.2f} ms")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, type=pathlib.Path)
    parser.add_argument("--part", default="train", help="train or val")
    parser.add_argument("--program", default="bin/clipseek")
    parser.add_argument("--model", default="clipseek-demo", help="name or directory")
    options = parser.parse_args()
    data = options.data.resolve()
    with tempfile.TemporaryDirectory() as folder:
        done = ingest(options.program, folder, options.model, str(data / options.part))
        print(f"{done['indexed']} pictures indexed in {done['seconds']} s: {done['pictures_per_second']} pictures/s, {done['failed']} failed")
        service = Service(options.program, folder, options.model)
        try:
            report(service, wanted(data, options.part))
        finally:
            service.close()


if __name__ == "__main__":
    main()
