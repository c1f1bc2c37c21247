package milvus

import (
	"encoding/json"
	"errors"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/milvus-io/milvus-sdk-go/v2/entity"

	"clipseek/orchestrator/fault"
)

// IndexConfig is the search structure that collections are given.
type IndexConfig struct {
	// FLAT, IVF_FLAT, IVF_SQ8, IVF_PQ, SCANN, HNSW, DISKANN, GPU_IVF_FLAT, GPU_IVF_PQ, GPU_CAGRA, GPU_BRUTE_FORCE or AUTOINDEX
	Type   string   `koanf:"type"`
	Metric string   `koanf:"metric"` // IP, COSINE or L2
	Params []string `koanf:"params"` // what it is built with, such as nlist=1024; what is left out is the type's default
	Search []string `koanf:"search"` // what it is searched with, such as nprobe=64
}

// The metrics of float vectors. Of unit vectors the cosine is the inner product, and the squared distance L2 is 2 less
// twice the inner product, so that each gives the same order and the same scores.
const (
	innerProduct = entity.IP
	cosine       = entity.COSINE
	distance     = entity.L2
)

// param is a parameter of a search structure: a number from least to most, or one of words.
type param struct {
	name        string
	least, most int
	words       []string
	value       string // the default; empty is none: the configuration must give the parameter, or the server has its own
	required    bool
	example     string // of one that has no default

	atLeastHits bool // raised to the number of hits that are asked for, which the server needs
}

// kind is a type of search structure.
type kind struct {
	name   string
	build  []param
	search []param
}

// kinds are Milvus' types for float vectors, with the ranges of its documentation, version by version the widest. What
// one server lacks or bounds more tightly, it says itself when the structure is built.
func kinds() []kind {
	number := func(name string, least, most int, value string) param {
		return param{name: name, least: least, most: most, value: value}
	}
	counted := func(name, value string) param { return number(name, 1, math.MaxInt32, value) }
	forHits := func(name, value string) param {
		p := counted(name, value)
		p.atLeastHits = true
		return p
	}
	nlist, nprobe, nbits := number("nlist", 1, 65_536, "1024"), number("nprobe", 1, 65_536, "64"), number("nbits", 1, 64, "8")
	m := param{name: "m", least: 1, most: 32_768, required: true, example: "96"}
	keepVectors := param{name: "with_raw_data", words: []string{"true", "false"}}
	cache := param{name: "cache_dataset_on_device", words: []string{"true", "false"}}
	return []kind{
		{name: "FLAT"},
		{name: "IVF_FLAT", build: []param{nlist}, search: []param{nprobe}},
		{name: "IVF_SQ8", build: []param{nlist}, search: []param{nprobe}},
		{name: "IVF_PQ", build: []param{nlist, m, nbits}, search: []param{nprobe}},
		{name: "SCANN", build: []param{nlist, keepVectors}, search: []param{nprobe, forHits("reorder_k", "200")}},
		{name: "HNSW", build: []param{number("M", 2, 2048, "16"), counted("efConstruction", "200")}, search: []param{forHits("ef", "64")}},
		{name: "DISKANN", search: []param{forHits("search_list", "100")}},
		{name: "GPU_IVF_FLAT", build: []param{nlist, cache}, search: []param{nprobe}},
		{name: "GPU_IVF_PQ", build: []param{nlist, m, nbits, cache}, search: []param{nprobe}},
		{
			name: "GPU_CAGRA",
			build: []param{number("intermediate_graph_degree", 1, 1024, "128"), number("graph_degree", 1, 1024, "64"),
				{name: "build_algo", words: []string{"IVF_PQ", "NN_DESCENT"}}, cache},
			search: []param{forHits("itopk_size", "128"), counted("search_width", ""), counted("min_iterations", ""), counted("max_iterations", ""),
				{name: "team_size", words: []string{"2", "4", "8", "16", "32"}}},
		},
		{name: "GPU_BRUTE_FORCE"},
		{name: "AUTOINDEX"},
	}
}

func kindOf(name string) (kind, bool) {
	all := kinds()
	i := slices.IndexFunc(all, func(k kind) bool { return k.name == name })
	if i < 0 {
		return kind{}, false
	}
	return all[i], true
}

// Validate reports every fault. What depends on a collection's width is checked when one is made.
func (c IndexConfig) Validate() error {
	var all []error
	switch entity.MetricType(c.Metric) {
	case innerProduct, cosine, distance:
	default:
		all = append(all, fault.Invalid("metric = %q must be IP, COSINE or L2", c.Metric))
	}
	k, ok := kindOf(c.Type)
	if !ok {
		var names []string
		for _, k := range kinds() {
			names = append(names, k.name)
		}
		return errors.Join(append(all, fault.Invalid("type = %q must be one of %s", c.Type, strings.Join(names, ", ")))...)
	}
	build, buildErr := k.values("params", k.build, c.Params)
	_, searchErr := k.values("search", k.search, c.Search)
	return errors.Join(append(all, buildErr, searchErr, c.agrees(build))...)
}

// agrees refuses parameters that exclude one another. What is no number has been reported.
func (c IndexConfig) agrees(build map[string]string) error {
	number := func(text string) int { n, _ := strconv.Atoi(strings.TrimSpace(text)); return n }
	var all []error
	for _, text := range c.Search {
		name, value, _ := strings.Cut(text, "=")
		if lists := number(build["nlist"]); strings.TrimSpace(name) == "nprobe" && lists > 0 && number(value) > lists {
			all = append(all, fault.Invalid("search has nprobe = %d, and there are nlist = %d lists to look into", number(value), lists))
		}
	}
	if degree, most := number(build["graph_degree"]), number(build["intermediate_graph_degree"]); degree > most {
		all = append(all, fault.Invalid("params has graph_degree = %d, and only intermediate_graph_degree = %d to choose from", degree, most))
	}
	return errors.Join(all...)
}

