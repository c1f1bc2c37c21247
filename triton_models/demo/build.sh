#!/bin/sh
# Repeats the demo model from a folder of Grocery layout: build.sh DATA_DIR
# Renders, trains, exports and evaluates. Intermediate files are kept in WORK
# (default: a folder below the user's cache) and are not made again; remove the
# folder to start from nothing.
set -eu

if [ $# -ne 1 ] || [ ! -f "$1/train.txt" ]; then
	echo "usage: build.sh DATA_DIR, where DATA_DIR holds train.txt, val.txt, classes.csv, train/, val/ and iconic/" >&2
	exit 2
fi
data=$(cd "$1" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
work=${WORK:-${XDG_CACHE_HOME:-$HOME/.cache}/clipseek-demo}
model=${MODEL:-$root/orchestrator/model/demo}
mkdir -p "$work"

if [ ! -x "$work/venv/bin/python" ]; then
	python3 -m venv "$work/venv"
	"$work/venv/bin/pip" install --quiet --requirement "$here/requirements.txt"
fi
python="$work/venv/bin/python"

# Training renders grow from other seeds than the committed sample pictures.
if [ ! -f "$work/renders/captions.jsonl" ]; then
	(cd "$root" && go run ./triton_models/samples/render -fast -seed 9001 -count 24 -out "$work/renders")
fi

cd "$here"
[ -f "$work/image.pt" ] || "$python" train_image.py --data "$data" --renders "$work/renders" --out "$work"
[ -f "$work/words.pt" ] || "$python" train_words.py --data "$data" --out "$work"
[ -f "$work/model.pt" ] || "$python" train_text.py --data "$data" --renders "$work/renders" --out "$work"
"$python" package.py --work "$work" --renders "$work/renders" --out "$model"
"$python" evaluate.py --model "$model" --data "$data" --samples "$root/triton_models/samples"
