// Package export carries the Python programs that turn published weights into a model directory.
//
// They run outside this program: `clipseek model pull` writes them to a folder and starts export.py with Python. See
// README.md, or `python export.py --help`.
package export

import "embed"

// Program is the file of Programs that is started, as
//
//	python export.py --weights FILE_OR_DIR --arch NAME --out DIR [--precision fp32|fp16|int8]
//
// It exits with 0 when DIR is a complete model directory, and says on standard error what is wrong otherwise.
const Program = "export.py"

// Requirements is the file of Programs that lists the Python packages they need.
const Requirements = "requirements.txt"

// Programs are the Python files with their requirements.
//
//go:embed *.py requirements.txt
var Programs embed.FS
