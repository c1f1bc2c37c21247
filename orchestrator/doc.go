// Package orchestrator is the map of clipseek's Go code; it holds no code itself.
//
//	fault        kinds of failure, and what a user may be told
//	config       fills a configuration struct from file, environment and flags
//	clock        waiting, and how long servers ask for it
//	disk         files that are written whole or not at all
//	nearest      the word that was probably meant
//	tlsclient    TLS towards servers
//	model        what a model is: its directory, card and reference values; the built-in demo model; modeltest gives it to tests and writes small ones
//	model/catalogue  published models, and where their files are
//	model/pull       fetches one of them
//	tokenizer    text to token ids; tokenizer/ftfy repairs text first
//	half         16-bit floating point
//	imageprep    picture bytes to tensor, exactly as the Python reference
//	encoder      the contract for running a model; Lanes, SelfTest and Proof; encodertest is its suite
//	encoder/onnx     ONNX Runtime in process
//	encoder/triton   NVIDIA Triton over gRPC; tritonpb is its protocol, generated
//	index        the contract of a vector index, records and filters; index/filter reads filters; indextest is its suite
//	index/local      SQLite and an exact scan in memory
//	index/milvus     Milvus, a server
//	source       where pictures come from: the contract, folders and patterns; source/line reads lines; sourcetest is its suite
//	source/archive   zip, tar and WebDataset shards
//	source/web       lists of URLs, and the HTTP client that keeps to limits and the public internet
//	source/object    objects of a store
//	source/upload    what people send over HTTP, kept in a folder
//	source/table     CSV, JSON Lines and Parquet
//	bucket       object stores: S3, Google's, Azure's, or a folder; buckettest runs tests on real servers of each
//	bucket/google    the driver for Google Cloud Storage
//	bucket/azure     the driver for Azure Blob Storage
//	bucket/whole     what both drivers have in common
//	thumbnail    small copies of pictures, kept in a folder or an object store
//	ingest       read, prepare, encode, upsert
//	search       the one query path
//	removal      takes out of a collection what somebody names and what has gone
//	duplicates   pictures that are the same or nearly so
//	jobs         whole sources into collections, durably, by any number of processes
//	jobs/natsd       the NATS server that the processes of a data folder share
//	follow       folders that a collection is kept like
//	httpapi      routes, wire types, errors to statuses, who may ask
//	webui        the page
//	telemetry    what the program tells about itself
//	app          the composition root: the only package that imports implementations
//
// Imports point one way: cmd -> app -> httpapi -> jobs, follow -> search, ingest, removal -> contracts -> fault, model. An implementation
// imports its contract and never a sibling. The linter's depguard rules (.golangci.yml) hold everyone to it.
package orchestrator
