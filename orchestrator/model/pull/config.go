package pull

import (
	"errors"
	"net/url"
	"strings"
	"time"

	"clipseek/orchestrator/fault"
)

// Config says how hubs are reached and how their weights are exported.
type Config struct {
	Offline   bool          `koanf:"offline"`             // fetch nothing
	Mirrors   []string      `koanf:"mirrors"`             // FROM=TO: addresses that begin with FROM are fetched from TO
	Token     string        `koanf:"token" secret:"true"` // sent to huggingface.co, or to its mirror
	Catalogue string        `koanf:"catalogue"`           // a file of further models, in the layout of the built-in catalogue
	Python    string        `koanf:"python"`              // runs the export of weights
	Connect   time.Duration `koanf:"connect"`             // for a connection, and for the first bytes of an answer
	Stall     time.Duration `koanf:"stall"`               // a download that stands still for so long is begun again where it stood
	Retry     Retry         `koanf:"retry"`
}

// Retry bounds how a download is repeated. Tries that got further than all before them do not count.
type Retry struct {
	Tries int           `koanf:"tries"` // in a row without a byte
	Base  time.Duration `koanf:"base"`  // the first wait is a random part of this, each further one of twice the last
	Most  time.Duration `koanf:"most"`  // no wait is longer; a server that asks for more ends the pull
}

// Default is the public hubs, as the environment's proxies reach them.
func Default() Config {
	return Config{
		Python: "python3", Connect: 30 * time.Second, Stall: time.Minute,
		Retry: Retry{Tries: 6, Base: time.Second, Most: time.Minute},
	}
}

// Validate reports every fault.
func (c Config) Validate() error {
	all := []error{
		fault.Within("connect", c.Connect, time.Millisecond, time.Hour, "30s"),
		fault.Within("stall", c.Stall, time.Millisecond, time.Hour, "1m"),
	}
	if c.Python == "" {
		all = append(all, fault.Invalid("python must name a program, for example python3"))
	}
	if strings.ContainsAny(c.Token, "\r\n") {
		all = append(all, fault.Invalid("token must be one line"))
	}
	_, err := c.mirrors()
	return errors.Join(append(all, err)...)
}

// Validate reports every fault.
func (r Retry) Validate() error {
	return errors.Join(
		fault.Between("tries", r.Tries, 1, 100, 6),
		fault.Within("base", r.Base, time.Microsecond, time.Minute, "1s"),
		fault.Within("most", r.Most, r.Base, time.Hour, "1m"),
	)
}

// mirror has addresses that begin with from fetched from to.
type mirror struct{ from, to string }

func (c Config) mirrors() ([]mirror, error) {
	var all []mirror
	var wrong []error
	for _, text := range c.Mirrors {
		from, to, ok := strings.Cut(text, "=")
		m := mirror{strings.TrimRight(from, "/"), strings.TrimRight(to, "/")}
		if !ok || !isBase(m.from) || !isBase(m.to) {
			wrong = append(wrong, fault.Invalid("mirrors: %q must be FROM=TO, two web addresses, for example https://huggingface.co=https://mirror.example", withoutUser(text)))
			continue
		}
		all = append(all, m)
	}
	return all, errors.Join(wrong...)
}

func isBase(address string) bool {
	u, err := url.Parse(address)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && u.User == nil && u.RawQuery == "" && u.Fragment == ""
}

// withoutUser hides what stands before an @, which may be a password.
func withoutUser(text string) string {
	if at := strings.LastIndex(text, "@"); at >= 0 {
		return "..." + text[at:]
	}
	return text
}

// hub is the address whose token Config.Token is.
const hub = "https://huggingface.co"

// locate gives the address to fetch from in place of the published one, and whether the token belongs there.
func locate(mirrors []mirror, published string) (address string, token bool) {
	token = under(published, hub)
	for _, m := range mirrors {
		if under(published, m.from) {
			return m.to + strings.TrimPrefix(published, m.from), token
		}
	}
	return published, token
}

// under reports whether an address is base or lies below it.
func under(address, base string) bool {
	rest, ok := strings.CutPrefix(address, base)
	return ok && (rest == "" || rest[0] == '/' || rest[0] == '?')
}