// values are the parameters that given sets, with the defaults of the others.
func (k kind) values(key string, params []param, given []string) (map[string]string, error) {
	values := map[string]string{}
	var all []error
	for _, text := range given {
		name, value, ok := strings.Cut(text, "=")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		i := slices.IndexFunc(params, func(p param) bool { return p.name == name })
		_, twice := values[name]
		switch {
		case !ok:
			all = append(all, fault.Invalid("%s has %q; each must be name=value, %s", key, text, takes(k.name, params)))
		case i < 0:
			all = append(all, fault.Invalid("%s has %s, which %s has not; %s", key, name, k.name, takes(k.name, params)))
		case twice:
			all = append(all, fault.Invalid("%s has %s twice", key, name))
		default:
			all = append(all, params[i].check(key, value))
		}
		values[name] = value
	}
	for _, p := range params {
		if _, ok := values[p.name]; ok {
			continue
		}
		if p.required {
			all = append(all, fault.Invalid("%s needs %s, which %s cannot be without; %s, for example %[2]s=%[5]s", key, p.name, k.name, p.rule(), p.example))
		}
		if p.value != "" {
			values[p.name] = p.value
		}
	}
	return values, errors.Join(all...)
}

func (p param) check(key, value string) error {
	if p.words != nil {
		if slices.Contains(p.words, value) {
			return nil
		}
	} else if n, err := strconv.Atoi(value); err == nil && p.least <= n && n <= p.most {
		return nil
	}
	return fault.Invalid("%s has %s = %q; %s, for example %s", key, p.name, value, p.rule(), p.sample())
}

func (p param) rule() string {
	if p.words != nil {
		return "it must be one of " + strings.Join(p.words, ", ")
	}
	return "it must be " + strconv.Itoa(p.least) + " to " + strconv.Itoa(p.most)
}

func (p param) sample() string {
	switch {
	case p.value != "":
		return p.value
	case p.example != "":
		return p.example
	case p.words != nil:
		return p.words[0]
	}
	return strconv.Itoa(p.least)
}

func takes(kind string, params []param) string {
	if len(params) == 0 {
		return kind + " takes none"
	}
	var names []string
	for _, p := range params {
		names = append(names, p.name+"="+p.sample())
	}
	return "for example " + strings.Join(names, ", ")
}

// fits refuses a structure that vectors of this width cannot have.
func (c IndexConfig) fits(width int) error {
	k, _ := kindOf(c.Type)
	values, err := k.values("params", k.build, c.Params)
	if err != nil {
		return err
	}
	if m, err := strconv.Atoi(values["m"]); err == nil && width%m != 0 {
		return fault.Invalid("index.params has m = %d, which must divide the width of the vectors, %d", m, width)
	}
	return nil
}

// definition is the structure as the server is asked for it.
func (c IndexConfig) definition() (entity.Index, error) {
	k, _ := kindOf(c.Type)
	values, err := k.values("params", k.build, c.Params)
	if err != nil {
		return nil, err
	}
	params, err := json.Marshal(values)
	if err != nil {
		return nil, fault.Internal("the parameters of %s are not JSON", c.Type).Because(err)
	}
	return entity.NewGenericIndex("", entity.IndexType(c.Type), map[string]string{"metric_type": c.Metric, "params": string(params)}), nil
}

// tuning is how a collection's structure is searched: its own type's parameters, whatever type the configuration has.
type tuning struct {
	params []param
	values map[string]int
	lists  int // of a structure that searches some of so many lists; 0 for others
}

// tuned takes the configured parameters where the structure is of the configured type, and the type's defaults otherwise.
func (c IndexConfig) tuned(built builtIndex) tuning {
	k, _ := kindOf(built.kind) // one that is not known is searched with the server's defaults
	given := c.Search
	if built.kind != c.Type {
		given = nil
	}
	texts, _ := k.values("search", k.search, given) // checked with the configuration
	t := tuning{params: k.search, values: map[string]int{}}
	for name, text := range texts {
		t.values[name], _ = strconv.Atoi(text) // every search parameter is a number
	}
	if _, ok := t.values["nprobe"]; ok {
		t.lists, _ = strconv.Atoi(built.params["nlist"])
	}
	return t
}

// isPartial reports whether a search looks into a part of the lists only.
func (t tuning) isPartial() bool { return t.values["nprobe"] < t.lists }

// whole looks into every list.
func (t tuning) whole() tuning {
	t.values = maps.Clone(t.values)
	t.values["nprobe"] = t.lists
	return t
}

// forHits are the parameters of a search for so many hits.
func (t tuning) forHits(n int) searchParams {
	out := searchParams{}
	for _, p := range t.params {
		value, ok := t.values[p.name]
		if p.atLeastHits {
			value = max(value, n)
		}
		if ok {
			out[p.name] = value
		}
	}
	if t.lists > 0 { // more lists than there are is an error to some servers
		out["nprobe"] = min(t.values["nprobe"], t.lists)
	}
	return out
}

// searchParams is entity.SearchParam for any type.
type searchParams map[string]any

// Params is a map that the client adds to.
func (p searchParams) Params() map[string]any { return p }

// AddRadius and AddRangeFilter are for searches by distance, of which there are none here.
func (p searchParams) AddRadius(float64)      {}
func (p searchParams) AddRangeFilter(float64) {}
