package repository

import (
	"fmt"
	"path"
	"strings"
)

// release is the Triton whose documentation the configurations were written by; images and TensorRT carry its name.
const release = "26.07"

// cacheBytes holds some 20,000 answers of 768 numbers.
const cacheBytes = 64 << 20

// Start is how a variant is started.
type Start struct {
	Name      string   `json:"name"` // for --model-config-name
	Title     string   `json:"title"`
	Default   bool     `json:"default"`           // what a Triton without --model-config-name takes
	Prepare   []string `json:"prepare,omitempty"` // commands that must have run once, on the target machine
	Container string   `json:"container"`         // command that runs NVIDIA's image
	Process   string   `json:"process"`           // command that runs a tritonserver of this machine
}

// starts are the commands for the repository dir. Ports are of the loopback interface: Triton asks nobody who they are.
func starts(dir string, towers []tower, opts Options) []Start {
	var all []Start
	for i, v := range variants {
		s := Start{Name: v.Name, Title: v.Title, Default: i == 0}
		docker := []string{"docker run --rm -p 127.0.0.1:8001:8001 -p 127.0.0.1:8002:8002"}
		if v.GPU {
			docker = append(docker, "--gpus all")
		}
		docker = append(docker, "-v "+quote(dir)+":/models:ro")
		image := "nvcr.io/nvidia/tritonserver:" + release + "-py3"
		args := arguments(v, towers)
		switch {
		case v.Name == "onnx-tensorrt":
			docker = append(docker, "-v clipseek-engines:"+opts.EngineCache)
			s.Prepare = []string{"mkdir -p " + quote(opts.EngineCache) + "  # without a container; one has the volume clipseek-engines"}
		case v.Plan:
			s.Prepare = plans(dir, v, towers, opts)
		case v.Backend == "python":
			docker = append(docker, "--shm-size 1g") // requests reach the Python process through /dev/shm
			s.Container = strings.Join(append(docker, image, "sh -c 'pip install onnxruntime && exec tritonserver --model-repository=/models "+args+"'"), " ")
			s.Prepare = []string{"pip install onnxruntime numpy  # for the Python that tritonserver uses; a container installs it by itself"}
		}
		if s.Container == "" {
			s.Container = strings.Join(append(docker, image, "tritonserver --model-repository=/models", args), " ")
		}
		s.Process = "tritonserver --grpc-address=127.0.0.1 --http-address=127.0.0.1 --model-repository=" + quote(dir) + " " + args
		all = append(all, s)
	}
	return all
}

func arguments(v variant, towers []tower) string {
	args := []string{"--model-config-name=" + v.Name, "--model-control-mode=explicit"}
	for _, t := range towers {
		args = append(args, "--load-model="+t.model)
	}
	args = append(args, fmt.Sprintf("--cache-config=local,size=%d", cacheBytes))
	if v.Name == "onnx-cpu" {
		args = append(args, "--backend-config=onnxruntime,enable-global-threadpool=1") // else every session has a pool of all cores
	}
	return strings.Join(args, " ")
}

// plans are the commands that build the plans. They name them by the GPU's compute capability, as cc_model_filenames does,
// and run in the TensorRT that Triton's image of the same release has.
func plans(dir string, v variant, towers []tower, opts Options) []string {
	const capability = "$(nvidia-smi --query-gpu=compute_cap --format=csv,noheader --id=0)"
	var commands []string
	for _, t := range towers {
		p := newSetting(t, v, opts).Profile()
		folder := path.Join("/models", t.model, version)
		commands = append(commands, fmt.Sprintf("docker run --rm --gpus all -v %s:/models nvcr.io/nvidia/tensorrt:%s-py3 "+
			"sh -c 'trtexec --onnx=%[3]s/model.onnx --saveEngine=%[3]s/model-%[4]s.plan --fp16 --minShapes=%[5]s --optShapes=%[6]s --maxShapes=%[7]s'",
			quote(dir), release, folder, capability, p.Min, p.Opt, p.Max))
	}
	return commands
}

// quote makes a shell take a path as it is.
func quote(word string) string {
	if strings.IndexFunc(word, func(r rune) bool {
		return !strings.ContainsRune("/._-+,:@%=", r) && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	}) < 0 && word != "" {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
